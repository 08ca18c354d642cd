"""The inbox over a fake broker and a real store."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway.cloud import reception as reception_module
from gateway.cloud import topics
from gateway.cloud.link import LinkDown
from gateway.cloud.report import encode_resume
from gateway.model.commands import Order, Receipt
from gateway.model.ids import CodeId
from gateway.model.instant import Instant
from gateway.nudge import OUTBOX_BELL, lock_bell
from gateway.orders.receive import Desk, receive
from gateway.store import codes, facts, probe
from gateway.store.database import Connection
from tests.builders import FRONT
from tests.cloud.inbox import CREATE, FullDisk, Inbox, SickDatabase
from tests.cloud.room import KEYS, open_store


async def test_an_order_is_stored_answered_acknowledged_and_rung(inbox: Inbox) -> None:
    async with inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        await connection.until_acknowledged(1)
        assert await inbox.nudges.wait(lock_bell(FRONT), 5)
        assert await inbox.nudges.wait(OUTBOX_BELL, 5)
    assert await inbox.kinds() == ["command.received", "command.accepted", "access_code.created"]
    assert await inbox.db.read(lambda con: codes.get(con, CodeId("ac-1"))) is not None


async def test_a_repeated_order_is_acknowledged_and_changes_nothing(inbox: Inbox) -> None:
    async with inbox.open() as connection:
        for _ in range(3):
            connection.order("o-1", "access_code.create", **CREATE)
        await connection.until_acknowledged(3)
    assert len(await inbox.kinds()) == 3
    assert (inbox.reception.counts.accepted, inbox.reception.counts.repeated) == (1, 2)


async def test_a_second_order_under_a_used_id_is_answered_under_an_id_of_its_own(inbox: Inbox) -> None:
    async with inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        for _ in range(2):
            connection.order("o-1", "access_code.delete", access_code_id="ac-1")
        await connection.until_acknowledged(3)
    rejections = [stored.event for stored in await inbox.events() if stored.event.kind == "command.rejected"]
    assert len(rejections) == 1
    assert rejections[0].command_id != "o-1"
    assert rejections[0].body["field"] == "id"
    assert "o-1" in str(rejections[0].body["message"])
    code = await inbox.db.read(lambda con: codes.get(con, CodeId("ac-1")))
    assert code is not None
    assert not code.is_deleted


async def test_bad_messages_are_answered_and_block_nothing(inbox: Inbox) -> None:
    async with inbox.open() as connection:
        connection.say(b"\x00\xff")
        connection.say(b"{" * 50_000)
        connection.say(b"", topics.Down.SNAP)
        connection.say(b'{"id":"live-1","kind":"lock.unlock","body":{}}', topics.Down.LIVE)
        connection.order("o-1", "access_code.create", **CREATE)
        await connection.until_acknowledged(5)
    kinds = await inbox.kinds()
    assert kinds.count("command.rejected") == 4
    assert kinds[-1] == "access_code.created"


async def test_retained_and_foreign_messages_are_acknowledged_and_not_applied(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    order = json.dumps({"id": "o-1", "kind": "access_code.create", "body": CREATE}).encode()
    async with inbox.open() as connection:
        connection.say(order, is_retained=True)
        connection.say_on("kg/v1/hub-2/dn/cmd", order)
        connection.say_on("", order)
        await connection.until_acknowledged(3)
    assert await inbox.kinds() == []
    assert inbox.reception.counts.dropped == 3
    assert "271828" not in caplog.text


async def test_many_orders_are_acknowledged_in_the_order_of_arrival(inbox: Inbox) -> None:
    async with inbox.open() as connection:
        for number in range(130):
            connection.order(f"o-{number}", "access_code.delete", access_code_id="none")
        await connection.until_acknowledged(130)
    assert connection.acknowledged == list(range(1, 131))


async def test_orders_that_came_before_the_connection_broke_are_stored_all_the_same(inbox: Inbox) -> None:
    inbox.connection.order("o-1", "access_code.create", **CREATE)
    inbox.connection.lose()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(inbox.reception.run())
        with pytest.raises(LinkDown):
            await inbox.reception.feed(inbox.connection)
        assert await inbox.nudges.wait(lock_bell(FRONT), 5)
        task.cancel()
    assert inbox.connection.acknowledged == []


async def test_a_resume_is_counted_and_wakes_the_pump(inbox: Inbox) -> None:
    async with inbox.open() as connection:
        connection.say(encode_resume(), topics.Down.ACK)
        await connection.until_acknowledged(1)
        assert await inbox.nudges.wait(OUTBOX_BELL, 5)
    assert inbox.reception.counts.resumes == 1


async def sick(folder: Path, failures: int) -> Inbox:
    async with open_store(folder):
        pass  # the schema and the epoch
    db = await SickDatabase.open(folder / "hub.db", KEYS.page_key)
    db.failures = failures
    return Inbox(db)


async def test_an_order_outlives_a_disk_that_is_full_for_long(tmp_path: Path) -> None:
    inbox = await sick(tmp_path, failures=40)
    async with inbox.db, inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        await connection.until_acknowledged(1)
        assert await inbox.kinds() == ["command.received", "command.accepted", "access_code.created"]


async def test_n3_a_full_disk_poisons_no_order_although_the_probe_was_written_before(tmp_path: Path) -> None:
    async with open_store(tmp_path) as db:
        await db.write(lambda con: facts.write(con, probe.PROBE, "works"))
    db = await FullDisk.open(tmp_path / "hub.db", KEYS.page_key)
    db.refusals = 40
    inbox = Inbox(db)
    async with db, inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        await connection.until_acknowledged(1)
        assert await inbox.kinds() == ["command.received", "command.accepted", "access_code.created"]


async def test_nothing_is_acknowledged_while_the_database_fails(tmp_path: Path) -> None:
    inbox = await sick(tmp_path, failures=1_000_000)
    assert isinstance(inbox.db, SickDatabase)
    async with inbox.db, inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        async with asyncio.timeout(5):
            await inbox.db.has_failed_often.wait()
        assert connection.acknowledged == []
        inbox.db.failures = 0
        await connection.until_acknowledged(1)


async def test_a_passing_database_fault_costs_no_order(tmp_path: Path) -> None:
    inbox = await sick(tmp_path, failures=3)
    async with inbox.db, inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        await connection.until_acknowledged(1)
        assert await inbox.kinds() == ["command.received", "command.accepted", "access_code.created"]


async def test_a_message_that_always_fails_is_rejected_and_its_neighbours_live(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(con: Connection, order: Order, desk: Desk, at: Instant) -> Receipt:
        if getattr(order.command, "code_id", "") == "poison":
            msg = "a bug"
            raise ZeroDivisionError(msg)
        return receive(con, order, desk, at)

    monkeypatch.setattr(reception_module, "receive", poisoned)
    async with inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        connection.order("o-2", "access_code.create", access_code_id="poison", device_id=FRONT, code="314159")
        connection.order("o-3", "access_code.create", access_code_id="ac-3", device_id=FRONT, code="161803")
        await connection.until_acknowledged(3)
    rejected = [stored.event for stored in await inbox.events() if stored.event.kind == "command.rejected"]
    assert [event.command_id for event in rejected] == ["o-2"]
    assert (await inbox.kinds()).count("access_code.created") == 2
    assert await inbox.db.read(lambda con: facts.read(con, probe.PROBE)) is None


async def test_no_pin_reaches_the_log_at_any_level(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with inbox.open() as connection:
        connection.order("o-1", "access_code.create", **CREATE)
        connection.order("o-2", "access_code.create", **(CREATE | {"code": "27182x"}))
        connection.order("o-3", "access_code.create", **(CREATE | {"name": ["271828"]}))
        await connection.until_acknowledged(3)
    told = caplog.text + "".join(
        str(vars(record)) for record in caplog.records if record.name.startswith("gateway.cloud")
    )
    assert "27182" not in told
