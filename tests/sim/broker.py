"""A simulated broker behind the gateway's own `Link`: everything that MQTT with QoS 1 allows, and no more.

A message is delivered at least once to every session that was there when the broker took it. So it may come twice; it comes
again when its acknowledgement was lost with the connection; and the sender of a message cannot know, when the connection
breaks, whether it was taken. On a broker that keeps order, messages arrive as they were sent; on others (clusters do that)
they may overtake each other. A broker that dies without a disk forgets its sessions with all that waits in them.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.cloud.link import IN_FLIGHT_MAX, LinkDown, Message, Outgoing

LATENCY_S = (0.002, 0.2)
"""One way over the internet."""

LATE_S = 20.0
"""How long a message may be held up on a broker that keeps no order."""

WILL_AFTER_S = 90.0
"""A client that went without goodbye is missed after 1.5 times the keep-alive of a minute (MQTT 3.1.2.10)."""

QUEUE_MAX = 5_000
"""Messages that a session keeps for an absent client; the oldest go first. Far above what a world produces."""


@dataclass(slots=True)
class Habits:
    """How this broker is. Rates are per message."""

    doubles: float = 0.0
    late: float = 0.0
    keeps_sessions: bool = True


@dataclass(slots=True)
class Session:
    """What the broker knows of one client, connected or not."""

    client_id: str
    listens_to: str
    queue: deque[tuple[str, bytes, bool]] = field(default_factory=deque)
    in_flight: dict[int, tuple[str, bytes, bool]] = field(default_factory=dict)
    connection: "SimConnection | None" = None
    numbers: int = 0


class SimBroker:
    """One broker for all. `on_taken` is told of every message that it takes, with the sender's name."""

    def __init__(self, chance: random.Random, habits: Habits | None = None) -> None:
        self.habits = habits or Habits()
        self.is_up = True
        self.counts: Counter[str] = Counter()
        self.on_taken: Callable[[str, str, bytes], None] = lambda sender, topic, payload: None
        self._chance = chance
        self._sessions: dict[str, Session] = {}
        self._retained: dict[str, bytes] = {}

    # What a world does to it:

    def go_down(self) -> None:
        """Die. Sessions survive when its habits say so; connections never."""
        self.is_up = False
        self.counts["broker_gone"] += 1
        for session in self._sessions.values():
            self._hang_up(session, "the broker went away")
        if not self.habits.keeps_sessions:
            self._sessions.clear()
            self._retained.clear()

    def come_up(self) -> None:
        self.is_up = True

    def break_connection(self, client_id: str) -> None:
        """Cut one client's connection in mid-sentence."""
        session = self._sessions.get(client_id)
        if session is not None and session.connection is not None:
            self.counts["connection_broken"] += 1
            self._miss(session.connection)
            self._hang_up(session, "connection reset")

    # What clients do:

    async def accept(self, client_id: str, will: Outgoing | None, listen_to: str) -> "SimConnection":
        await asyncio.sleep(self._chance.uniform(*LATENCY_S) * 2)
        if not self.is_up:
            raise LinkDown("connection refused", was_sent=False)
        known = self._sessions.get(client_id)
        if known is not None and known.connection is not None:
            self._miss(known.connection)
            self._hang_up(known, "another client took over the session")
        session = known or Session(client_id, listen_to)
        session.listens_to = listen_to
        self._sessions[client_id] = session
        connection = SimConnection(self, session, will, has_session=known is not None, chance=self._chance)
        session.connection = connection
        waiting = [*session.in_flight.values()]
        session.in_flight.clear()
        session.queue.extendleft(reversed(waiting))
        for topic, payload in self._retained.items():
            if _fits(listen_to, topic):
                session.queue.append((topic, payload, True))
        self._push(session)
        return connection

    def take(self, sender: str, topic: str, payload: bytes, *, is_retained: bool) -> None:
        """A message reached the broker: into every session that listens to it."""
        self.on_taken(sender, topic, payload)
        if is_retained:
            self._retained[topic] = payload
        for session in self._sessions.values():
            if not _fits(session.listens_to, topic):
                continue
            copies = 2 if self._chance.random() < self.habits.doubles else 1
            self.counts["message_doubled"] += copies - 1
            session.queue.extend([(topic, payload, False)] * copies)
            while len(session.queue) > QUEUE_MAX:
                session.queue.popleft()
            self._push(session)

    def settle(self, session: Session, number: int) -> None:
        """The client acknowledged."""
        if session.in_flight.pop(number, None) is not None:
            self._push(session)

    def goodbye(self, connection: "SimConnection", *, is_clean: bool) -> None:
        """The client went."""
        if connection.down is None:
            if not is_clean:
                self._miss(connection)
            self._hang_up(connection.session, "closed")

    def _miss(self, connection: "SimConnection") -> None:
        will = connection.will
        if will is None:
            return

        def speak_for_it() -> None:
            if self.is_up:
                self.take(connection.session.client_id, will.topic, will.payload, is_retained=will.is_retained)

        asyncio.get_running_loop().call_later(self._chance.uniform(0, WILL_AFTER_S), speak_for_it)

    def _hang_up(self, session: Session, cause: str) -> None:
        if session.connection is not None:
            session.connection.end(LinkDown(cause))
            session.connection = None

    def _push(self, session: Session) -> None:
        connection = session.connection
        while connection is not None and session.queue and len(session.in_flight) < IN_FLIGHT_MAX:
            topic, payload, is_retained = session.queue.popleft()
            session.numbers += 1
            session.in_flight[session.numbers] = (topic, payload, is_retained)
            connection.deliver(Message(topic, payload, is_retained, session.numbers))

    def is_late(self) -> bool:
        """Whether this message is held up, on a broker that keeps no order."""
        is_late = self._chance.random() < self.habits.late
        self.counts["message_late"] += is_late
        return is_late


