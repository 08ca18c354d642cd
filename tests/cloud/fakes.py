"""A broker played by the test: a `Link` whose connections the test feeds, breaks and looks into."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.cloud import topics
from gateway.cloud.link import LinkDown, Message, NotTaken, Outgoing, PayloadTooLarge
from gateway.cloud.report import CloudEvent, decode_event
from tests.cloud.room import HUB


@dataclass(frozen=True)
class Published:
    topic: str
    payload: bytes
    is_retained: bool
    future: asyncio.Future[None]


class FakeConnection:
    """One connection; `acks_at_once` is whether publications are acknowledged by themselves."""

    def __init__(self, *, acks_at_once: bool = True, window: int = 20, payload_max: int = 100_000) -> None:
        self.has_session = False
        self.protocol = "fake"
        self.window = window
        self.acks_at_once = acks_at_once
        self.payload_max = payload_max
        self.published: list[Published] = []
        self.acknowledged: list[int] = []
        self.is_abandoned = False
        self.refuses: NotTaken | None = None
        self.down: LinkDown | None = None
        self.subscribed = asyncio.Event()
        self.subscribed.set()
        self._inbox: asyncio.Queue[Message | None] = asyncio.Queue()
        self._count = 0
        self._changed = asyncio.Event()

    async def ready(self) -> None:
        await self.subscribed.wait()
        if self.down is not None:
            raise self.down

    async def messages(self) -> AsyncIterator[Message]:
        while (message := await self._inbox.get()) is not None:
            yield message
        assert self.down is not None
        raise self.down

    def acknowledge(self, message: Message) -> None:
        if self.down is None:
            self.acknowledged.append(message.number)
            self._changed.set()

    def publish(self, topic: str, payload: bytes, *, is_retained: bool = False) -> asyncio.Future[None]:
        if len(payload) > self.payload_max:
            raise PayloadTooLarge
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.down is not None:
            future.set_exception(self.down)
            future.exception()
        elif self.refuses is not None:
            future.set_exception(self.refuses)
            future.exception()
        elif self.acks_at_once:
            future.set_result(None)
        self.published.append(Published(topic, payload, is_retained, future))
        self._changed.set()
        return future

    def abandon(self) -> None:
        self.is_abandoned = True

    # What the test does:

    def say(self, payload: bytes, channel: topics.Down = topics.Down.CMD, *, is_retained: bool = False) -> Message:
        return self.say_on(topics.down(HUB, channel), payload, is_retained=is_retained)

    def say_on(self, topic: str, payload: bytes, *, is_retained: bool = False) -> Message:
        self._count += 1
        message = Message(topic, payload, is_retained, self._count)
        self._inbox.put_nowait(message)
        return message

    def order(self, command_id: str, kind: str, **body: object) -> Message:
        return self.say(json.dumps({"id": command_id, "kind": kind, "body": body}).encode())

    def lose(self, cause: str = "lost", *, is_busy: bool = False) -> None:
        """The connection breaks."""
        self.down = LinkDown(cause, is_busy=is_busy)
        for published in self.published:
            if not published.future.done():
                published.future.set_exception(self.down)
                published.future.exception()
        self._inbox.put_nowait(None)

    def events(self) -> list[CloudEvent]:
        """The events published so far, repetitions and all."""
        topic = topics.up(HUB, topics.Up.EVT)
        return [decode_event(published.payload) for published in self.published if published.topic == topic]

    def statuses(self) -> list[Published]:
        return [published for published in self.published if published.topic == topics.up(HUB, topics.Up.STATUS)]

    async def until_published(self, count: int) -> None:
        """Wait until so many events were published."""
        async with asyncio.timeout(5):
            while len(self.events()) < count:
                self._changed.clear()
                await self._changed.wait()

    async def until_born(self, count: int = 1) -> None:
        """Wait until so many births were published."""
        async with asyncio.timeout(5):
            while len(self.statuses()) < count:
                self._changed.clear()
                await self._changed.wait()

    async def until_acknowledged(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.acknowledged) < count:
                self._changed.clear()
                await self._changed.wait()


class FakeLink:
    """Hands out the connections that the test prepared, else new ones; refuses as often as told."""

    def __init__(self, *connections: FakeConnection, refusals: tuple[LinkDown, ...] = ()) -> None:
        self.made: list[FakeConnection] = []
        self.wills: list[Outgoing | None] = []
        self.endings: list[str] = []
        self._prepared = deque(connections)
        self._refusals = deque(refusals)
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def connect(self, *, will: Outgoing | None, listen_to: str) -> AsyncIterator[FakeConnection]:
        assert listen_to == topics.all_down(HUB)
        self.wills.append(will)
        if self._refusals:
            self._changed.set()
            raise self._refusals.popleft()
        connection = self._prepared.popleft() if self._prepared else FakeConnection()
        self.made.append(connection)
        self._changed.set()
        try:
            yield connection
        except asyncio.CancelledError:
            self.endings.append("hung up" if connection.is_abandoned else "goodbye")
            raise
        except BaseException:
            self.endings.append("hung up")
            raise
        self.endings.append("goodbye")

    async def connection(self, number: int) -> FakeConnection:
        """The connection with this number, from 0, as soon as it is made."""
        async with asyncio.timeout(5):
            while len(self.made) <= number:
                self._changed.clear()
                await self._changed.wait()
        return self.made[number]

    async def tried(self, count: int) -> None:
        """Wait until connecting was tried so often."""
        async with asyncio.timeout(5):
            while len(self.wills) < count:
                self._changed.clear()
                await self._changed.wait()
