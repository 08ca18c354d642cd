"""The outbox over a fake broker and a real store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.cloud import pump as pump_module
from gateway.cloud.link import LinkDown, NotTaken
from gateway.cloud.pump import OutboxPump
from gateway.cloud.report import EventReceipt
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import EventSeq
from gateway.nudge import OUTBOX_BELL, Nudges
from gateway.store import journal
from gateway.store.database import Connection, Database
from tests.builders import FRONT, NOON
from tests.cloud.fakes import FakeConnection
from tests.cloud.room import EPOCH, HUB, make_desk, open_store


class Outbox:
    """A store, its bell, and a pump on a connection."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.nudges = Nudges()
        self.heard: EventReceipt | None = None
        self.resumes = 0
        self.births_after: list[int] = []
        self.births_told: list[int] = []

    def ask_to_resume(self) -> None:
        self.resumes += 1
        self.nudges.ring(OUTBOX_BELL)

    async def append(self, count: int, body: dict[str, Fact] | None = None) -> None:
        def add(con: Connection) -> None:
            for _ in range(count):
                journal.append(con, Event(EventKind.LOCK_JAMMED, FRONT, body=body or {}), NOON)

        await self.db.write(add)
        self.nudges.ring(OUTBOX_BELL)

    async def receipt(self, seq: int) -> None:
        await self.db.write(lambda con: journal.acknowledge(con, EventSeq(seq)))
        self.nudges.ring(OUTBOX_BELL)

    def pump(self, connection: FakeConnection, patience_s: float = 60.0) -> OutboxPump:
        async def announce(at_least: int) -> int:
            self.births_after.append(len(connection.published))
            self.births_told.append(max(at_least, await self.db.read(journal.acknowledged)))
            return self.births_told[-1]

        return OutboxPump(
            db=self.db,
            hub_id=HUB,
            nudges=self.nudges,
            connection=connection,
            epoch=EPOCH,
            seal=make_desk().seal,
            heard=lambda: self.heard,
            resumes=lambda: self.resumes,
            announce=announce,
            patience_s=patience_s,
        )

    @asynccontextmanager
    async def pumping(self, connection: FakeConnection, patience_s: float = 60.0) -> AsyncIterator[None]:
        """`pump` over a connection whose birth has just told how far the store is receipted."""
        pump, told = self.pump(connection, patience_s), await self.db.read(journal.acknowledged)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(pump.run(told))
            try:
                yield
            finally:
                task.cancel()


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    async with open_store(tmp_path) as db:
        yield Outbox(db)


def numbers(connection: FakeConnection) -> list[int]:
    return [event.seq for event in connection.events()]


async def test_events_go_out_in_order_each_once(outbox: Outbox) -> None:
    connection = FakeConnection()
    await outbox.append(250)
    async with outbox.pumping(connection):
        await connection.until_published(250)
        await outbox.append(3)
        await connection.until_published(253)
    assert numbers(connection) == list(range(1, 254))
    assert {event.epoch for event in connection.events()} == {EPOCH}


async def test_no_more_than_the_window_is_under_way(outbox: Outbox) -> None:
    connection = FakeConnection(acks_at_once=False, window=4)
    await outbox.append(10)
    async with outbox.pumping(connection):
        await connection.until_published(4)
        for done in range(6):
            assert len(connection.published) == 4 + done
            connection.published[done].future.set_result(None)
            await connection.until_published(5 + done)
    assert numbers(connection) == list(range(1, 11))


async def test_a_new_connection_starts_from_the_receipt_whatever_the_broker_acknowledged(outbox: Outbox) -> None:
    first, second = FakeConnection(), FakeConnection()
    await outbox.append(9)
    async with outbox.pumping(first):
        await first.until_published(9)
    await outbox.receipt(4)
    async with outbox.pumping(second):
        await second.until_published(5)
    assert numbers(second) == [5, 6, 7, 8, 9]


async def test_silence_of_the_cloud_makes_the_pump_repeat_and_a_receipt_ends_it(outbox: Outbox) -> None:
    connection = FakeConnection()
    await outbox.append(3)
    async with outbox.pumping(connection, patience_s=0.05):
        await connection.until_published(6)
        await outbox.receipt(3)
        await outbox.append(1)
        await connection.until_published(7)
    heard = numbers(connection)
    assert heard[:6] == [1, 2, 3, 1, 2, 3]
    assert heard[-1] == 4


