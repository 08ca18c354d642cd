"""Looks for PINs where none belongs (N1): in clear, as hex and as base64, in logs, messages and files."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.demo.record import Leak


@dataclass(frozen=True, slots=True)
class Canary:
    """A PIN of this run and the person it belongs to."""

    who: str
    pin: str = field(repr=False)

    def forms(self) -> Iterator[tuple[str, re.Pattern[bytes]]]:
        """The ways in which it could show, each with a name."""
        digits = self.pin.encode()
        yield "in clear", re.compile(rb"(?<!\d)" + digits + rb"(?!\d)")
        yield "in clear, two bytes a digit", re.compile(re.escape(self.pin.encode("utf-16-le")))
        yield "as hex", re.compile(digits.hex().encode(), re.IGNORECASE)
        spaced = " ".join(f"{byte:02x}" for byte in digits).encode()
        yield "as hex with spaces", re.compile(spaced, re.IGNORECASE)
        for text in _base64(digits):
            yield "as base64", re.compile(re.escape(text))


def _base64(secret: bytes) -> Iterator[bytes]:
    """What surely shows of a secret inside a longer text in base64, for each of the three ways it can lie there."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + secret).rstrip(b"=")
        first = -(-before * 8 // 6)
        last = (before + len(secret)) * 8 // 6
        yield whole[first:last]


def search(canaries: Iterable[Canary], places: Mapping[str, bytes]) -> list[Leak]:
    """Every place where a PIN shows."""
    forms = [(canary.who, form, pattern) for canary in canaries for form, pattern in canary.forms()]
    return [
        Leak(who, place, form)
        for place, content in places.items()
        for who, form, pattern in forms
        if pattern.search(content)
    ]
