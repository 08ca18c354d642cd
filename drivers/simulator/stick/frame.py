"""Serial API frames: bytes to frames and back, with no I/O and no clock.

    SOF 01 | LEN | TYPE | FUNCTION | payload … | CHECKSUM        or one of the single bytes ACK 06, NAK 15, CAN 18

LEN counts TYPE to CHECKSUM. The checksum is FF XOR every byte from LEN to the last payload byte (INS12350 section 5.4). Bytes may
arrive in any pieces; what is no frame is skipped up to the next byte that could start one and reported as garbage, so that a
reader always finds back into step.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import reduce
from operator import xor
from typing import override

SOF = 0x01
"""Start of a data frame."""

LENGTH_MIN = 3
"""Smallest LEN: type, function and checksum."""

PAYLOAD_MAX = 0xFF - LENGTH_MIN
"""Most payload bytes that one length byte can count."""


class Control(Enum):
    """The single-byte frames."""

    ACK = 0x06
    NAK = 0x15
    CAN = 0x18


class FrameType(IntEnum):
    """Direction of a data frame; callbacks and unsolicited frames are requests too."""

    REQUEST = 0
    RESPONSE = 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One data frame. `function` is the Serial API function, 0 to 255."""

    frame_type: FrameType
    function: int
    payload: bytes = b""

    @override
    def __repr__(self) -> str:
        """Show shape and size only: payloads of unencrypted nodes may hold PINs."""
        return f"Frame({self.frame_type.name} {self.function:#04x}, {len(self.payload)} bytes)"

    def encode(self) -> bytes:
        """Return the bytes on the wire; raises `ValueError` when the payload does not fit."""
        if len(self.payload) > PAYLOAD_MAX:
            raise ValueError(f"a frame carries at most {PAYLOAD_MAX} payload bytes, not {len(self.payload)}")
        body = bytes([len(self.payload) + LENGTH_MIN, self.frame_type, self.function]) + self.payload
        return bytes([SOF]) + body + bytes([checksum(body)])


@dataclass(frozen=True, slots=True)
class Broken:
    """A frame whose checksum or type is wrong; it deserves a NAK."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes between frames that mean nothing; `count` of them were skipped."""

    count: int


Received = Frame | Control | Broken | Garbage
"""What a reader makes of bytes."""


def checksum(body: bytes) -> int:
    """Return the checksum over LEN to the last payload byte."""
    return reduce(xor, body, 0xFF)


class FrameReader:
    """Cuts a stream of bytes into frames. Keeps at most one unfinished frame (257 bytes)."""

    def __init__(self) -> None:
        """Start in step, with nothing read."""
        self._buffer = bytearray()

    @property
    def is_midframe(self) -> bool:
        """Whether a frame has begun and not ended; its sender has 1.5 s for it (INS12350 section 6.2.2)."""
        return bool(self._buffer)

    def abandon(self) -> None:
        """Forget an unfinished frame whose rest never came."""
        self._buffer.clear()

    def feed(self, chunk: bytes) -> list[Received]:
        """Take the next bytes and return what they complete, in order."""
        self._buffer += chunk
        received: list[Received] = []
        skipped = 0
        while self._buffer:
            first = self._buffer[0]
            if first != SOF:
                del self._buffer[0]
                if first in _CONTROL_BYTES:
                    skipped = _report(received, skipped)
                    received.append(Control(first))
                else:
                    skipped += 1
                continue
            if len(self._buffer) < 2:
                break
            length = self._buffer[1]
            if length < LENGTH_MIN:
                # No frame is that short: this SOF was noise.
                del self._buffer[0]
                skipped += 1
                continue
            if len(self._buffer) < length + 2:
                break
            whole = bytes(self._buffer[: length + 2])
            del self._buffer[: length + 2]
            skipped = _report(received, skipped)
            received.append(_parse(whole))
        _report(received, skipped)
        return received


_CONTROL_BYTES = frozenset(control.value for control in Control)


def _report(received: list[Received], skipped: int) -> int:
    if skipped:
        received.append(Garbage(skipped))
    return 0


def _parse(whole: bytes) -> Received:
    body, check = whole[1:-1], whole[-1]
    if checksum(body) != check or body[1] not in (FrameType.REQUEST, FrameType.RESPONSE):
        return Broken()
    return Frame(FrameType(body[1]), body[2], body[3:])
