"""How long the hub remembers, and that forgetting leaves the chain whole (A19)."""

from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, HOUR_MS, Instant
from gateway.model.personal import Personal
from gateway.store import codes, journal, retention
from gateway.store.database import Connection, Database
from gateway.store.hub_time import EARLIEST_MARK
from tests.builders import FRONT, NOON, make_code

GUEST = CodeId("guest")
NAME = "Ms Adams"
GONE = NOON
DUE = Instant(GONE + 7 * DAY_MS)
AGED = Instant(NOON + 180 * DAY_MS)


def personal(text: str) -> Personal:
    return Personal(text, b"0123456789abcdef")


def tell(con: Connection, kind: EventKind, body: dict[str, Fact], at: Instant = NOON) -> None:
    journal.append(con, Event(kind, FRONT, GUEST, body=body), at)


def live_and_go(con: Connection) -> None:
    """A guest's code from the order to its proven removal, confirmed by the cloud."""
    codes.put(con, make_code("guest", ends_at=Instant(NOON + DAY_MS), deleted_at=NOON), b"sealed")
    tell(con, EventKind.CODE_CREATED, {"name": personal(NAME), "type": "time_bound"})
    renamed: Fact = [{"mutation_code": "updating_name", "from": personal(NAME), "to": personal("Mr Adams")}]
    tell(con, EventKind.CODE_MUTATIONS_REQUESTED, {"requested_mutations": renamed})
    journal.note(con, "slot.write.intended", NOON, lock_id=FRONT, code_id=GUEST, body={"slot": 1})
    tell(con, EventKind.CODE_REMOVED, {})
    codes.finish(con, GUEST, GONE)
    journal.acknowledge(con, 99)


def dump(con: Connection) -> str:
    rows = con.execute("SELECT * FROM journal").fetchall() + con.execute("SELECT name FROM access_code").fetchall()
    return repr(rows)


async def test_a19_a_name_is_read_back_as_it_was_told(database: Database) -> None:
    await database.write(live_and_go)
    first, second, _ = await database.read(lambda con: journal.outbox(con, 0, 10))
    assert first.event.body == {"name": NAME, "type": "time_bound"}
    asked = second.event.body["requested_mutations"]
    assert asked == [{"mutation_code": "updating_name", "from": NAME, "to": "Mr Adams"}]
    assert await database.read(journal.verify) is None


async def test_a19_pin_and_name_are_erased_seven_days_after_the_proven_removal_and_not_before(
    database: Database,
) -> None:
    await database.write(live_and_go)
    assert await database.read(retention.next_due) == DUE
    assert await database.write(lambda con: retention.erase(con, Instant(DUE - 1))) == 0
    assert await database.read(lambda con: codes.sealed_pin(con, GUEST)) == b"sealed"

    assert await database.write(lambda con: retention.erase(con, DUE)) > 0
    assert await database.read(lambda con: codes.sealed_pin(con, GUEST)) is None
    assert "Adams" not in await database.read(dump)
    code = await database.read(lambda con: codes.get(con, GUEST))
    assert code is not None
    assert code.digest == make_code("guest").digest
    first = (await database.read(lambda con: journal.outbox(con, 0, 10)))[0]
    assert first.event.body == {"name": None, "type": "time_bound"}


async def test_a19_the_name_of_a_guest_whose_code_s_id_is_used_again_is_erased_too(database: Database) -> None:
    """The code lives again, so nothing of its id was ever due; and the second guest's timeline began with the first one's name."""

    def reuse(con: Connection) -> None:
        live_and_go(con)
        again = make_code("guest", ends_at=Instant(NOON + 90 * DAY_MS), accepted_at=Instant(NOON + DAY_MS))
        codes.put(con, again, b"other", begins_after_line=journal.last_line(con))
        tell(con, EventKind.CODE_CREATED, {"name": personal("Mr Olsen"), "type": "time_bound"})
        journal.acknowledge(con, 99)

    await database.write(reuse)
    due = await database.read(retention.next_due)
    assert due == NOON + 8 * DAY_MS
    assert [line.body["name"] for line in await database.read(lambda con: journal.timeline(con, GUEST))] == ["Mr Olsen"]
    assert await database.write(lambda con: retention.erase(con, Instant(due - 1))) == 0
    assert await database.write(lambda con: retention.erase(con, due)) == 2
    left = await database.read(dump)
    assert "Adams" not in left
    assert "Olsen" in left
    assert await database.read(retention.next_due) == AGED
    assert await database.read(journal.verify) is None


