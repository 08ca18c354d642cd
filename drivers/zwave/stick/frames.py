"""Pure: the few frames of the Serial API (INS12350) that tell who a stick is.

    0x01 | length | type | function | payload … | checksum        length counts from type to checksum
    0x06 ACK    0x15 NAK    0x18 CAN                              single bytes between frames

`Reader` turns bytes into frames and single bytes in whatever pieces they come; garbage between them is skipped.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import xor
from typing import Final

SOF: Final = 0x01

REQUEST: Final = 0x00
RESPONSE: Final = 0x01

_SHORTEST: Final = 3
"""Type, function and checksum."""


class Signal(IntEnum):
    """A single byte between frames (INS12350 5.3)."""

    ACK = 0x06
    NAK = 0x15
    CAN = 0x18


class Function(IntEnum):
    """Functions that change nothing in a stick (INS13954)."""

    CAPABILITIES = 0x07
    VERSION = 0x15
    CONTROLLER_ID = 0x20


@dataclass(frozen=True, slots=True)
class Frame:
    """One data frame; a stick also sends requests of its own, such as what a lock just said."""

    kind: int
    function: int
    payload: bytes


type Item = Frame | Signal
"""What a stick sends; `NAK` also stands for a frame whose checksum is wrong."""


def request(function: Function) -> bytes:
    """A request without parameters."""
    body = bytes([_SHORTEST, REQUEST, function])
    return bytes([SOF, *body, checksum(body)])


def checksum(body: bytes) -> int:
    """INS12350: 0xFF exclusive-or all bytes from the length to the last of the payload."""
    return reduce(xor, body, 0xFF)


class Reader:
    """Takes bytes, gives frames. Holds at most one frame, 257 bytes."""

    def __init__(self) -> None:
        """Nothing was received yet."""
        self._held = bytearray()

    def feed(self, received: bytes) -> list[Item]:
        """What these bytes complete, in order; a frame with a wrong checksum is dropped and shows as NAK."""
        self._held += received
        items: list[Item] = []
        while self._held:
            if self._held[0] != SOF:
                byte = self._held.pop(0)
                if byte in set(Signal):
                    items.append(Signal(byte))
                continue
            if len(self._held) < 2 or len(self._held) < self._held[1] + 2:
                break
            length = self._held[1]
            body, told = bytes(self._held[1 : length + 1]), self._held[length + 1]
            del self._held[: length + 2]
            is_good = length >= _SHORTEST and checksum(body) == told
            items.append(Frame(body[1], body[2], body[3:]) if is_good else Signal.NAK)
        return items
