"""Receipts of the cloud: they move the watermark, wait for company, and begin an epoch (C3, C4)."""

import asyncio
from pathlib import Path

import pytest

from gateway.cloud import topics
from gateway.cloud.report import EventReceipt, encode_receipt
from gateway.model.events import Event, EventKind
from gateway.model.instant import HOUR_MS
from gateway.nudge import OUTBOX_BELL
from gateway.store import facts, journal
from tests.builders import NOON
from tests.cloud.inbox import CREATE, Inbox, SickDatabase
from tests.cloud.room import EPOCH, KEYS, open_store


async def test_a_receipt_moves_the_watermark_and_wakes_the_pump(inbox: Inbox) -> None:
    async with inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        await connection.until_acknowledged(1)
        assert await inbox.nudges.wait(OUTBOX_BELL, 5)
        connection.say(encode_receipt(EventReceipt(EPOCH, 2)), topics.Down.ACK)
        await connection.until_acknowledged(2)
        assert await inbox.nudges.wait(OUTBOX_BELL, 5)
    assert await inbox.db.read(journal.acknowledged) == 2


@pytest.mark.parametrize(
    ("receipt", "cause"),
    [
        (encode_receipt(EventReceipt(EPOCH + 1, 2)), "epoch: must be 7"),
        (b"{}", 'receipt: stream: must be "evt"'),
        (b"nonsense", "receipt: not JSON"),
    ],
)
async def test_a_receipt_that_cannot_be_is_refused_and_logged(
    inbox: Inbox, caplog: pytest.LogCaptureFixture, receipt: bytes, cause: str
) -> None:
    async with inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        connection.say(receipt, topics.Down.ACK)
        await connection.until_acknowledged(2)
    assert await inbox.db.read(journal.acknowledged) == 0
    assert any(cause in str(getattr(record, "cause", "")) for record in caplog.records)


async def test_c4_a_receipt_for_an_event_that_never_was_begins_an_epoch_and_confirms_nothing(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The database is an older one: what it has told since carried numbers that the cloud had taken already."""
    async with inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        connection.say(encode_receipt(EventReceipt(EPOCH, 4)), topics.Down.ACK)
        await connection.until_acknowledged(2)
    assert await inbox.db.read(facts.epoch) > EPOCH
    assert await inbox.db.read(journal.acknowledged) == 0
    assert [record.levelname for record in caplog.records if record.message == "epoch.begun"] == ["WARNING"]


async def test_c4_a_cloud_that_receipts_what_never_was_again_and_again_gets_one_epoch_an_hour(inbox: Inbox) -> None:
    seen = [EPOCH]
    async with inbox.open() as connection:
        for number, wait_ms in enumerate((0, 0, HOUR_MS - 1, 1), start=1):
            inbox.clock.move(wait_ms)
            connection.say(encode_receipt(EventReceipt(seen[-1], 1_000)), topics.Down.ACK)
            # A receipt is stored with the next order at the latest.
            connection.order(f"o-{number}", "access_code.delete", access_code_id="none")
            await connection.until_acknowledged(2 * number)
            seen.append(await inbox.db.read(facts.epoch))
    assert EPOCH < seen[1] == seen[2] == seen[3] < seen[4]


async def test_n3_a_stop_ends_with_a_held_receipt_that_no_disk_takes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The service manager would end it by SIGKILL; a receipt that is lost costs a repetition of events."""
    async with await SickDatabase.open(tmp_path / "hub.db", KEYS.page_key) as db:
        await db.write(lambda con: facts.begin_epoch(con, EPOCH))
        inbox = Inbox(db, gather_s=3_600.0)
        async with asyncio.timeout(5), inbox.open() as connection:
            connection.order("o-1", "access_code.create", **CREATE)
            await connection.until_acknowledged(1)
            connection.say(encode_receipt(EventReceipt(EPOCH, 2)), topics.Down.ACK)
            await connection.until_acknowledged(2)
            db.failures = 1_000_000
        assert db.failed == 1
        assert await db.read(journal.acknowledged) == 0
    assert [record.levelname for record in caplog.records if record.message == "inbox.receipt.lost"] == ["WARNING"]


async def test_receipts_wait_for_company_and_are_committed_with_it(tmp_path: Path) -> None:
    async with open_store(tmp_path) as db:
        inbox = Inbox(db, gather_s=3_600.0)
        async with inbox.open() as connection:
            connection.order("o-1", "access_code.create", **CREATE)
            await connection.until_acknowledged(1)
            for seq in (1, 3, 2):
                connection.say(encode_receipt(EventReceipt(EPOCH, seq)), topics.Down.ACK)
            await connection.until_acknowledged(4)
            assert await db.read(journal.acknowledged) == 0
            assert inbox.reception.heard() == EventReceipt(EPOCH, 3)
            connection.order("o-2", "access_code.delete", access_code_id="nobody")
            await connection.until_acknowledged(5)
            assert await db.read(journal.acknowledged) == 3
            assert inbox.reception.heard() is None
        assert connection.acknowledged == [1, 2, 3, 4, 5]


async def test_a_receipt_of_many_events_does_not_wait(tmp_path: Path) -> None:
    async with open_store(tmp_path) as db:
        await db.write(lambda con: [journal.append(con, Event(EventKind.DEVICE_ADDED), NOON) for _ in range(600)])
        inbox = Inbox(db, gather_s=3_600.0)
        async with inbox.open() as connection:
            connection.say(encode_receipt(EventReceipt(EPOCH, 300)), topics.Down.ACK)
            async with asyncio.timeout(5):
                while await db.read(journal.acknowledged) != 300:
                    await inbox.nudges.wait(OUTBOX_BELL, 5)


async def test_a_receipt_that_still_waits_is_committed_at_the_stop(tmp_path: Path) -> None:
    async with open_store(tmp_path) as db:
        inbox = Inbox(db, gather_s=3_600.0)
        async with inbox.open() as connection:
            connection.order("o-1", "access_code.create", **CREATE)
            connection.say(encode_receipt(EventReceipt(EPOCH, 2)), topics.Down.ACK)
            await connection.until_acknowledged(2)
            connection.say(encode_receipt(EventReceipt(EPOCH, 3)), topics.Down.ACK)
            await connection.until_acknowledged(3)
        assert await db.read(journal.acknowledged) == 3


async def test_an_older_receipt_moves_nothing_back(inbox: Inbox) -> None:
    async with inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        connection.say(encode_receipt(EventReceipt(EPOCH, 3)), topics.Down.ACK)
        connection.say(encode_receipt(EventReceipt(EPOCH, 1)), topics.Down.ACK)
        await connection.until_acknowledged(3)
    assert await inbox.db.read(journal.acknowledged) == 3