async def test_a19_the_chain_stays_whole_when_names_are_erased(database: Database) -> None:
    await database.write(live_and_go)
    await database.write(lambda con: retention.erase(con, DUE))
    assert await database.read(journal.verify) is None


async def test_a19_a_changed_name_is_noticed_as_long_as_it_is_kept(database: Database) -> None:
    await database.write(live_and_go)
    await database.write(
        lambda con: con.execute("UPDATE journal SET personal = replace(personal, 'Adams', 'Smith') WHERE line = 1")
    )
    assert await database.read(journal.verify) == 1


async def test_a19_a_living_code_keeps_its_name_and_pin(database: Database) -> None:
    def live(con: Connection) -> None:
        codes.put(con, make_code("guest"), b"sealed")
        tell(con, EventKind.CODE_CREATED, {"name": personal(NAME)})
        journal.acknowledge(con, 99)

    await database.write(live)
    assert await database.write(lambda con: retention.erase(con, AGED)) == 0
    assert NAME in await database.read(dump)


async def test_c3_what_the_cloud_has_not_confirmed_is_erased_only_after_its_receipt(database: Database) -> None:
    def live(con: Connection) -> None:
        codes.put(con, make_code("guest", deleted_at=NOON), b"sealed")
        tell(con, EventKind.CODE_CREATED, {"name": personal(NAME)})
        codes.finish(con, GUEST, GONE)

    await database.write(live)
    await database.write(lambda con: retention.erase(con, DUE))
    assert await database.read(lambda con: codes.sealed_pin(con, GUEST)) is None
    unsent = await database.read(lambda con: journal.outbox(con, 0, 10))
    assert unsent[0].event.body == {"name": NAME}
    assert await database.read(retention.next_due) is None

    await database.write(lambda con: journal.acknowledge(con, 1))
    assert await database.read(retention.next_due) == DUE
    await database.write(lambda con: retention.erase(con, DUE))
    assert "Adams" not in await database.read(dump)


async def test_a19_lines_are_kept_180_days_and_the_last_pruned_hash_is_the_anchor(database: Database) -> None:
    await database.write(live_and_go)
    await database.write(lambda con: retention.erase(con, DUE))
    later = Instant(NOON + DAY_MS)
    await database.write(lambda con: tell(con, EventKind.CODE_CREATED, {}, later))
    await database.write(lambda con: tell(con, EventKind.CODE_REMOVED, {}, later))
    await database.write(lambda con: journal.acknowledge(con, 99))

    assert await database.read(retention.next_due) == AGED
    assert await database.write(lambda con: retention.prune(con, Instant(AGED - 1))) == 0
    assert await database.write(lambda con: retention.prune(con, AGED)) == 4
    anchor = await database.read(journal.anchor)
    assert anchor.line == 4
    assert await database.read(journal.verify) is None
    left = await database.read(journal.timeline)
    assert [line.line for line in left] == [5, 6]
    await database.write(lambda con: con.execute("DELETE FROM journal WHERE line = 5"))
    assert await database.read(journal.verify) == 6


async def test_i6_the_newest_event_is_never_pruned_so_numbers_go_on(database: Database) -> None:
    await database.write(live_and_go)
    far = Instant(NOON + 999 * DAY_MS)
    await database.write(lambda con: retention.erase(con, far))
    await database.write(lambda con: retention.prune(con, far))
    assert [line.seq for line in await database.read(journal.timeline)] == [3]
    assert await database.read(retention.next_due) is None
    await database.write(lambda con: tell(con, EventKind.CODE_CREATED, {}, far))
    assert await database.read(journal.last_seq) == 4
    assert await database.read(journal.verify) is None