class SimConnection:
    """One life of a client's link, as `gateway.cloud.link.Connection` wants it."""

    def __init__(
        self, broker: SimBroker, session: Session, will: Outgoing | None, *, has_session: bool, chance: random.Random
    ) -> None:
        self.session = session
        self.will = will
        self.down: LinkDown | None = None
        self.is_abandoned = False
        self._broker = broker
        self._has_session = has_session
        self._chance = chance
        self._inbox: asyncio.Queue[Message | None] = asyncio.Queue()
        self._open: dict[asyncio.Future[None], None] = {}
        self._free_at = {"up": 0.0, "down": 0.0}

    @property
    def has_session(self) -> bool:
        return self._has_session

    @property
    def protocol(self) -> str:
        return "3.1.1"

    @property
    def window(self) -> int:
        return IN_FLIGHT_MAX

    async def ready(self) -> None:
        await asyncio.sleep(0)
        if self.down is not None:
            raise self.down

    async def messages(self) -> AsyncIterator[Message]:
        while (message := await self._inbox.get()) is not None:
            yield message
        assert self.down is not None
        raise LinkDown(self.down.cause)

    def acknowledge(self, message: Message) -> None:
        self._later("up", lambda: self._broker.settle(self.session, message.number))

    def publish(self, topic: str, payload: bytes, *, is_retained: bool = False) -> asyncio.Future[None]:
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.down is not None:
            acknowledged.set_exception(LinkDown(self.down.cause))
            acknowledged.exception()
            return acknowledged
        # One more than the window for a farewell, which waits for nobody.
        assert len(self._open) <= IN_FLIGHT_MAX, "more publications under way than the broker allows"
        self._open[acknowledged] = None

        def taken() -> None:
            self._broker.take(self.session.client_id, topic, payload, is_retained=is_retained)
            self._later("down", answered)

        def answered() -> None:
            self._open.pop(acknowledged, None)
            if not acknowledged.done():
                acknowledged.set_result(None)

        self._later("up", taken, may_be_late=True)
        return acknowledged

    def abandon(self) -> None:
        self.is_abandoned = True

    def deliver(self, message: Message) -> None:
        """The broker sends; whoever reads gets it a moment later."""
        self._later("down", lambda: self._inbox.put_nowait(message), may_be_late=True)

    def end(self, down: LinkDown) -> None:
        """Whatever is under way is lost, and nobody knows how far it came."""
        if self.down is not None:
            return
        self.down = down
        for acknowledged in self._open:
            if not acknowledged.done():
                acknowledged.set_exception(LinkDown(down.cause))
                acknowledged.exception()
        self._open.clear()
        self._inbox.put_nowait(None)

    def _later(self, way: str, act: Callable[[], None], *, may_be_late: bool = False) -> None:
        """Do it after the wire's delay, in the order of the calls, unless the connection is gone by then."""
        loop = asyncio.get_running_loop()
        at = loop.time() + self._chance.uniform(*LATENCY_S)
        if may_be_late and self._broker.is_late():
            at += self._chance.uniform(0, LATE_S)
        else:
            at = self._free_at[way] = max(at, self._free_at[way] + 1e-6)

        def arrive() -> None:
            if self.down is None:
                act()

        loop.call_at(at, arrive)


class SimLink:
    """A client's way to the broker, as `gateway.cloud.link.Link` wants it. A link that is `cut` never speaks again."""

    def __init__(self, broker: SimBroker, client_id: str) -> None:
        self._broker = broker
        self._client_id = client_id
        self._connection: SimConnection | None = None

    @asynccontextmanager
    async def connect(self, *, will: Outgoing | None, listen_to: str) -> AsyncIterator[SimConnection]:
        connection = await self._broker.accept(self._client_id, will, listen_to)
        self._connection = connection
        try:
            yield connection
        except asyncio.CancelledError:
            self._broker.goodbye(connection, is_clean=not connection.is_abandoned)
            raise
        except BaseException:
            self._broker.goodbye(connection, is_clean=False)
            raise
        self._broker.goodbye(connection, is_clean=True)

    def cut(self) -> None:
        """The client lost its power: no goodbye."""
        if self._connection is not None:
            self._broker.break_connection(self._client_id)


def _fits(listens_to: str, topic: str) -> bool:
    return topic.startswith(listens_to.removesuffix("#"))
