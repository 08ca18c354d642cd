"""A broker in the test's own event loop that does what no broker at hand does: it keeps no retained messages, or holds a huge one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum

from gateway.cloud import topics
from tests.cloud.room import HUB


class Kind(IntEnum):
    """Types of packets (MQTT 5, table 2-1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    DISCONNECT = 14


V5 = 5
WILL_RETAIN = 0x20
RETAIN = 0x01
QOS_1 = 0x02
RETAIN_AVAILABLE = 0x25
"""The property of a CONNACK (MQTT 5, 3.2.2.3.5)."""

RETAIN_NOT_SUPPORTED = 154


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    """A control packet; its length takes up to four bytes of seven bits (MQTT 5, 2.1.4)."""
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length += bytes([digit | (128 if rest else 0)])
        if not rest:
            return bytes([kind << 4 | flags]) + length + body


def order(payload_bytes: int) -> bytes:
    """A message of so many bytes for the hub, QoS 1."""
    topic = topics.down(HUB, topics.Down.CMD).encode()
    body = len(topic).to_bytes(2) + topic + b"\x00\x01" + b"7" * payload_bytes
    return packet(Kind.PUBLISH, body, QOS_1)


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Kind, flags and body of the next packet."""
    head = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 127) << shift
        shift += 7
        if digit < 128:
            return head >> 4, head & 15, await reader.readexactly(length)


@dataclass
class StrangeBroker:
    """What it does is set before anybody connects; what it saw is looked at afterwards."""

    port: int = 0
    is_refusing_retain: bool = False
    """Refuses a CONNECT whose will is to be retained, as MQTT-3.2.2-13 demands."""

    is_telling_retain: bool = False
    """Says in its CONNACK that it keeps no retained messages (MQTT 5)."""

    is_ending_at_retain: bool = False
    """Ends the connection at the first retained message, with the reason (MQTT 5)."""

    greeting: bytes = b""
    """What it sends after the SUBACK."""

    wills: list[bool] = field(default_factory=list)
    """For each CONNECT with a will: whether it was to be retained."""

    published: list[bool] = field(default_factory=list)
    """For each message that was taken: whether it was to be retained."""

    _is_v5: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def heard(self, count: int) -> None:
        """Wait until so many messages were taken."""
        async with asyncio.timeout(10):
            while len(self.published) < count:
                self._changed.clear()
                await self._changed.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to its end."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while self._answer(writer, *await read_packet(reader)):
                await writer.drain()
        writer.close()

    def _answer(self, writer: asyncio.StreamWriter, kind: int, flags: int, body: bytes) -> bool:
        """Answer one packet; whether the connection goes on."""
        match kind:
            case Kind.CONNECT:
                return self._connected(writer, level=body[6], is_will_retained=bool(body[7] & WILL_RETAIN))
            case Kind.SUBSCRIBE:
                writer.write(
                    packet(Kind.SUBACK, body[:2] + (b"\x00" if self._is_v5 else b"") + b"\x01") + self.greeting
                )
            case Kind.PUBLISH if flags & RETAIN and self.is_ending_at_retain:
                writer.write(packet(Kind.DISCONNECT, bytes([RETAIN_NOT_SUPPORTED])))
                return False
            case Kind.PUBLISH:
                self.published.append(bool(flags & RETAIN))
                self._changed.set()
                begin = 2 + int.from_bytes(body[:2])
                writer.write(packet(Kind.PUBACK, body[begin : begin + 2]))
            case _:
                return kind != Kind.DISCONNECT
        return True

    def _connected(self, writer: asyncio.StreamWriter, *, level: int, is_will_retained: bool) -> bool:
        self._is_v5 = level == V5
        self.wills.append(is_will_retained)
        if self._is_v5 and is_will_retained and self.is_refusing_retain:
            writer.write(packet(Kind.CONNACK, bytes([0, RETAIN_NOT_SUPPORTED, 0])))
            return False
        properties = bytes([RETAIN_AVAILABLE, 0]) if self.is_telling_retain else b""
        writer.write(
            packet(Kind.CONNACK, b"\x00\x00" + (bytes([len(properties)]) + properties if self._is_v5 else b""))
        )
        return True


@asynccontextmanager
async def serving(broker: StrangeBroker) -> AsyncIterator[StrangeBroker]:
    """The broker on a port of loopback; its connections end with it."""
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        server.close_clients()
