"""Answers that give a PIN: in `command.accepted` and nowhere else, the same when sent again, forgotten once receipted (A6, N1)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cloud.report import EventReceipt, encode_receipt
from gateway.cloud.topics import Down
from gateway.store import journal
from gateway.store.database import Connection, Database
from tests.builders import FRONT
from tests.cloud.fakes import FakeConnection, FakeLink
from tests.cloud.room import EPOCH, make_service, open_store, running


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_store(tmp_path) as db:
        yield db


def kept(con: Connection) -> int:
    row = con.execute("SELECT count(*) FROM answer_pin").fetchone()
    assert row is not None
    return int(str(row[0]))


def given(connection: FakeConnection) -> dict[str, str]:
    """The PIN of each event that carries one, by kind of event and order."""
    bodies = [(event.kind, event.body) for event in connection.events()]
    return {f"{kind} {body['command_id']}": str(body["code"]) for kind, body in bodies if "code" in body}


async def test_a_drawn_pin_stands_in_the_acceptance_and_the_same_bytes_come_again(db: Database) -> None:
    link = FakeLink()
    async with running(make_service(db, link)):
        first = await link.connection(0)
        await first.until_born()
        first.order("o-1", "access_code.create", access_code_id="a", device_id=FRONT, name="Guest")
        first.order("o-2", "access_code.generate_code", device_id=FRONT)
        await first.until_published(6)
        first.lose()
        second = await link.connection(1)
        await second.until_published(6)
    assert given(first).keys() == {"command.accepted o-1", "command.accepted o-2"}
    assert [event.body for event in second.events()[:6]] == [event.body for event in first.events()[:6]]
    lines = str(await db.read(journal.timeline))
    assert [pin for pin in given(first).values() if pin in lines] == []
    assert await db.read(kept) == 2


async def test_a_pin_that_the_cloud_sent_is_not_sent_back(db: Database) -> None:
    link = FakeLink()
    async with running(make_service(db, link)):
        connection = await link.connection(0)
        await connection.until_born()
        connection.order("o-1", "access_code.create", access_code_id="a", device_id=FRONT, code="271828")
        await connection.until_published(3)
    assert given(connection) == {}
    assert "271828" not in json.dumps([dict(event.body) for event in connection.events()])


async def test_the_receipt_ends_the_keeping_of_the_pin(db: Database) -> None:
    link = FakeLink()
    async with running(make_service(db, link)):
        connection = await link.connection(0)
        await connection.until_born()
        connection.order("o-1", "access_code.generate_code", device_id=FRONT)
        await connection.until_published(3)
        newest = connection.events()[-1].seq
        connection.say(encode_receipt(EventReceipt(EPOCH, newest)), Down.ACK)
        connection.order("o-2", "access_code.unmanaged.list", device_id=FRONT)
        await connection.until_published(6)
    assert await db.read(kept) == 0
