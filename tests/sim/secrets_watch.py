"""No PIN in any log line, event or message to the broker (N1), and no part of the daemon that dies or complains aloud."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import override

from gateway.runtime.logs import KeyValueFormatter

_DIGITS = re.compile(r"(?<![0-9A-Za-z])\d{4,10}(?![0-9A-Za-z])")

LOGGERS = ("gateway", "drivers")

NOISE = frozenset({"cloud.orders.unsigned"})
"""Warnings that every hub gives."""


_GIVEN = re.compile(r'"code":"\d{4,10}"')
"""Where an answer gives a PIN: one that the hub drew, or that of a pulled backup (A6)."""


def without_answer(text: str) -> str:
    """A message as it would be without the PIN that an accepted order's answer may give, and nothing else may."""
    return _GIVEN.sub('"code":"given"', text, count=1) if '"kind":"command.accepted"' in text else text


class Timeless(KeyValueFormatter):
    """The daemon's own lines without the time, which in a world is the trace's to tell."""

    @override
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return ""


class Ear(logging.Handler):
    """Hears every log line of the daemon. `cry` is told the auditor's name and what was heard."""

    def __init__(self, is_pin: Callable[[str], bool], cry: Callable[[str, str], None]) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(Timeless())
        self._is_pin = is_pin
        self._cry = cry
        self.lines = 0

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        line = self.format(record)
        self.check("a log line", line)
        if record.levelno >= logging.ERROR:
            self._cry("fault", line)

    def check(self, where: str, text: str) -> None:
        """Look for PINs; what is found is told without the digits."""
        for digits in _DIGITS.findall(text):
            if self._is_pin(digits):
                self._cry("secret", f"a PIN in {where}: {text.replace(digits, '•' * len(digits))[:200]}")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the daemon's loggers, and nobody else does meanwhile: a world says too much for a terminal."""
        kept = []
        for name in LOGGERS:
            logger = logging.getLogger(name)
            kept.append((logger, logger.level, logger.propagate))
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
            logger.addHandler(self)
        try:
            yield
        finally:
            for logger, level, propagate in kept:
                logger.removeHandler(self)
                logger.setLevel(level)
                logger.propagate = propagate
