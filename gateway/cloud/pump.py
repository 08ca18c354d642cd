"""The outbox: journal, publish, wait for the cloud's own receipt (C3).

Theory of operation. Events go out in order, at most a broker's window under way. The broker's acknowledgement only frees
its place in the window; an event is done when a receipt on `dn/ack` covers it. Two numbers say everything: the watermark
(receipted, in the store) and `sent` (published on this connection). A new connection starts with `sent` at the watermark,
and so does silence: when nothing was receipted for `patience`, all above the watermark goes out again, each time after
twice the wait. A cloud that has just come need not wait for that: it asks us to resume, and gets a birth and all above the
watermark at once. A birth names the watermark too, and is told anew when a receipt takes that beyond all that this connection has
told or sent: no listener may wait for events that are passed over. Nothing polls: the pump sleeps until it is rung, an acknowledgement frees the window, or patience ends.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gateway.cloud import topics
from gateway.cloud.link import Connection, LinkDown, NotTaken, PayloadTooLarge
from gateway.cloud.report import EventReceipt, encode_event
from gateway.cloud.strict_json import PAYLOAD_MAX
from gateway.model.ids import EventSeq, HubId
from gateway.model.pin import Pin
from gateway.nudge import OUTBOX_BELL, Nudges
from gateway.store import answers, database, facts, journal
from gateway.store.journal import StoredEvent
from gateway.store.seal import PinSeal

log = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""How long the cloud may keep us without a receipt before we repeat."""

PATIENCE_MAX_S = 3_600.0
ON_ITS_WAY_S = 1.0
"""A question is answered this long after the last event was sent at the earliest: it may have crossed with events that the cloud
receipts by itself, within 20 to 100 ms as we measured it, and those need not be sent twice."""

RESUME_PAUSE_S = 1.0
"""A cloud that asks us to resume more often than this is answered this often: bounds what a confused one can cost."""

AHEAD_MAX = 1_000
"""Events published and not receipted: bounds what one repetition costs (about 0.5 MB)."""

READ_MAX = 100
"""Events read from the store at once."""

BARE = 0
"""As a limit of bytes: the event goes without its particulars."""


@dataclass(frozen=True, slots=True)
class _View:
    epoch: int
    watermark: int
    events: tuple[StoredEvent, ...]
    pins: Mapping[EventSeq, Pin]


