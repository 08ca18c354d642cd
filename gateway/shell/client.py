"""`gatewayctl`: asks a running gateway, or orders something of it, through its maintenance socket.

It starts fast because people wait for it at a door: plain sockets, no event loop, and the libraries for tables and for
the interactive prompt are loaded only when they are needed.
"""

import contextlib
import getpass
import json
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from gateway import __version__
from gateway.model.events import Fact
from gateway.shell import render
from gateway.shell.catalogue import CATALOGUE
from gateway.shell.session import (
    ANSWER_BYTES_MAX,
    Answer,
    Failure,
    FailureKind,
    NotDone,
    Request,
    encode_request,
    failure_value,
    parse_answer,
    request_of_words,
    usage_failure,
)

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3

SOCKET_VARIABLE = "KEYPAD_SOCKET"
SOCKET_OF_DEVICE = Path("/run/gateway/maint.sock")
SOCKET_OF_CHECKOUT = Path("build/run/maint.sock")

CONNECT_S = 5.0
ANSWER_S = 45.0
"""The daemon gives up a request after 30 s and says so."""

CHUNK_BYTES = 65_536

FOLLOWED = frozenset({"include", "provision", "exclude", "remove-failed"})
"""Verbs that begin a task which takes longer than an answer: `network` tells how it goes on."""


class DaemonUnreachable(Exception):  # noqa: N818 - says what it means for the caller
    """Nobody answers on the socket; `failure` says how to start the daemon."""

    def __init__(self, message: str, remedy: str) -> None:
        """Both are for a person."""
        super().__init__(message)
        self.failure = Failure(FailureKind.FAILED, message, remedy)


@dataclass(frozen=True, slots=True)
class Call:
    """What the command line says besides the verb."""

    words: tuple[str, ...]
    socket_path: Path | None = None
    is_json: bool = False
    wants_help: bool = False
    wants_version: bool = False


class Asked(Protocol):
    """Whoever answers requests."""

    def ask(self, request: Request) -> Answer:
        """One request, one answer."""
        ...


class Daemon:
    """One session with the daemon. Use as a context."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._rest = b""

    def __enter__(self) -> Self:
        """Connect. Raises `DaemonUnreachable`."""
        self._line.settimeout(CONNECT_S)
        start = "start it: systemctl start gateway.service on a device, make run in a checkout; or name its socket with --socket"
        try:
            self._line.connect(str(self.path))
        except PermissionError:
            self._line.close()
            remedy = "become a member of the group maint, or use sudo"
            raise DaemonUnreachable(f"you may not open {self.path}", remedy) from None
        except OSError as error:
            self._line.close()
            told = "there is no socket" if isinstance(error, FileNotFoundError) else "no gateway listens on the socket"
            raise DaemonUnreachable(f"{told} {self.path}", start) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._line.close()

    def ask(self, request: Request) -> Answer:
        """One request, one answer. Raises `DaemonUnreachable` when the session breaks."""
        patience_s = ANSWER_S + request.verb.extra_s
        self._line.settimeout(patience_s)
        try:
            with contextlib.suppress(BrokenPipeError):  # turned away, with an answer that is still to be read
                self._line.sendall(encode_request(request))
            return parse_answer(self._answer_line())
        except TimeoutError:
            message = f"the gateway on {self.path} did not answer within {patience_s:.0f} s"
            raise DaemonUnreachable(message, "look at the hub's log; restart the daemon when it hangs") from None
        except OSError:
            message = f"the gateway on {self.path} hung up before it answered"
            raise DaemonUnreachable(
                message, "it may be restarting: look whether anything changed, then try again"
            ) from None
        except ValueError as error:
            raise DaemonUnreachable(str(error), "install both from the same release") from None

    def _answer_line(self) -> bytes:
        found = bytearray(self._rest)
        while (end := found.find(b"\n")) < 0:
            chunk = self._line.recv(CHUNK_BYTES)
            if not chunk or len(found) > ANSWER_BYTES_MAX:
                raise ConnectionResetError
            found += chunk
        self._rest = bytes(found[end + 1 :])
        return bytes(found[:end])


def main(argv: Sequence[str] | None = None) -> int:
    """The program; returns its exit code."""
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # Whoever read our output, such as `head`, has gone; Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE


def _main(words: Sequence[str]) -> int:
    call = Call((), is_json="--json" in words)
    try:
        call = read_call(words)
        if call.wants_version:
            return say(f"gatewayctl {__version__}\n")
        if call.wants_help:
            return say(_help(call.words))
        path = call.socket_path or default_socket(os.environ)
        if not call.words:
            return _without_verb(path)
        request = with_asked_key(with_asked_pin(request_of_words(call.words, CATALOGUE)))
        with Daemon(path) as daemon:
            answer = follow(daemon, request, is_json=call.is_json)
        return show(answer, is_json=call.is_json)
    except NotDone as refusal:
        return show_failure(refusal.failure, is_json=call.is_json)
    except DaemonUnreachable as error:
        show_failure(error.failure, is_json=call.is_json)
        return EXIT_UNREACHABLE
    except (KeyboardInterrupt, EOFError):
        return EXIT_FAILED


def read_call(words: Sequence[str]) -> Call:
    """Take the program's own options out of the command line. Raises `NotDone` when `--socket` has no path."""
    rest: list[str] = []
    socket_path: Path | None = None
    flags: set[str] = set()
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += [word, *queue]
            break
        if word in {"--json", "--help", "-h", "--version"}:
            flags.add(word)
        elif word == "--socket" or word.startswith("--socket="):
            path = word.partition("=")[2] or (queue.pop(0) if queue and word == "--socket" else "")
            if not path:
                raise usage_failure("--socket needs a path", "gatewayctl --help", "--socket")
            socket_path = Path(path)
        else:
            rest.append(word)
    wants_help = bool(flags & {"--help", "-h"})
    return Call(tuple(rest), socket_path, "--json" in flags, wants_help, "--version" in flags)


