"""Log lines for people and machines, with no PIN in them at any level (N1).

Two libraries below us log whole messages at debug level, PINs included: the Z-Wave client (every frame to the server) and
aiosqlite (every statement with its parameters). Their loggers are capped whatever level is asked for, and whatever comes
from a library has its runs of digits masked on the way out, as a second belt. So has every traceback, whoever logs it: the
text of an exception may quote what came from outside.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterable
from typing import Final, TextIO, override

CAPPED: Final = {
    "zwave_js_server": logging.WARNING,
    "aiosqlite": logging.WARNING,
    "aiohttp": logging.WARNING,
    "paho": logging.WARNING,
    "asyncio": logging.WARNING,
}
"""Loggers of libraries, and the lowest level they may speak at."""

OUR_LOGGERS = ("gateway", "drivers", "__main__")

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}
_DIGITS = re.compile(r"(?<![\w.:-])\d{4,10}(?![\w.:-])")
_TRACEBACK_DIGITS = re.compile(r"\d{4,}")
"""Stricter than for a library's line, since values stand in a traceback in every notation; line numbers from 1000 go with them."""

LINE_MAX = 2_000
"""Characters of one line; what a device or the cloud sends is cut, never trusted to be short."""

TRACEBACK_MAX = 4_000
"""Characters of one traceback after its line: some twenty-five calls. What is left out is left out of its middle."""

EXCEPTION_MAX = 1_000
"""Characters of that for what it ends with: the exception's name and the beginning of its text, those of a group with them."""

_LEFT_OUT = "\n  …\n"


class KeyValueFormatter(logging.Formatter):
    """`time LEVEL event key=value …`, one line an event; an exception's traceback follows on lines of its own, indented."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        facts = "".join(f" {key}={_shown(value)}" for key, value in vars(record).items() if key not in _STANDARD)
        text = f"{self.formatTime(record, '%Y-%m-%d %H:%M:%S')} {record.levelname:<7} {record.getMessage()}{facts}"
        if not record.name.startswith(OUR_LOGGERS):
            text = _DIGITS.sub("••••", text.replace(record.getMessage(), f"{record.name}: {record.getMessage()}", 1))
        error = record.exc_info[1] if record.exc_info else None
        return text[:LINE_MAX] if error is None else f"{text[:LINE_MAX]}\n{_traceback(error)}"


def _shown(value: object) -> str:
    text = _printable(str(value))
    return f'"{text}"' if " " in text else text


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "·" for letter in text)


def _traceback(error: BaseException) -> str:
    """The traceback, of a long one the first line and the end; its last lines always name the exception."""
    whole = _indented(traceback.format_exception(error))
    if len(whole) <= TRACEBACK_MAX:
        return whole
    named = _indented(traceback.format_exception_only(error, show_group=True))
    first, _, calls = whole.partition("\n")
    first, end, calls = first[:EXCEPTION_MAX], named[:EXCEPTION_MAX], calls.removesuffix(named).rstrip("\n")
    room = TRACEBACK_MAX - len(first) - len(_LEFT_OUT) - len(end) - 1
    if len(calls) > room:
        # The first line of what is kept was cut somewhere, so it goes too.
        return f"{first}{_LEFT_OUT}{calls[-room:].partition('\n')[2]}\n{end}"
    return f"{first}\n{calls}\n{end}"


def _indented(parts: Iterable[str]) -> str:
    """Lines that no text of an exception makes into one of ours: indented, printable, without digits (N1)."""
    lines = "".join(parts).splitlines()
    return "\n".join(f"  {_TRACEBACK_DIGITS.sub('••••', _printable(line))}" for line in lines)


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error by default) at `level` and above, libraries capped."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(KeyValueFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, floor in CAPPED.items():
        logging.getLogger(name).setLevel(max(floor, root.level))
