"""The inbox: message, codec, one transaction, acknowledgement, bells, in this order (C3).

A message is acknowledged to the broker only after its answer is committed; until then the broker keeps it, over a crash too.
The reception outlives connections: what came in just before a connection broke is stored all the same, and its repetition
answers as before (N3). What queues is taken up to `BATCH_MAX` to a transaction.

Receipts are gathered: one that comes alone is acknowledged at once and committed with the next order, or after `GATHER_S`. A
receipt that a power cut swallows costs a repetition of events, which the cloud takes once anyway; a commit for each would be
half of all bytes that a code's life writes.

Nothing that a message says can block the next one. A batch that fails is taken apart; a message that fails again and again
while another write works is recorded as rejected. When none works, the database is what is broken: nothing is acknowledged,
the broker keeps the rest, and we try until it works. A disk that is full for hours rejects no order.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.cloud.backoff import Backoff, Pace
from gateway.cloud.link import Connection, Message
from gateway.cloud.report import EventReceipt, Resume, decode_receipt
from gateway.cloud.topics import Down, which_down
from gateway.cloud.wire import decode_order, synthetic_id
from gateway.model.commands import Order, Receipt, Reception, Rejection, RejectionReason
from gateway.model.ids import EventSeq, HubId, LockId
from gateway.model.instant import Instant
from gateway.nudge import OUTBOX_BELL, Nudges, lock_bell
from gateway.orders.receive import Desk, receive
from gateway.ports import Clock
from gateway.store import answers, database, facts, journal, probe

log = logging.getLogger(__name__)

BATCH_MAX = 20
"""Messages per transaction: as many as a broker leaves unacknowledged (C3)."""

GATHER_S = 1.0
"""How long a receipt may wait for company before it is committed alone: longer than a lock takes to prove a code, so that an order's
events have one receipt in the store."""

GATHER_EVENTS_MAX = 250
"""A receipt that covers so many more events does not wait: a quarter of what the pump sends ahead, so that a long outbox flows."""

QUEUE_MAX = 100
TRIES_MAX = 3
"""How often one message may fail while the database works otherwise, before it is recorded as rejected."""

RECEIPT_TAKEN = "receipt.taken"
EPOCH_BEGUN = "epoch.begun"
"""What became of a receipt: it moved the watermark, or it showed that the database is an older one."""

DATABASE_PACE = Pace(first_s=1.0, longest_s=60.0)

INTERNAL_FAULT = Rejection(
    RejectionReason.INTERNAL_ERROR,
    None,
    "this hub failed while taking the order, a fault of the hub that its log describes: report it, then order anew",
)


@dataclass(frozen=True, slots=True)
class _Arrival:
    connection: Connection
    message: Message


@dataclass(frozen=True, slots=True)
class _Dropped:
    """A message that is acknowledged and nothing else."""

    cause: str


type _Content = Order | EventReceipt | Resume | _Dropped


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one message: whom to wake, what to log."""

    event: str
    lock_id: LockId | None = None
    cause: str = ""
    has_news: bool = False


@dataclass(slots=True)
class Counts:
    """Tallies since the start, for status and metrics."""

    accepted: int = 0
    rejected: int = 0
    repeated: int = 0
    dropped: int = 0
    resumes: int = 0
    faults: int = 0