def default_socket(environment: Mapping[str, str]) -> Path:
    """Where the daemon listens when nobody says otherwise."""
    named = environment.get(SOCKET_VARIABLE)
    if named:
        return Path(named)
    if not SOCKET_OF_DEVICE.exists() and SOCKET_OF_CHECKOUT.exists():
        return SOCKET_OF_CHECKOUT
    return SOCKET_OF_DEVICE


def with_asked_pin(request: Request) -> Request:
    """The request with the PIN that the person is asked for when they wrote `--pin -`: it stays off the command line."""
    if request.get("pin") != "-":
        return request
    typed = getpass.getpass("PIN: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not typed:
        raise usage_failure("no PIN was typed", "leave --pin out and the hub draws one", "--pin")
    return Request(request.verb, {**request.arguments, "pin": typed})


def with_asked_key(request: Request) -> Request:
    """The request with the lock's key that the person is asked for before the stick listens: at the door nobody has time to look."""
    if request.verb.name != "include" or request.get("dsk") is not None or request.get("force") is not None:
        return request
    typed = input("PIN of the lock's key (DSK), five digits on the lock, its box or its card: ").strip()
    if not typed:
        raise usage_failure("no key was typed", "a lock that has none can only be taken with --force", "--dsk")
    return Request(request.verb, {**request.arguments, "dsk": typed})


def follow(daemon: Asked, request: Request, *, is_json: bool) -> Answer:
    """Ask, and where that began a task of the network, print its steps until it is over; the last answer is returned."""
    answer = daemon.ask(request)
    passed_on = {name: text for name, text in request.arguments.items() if name == "driver"}
    while (
        request.verb.name in FOLLOWED and isinstance(answer.value, Mapping) and answer.value.get("outcome") == "running"
    ):
        if not is_json and answer.lines:
            show(answer, is_json=False)
        after = str(answer.value["line_count"])
        answer = daemon.ask(Request(CATALOGUE["network"], {**passed_on, "after": after}))
    return answer


def show(answer: Answer, *, is_json: bool) -> int:
    """Print an answer; returns the exit code."""
    if answer.failure is not None:
        return show_failure(answer.failure, is_json=is_json)
    if is_json:
        return say(_document(answer.value))
    return say(render.draw(answer, width=terminal_width(), is_coloured=is_coloured()))


def show_failure(failure: Failure, *, is_json: bool) -> int:
    """Print a failure: to standard error for people, as the document with `--json`; returns the exit code."""
    if is_json:
        say(_document({"error": failure_value(failure)}))
    else:
        width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
        sys.stderr.write(render.draw_failure(failure, width=width, is_coloured=sys.stderr.isatty() and is_coloured()))
    return EXIT_USAGE if failure.kind is FailureKind.USAGE else EXIT_FAILED


def terminal_width() -> int | None:
    """Columns of the terminal, None where the output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def is_coloured() -> bool:
    """Colour only on a terminal, and only when nobody asked to leave it (the NO_COLOR convention, no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def split_line(line: str) -> list[str]:
    """Words of a typed line, quotes as in a shell. Raises `NotDone` when a quote is left open."""
    try:
        return shlex.split(line)
    except ValueError:
        raise usage_failure("a quote is left open", "close it, or write the text without quotes") from None


def _without_verb(path: Path) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise usage_failure("no verb was given", f"use one of: {', '.join(CATALOGUE)}")
    from gateway.shell.prompt import converse  # noqa: PLC0415 - costs 300 ms (our measurement), only this needs it

    return converse(path)


def _help(words: Sequence[str]) -> str:
    verb = CATALOGUE.get(words[0]) if words else None
    return render.draw_help(CATALOGUE) if verb is None else render.draw_verb_help(verb)


def _document(value: Fact) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def say(text: str) -> int:
    """Print; returns the exit code of what was done."""
    sys.stdout.write(text)
    sys.stdout.flush()
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