async def test_c3_an_unconfirmed_event_stops_the_pruning(database: Database) -> None:
    def live(con: Connection) -> None:
        for _ in range(4):
            tell(con, EventKind.CODE_CREATED, {})
        journal.acknowledge(con, 2)

    await database.write(live)
    assert await database.write(lambda con: retention.prune(con, AGED)) == 2
    assert await database.read(retention.next_due) is None
    assert [stored.seq for stored in await database.read(lambda con: journal.outbox(con, 2, 9))] == [3, 4]


async def test_a_long_journal_is_pruned_in_bites(database: Database) -> None:
    def live(con: Connection) -> None:
        for _ in range(8):
            tell(con, EventKind.CODE_CREATED, {})
        journal.acknowledge(con, 99)

    await database.write(live)
    assert [await database.write(lambda con: journal.prune(con, NOON, 3)) for _ in range(4)] == [3, 3, 1, 0]
    assert await database.read(journal.verify) is None


UPTIME = Instant(HOUR_MS)
"""What a hub that nobody told the time yet takes for it: an hour since 1970."""


def begin_in_1970(con: Connection) -> None:
    """Three lines of a new hub, all confirmed by the cloud."""
    for _ in range(3):
        tell(con, EventKind.CODE_CREATED, {}, UPTIME)
    journal.acknowledge(con, 99)


async def test_a19_lines_from_before_the_time_was_known_are_kept_as_long_as_the_first_one_after(
    database: Database,
) -> None:
    await database.write(begin_in_1970)
    await database.write(lambda con: tell(con, EventKind.HUB_CLOCK_KNOWN, {}, NOON))
    await database.write(lambda con: tell(con, EventKind.CODE_REMOVED, {}, Instant(NOON + DAY_MS)))
    await database.write(lambda con: journal.acknowledge(con, 99))

    assert await database.read(retention.next_due) == AGED
    assert await database.write(lambda con: retention.prune(con, Instant(AGED - 1))) == 0
    assert await database.write(lambda con: retention.prune(con, AGED)) == 4
    assert [line.line for line in await database.read(journal.timeline)] == [5]
    assert await database.read(journal.verify) is None


async def test_a19_nothing_is_pruned_while_no_line_tells_a_time(database: Database) -> None:
    await database.write(begin_in_1970)
    assert await database.read(retention.next_due) is None
    assert await database.write(lambda con: retention.prune(con, AGED)) == 0
    assert len(await database.read(journal.timeline)) == 3


async def test_c3_an_unconfirmed_first_line_of_a_known_time_leaves_nothing_due_behind_it(database: Database) -> None:
    await database.write(begin_in_1970)
    await database.write(lambda con: journal.acknowledge(con, 3))
    for _ in range(2):
        await database.write(lambda con: tell(con, EventKind.CODE_CREATED, {}, NOON))
    assert await database.read(retention.next_due) == AGED
    assert await database.write(lambda con: retention.prune(con, AGED)) == 3
    assert await database.read(retention.next_due) is None


async def test_a19_a_line_at_the_earliest_mark_tells_a_time(database: Database) -> None:
    def live(con: Connection) -> None:
        for _ in range(3):
            tell(con, EventKind.CODE_CREATED, {}, EARLIEST_MARK)
        journal.acknowledge(con, 99)

    await database.write(live)
    due = Instant(EARLIEST_MARK + retention.JOURNAL_KEPT_MS)
    assert await database.read(retention.next_due) == due
    assert await database.write(lambda con: retention.prune(con, due)) == 2


async def test_a19_a_removal_from_before_the_time_was_known_is_erased_seven_days_after_the_first_look_since(
    database: Database,
) -> None:
    await database.write(live_and_go)
    await database.write(lambda con: codes.finish(con, GUEST, UPTIME))

    assert await database.read(retention.next_due) == UPTIME + 7 * DAY_MS, "a look is due as soon as the time is known"
    assert await database.write(lambda con: retention.erase(con, NOON)) == 0
    assert await database.read(lambda con: codes.sealed_pin(con, GUEST)) == b"sealed"
    assert "Adams" in await database.read(dump)

    assert await database.read(retention.next_due) == DUE
    assert await database.write(lambda con: retention.erase(con, Instant(DUE - 1))) == 0
    assert await database.write(lambda con: retention.erase(con, DUE)) > 0
    assert await database.read(lambda con: codes.sealed_pin(con, GUEST)) is None
    assert "Adams" not in await database.read(dump)