class OutboxPump:
    """Sends the journal's events over one connection; it starts from the watermark."""

    def __init__(
        self,
        *,
        db: database.Database,
        hub_id: HubId,
        nudges: Nudges,
        connection: Connection,
        epoch: int,
        seal: PinSeal,
        heard: Callable[[], EventReceipt | None],
        resumes: Callable[[], int],
        announce: Callable[[int], Awaitable[int]],
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`epoch` is what the birth told; `heard` is a receipt that is not stored yet; `resumes` counts the cloud's questions since the start; `announce` publishes a birth that names at least this receipt, and says which it named."""
        self._db = db
        self._hub_id = hub_id
        self._topic = topics.up(hub_id, topics.Up.EVT)
        self._nudges = nudges
        self._connection = connection
        self._epoch = epoch
        self._seal = seal
        self._time = asyncio.get_running_loop().time
        self._under_way: deque[asyncio.Future[None]] = deque()
        self._sent = 0
        self._pins: Mapping[EventSeq, Pin] = {}
        self._watermark = 0
        self._reached = 0
        self._first_patience_s = self._patience_s = patience_s
        self._repeat_at = self._time() + patience_s
        self._heard = heard
        self._resumes = resumes
        self._announce = announce
        self._resumes_answered = resumes()
        self._may_resume_at = self._time()
        self._sent_at = self._time() - ON_ITS_WAY_S

    async def run(self, told: int) -> None:
        """Send until the connection ends. `told` is the newest receipt that this connection's birth named. Raises `LinkDown`."""
        self._reached = told
        while True:
            view = await self._look()
            if view.epoch != self._epoch:
                msg = "a new epoch of events has begun, which a new connection tells"
                raise LinkDown(msg)
            self._take_watermark(view.watermark)
            if self._watermark > self._reached:
                # A receipt from before this connection, or of a cloud before this one: what is passed over now never comes, and
                # whoever begins where the last birth said would wait for it.
                await self._tell_watermark()
            self._pins = view.pins
            for stored in view.events:
                await self._send(view.epoch, stored)
            if view.events:
                continue
            if self._is_asked():
                self._repeat_at = min(self._repeat_at, max(self._may_resume_at, self._sent_at + ON_ITS_WAY_S))
            if not await self._rest():
                await self._repeat()

    async def _tell_watermark(self) -> None:
        self._reached = max(self._reached, await self._announce(self._watermark))

    async def _look(self) -> _View:
        sent, heard = self._sent, self._heard()

        def look(con: database.Connection) -> _View:
            epoch, watermark = facts.epoch(con), journal.acknowledged(con)
            if heard is not None and heard.epoch == epoch and heard.seq <= journal.last_seq(con):
                watermark = max(watermark, heard.seq)
            after = max(sent, watermark)
            room = min(READ_MAX, AHEAD_MAX - (after - watermark))
            has_more = room > 0 and journal.last_seq(con) > after
            events = journal.outbox(con, after, room) if has_more else ()
            pins = answers.between(con, events[0].seq, events[-1].seq, self._seal) if events else {}
            return _View(epoch, watermark, events, pins)

        return await self._db.read(look)

    def _take_watermark(self, watermark: int) -> None:
        if watermark > self._watermark:
            self._patience_s = self._first_patience_s
            self._repeat_at = self._time() + self._patience_s
        self._watermark = watermark
        self._sent = max(self._sent, watermark)

    async def _send(self, epoch: int, stored: StoredEvent) -> None:
        while len(self._under_way) >= self._connection.window:
            await _landed(self._under_way.popleft())
        if self._sent == self._watermark:
            self._repeat_at = self._time() + self._patience_s
        for payload_max in (PAYLOAD_MAX, BARE):
            payload = encode_event(self._hub_id, epoch, stored, payload_max, self._pins.get(stored.seq))
            try:
                self._under_way.append(self._connection.publish(self._topic, payload))
                break
            except PayloadTooLarge:
                log.exception("outbox.event.too_large", extra={"seq": stored.seq, "bytes": len(payload)})
        self._sent, self._sent_at = stored.seq, self._time()
        self._reached = max(self._reached, stored.seq)

    async def _rest(self) -> bool:
        """Sleep until there is something to look at; False when patience ended first."""
        while self._under_way and self._under_way[0].done():
            await _landed(self._under_way.popleft())
        is_waiting = self._sent > self._watermark or self._is_asked()
        timeout_s = max(0.0, self._repeat_at - self._time()) if is_waiting else None
        return await self._nudges.wait(OUTBOX_BELL, timeout_s)

    def _is_asked(self) -> bool:
        return self._resumes() > self._resumes_answered

    async def _repeat(self) -> None:
        """Begin at the watermark again: because we were asked to, or because nobody said anything for too long."""
        if self._is_asked():
            self._resumes_answered = self._resumes()
            self._may_resume_at = self._time() + RESUME_PAUSE_S
            self._patience_s = self._first_patience_s
            log.info("outbox.resumed", extra={"after": self._watermark, "to": self._sent})
            await self._tell_watermark()
        else:
            waited = {"after": self._watermark, "to": self._sent, "waited_s": self._patience_s}
            log.warning("outbox.repeated", extra=waited)
            self._patience_s = min(self._patience_s * 2, PATIENCE_MAX_S)
        self._repeat_at = self._time() + self._patience_s
        self._sent = self._watermark


async def _landed(future: asyncio.Future[None]) -> None:
    """Wait for one acknowledgement; a message that the broker did not take is repeated with the rest."""
    try:
        await future
    except NotTaken as refusal:
        log.warning("outbox.event.not_taken", extra={"cause": str(refusal)})
