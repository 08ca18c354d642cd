"""Pure codec of usbredir, the protocol by which QEMU takes a USB device from another process; the part of it that a serial stick needs.

Written after the protocol's specification (usbredir-protocol, version 0.7): little-endian, a header of type, length and id, then the
type's own header, then bytes. We are the side that has the device.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

GREETING: Final = struct.Struct("<III")
"""Type, length of what follows, id: the header of each side's first message."""

HEADER: Final = struct.Struct("<IIQ")
"""The header of all others, as both sides offer long ids."""

VERSION: Final = b"keypad stick 1"
VERSION_BYTES: Final = 64
CAPABILITIES: Final = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6
"""The connect message carries the device's version, the endpoints their packet sizes, ids have 64 bits, lengths of bulk transfers 32.
QEMU has its xHCI controller take no device without the last three."""

MESSAGE_BYTES_MAX: Final = 1 << 20
"""Far above the longest message of a serial port; a longer one means that the two ends lost each other."""

ENDPOINTS: Final = 32
"""Numbers 0 to 15 out, then 0 to 15 in."""

NO_ENDPOINT: Final = 255
FULL_SPEED: Final = 1


class Kind(IntEnum):
    """Types of messages."""

    HELLO = 0
    DEVICE_CONNECT = 1
    RESET = 3
    INTERFACE_INFO = 4
    EP_INFO = 5
    SET_CONFIGURATION = 6
    GET_CONFIGURATION = 7
    CONFIGURATION_STATUS = 8
    SET_ALT_SETTING = 9
    GET_ALT_SETTING = 10
    ALT_SETTING_STATUS = 11
    START_INTERRUPT = 15
    STOP_INTERRUPT = 16
    INTERRUPT_STATUS = 17
    CANCEL = 21
    CONTROL = 100
    BULK = 101


class Status(IntEnum):
    """How a transfer ended."""

    DONE = 0
    CANCELLED = 1
    STALL = 4


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `kind` may be a number that we do not know."""

    kind: int
    number: int
    body: bytes = b""

    def encode(self) -> bytes:
        """As it goes over the wire."""
        header = GREETING if self.kind == Kind.HELLO else HEADER
        return header.pack(self.kind, len(self.body), self.number) + self.body


@dataclass(frozen=True, slots=True)
class Control:
    """A request at endpoint 0 (USB 2.0, 9.3). `length` is how much is wanted when it reads."""

    endpoint: int
    request: int
    request_type: int
    value: int
    index: int
    length: int
    payload: bytes

    LAYOUT = struct.Struct("<BBBBHHH")

    @classmethod
    def decode(cls, body: bytes) -> "Control":
        """Read a message's body. Raises `struct.error`."""
        endpoint, request, request_type, _, value, index, length = cls.LAYOUT.unpack_from(body)
        return cls(endpoint, request, request_type, value, index, length, body[cls.LAYOUT.size :])

    @property
    def is_read(self) -> bool:
        """Whether the device is to say something."""
        return bool(self.request_type & 0x80)

    def answer(self, status: Status, payload: bytes = b"") -> bytes:
        """The body of the answer."""
        said = payload[: self.length]
        length = len(said) if self.is_read else len(self.payload)
        head = (self.endpoint, self.request, self.request_type, status, self.value, self.index, length)
        return self.LAYOUT.pack(*head) + said


@dataclass(frozen=True, slots=True)
class Bulk:
    """A transfer of a pipe. `length` is how much may come when it reads."""

    endpoint: int
    length: int
    payload: bytes

    LAYOUT = struct.Struct("<BBHIH")

    @classmethod
    def decode(cls, body: bytes) -> "Bulk":
        """Read a message's body. Raises `struct.error`."""
        endpoint, _, low, _, high = cls.LAYOUT.unpack_from(body)
        return cls(endpoint, high << 16 | low, body[cls.LAYOUT.size :])

    @property
    def is_read(self) -> bool:
        """Whether the device is to say something."""
        return bool(self.endpoint & 0x80)

    def answer(self, status: Status, payload: bytes = b"") -> bytes:
        """The body of the answer."""
        length = len(payload) if self.is_read else len(self.payload)
        return self.LAYOUT.pack(self.endpoint, status, length & 0xFFFF, 0, length >> 16) + payload


class Reader:
    """Cuts a stream into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._header = GREETING

    def feed(self, chunk: bytes) -> list[Message]:
        """The messages that are whole now. Raises ValueError when the stream is no usbredir."""
        self._rest += chunk
        found = []
        while len(self._rest) >= self._header.size:
            kind, length, number = self._header.unpack_from(self._rest)
            if length > MESSAGE_BYTES_MAX:
                msg = f"a message of {length} bytes"
                raise ValueError(msg)
            end = self._header.size + length
            if len(self._rest) < end:
                break
            found.append(Message(kind, number, bytes(self._rest[self._header.size : end])))
            del self._rest[:end]
            self._header = HEADER
        return found


def hello() -> Message:
    """What each side says first."""
    return Message(Kind.HELLO, 0, VERSION.ljust(VERSION_BYTES, b"\0") + struct.pack("<I", CAPABILITIES))


def interfaces(kinds: tuple[tuple[int, int, int], ...]) -> Message:
    """Class, subclass and protocol of each interface."""
    columns = [bytes(column).ljust(ENDPOINTS, b"\0") for column in (range(len(kinds)), *zip(*kinds, strict=True))]
    return Message(Kind.INTERFACE_INFO, 0, struct.pack("<I", len(kinds)) + b"".join(columns))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One pipe: its address (USB 2.0, 9.6.6), kind (0 control, 2 bulk, 3 interrupt), interface, packet size, interval in ms."""

    address: int
    kind: int
    interface: int
    packet_bytes: int
    interval_ms: int = 0


def endpoints(pipes: tuple[Endpoint, ...]) -> Message:
    """All pipes of the device, endpoint 0 included."""
    kinds, intervals, owners = bytearray([NO_ENDPOINT] * ENDPOINTS), bytearray(ENDPOINTS), bytearray(ENDPOINTS)
    packets = [0] * ENDPOINTS
    for pipe in pipes:
        place = (pipe.address & 0x0F) + (16 if pipe.address & 0x80 else 0)
        kinds[place], intervals[place], owners[place] = pipe.kind, pipe.interval_ms, pipe.interface
        packets[place] = pipe.packet_bytes
    return Message(Kind.EP_INFO, 0, bytes(kinds + intervals + owners) + struct.pack(f"<{ENDPOINTS}H", *packets))


def connect(device_class: int, vendor: int, product: int, version: int) -> Message:
    """Plugged in, at full speed."""
    body = struct.pack("<BBBBHHH", FULL_SPEED, device_class, 0, 0, vendor, product, version)
    return Message(Kind.DEVICE_CONNECT, 0, body)