async def test_repetition_waits_longer_each_time(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    connection = FakeConnection()
    await outbox.append(1)
    async with outbox.pumping(connection, patience_s=0.02):
        await connection.until_published(4)
    waits = [getattr(record, "waited_s", None) for record in caplog.records if record.message == "outbox.repeated"]
    assert waits == [0.02, 0.04, 0.08]


async def test_without_receipts_the_pump_stops_at_its_bound(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump_module, "AHEAD_MAX", 5)
    connection = FakeConnection()
    await outbox.append(8)
    async with outbox.pumping(connection):
        await connection.until_published(5)
        await outbox.append(1)
        await outbox.receipt(2)
        await connection.until_published(7)
    assert numbers(connection) == [1, 2, 3, 4, 5, 6, 7]


async def test_an_event_that_the_broker_refuses_is_repeated_later(outbox: Outbox) -> None:
    connection = FakeConnection(acks_at_once=False)
    await outbox.append(1)
    async with outbox.pumping(connection, patience_s=0.05):
        await connection.until_published(1)
        connection.published[0].future.set_exception(NotTaken("quota exceeded"))
        await connection.until_published(2)
    assert numbers(connection) == [1, 1]


async def test_an_event_above_the_brokers_limit_goes_bare_and_blocks_nothing(outbox: Outbox) -> None:
    connection = FakeConnection(payload_max=1_000)
    await outbox.append(1, {"text": "x" * 2_000})
    await outbox.append(1)
    async with outbox.pumping(connection):
        await connection.until_published(2)
    assert numbers(connection) == [1, 2]
    assert connection.events()[0].body["omitted"] == "too_large"


async def test_a_broken_connection_ends_the_pump(outbox: Outbox) -> None:
    connection = FakeConnection(acks_at_once=False, window=1)
    await outbox.append(2)
    pump = outbox.pump(connection)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(_ended(pump))
        await connection.until_published(1)
        connection.lose("cable cut")
    assert running.result() == "cable cut"


async def _ended(pump: OutboxPump) -> str:
    try:
        await pump.run(0)
    except LinkDown as down:
        return down.cause
    return "never"


async def test_c4_a_receipt_from_before_the_connection_is_told_by_a_birth_before_anything_is_skipped(
    outbox: Outbox,
) -> None:
    """It waited at the broker while the hub was away; whoever begins where the first birth said waits for what never comes."""
    connection = FakeConnection()
    await outbox.append(5)
    pump = outbox.pump(connection)
    outbox.heard = EventReceipt(EPOCH, 3)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(pump.run(1))
        await connection.until_published(2)
        task.cancel()
    assert numbers(connection) == [4, 5]
    assert (outbox.births_after, outbox.births_told) == ([0], [3])


async def test_receipts_of_what_this_connection_sent_cost_no_birth(outbox: Outbox) -> None:
    connection = FakeConnection()
    await outbox.append(5)
    async with outbox.pumping(connection, patience_s=0.05):
        await connection.until_published(10)  # sent, and all of it again
        await outbox.receipt(4)
        await outbox.append(1)
        await connection.until_published(11)
    assert outbox.births_after == []


async def test_a_cloud_that_asks_to_resume_gets_a_birth_and_all_above_the_watermark(outbox: Outbox) -> None:
    connection = FakeConnection()
    await outbox.append(5)
    async with outbox.pumping(connection):
        await connection.until_published(5)
        await outbox.receipt(3)
        outbox.ask_to_resume()
        await connection.until_published(7)
    assert numbers(connection) == [1, 2, 3, 4, 5, 4, 5]
    assert (outbox.births_after, outbox.births_told) == ([5], [3])


async def test_a_question_that_crosses_events_on_their_way_repeats_none_that_is_receipted_soon(outbox: Outbox) -> None:
    connection = FakeConnection()
    await outbox.append(3)
    async with outbox.pumping(connection):
        await connection.until_published(3)
        outbox.ask_to_resume()
        for _ in range(20):
            await outbox.db.read(lambda _: None)  # the pump takes its turns
        await outbox.receipt(2)
        await connection.until_published(4)
    assert numbers(connection) == [1, 2, 3, 3]
    assert outbox.births_after == [3]


async def test_a_receipt_counts_when_it_is_heard_and_not_when_it_is_stored(outbox: Outbox) -> None:
    connection = FakeConnection()
    await outbox.append(3)
    async with outbox.pumping(connection):
        await connection.until_published(3)
        outbox.heard = EventReceipt(EPOCH, 2)
        outbox.ask_to_resume()
        await connection.until_published(4)
    assert numbers(connection) == [1, 2, 3, 3]


@pytest.mark.parametrize("receipt", [EventReceipt(EPOCH + 1, 2), EventReceipt(EPOCH, 4)], ids=["epoch", "too far"])
async def test_a_receipt_that_will_be_refused_does_not_count(outbox: Outbox, receipt: EventReceipt) -> None:
    connection = FakeConnection()
    await outbox.append(3)
    async with outbox.pumping(connection):
        await connection.until_published(3)
        outbox.heard = receipt
        outbox.ask_to_resume()
        await connection.until_published(6)
    assert numbers(connection) == [1, 2, 3, 1, 2, 3]


async def test_a_question_of_an_earlier_connection_is_not_answered_again(outbox: Outbox) -> None:
    connection = FakeConnection()
    outbox.resumes = 4
    await outbox.append(2)
    async with outbox.pumping(connection):
        await connection.until_published(2)
        await outbox.append(1)
        await connection.until_published(3)
    assert numbers(connection) == [1, 2, 3]
    assert outbox.births_after == []


async def test_a_cloud_that_asks_all_the_time_is_answered_at_intervals(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "RESUME_PAUSE_S", 3_600.0)
    monkeypatch.setattr(pump_module, "ON_ITS_WAY_S", 0.0)
    connection = FakeConnection()
    await outbox.append(1)
    async with outbox.pumping(connection):
        for _ in range(20):
            outbox.ask_to_resume()
            await outbox.db.read(lambda _: None)
        await outbox.append(1)
        await connection.until_published(3)
    assert numbers(connection) == [1, 1, 2]
    assert len(outbox.births_after) == 1
