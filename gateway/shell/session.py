"""What goes over the socket, as values: pure, no I/O, no clock.

Theory of operation. A session is a row of requests, each one line of JSON, each answered by one line of JSON. The same
table of verbs (`gateway.shell.catalogue`) reads the words that a person typed, checks the request on the daemon's side and
prints the help, so the three cannot disagree. An answer carries the screen (lines, a table, notes) and the value for
programs; colour and width are the terminal's business, so only a tone travels with each text.

Nothing that a person typed is repeated in an error unless it is a harmless word: what stands in the wrong place may be a
PIN (N1).
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.events import Fact

REQUEST_BYTES_MAX = 64 * 1024
"""A request line; the longest that makes sense is below 1 KiB."""

ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""An answer line; 1,500 codes (50 locks of 30) take 1.1 MB (our measurement)."""

ARGUMENT_CHARS_MAX = 400
"""One argument; names have at most 80 characters, ids 64."""

_WORD = re.compile(r"-{0,2}[a-z][a-z-]{0,19}")


class Shape(StrEnum):
    """How an argument is written: in its place, as `--name VALUE`, or as a bare `--name`."""

    PLACE = "place"
    OPTION = "option"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a verb. `name` is without dashes; `meaning` completes the line of the help."""

    name: str
    meaning: str
    shape: Shape = Shape.PLACE
    is_required: bool = False

    @property
    def written(self) -> str:
        """How people write it."""
        return self.name.upper() if self.shape is Shape.PLACE else f"--{self.name}"


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. `is_mutating` verbs leave a line in the journal; `examples` are whole command lines without the program.

    `extra_s` is how much longer than any other verb it may take.
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...] = ()
    is_mutating: bool = False
    examples: tuple[str, ...] = ()
    extra_s: float = 0.0

    def argument(self, name: str) -> Argument | None:
        """The argument of that name, or None."""
        return next((argument for argument in self.arguments if argument.name == name), None)

    @property
    def usage(self) -> str:
        """The verb with its arguments, those that may be left out in brackets."""
        parts = [self.name]
        for argument in self.arguments:
            text = argument.written
            if argument.shape is Shape.OPTION:
                text += f" {argument.name.upper()}"
            parts.append(text if argument.is_required else f"[{text}]")
        return " ".join(parts)


type Catalogue = Mapping[str, Verb]


@dataclass(frozen=True, slots=True)
class Request:
    """A verb with its arguments; the values stay out of the repr, one of them may be a PIN (N1)."""

    verb: Verb
    arguments: Mapping[str, str] = field(repr=False)

    def get(self, name: str) -> str | None:
        """An argument's text, or None when it was left out; a flag that was given is "yes"."""
        return self.arguments.get(name)


class FailureKind(StrEnum):
    """What a failure means for whoever asked; `gatewayctl` turns it into its exit code."""

    USAGE = "usage"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, where (`field` as people write it) and what to do."""

    kind: FailureKind
    message: str
    remedy: str = ""
    field: str | None = None


class NotDone(Exception):  # noqa: N818 - says what it means for the caller
    """The verb was not carried out; `failure` is the answer."""

    def __init__(self, failure: Failure) -> None:
        """Take the answer to give."""
        super().__init__(failure.message)
        self.failure = failure


class Tone(StrEnum):
    """What a text means, for the terminal to colour."""

    PLAIN = "plain"
    HEAD = "head"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with its tone; a line of a screen, or a cell of a table."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `wraps` when long texts go over several lines instead of widening it."""

    title: str
    wraps: bool = False
    is_right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under titles."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One screen, top to bottom, and the same for programs. The value stays out of the repr: it may hold a drawn PIN."""

    lines: tuple[Cell, ...] = field(default=(), repr=False)
    table: Table | None = None
    notes: tuple[Cell, ...] = ()
    value: Fact = field(default=None, repr=False)
    failure: Failure | None = None


def usage_failure(message: str, remedy: str = "", field_name: str | None = None) -> NotDone:
    """The request itself is wrong."""
    return NotDone(Failure(FailureKind.USAGE, message, remedy, field_name))


def request_of_words(words: Sequence[str], catalogue: Catalogue) -> Request:
    """Read what a person typed. `--name=VALUE` and `--name VALUE` are the same; `--` ends the options.

    Raises `NotDone` with a usage failure.
    """
    if not words:
        raise usage_failure("no verb was given", f"use one of: {', '.join(catalogue)}")
    verb = _verb(words[0], catalogue)
    given: dict[str, str] = {}
    places = [argument for argument in verb.arguments if argument.shape is Shape.PLACE]
    rest = list(words[1:])
    is_open = True
    while rest:
        word = rest.pop(0)
        if is_open and word == "--":
            is_open = False
        elif is_open and word.startswith("--"):
            name, separator, value = word[2:].partition("=")
            _take_option(verb, name, value if separator else None, rest, given)
        elif places:
            given[places.pop(0).name] = word
        else:
            remedy = f"put a text with blanks into quotes; usage: {verb.usage}"
            raise usage_failure(f"{verb.name} takes no further argument after {len(given)} of them", remedy)
    return _checked(verb, given)


