"""What the server prints, made fit for our log: whole lines, cut, cleaned, and with everything masked that may be a PIN.

The server is told to log little (see `config`), but a stack trace or a "dropped message" may still quote bytes from the
air. Masking is blind on purpose: it would rather lose a number than let a PIN through (rule N1).
"""

import re
from typing import Final

LINE_CHARS_MAX: Final = 400
"""Longest line passed on. Our bound: a stack trace line is shorter, a dumped buffer is not worth more."""

PENDING_BYTES_MAX: Final = 16 * 1024
"""Longest line held while its end is awaited; the rest of a longer one is thrown away. Our bound."""

_MASK: Final = "••••"
_STAMP: Final = re.compile(r"^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T])?[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z? +")
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BUFFERS: Final = re.compile(r"<Buffer [^>]*>")
_HEX: Final = re.compile(r"0x[0-9a-fA-F]{8,}|\b(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{8,}\b")
_NUMBER_ROWS: Final = re.compile(r"\b(?:0x)?[0-9a-fA-F]{1,3}(?:[,\s-]+(?:0x)?[0-9a-fA-F]{1,3}){3,}\b")
# A PIN has 4 to 10 digits. The driver's own error codes (ZW0202) stay: they say what happened and are no PIN.
_DIGITS: Final = re.compile(r"(?<![0-9])(?<!ZW)[0-9]{4,}")


def clean_line(raw: str) -> str:
    """Make one printed line safe to log: no control characters, at most `LINE_CHARS_MAX` long, digits masked.

    A dump such as "31 32 33 34" spells a PIN byte by byte, so rows of small numbers and long hexadecimal go too.
    """
    text = _ESCAPES.sub("", raw)
    text = "".join(char if char.isprintable() else " " for char in text).strip()
    text = _STAMP.sub("", text)  # our own log line has the time already, and a year looks like a PIN
    for pattern in (_BUFFERS, _HEX, _NUMBER_ROWS, _DIGITS):
        text = pattern.sub(_MASK, text)
    return text if len(text) <= LINE_CHARS_MAX else text[: LINE_CHARS_MAX - 1] + "…"


class LineCutter:
    """Cuts a byte stream into lines while holding at most `PENDING_BYTES_MAX` bytes."""

    def __init__(self) -> None:
        """Start with nothing pending."""
        self._pending = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Take what was read and give the cleaned lines it completed, without empty ones."""
        *whole, rest = (self._pending + chunk).split(b"\n")
        self._pending = rest[:PENDING_BYTES_MAX]
        return [line for line in (_decode(raw) for raw in whole) if line]

    def finish(self) -> list[str]:
        """Give the last line when the stream ended without a line feed."""
        line, self._pending = _decode(self._pending), b""
        return [line] if line else []


def _decode(raw: bytes) -> str:
    # Cleaning costs time per character; four times the shown length is enough to mask first and cut after.
    return clean_line(raw[: 4 * LINE_CHARS_MAX].decode("utf-8", errors="replace"))
