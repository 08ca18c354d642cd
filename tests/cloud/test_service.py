"""The whole room over a fake broker: connects, wills, births, farewells, condition, back-off."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import override

import pytest

from gateway.cloud import topics
from gateway.cloud.backoff import BUSY_STEPS, Backoff, Pace
from gateway.cloud.counterpart import Counterpart
from gateway.cloud.link import LinkDown, Message, NotTaken, Outgoing
from gateway.cloud.report import EventReceipt, decode_presence, encode_receipt, encode_resume
from gateway.cloud.service import CloudService, CloudState
from gateway.nudge import Nudges
from gateway.store.database import Database
from tests.builders import FRONT, SeededEntropy
from tests.cloud.fakes import FakeConnection, FakeLink
from tests.cloud.room import EPOCH, HUB, make_service, open_store, running


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_store(tmp_path) as db:
        yield db


async def until_connected(service: CloudService, connection: FakeConnection) -> None:
    await connection.until_born()
    assert service.condition().state is CloudState.CONNECTED


def session_of(will: Outgoing | None) -> int:
    assert will is not None
    told = decode_presence(will.payload)
    assert not told.is_online
    return told.session


async def test_birth_says_epoch_session_watermarks_and_digests(db: Database) -> None:
    link = FakeLink()
    service = make_service(db, link)
    async with running(service):
        connection = await link.connection(0)
        await until_connected(service, connection)
        connection.order("o-1", "access_code.create", access_code_id="a", device_id=FRONT, code="271828")
        await connection.until_published(3)
        connection.lose()
        second = await link.connection(1)
        await second.until_published(3)
    births = [decode_presence(made.statuses()[0].payload) for made in link.made]
    assert [(born.is_online, born.epoch, born.session) for born in births] == [(True, EPOCH, 1), (True, EPOCH, 2)]
    assert [(born.last_seq, born.acknowledged_seq) for born in births] == [(0, 0), (3, 0)]
    assert births[0].digests.keys() == {FRONT}
    assert births[0].digests != births[1].digests
    assert births[0].versions == {"gateway": "test"}
    assert all(made.statuses()[0].is_retained for made in link.made)


async def test_a_cloud_that_asks_while_the_birth_is_under_way_gets_another(db: Database) -> None:
    """The first birth passed before that cloud listened; without a live one it knows no position, and takes no event."""
    connection = FakeConnection(acks_at_once=False)
    async with running(make_service(db, FakeLink(connection))):
        await connection.until_born()
        connection.say(encode_resume(), topics.Down.ACK)
        await connection.until_acknowledged(1)
        connection.statuses()[0].future.set_result(None)
        await connection.until_born(2)
        connection.statuses()[1].future.set_result(None)
        connection.acks_at_once = True
    assert [decode_presence(status.payload).is_online for status in connection.statuses()] == [True, True, False]


async def test_a_question_that_waited_at_the_broker_is_answered_by_the_birth(db: Database) -> None:
    connection = FakeConnection(acks_at_once=False)
    connection.say(encode_resume(), topics.Down.ACK)
    connection.subscribed.clear()
    async with running(make_service(db, FakeLink(connection))):
        await connection.until_acknowledged(1)
        connection.subscribed.set()
        await connection.until_born()
        connection.acks_at_once = True
        connection.statuses()[0].future.set_result(None)
        connection.order("o-1", "access_code.delete", access_code_id="none")
        await connection.until_published(2)
    assert [decode_presence(status.payload).is_online for status in connection.statuses()] == [True, False]


async def test_the_will_carries_the_session_of_its_birth(db: Database) -> None:
    link = FakeLink()
    async with running(make_service(db, link)):
        (await link.connection(0)).lose()
        (await link.connection(1)).lose()
        await link.connection(2)
    assert [session_of(will) for will in link.wills] == [1, 2, 3]


async def test_a_session_number_that_no_broker_saw_is_used_again(db: Database) -> None:
    unreachable = LinkDown("nothing listens there", was_sent=False)
    link = FakeLink(refusals=(unreachable, unreachable, LinkDown("no answer to our connect")))
    async with running(make_service(db, link)):
        await link.connection(0)
    assert [session_of(will) for will in link.wills] == [1, 1, 1, 2]


async def test_session_numbers_go_on_after_a_restart(db: Database) -> None:
    for expected in (1, 2):
        link = FakeLink()
        async with running(make_service(db, link)):
            await link.connection(0)
        assert session_of(link.wills[0]) == expected


async def test_a_clean_stop_says_offline_and_goodbye(db: Database) -> None:
    link = FakeLink()
    service = make_service(db, link)
    async with running(service):
        connection = await link.connection(0)
        await until_connected(service, connection)
    last = connection.statuses()[-1]
    assert not decode_presence(last.payload).is_online
    assert link.endings == ["goodbye"]


async def test_a_stop_leaves_it_to_the_will_when_the_farewell_is_not_taken(db: Database) -> None:
    connection = FakeConnection()
    link = FakeLink(connection)
    service = make_service(db, link)
    async with running(service):
        await link.connection(0)
        await until_connected(service, connection)
        connection.refuses = NotTaken("quota exceeded")
    assert link.endings == ["hung up"]


async def test_condition_says_in_one_line_what_to_do(db: Database) -> None:
    link = FakeLink(refusals=(LinkDown("cannot reach b:1: start the broker", was_sent=False),))
    service = make_service(db, link)
    assert service.condition().state is CloudState.CONNECTING
    async with running(service):
        await link.tried(1)
        assert service.condition().state is CloudState.CONNECTING
        connection = await link.connection(0)
        assert "start the broker" in service.condition().detail
        await until_connected(service, connection)
        assert "MQTT fake" in service.condition().detail
        connection.lose("b:1 hung up")
        await link.connection(1)
        assert service.condition().detail in ("b:1 hung up", "MQTT fake, the broker starts a new session")


async def test_a_disk_that_takes_nothing_is_told_as_that_and_not_as_a_fault_to_be_reported(db: Database) -> None:
    """Each connect takes a session number of its own, which has to be kept."""

    await db.read(lambda con: con.execute("PRAGMA query_only = ON").fetchall())
    down = await make_service(db, FakeLink())._live_once()
    assert down.cause == "the hub's disk cannot be written, so it does not connect: free space on it"


async def test_a_fault_of_our_own_does_not_end_the_room(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(FakeConnection):
        @override
        async def ready(self) -> None:
            msg = "a bug"
            raise ZeroDivisionError(msg)

    link = FakeLink(Faulty())
    service = make_service(db, link)
    async with running(service):
        await until_connected(service, await link.connection(1))
    assert link.endings[0] == "hung up"
    assert "cloud.link.fault" in caplog.messages


async def test_unanswered_events_go_out_after_a_restart(db: Database) -> None:
    link = FakeLink()
    async with running(make_service(db, link)):
        connection = await link.connection(0)
        connection.order("o-1", "access_code.create", access_code_id="a", device_id=FRONT, code="271828")
        await connection.until_published(3)
    again = FakeLink()
    async with running(make_service(db, again, nudges=Nudges())):
        connection = await again.connection(0)
        await connection.until_published(3)
    assert [event.seq for event in connection.events()] == [1, 2, 3]


@pytest.mark.parametrize("is_in_time", [True, False], ids=["before the birth", "after the birth"])
async def test_c4_a_cloud_begins_where_the_receipts_of_the_one_before_it_end(db: Database, *, is_in_time: bool) -> None:
    """A receipt waits at the broker while the hub is away, and counts before it is stored: the birth named the stored one, and a
    cloud that began there waited for events that nobody sends again."""
    link = FakeLink()
    async with running(make_service(db, link)):
        connection = await link.connection(0)
        connection.order("o-1", "access_code.create", access_code_id="a", device_id=FRONT, code="271828")
        await connection.until_published(3)
    receipt = encode_receipt(EventReceipt(EPOCH, 2))
    connection = FakeConnection(acks_at_once=False)
    cloud = Counterpart(link=FakeLink(), hub_id=HUB, entropy=SeededEntropy())
    if is_in_time:
        connection.say(receipt, topics.Down.ACK)
        connection.subscribed.clear()
    async with running(make_service(db, FakeLink(connection), nudges=Nudges())):
        if is_in_time:
            await connection.until_acknowledged(1)
            connection.subscribed.set()
        await connection.until_born()
        if not is_in_time:
            connection.say(receipt, topics.Down.ACK)
            await connection.until_acknowledged(1)
        connection.acks_at_once = True
        connection.statuses()[0].future.set_result(None)
        await connection.until_published(1)
    for told in connection.published:
        if topics.which_up(HUB, told.topic) is topics.Up.STATUS and not decode_presence(told.payload).is_online:
            break  # the farewell
        cloud._take(Message(told.topic, told.payload, is_retained=False, number=0))
    assert [event.seq for event in cloud.events] == [3]


async def test_c4_a_restored_database_is_told_by_an_epoch_of_its_own_and_its_events_are_heard(db: Database) -> None:
    """The hub told new orders' answers under numbers of before the restore: the cloud took them for repetitions, and waited."""
    link = FakeLink()
    async with running(make_service(db, link)):
        connection = await link.connection(0)
        connection.order("o-1", "access_code.create", access_code_id="a", device_id=FRONT, code="271828")
        await connection.until_published(3)
        connection.say(encode_receipt(EventReceipt(EPOCH, 300)), topics.Down.ACK)
        second = await link.connection(1)
        await second.until_published(3)
    assert link.endings == ["hung up", "goodbye"]
    births = [decode_presence(made.statuses()[0].payload) for made in link.made]
    assert births[0].epoch == EPOCH < births[1].epoch
    assert (births[1].last_seq, births[1].acknowledged_seq) == (3, 0)
    will = link.wills[1]
    assert will is not None
    assert decode_presence(will.payload).epoch == births[1].epoch
    assert [(event.epoch, event.seq) for event in second.events()] == [(births[1].epoch, seq) for seq in (1, 2, 3)]


class Always:
    """Chance that always draws the same fraction."""

    def __init__(self, drawn: float) -> None:
        self._drawn = drawn

    def token(self, count: int) -> bytes:
        return bytes(count)

    def fraction(self) -> float:
        return self._drawn


def test_delays_double_up_to_the_bound_and_start_anew() -> None:
    backoff = Backoff(Pace(first_s=1.0, longest_s=300.0), Always(1.0))
    assert [backoff.next_s() for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    backoff.reset()
    assert backoff.next_s() == 1.0


def test_the_whole_delay_is_drawn() -> None:
    assert Backoff(Pace(first_s=8.0, longest_s=300.0), Always(0.25)).next_s() == 2.0
    assert Backoff(Pace(first_s=8.0, longest_s=300.0), Always(0.0)).next_s() == 0.0


def test_a_busy_broker_is_given_peace() -> None:
    assert Backoff(Pace(first_s=1.0, longest_s=300.0), Always(1.0)).next_s(is_busy=True) == 2.0**BUSY_STEPS


def test_a_thousand_failures_do_not_overflow() -> None:
    backoff = Backoff(Pace(), Always(1.0))
    assert [backoff.next_s() for _ in range(2_000)][-1] == 300.0