def parse_request(line: bytes, catalogue: Catalogue) -> Request:
    """Read one request line. Raises `NotDone` with a usage failure that repeats no value."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        raise usage_failure("the request is no JSON", "send one JSON object per line") from None
    if not isinstance(told, dict) or not isinstance(told.get("verb"), str):
        raise usage_failure("the request names no verb", 'send {"verb": "status", "arguments": {}}')
    verb = _verb(told["verb"], catalogue)
    arguments = told.get("arguments", {})
    if not isinstance(arguments, dict):
        raise usage_failure("arguments must be a JSON object of texts", f"usage: {verb.usage}")
    for name, value in arguments.items():
        if verb.argument(name) is None:
            raise _unknown_argument(verb, name)
        if not isinstance(value, str):
            raise usage_failure("every argument is a text", f"usage: {verb.usage}", name)
    return _checked(verb, arguments)


def encode_request(request: Request) -> bytes:
    """One request line."""
    return _line({"verb": request.verb.name, "arguments": dict(request.arguments)})


def encode_answer(answer: Answer) -> bytes:
    """One answer line; an answer above `ANSWER_BYTES_MAX` becomes a failure that says so."""
    line = _line(_told(answer))
    if len(line) <= ANSWER_BYTES_MAX:
        return line
    failure = Failure(FailureKind.FAILED, f"the answer has {len(line)} bytes", "ask for less, such as one lock")
    return _line(_told(Answer(failure=failure)))


def parse_answer(line: bytes) -> Answer:
    """Read one answer line. Raises `ValueError` when it is none."""
    try:
        told = json.loads(line)
        failure = told.get("error")
        table = told.get("table")
        return Answer(
            lines=_cells(told.get("lines", ())),
            table=None if table is None else _table(table),
            notes=_cells(told.get("notes", ())),
            value=told.get("value"),
            failure=None if failure is None else _failure(failure),
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        msg = "the daemon's answer is not understood: gatewayctl and daemon are of different versions"
        raise ValueError(msg) from error


def failure_value(failure: Failure) -> dict[str, Fact]:
    """A failure for programs."""
    return {
        "kind": failure.kind.value,
        "message": failure.message,
        "remedy": failure.remedy,
        "field": failure.field,
    }


def quoted(text: str) -> str:
    """A text that a person typed, to be repeated in a message: anything that may be a PIN is not (N1)."""
    is_harmless = sum(character.isdigit() for character in text) < 4 and text.isprintable() and len(text) <= 64
    return f"“{text}”" if is_harmless and text else "what you typed"


def _verb(word: str, catalogue: Catalogue) -> Verb:
    verb = catalogue.get(word)
    if verb is not None:
        return verb
    close = difflib.get_close_matches(word[:40], catalogue, n=1)
    told = f"there is no verb {word}" if _WORD.fullmatch(word) else "the first word is no verb"
    hint = f"did you mean {close[0]}? " if close else ""
    raise usage_failure(told, f"{hint}use one of: {', '.join(catalogue)}")


def _take_option(verb: Verb, name: str, value: str | None, rest: list[str], given: dict[str, str]) -> None:
    argument = verb.argument(name)
    if argument is None or argument.shape is Shape.PLACE:
        raise _unknown_argument(verb, name)
    if name in given:
        raise usage_failure(f"--{name} was given twice", f"usage: {verb.usage}", f"--{name}")
    if argument.shape is Shape.FLAG:
        if value is not None:
            raise usage_failure(f"--{name} takes no value", f"usage: {verb.usage}", f"--{name}")
        given[name] = "yes"
        return
    if value is None:
        if not rest or rest[0].startswith("--"):
            raise usage_failure(f"--{name} needs a value", f"usage: {verb.usage}", f"--{name}")
        value = rest.pop(0)
    given[name] = value


def _unknown_argument(verb: Verb, name: str) -> NotDone:
    told = f"{verb.name} has no option --{name}" if _WORD.fullmatch(name) else f"{verb.name} has no such option"
    return usage_failure(told, f"usage: {verb.usage}")


def _checked(verb: Verb, given: Mapping[str, str]) -> Request:
    for argument in verb.arguments:
        value = given.get(argument.name)
        if value is None:
            if argument.is_required:
                raise usage_failure(f"{argument.written} is missing", f"usage: {verb.usage}", argument.written)
            continue
        if not value or len(value) > ARGUMENT_CHARS_MAX:
            rule = f"{argument.written} must have 1 to {ARGUMENT_CHARS_MAX} characters"
            raise usage_failure(rule, f"usage: {verb.usage}", argument.written)
        if not value.isprintable():
            raise usage_failure(f"{argument.written} holds control characters", "type it anew", argument.written)
    return Request(verb, dict(given))


def _line(told: Mapping[str, Fact]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _told(answer: Answer) -> dict[str, Fact]:
    told: dict[str, Fact] = {"ok": answer.failure is None}
    if answer.lines:
        told["lines"] = _untoned(answer.lines)
    if answer.table is not None:
        columns: list[Fact] = [[column.title, column.wraps, column.is_right] for column in answer.table.columns]
        told["table"] = {"columns": columns, "rows": [_untoned(row) for row in answer.table.rows]}
    if answer.notes:
        told["notes"] = _untoned(answer.notes)
    if answer.failure is None:
        told["value"] = answer.value
    else:
        told["error"] = failure_value(answer.failure)
    return told


def _untoned(cells: Iterable[Cell]) -> list[Fact]:
    return [[cell.text, cell.tone.value] for cell in cells]


def _cells(told: Iterable[Sequence[str]]) -> tuple[Cell, ...]:
    return tuple(Cell(str(text), Tone(tone)) for text, tone in told)


def _table(told: Mapping[str, Sequence[Sequence[object]]]) -> Table:
    columns = tuple(Column(str(title), bool(wraps), bool(right)) for title, wraps, right in told["columns"])
    return Table(columns, tuple(_cells(row) for row in told["rows"]))  # type: ignore[arg-type]  # _cells checks the tones


def _failure(told: Mapping[str, str | None]) -> Failure:
    return Failure(FailureKind(str(told["kind"])), str(told["message"]), str(told["remedy"] or ""), told["field"])
