"""The journal: numbers without a gap, a chain that shows tampering, receipts that never go back or beyond."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.events import Event, EventKind
from gateway.model.ids import CodeId, LockId
from gateway.store import codes, facts, journal
from gateway.store.database import Connection, Database
from tests.builders import NOON, make_code


def add(con: Connection, count: int) -> None:
    for number in range(count):
        journal.append(con, Event(EventKind.CODE_CREATED, LockId("l"), CodeId(f"c{number}"), body={"n": number}), NOON)
        journal.note(con, "slot.write.intended", NOON, lock_id=LockId("l"), code_id=CodeId(f"c{number}"), body={})


async def test_i6_numbers_have_no_gap_and_notes_take_none(database: Database) -> None:
    await database.write(lambda con: add(con, 5))
    stored = await database.read(lambda con: journal.outbox(con, 0, 100))
    assert [event.seq for event in stored] == [1, 2, 3, 4, 5]
    assert [event.event.body["n"] for event in stored] == [0, 1, 2, 3, 4]


@given(gaps=st.lists(st.integers(0, 90), min_size=1, max_size=60), after=st.integers(0, 70), first=st.integers(0, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
async def test_an_event_is_found_by_its_number_however_many_notes_lie_between(
    database: Database, gaps: list[int], after: int, first: int
) -> None:
    def found(con: Connection) -> tuple[list[int], list[int]]:
        con.execute("DELETE FROM journal")
        con.kept.clear()
        for gap in gaps:
            journal.append(con, Event(EventKind.CODE_CREATED, LockId("l"), CodeId("c")), NOON)
            for _ in range(gap):
                journal.note(con, "slot.read.ended", NOON, lock_id=LockId("l"), code_id=None, body={})
        con.execute(
            "DELETE FROM journal WHERE line <= ? AND line < (SELECT max(line) FROM journal WHERE seq > 0)", (first,)
        )
        assert journal.last_seq(con) == len(gaps)
        plain = con.execute("SELECT seq FROM journal WHERE seq > ? ORDER BY seq LIMIT 10", (after,))
        return [int(stored.seq) for stored in journal.outbox(con, after, 10)], [int(str(row[0])) for row in plain]

    halved, plain = await database.write(found)
    assert halved == plain


async def test_a_timeline_begins_with_its_code_and_ends_with_the_newest_line(database: Database) -> None:
    def change(con: Connection) -> None:
        add(con, 3)
        codes.put(con, make_code("c1"), b"sealed", begins_after_line=journal.last_line(con))
        add(con, 3)
        codes.put(con, make_code("c1"), b"sealed")

    await database.write(change)
    lines = await database.read(lambda con: journal.timeline(con, CodeId("c1")))
    assert [line.line for line in lines] == [9, 10], "another generation is the same code"


async def test_a_rolled_back_event_leaves_no_gap(database: Database) -> None:
    def broken(con: Connection) -> None:
        add(con, 1)
        raise LookupError

    await database.write(lambda con: add(con, 1))
    try:
        await database.write(broken)
    except LookupError:
        await database.write(lambda con: add(con, 1))
    assert [event.seq for event in await database.read(lambda con: journal.outbox(con, 0, 10))] == [1, 2]


async def test_c3_a_receipt_never_goes_back_and_never_beyond_the_last_event(database: Database) -> None:
    await database.write(lambda con: add(con, 5))
    assert await database.write(lambda con: journal.acknowledge(con, 3)) == 3
    assert await database.write(lambda con: journal.acknowledge(con, 2)) == 3
    assert await database.write(lambda con: journal.acknowledge(con, 99)) == 5
    assert await database.read(journal.acknowledged) == 5


async def test_a19_a_changed_line_breaks_the_chain(database: Database) -> None:
    await database.write(lambda con: add(con, 4))
    assert await database.read(journal.verify) is None
    await database.write(lambda con: con.execute("UPDATE journal SET body = '{\"n\":7}' WHERE line = 3"))
    assert await database.read(journal.verify) == 3


async def test_a19_a_line_taken_out_breaks_the_chain(database: Database) -> None:
    await database.write(lambda con: add(con, 4))
    await database.write(lambda con: con.execute("DELETE FROM journal WHERE line = 4"))
    assert await database.read(journal.verify) == 5


@pytest.fixture
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "WALK_LINES", 4)


async def walked(database: Database, between: Callable[[Connection], object]) -> journal.Walk:
    """The journal verified page by page, with a change after each."""
    walk = await database.read(journal.begin_walk)
    while not walk.is_over:
        walk = await database.read(partial(journal.walk_on, walk=walk))
        await database.write(between)
    return walk


@pytest.mark.usefixtures("_small_pages")
async def test_a19_a_walk_in_pages_ends_at_the_line_that_was_newest_at_its_beginning(database: Database) -> None:
    await database.write(lambda con: add(con, 10))
    walk = await walked(database, lambda con: add(con, 5))
    assert (walk.end, walk.broken) == (20, None)


@pytest.mark.usefixtures("_small_pages")
@pytest.mark.parametrize("line", [1, 4, 5, 19, 20])
async def test_a19_a_walk_in_pages_finds_the_line_that_does_not_fit(database: Database, line: int) -> None:
    await database.write(lambda con: add(con, 10))
    await database.write(lambda con: con.execute("UPDATE journal SET body = '{\"n\":7}' WHERE line = ?", (line,)))
    walk = await walked(database, lambda con: None)
    assert walk.broken == line


@pytest.mark.usefixtures("_small_pages")
@pytest.mark.parametrize("pruned", [1, 3, 5, 6, 30])
async def test_a19_pruning_may_overtake_a_walk_in_pages(database: Database, pruned: int) -> None:
    def prune(con: Connection) -> None:
        journal.prune(con, NOON, pruned)

    await database.write(lambda con: add(con, 20))
    await database.write(lambda con: journal.acknowledge(con, 20))
    assert (await walked(database, prune)).broken is None
    assert await database.read(journal.verify) is None

    await database.write(lambda con: add(con, 20))
    await database.write(lambda con: con.execute("UPDATE journal SET body = '{\"n\":7}' WHERE line = 79"))
    await database.write(lambda con: journal.acknowledge(con, 40))
    assert (await walked(database, prune)).broken == 79


async def test_a19_an_empty_journal_is_whole(database: Database) -> None:
    assert (await database.read(journal.begin_walk)).is_over


async def test_a_timeline_has_events_and_notes_of_its_code_only(database: Database) -> None:
    await database.write(lambda con: add(con, 3))
    lines = await database.read(lambda con: journal.timeline(con, CodeId("c1")))
    assert [line.kind for line in lines] == ["access_code.created", "slot.write.intended"]


async def test_the_epoch_stays_with_the_database(database: Database) -> None:
    assert await database.write(lambda con: facts.begin_epoch(con, 17)) == 17
    assert await database.write(lambda con: facts.begin_epoch(con, 99)) == 17
    assert await database.write(facts.next_session) == 1
    assert await database.write(facts.next_session) == 2


async def test_t1_a_line_of_the_journal_is_a_mark_too(database: Database) -> None:
    await database.write(lambda con: add(con, 1))
    assert await database.read(facts.high_water) == NOON
    await database.write(lambda con: facts.raise_high_water(con, NOON))
    assert await database.read(lambda con: facts.read(con, "clock.high_water_ms")) is None, "not written twice"


async def test_t1_the_high_water_mark_never_goes_back(database: Database) -> None:
    await database.write(lambda con: facts.raise_high_water(con, NOON))
    await database.write(lambda con: facts.raise_high_water(con, type(NOON)(NOON - 1)))
    assert await database.read(facts.high_water) == NOON