class InboxReception:
    """Takes what the cloud says into the store."""

    def __init__(
        self,
        *,
        db: database.Database,
        hub_id: HubId,
        desk: Desk,
        clock: Clock,
        nudges: Nudges,
        pace: Pace = DATABASE_PACE,
        gather_s: float = GATHER_S,
    ) -> None:
        self.counts = Counts()
        self._gather_s = gather_s
        self._held: EventReceipt | None = None
        self._held_until = 0.0
        self._committed_seq = 0
        self._db = db
        self._hub_id = hub_id
        self._desk = desk
        self._clock = clock
        self._nudges = nudges
        self._pace = pace
        self._queue: asyncio.Queue[_Arrival] = asyncio.Queue(QUEUE_MAX)

    def heard(self) -> EventReceipt | None:
        """The newest receipt while it waits to be committed: nothing that it covers is sent again."""
        return self._held

    async def feed(self, connection: Connection) -> None:
        """Move what arrives on one connection into the queue until the connection ends. Raises `LinkDown`."""
        async for message in connection.messages():
            await self._queue.put(_Arrival(connection, message))

    async def run(self) -> None:
        """Settle what is queued, until cancelled; then commit the receipt that still waits, if the database takes it."""
        try:
            while True:
                await self._settle(await self._gather())
        finally:
            if self._held is not None:
                await self._keep_last(self._held)

    async def _keep_last(self, receipt: EventReceipt) -> None:
        """Commit a receipt at the end, in one try: a stop does not wait for a disk that may be full for days."""
        try:
            (outcome,) = await self._commit([receipt])
        except Exception:  # a supervisor: the cloud takes each event once, so this costs a repetition
            log.warning("inbox.receipt.lost", exc_info=True)
        else:
            self._tell(outcome)

    async def _gather(self) -> Sequence[_Arrival]:
        """What is queued, at least one; nothing when a held receipt has waited long enough."""
        try:
            async with asyncio.timeout_at(None if self._held is None else self._held_until):
                batch = [await self._queue.get()]
        except TimeoutError:
            return []
        while len(batch) < BATCH_MAX and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    async def _settle(self, batch: Sequence[_Arrival]) -> None:
        """Commit, then acknowledge in the order of arrival; an empty batch commits the held receipt."""
        contents: list[_Content] = []
        for arrival in batch:
            content = self._read(arrival.message)
            if isinstance(content, EventReceipt):
                self._hold(content)
            else:
                contents.append(content)
        outcomes: Sequence[Settled] = ()
        if contents or not batch:
            held = self._held
            if held is not None:
                contents.append(held)
            outcomes = await self._commit_all(contents)
            if held is not None:  # until here it counts as heard
                if outcomes[-1].event == RECEIPT_TAKEN:
                    self._committed_seq = held.seq
                self._held = None
        for arrival in batch:
            arrival.connection.acknowledge(arrival.message)
        for outcome in outcomes:
            self._tell(outcome)

    def _hold(self, receipt: EventReceipt) -> None:
        """Keep a receipt for the next commit; receipts are cumulative, so the newest stands for all."""
        if self._held is None:
            self._held_until = asyncio.get_running_loop().time() + self._gather_s
        elif (self._held.epoch, self._held.seq) > (receipt.epoch, receipt.seq):
            return
        if receipt.seq - self._committed_seq >= GATHER_EVENTS_MAX:
            self._held_until = asyncio.get_running_loop().time()
        self._held = receipt
        self._nudges.ring(OUTBOX_BELL)

    async def _commit_all(self, contents: Sequence[_Content]) -> Sequence[Settled]:
        try:
            return await self._commit(contents)
        except Exception:  # a supervisor: taken apart, told again below when it persists
            self.counts.faults += 1
            log.exception("inbox.batch.failed", extra={"messages": len(contents)})
            return [await self._commit_alone(content) for content in contents]

    async def _commit(self, contents: Sequence[_Content]) -> list[Settled]:
        at = self._clock.reading().lo

        def change(con: database.Connection) -> list[Settled]:
            return [self._apply(con, content, at) for content in contents]

        if all(isinstance(content, _Dropped) for content in contents):
            return [Settled("inbox.message.dropped", cause=getattr(content, "cause", "")) for content in contents]
        return await self._db.write(change)

    async def _commit_alone(self, content: _Content) -> Settled:
        """Commit one message, however long the database takes to work again."""
        backoff = Backoff(self._pace, self._desk.entropy)
        blamed = 0
        while True:
            try:
                return (await self._commit([_poisoned(content) if blamed >= TRIES_MAX else content]))[0]
            except Exception:  # a supervisor: nothing is acknowledged until this works
                self.counts.faults += 1
                log.exception("inbox.message.failed", extra={"blamed": blamed})
            blamed += await self._database_works()
            await asyncio.sleep(backoff.next_s())

    async def _database_works(self) -> bool:
        """Whether something else can be written: then it is the message that fails, not the database."""
        try:
            await probe.try_to_write(self._db, self._desk.entropy)
        except Exception:  # a supervisor: the cause was logged by the caller's own failure
            log.warning("inbox.database.failing", exc_info=True)
            return False
        return True

    def _read(self, message: Message) -> _Content:
        channel = which_down(self._hub_id, message.topic)
        if channel is None:
            return _Dropped("not one of this hub's topics")
        if message.is_retained:
            return _Dropped("retained messages are not taken: publish without the retain flag")
        if channel is Down.ACK:
            try:
                return decode_receipt(message.payload)
            except ValueError as error:
                return _Dropped(f"receipt: {error}")
        return decode_order(message.payload, hub_id=self._hub_id, channel=channel, digest_pin=self._desk.seal.digest)

    def _apply(self, con: database.Connection, content: _Content, at: Instant) -> Settled:
        match content:
            case _Dropped(cause):
                return Settled("inbox.message.dropped", cause=cause)
            case EventReceipt():
                return self._acknowledge(con, content, at)
            case Resume():
                return Settled("resume.asked", has_news=True)
            case Order():
                return self._take(con, content, at)

    def _acknowledge(self, con: database.Connection, receipt: EventReceipt, at: Instant) -> Settled:
        epoch, last = facts.epoch(con), journal.last_seq(con)
        if receipt.epoch != epoch:
            return Settled("receipt.refused", cause=f"epoch: must be {epoch}, as in the hub's birth message")
        if receipt.seq > last:
            # The cloud has had events that are not here: a copy of before was restored. Under this epoch it would take what comes now for
            # repetitions, and wait for ever (C3, C4).
            cause = f"seq: the newest event is {last}"
            begun = facts.renew_epoch(con, self._clock.reading().hi, at)
            if begun is None:
                return Settled("receipt.refused", cause=f"{cause}; an epoch was begun for this within the hour")
            return Settled(EPOCH_BEGUN, cause=f"{cause}, and {receipt.seq} was receipted: epoch {begun}", has_news=True)
        before = journal.acknowledged(con)
        if receipt.seq > before:
            journal.acknowledge(con, EventSeq(receipt.seq))
            answers.forget(con, receipt.seq)
        return Settled(RECEIPT_TAKEN, has_news=receipt.seq > before)

    def _take(self, con: database.Connection, order: Order, at: Instant) -> Settled:
        before = journal.last_seq(con)
        receipt = receive(con, order, self._desk, at)
        if receipt.reception is Reception.REJECTED and journal.last_seq(con) == before:
            # Another order under a used id: answered under an id of its own, so that both answers stay what they are.
            receipt = receive(con, _renamed(order, receipt), self._desk, at)
        return Settled(
            f"order.{receipt.reception.value}",
            lock_id=receipt.lock_id if receipt.reception is Reception.ACCEPTED else None,
            cause="" if receipt.rejection is None else f"{receipt.rejection.reason.value} {receipt.rejection.field}",
            has_news=journal.last_seq(con) > before,
        )

    def _tell(self, outcome: Settled) -> None:
        match outcome.event:
            case "order.accepted":
                self.counts.accepted += 1
            case "order.rejected":
                self.counts.rejected += 1
            case "order.repeated":
                self.counts.repeated += 1
            case "resume.asked":
                self.counts.resumes += 1
            case "inbox.message.dropped":
                self.counts.dropped += 1
        if outcome.event in ("inbox.message.dropped", "receipt.refused", EPOCH_BEGUN):
            log.warning(outcome.event, extra={"cause": outcome.cause})
        else:
            log.info(outcome.event, extra={"lock": outcome.lock_id, "cause": outcome.cause})
        if outcome.lock_id is not None:
            self._nudges.ring(lock_bell(outcome.lock_id))
        if outcome.has_news:
            self._nudges.ring(OUTBOX_BELL)


def _renamed(order: Order, receipt: Receipt) -> Order:
    why = receipt.rejection or INTERNAL_FAULT
    own_id = synthetic_id(order.command_id.encode() + order.body_digest)
    return replace(order, command_id=own_id, command=replace(why, message=f"{why.message} (used: {order.command_id})"))


def _poisoned(content: _Content) -> _Content:
    """What to record instead of a message that cannot be taken."""
    if isinstance(content, Order):
        return replace(content, command=INTERNAL_FAULT)
    return _Dropped("could not be taken: a fault of this hub, see its log")
