"""Birth and last will: whether this hub is there, and what it knows (C4).

Both carry a session number from a durable counter, one per connect, so that a will that a slow broker publishes late cannot
bury a newer birth. A number is used again only when the broker cannot have seen it: a hub that knocks all night at a dead
broker writes nothing.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping

from gateway.cloud import topics
from gateway.cloud.link import Connection, LinkDown, NotTaken, Outgoing
from gateway.cloud.report import Presence, encode_presence
from gateway.model.ids import HubId, LockId
from gateway.model.instant import Instant
from gateway.orders.digest import digests
from gateway.ports import Clock
from gateway.store import database, facts, journal

log = logging.getLogger(__name__)

FAREWELL_S = 2.0
"""How long a stop waits for the broker to take our farewell; after that the last will speaks for us."""


class Herald:
    """Says at every connect that the hub is there, and at its stop that it is not."""

    def __init__(
        self,
        *,
        db: database.Database,
        hub_id: HubId,
        lock_ids: Collection[LockId],
        clock: Clock,
        versions: Mapping[str, str],
    ) -> None:
        self._db = db
        self._hub_id = hub_id
        self._topic = topics.up(hub_id, topics.Up.STATUS)
        self._lock_ids = lock_ids
        self._clock = clock
        self._versions = versions
        self._started_at: Instant = clock.reading().lo
        self._session: int | None = None
        self._epoch = 0

    @property
    def epoch(self) -> int:
        """The epoch that will and birth of this connect tell."""
        return self._epoch

    async def will(self) -> Outgoing:
        """The last will for the next connect, with a session number that no broker has seen."""
        if self._session is None:
            taken = await self._db.write(lambda con: (facts.epoch(con), facts.next_session(con)))
            self._epoch, self._session = taken
        session: int = self._session
        gone = Presence(is_online=False, epoch=self._epoch, session=session)
        return Outgoing(self._topic, encode_presence(self._hub_id, gone, None), is_retained=True)

    def spend(self) -> None:
        """The broker may have seen the session number: the next connect takes another."""
        self._session = None

    async def announce(self, connection: Connection, heard_up_to: int) -> int:
        """Publish the birth and wait until the broker has it; the newest receipt that it tells. Raises `LinkDown`.

        `heard_up_to` counts as receipted, stored or not: nothing that it covers will be sent.
        """
        session = self._session
        assert session is not None, "the birth belongs to the session of the will"

        def look(con: database.Connection) -> Presence:
            return Presence(
                is_online=True,
                epoch=self._epoch,
                session=session,
                last_seq=journal.last_seq(con),
                acknowledged_seq=max(heard_up_to, journal.acknowledged(con)),
                digests=digests(con, self._lock_ids),
                versions=self._versions,
                started_at=self._started_at,
            )

        born = await self._db.read(look)
        payload = encode_presence(self._hub_id, born, self._clock.reading().lo)
        try:
            await connection.publish(self._topic, payload, is_retained=True)
        except NotTaken as refusal:
            log.warning("presence.birth.not_taken", extra={"cause": str(refusal)})
        return born.acknowledged_seq

    async def farewell(self, connection: Connection) -> None:
        """Say that we go, or leave it to the last will when the broker does not listen any more."""
        assert self._session is not None, "the farewell belongs to the session of the will"
        gone = Presence(is_online=False, epoch=self._epoch, session=self._session)
        payload = encode_presence(self._hub_id, gone, self._clock.reading().lo)
        try:
            async with asyncio.timeout(FAREWELL_S):
                await connection.publish(self._topic, payload, is_retained=True)
        except (TimeoutError, LinkDown, NotTaken):
            connection.abandon()
