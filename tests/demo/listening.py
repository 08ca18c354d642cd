"""A link that keeps a copy of every message the hub sends, as it came over the wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.cloud.link import Connection, Link, Message, Outgoing
from gateway.cloud.report import decode_event
from tests.demo.record import Arrival, now_ms


@dataclass(slots=True)
class Overheard:
    """Every message that came, in order, and when the events among them did."""

    messages: list[Message] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)

    def take(self, message: Message) -> None:
        """Keep one."""
        self.messages.append(message)
        if message.topic.endswith("/up/evt"):
            self.arrivals.append(Arrival(now_ms(), decode_event(message.payload).id))


class ListeningLink:
    """A `Link` around another one."""

    def __init__(self, inner: Link, overheard: Overheard) -> None:
        self._inner = inner
        self._overheard = overheard

    @asynccontextmanager
    async def connect(self, *, will: Outgoing | None, listen_to: str) -> AsyncIterator[Connection]:
        """See `Link.connect`."""
        async with self._inner.connect(will=will, listen_to=listen_to) as connection:
            yield _ListeningConnection(connection, self._overheard)


class _ListeningConnection:
    def __init__(self, inner: Connection, overheard: Overheard) -> None:
        self._inner = inner
        self._overheard = overheard

    @property
    def has_session(self) -> bool:
        return self._inner.has_session

    @property
    def protocol(self) -> str:
        return self._inner.protocol

    @property
    def window(self) -> int:
        return self._inner.window

    async def ready(self) -> None:
        await self._inner.ready()

    async def messages(self) -> AsyncIterator[Message]:
        async for message in self._inner.messages():
            self._overheard.take(message)
            yield message

    def acknowledge(self, message: Message) -> None:
        self._inner.acknowledge(message)

    def publish(self, topic: str, payload: bytes, *, is_retained: bool = False) -> asyncio.Future[None]:
        return self._inner.publish(topic, payload, is_retained=is_retained)

    def abandon(self) -> None:
        self._inner.abandon()
