"""`gatewayctl` without a verb: one request after the other, with completion of verbs, options, locks and codes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import override

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory

from gateway.model.events import Fact
from gateway.shell import render
from gateway.shell.catalogue import CATALOGUE
from gateway.shell.client import (
    EXIT_DONE,
    Daemon,
    DaemonUnreachable,
    read_call,
    say,
    show,
    show_failure,
    split_line,
    with_asked_pin,
)
from gateway.shell.session import NotDone, Shape, request_of_words

LEAVING = frozenset({"exit", "quit"})

GREETING = "Verbs: {verbs}. help VERB explains one, Tab completes, exit or Ctrl-D leaves.\n"


class ForgetfulHistory(InMemoryHistory):
    """Lines typed before, in memory only; a line that may hold a PIN is not kept (N1)."""

    @override
    def append_string(self, string: str) -> None:
        if "--pin" not in string:
            super().append_string(string)


class Words(Completer):
    """Completes verbs first, then what the verb takes. `locks` and `codes` are what the hub last listed."""

    def __init__(self) -> None:
        self.locks: tuple[str, ...] = ()
        self.codes: tuple[str, ...] = ()

    @override
    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        typed = document.text_before_cursor.split(" ")
        begun = typed[-1]
        for word in self.choices([word for word in typed[:-1] if word]):
            if word.startswith(begun):
                yield Completion(word, start_position=-len(begun))

    def choices(self, before: Sequence[str]) -> tuple[str, ...]:
        """What may come after these words."""
        if not before:
            return (*CATALOGUE, "help", "exit")
        if before[0] == "help":
            return tuple(CATALOGUE)
        verb = CATALOGUE.get(before[0])
        if verb is None:
            return ()
        if before[-1] == "--lock":
            return self.locks
        places = [argument.name for argument in verb.arguments if argument.shape is Shape.PLACE]
        if len(before) == 1 and places:
            return self.locks if places[0] == "lock" else self.codes
        options = (argument.written for argument in verb.arguments if argument.shape is not Shape.PLACE)
        return tuple(option for option in options if option not in before)


def converse(path: Path, session: PromptSession[str] | None = None) -> int:
    """Ask for lines until the person leaves. `session` is given by tests. Raises `DaemonUnreachable` at the start only."""
    words = Words()
    refresh(words, path)
    asked: PromptSession[str] = session or PromptSession()
    asked.history = asked.default_buffer.history = ForgetfulHistory()
    asked.completer = words
    asked.output.write(GREETING.format(verbs=", ".join(CATALOGUE)))
    asked.output.flush()
    while True:
        try:
            line = asked.prompt("gateway> ").strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return EXIT_DONE
        if line in LEAVING:
            return EXIT_DONE
        if line:
            answer_line(line, path, words)


def answer_line(line: str, path: Path, words: Words) -> None:
    """Carry out one typed line and print what came of it. Each line is a session of its own: a restart is not noticed."""
    is_json = False
    try:
        call = read_call(split_line(line))
        is_json = call.is_json
        if call.wants_help or call.words[:1] == ("help",):
            asked = [word for word in call.words if word in CATALOGUE]
            page = render.draw_verb_help(CATALOGUE[asked[0]]) if asked else render.draw_help(CATALOGUE)
            say(page)
            return
        request = with_asked_pin(request_of_words(call.words, CATALOGUE))
        with Daemon(path) as daemon:
            show(daemon.ask(request), is_json=is_json)
        if request.verb.is_mutating:
            refresh(words, path)
    except (NotDone, DaemonUnreachable) as trouble:
        show_failure(trouble.failure, is_json=is_json)
    except (KeyboardInterrupt, EOFError):
        return


def refresh(words: Words, path: Path) -> None:
    """Ask the hub anew for the names that can be completed. Raises `DaemonUnreachable`."""
    with Daemon(path) as daemon:
        locks = daemon.ask(request_of_words(["locks"], CATALOGUE)).value
        codes = daemon.ask(request_of_words(["codes"], CATALOGUE)).value
    words.locks = tuple(_texts(locks, "device_id"))
    words.codes = tuple(_texts(codes, "access_code_id"))


def _texts(value: Fact, name: str) -> Iterator[str]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict) and isinstance(text := entry.get(name), str):
            yield text
