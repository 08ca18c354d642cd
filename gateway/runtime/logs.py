"""Log lines for people and machines, with no PIN in them at any level (N1).

Two libraries below us log whole messages at debug level, PINs included: the Z-Wave client (every frame to the server) and
aiosqlite (every statement with its parameters). Their loggers are capped whatever level is asked for, and whatever comes
from a library has its runs of digits masked on the way out, as a second belt.
"""

import logging
import re
import sys
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
LINE_MAX = 2_000
"""Characters of one line; what a device or the cloud sends is cut, never trusted to be short."""


class KeyValueFormatter(logging.Formatter):
    """`time LEVEL event key=value …`, one line an event; an exception's traceback follows on lines of its own."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        facts = "".join(f" {key}={_shown(value)}" for key, value in vars(record).items() if key not in _STANDARD)
        text = f"{self.formatTime(record, '%Y-%m-%d %H:%M:%S')} {record.levelname:<7} {record.getMessage()}{facts}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        if not record.name.startswith(OUR_LOGGERS):
            text = _DIGITS.sub("••••", text.replace(record.getMessage(), f"{record.name}: {record.getMessage()}", 1))
        return text[:LINE_MAX]


def _shown(value: object) -> str:
    text = str(value)
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else "·" for letter in text)
    return f'"{text}"' if " " in text else text


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error by default) at `level` and above, libraries capped."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(KeyValueFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, floor in CAPPED.items():
        logging.getLogger(name).setLevel(max(floor, root.level))
