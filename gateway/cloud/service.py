"""What the runtime builds: the whole cloud room as one task (C1 to C5)."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.cloud import topics
from gateway.cloud.backoff import STEADY_S, Backoff, Pace
from gateway.cloud.link import Connection, Link, LinkDown
from gateway.cloud.presence import Herald
from gateway.cloud.pump import PATIENCE_S, OutboxPump
from gateway.cloud.reception import Counts, InboxReception
from gateway.model.ids import HubId
from gateway.model.instant import Instant
from gateway.nudge import Nudges
from gateway.orders.receive import Desk
from gateway.ports import Clock
from gateway.store.database import Database, is_of_the_disk

log = logging.getLogger(__name__)


class CloudState(StrEnum):
    """How the link is, as a fact to show."""

    CONNECTING = "connecting"
    CONNECTED = "connected"


@dataclass(frozen=True, slots=True)
class CloudCondition:
    """The link right now. `detail` is one line: what went wrong last and what to do, or how we are connected."""

    state: CloudState
    since: Instant
    detail: str


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """What a hub's configuration may change; tests and the demo shorten the waits."""

    pace: Pace = field(default_factory=Pace)
    receipt_patience_s: float = PATIENCE_S
    versions: Mapping[str, str] = field(default_factory=dict)


class CloudService:
    """Holds the link, and everything that goes over it, for as long as the daemon runs."""

    def __init__(
        self,
        *,
        db: Database,
        link: Link,
        hub_id: HubId,
        desk: Desk,
        clock: Clock,
        nudges: Nudges,
        settings: CloudSettings | None = None,
    ) -> None:
        self._settings = settings or CloudSettings()
        self._db = db
        self._link = link
        self._hub_id = hub_id
        self._clock = clock
        self._nudges = nudges
        self._seal = desk.seal
        self._backoff = Backoff(self._settings.pace, desk.entropy)
        self._reception = InboxReception(db=db, hub_id=hub_id, desk=desk, clock=clock, nudges=nudges)
        self._herald = Herald(
            db=db,
            hub_id=hub_id,
            lock_ids=desk.hub.locks.keys(),
            clock=clock,
            versions=self._settings.versions,
        )
        self._condition = CloudCondition(CloudState.CONNECTING, clock.reading().lo, "not tried yet")

    def condition(self) -> CloudCondition:
        """How the link is right now."""
        return self._condition

    @property
    def counts(self) -> Counts:
        """What became of the messages since the start."""
        return self._reception.counts

    async def run(self) -> None:
        """Hold the link, and get it back when it breaks, until cancelled; then say goodbye."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reception.run(), name="cloud.inbox")
            group.create_task(self._stay_connected(), name="cloud.link")

    async def _stay_connected(self) -> None:
        time = asyncio.get_running_loop().time
        while True:
            began = time()
            down = await self._live_once()
            if self._condition.state is CloudState.CONNECTED and time() - began >= STEADY_S:
                self._backoff.reset()
            wait_s = self._backoff.next_s(is_busy=down.is_busy)
            self._show(CloudState.CONNECTING, down.cause)
            log.warning("cloud.link.down", extra={"cause": down.cause, "retry_in_s": round(wait_s, 1)})
            await asyncio.sleep(wait_s)

    async def _live_once(self) -> LinkDown:
        """One connection from its will to its end; how it ended."""
        ended = LinkDown("closed")
        try:
            will = await self._herald.will()
            async with self._link.connect(will=will, listen_to=topics.all_down(self._hub_id)) as connection:
                await self._live(connection)
        except* LinkDown as downs:
            ended = _first(downs)
        except* Exception as faults:  # a supervisor: the link is built anew, the fault is told
            log.exception("cloud.link.fault")
            fault = _first(faults)
            told = f"a fault of this hub ended the connection ({type(fault).__name__}): see the log and report it"
            if is_of_the_disk(fault):
                told = "the hub's disk cannot be written, so it does not connect: free space on it"
            ended = LinkDown(told)
        if ended.was_sent:
            self._herald.spend()
        return ended

    async def _live(self, connection: Connection) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._reception.feed(connection), name="cloud.feed")
                group.create_task(self._speak(connection), name="cloud.pump")
        except asyncio.CancelledError:
            await self._herald.farewell(connection)
            raise

    async def _speak(self, connection: Connection) -> None:
        await connection.ready()
        # Made before the birth: whoever asks while the birth is under way came too late to see it, and gets another.
        pump = OutboxPump(
            db=self._db,
            hub_id=self._hub_id,
            nudges=self._nudges,
            connection=connection,
            epoch=self._herald.epoch,
            seal=self._seal,
            heard=self._reception.heard,
            resumes=lambda: self._reception.counts.resumes,
            announce=lambda heard_up_to: self._herald.announce(connection, heard_up_to),
            patience_s=self._settings.receipt_patience_s,
        )
        told = await self._herald.announce(connection, 0)
        remembered = "remembers us" if connection.has_session else "starts a new session"
        self._show(CloudState.CONNECTED, f"MQTT {connection.protocol}, the broker {remembered}")
        log.info("cloud.link.up", extra={"version": connection.protocol, "session": connection.has_session})
        await pump.run(told)

    def _show(self, state: CloudState, detail: str) -> None:
        since = self._condition.since if state is self._condition.state else self._clock.reading().lo
        self._condition = CloudCondition(state, since, detail)


def _first[E: Exception](group: ExceptionGroup[E]) -> E:
    """The first failure inside nested groups."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
