"""What a use at the door proves: for the window, against a removal, and about a slot that was believed empty (A18)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.fleet import reports, steps
from gateway.fleet.looks import Bench
from gateway.fleet.steps import Step
from gateway.model.access_code import AccessCode
from gateway.model.answers import SightingSource
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.evidence import Evidence, Proof
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.link import LONGEST_LEAD_MS
from gateway.model.lock import ReadBack
from gateway.model.reports import AccessDenied, DenialCode, Method, Report, SlotChange, SlotChanged, Unlocked
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord
from gateway.model.snapshot import LockSettings
from gateway.model.usage import LATE_USE_MS, Use, use_of
from gateway.planner.actions import ClearSlot, ReadSlot
from gateway.store import codes, journal, locks, slots
from gateway.store.database import Connection, Database
from gateway.store.seal import HubKeys, PinSeal
from tests.builders import FRONT, LEAD_MS, NOON, SeededEntropy, make_code, make_profile, reading, slot

KEYS = HubKeys.derive(b"s" * 32)
BENCH = Bench(FRONT, LockSettings(LEAD_MS), PinSeal(KEYS, SeededEntropy().token), SeededEntropy())
START = Instant(NOON + HOUR_MS)
END = Instant(START + 2 * HOUR_MS)
GUEST = make_code("guest", starts_at=START, ends_at=END)
OPENED = Unlocked(Method.KEYCODE, slot(1))


def on_lock(code: AccessCode) -> SlotRecord:
    return SlotRecord(
        slot(1),
        lease=code.code_id,
        operation=Operation.WRITE,
        outcome=Outcome.CONFIRMED,
        intended=code.digest,
        intended_at=NOON,
        proof=Proof(Evidence.SUPERVISED, NOON),
        proven=code.digest,
        sighted=SightedAs.HELD,
        sighted_digest=code.digest,
        sighted_at=NOON,
    )


def cleared(code: AccessCode) -> SlotRecord:
    return replace(on_lock(code), operation=Operation.CLEAR, proof=None, sighted=SightedAs.EMPTY, sighted_digest=None)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", KEYS.page_key) as opened:
        yield opened


async def prepare(database: Database, record: SlotRecord, *, read_back: ReadBack = ReadBack.CLEAR) -> None:
    def change(con: Connection) -> None:
        locks.put_profile(con, FRONT, make_profile(read_back=read_back))
        locks.set_reachable(con, FRONT, NOON, is_reachable=True)
        locks.set_listed(con, FRONT, NOON)
        codes.put(con, GUEST, b"sealed")
        slots.put(con, FRONT, record)

    await database.write(change)


async def tell(database: Database, report: Report, now: ClockReading) -> list[tuple[str, dict[str, object]]]:
    def change(con: Connection) -> list[tuple[str, dict[str, object]]]:
        before = journal.last_seq(con)
        reports.take(con, BENCH, report, now)
        return [(stored.event.kind.value, dict(stored.event.body)) for stored in journal.outbox(con, before, 100)]

    return await database.write(change)


async def settle(database: Database, at: Instant) -> Step:
    step = await database.write(
        lambda con: steps.advance(con, BENCH, reading(at), done=None, may_act=lambda _: False, chance=0.0)
    )
    assert step is not None
    return step


@pytest.mark.parametrize(
    ("at", "use"),
    [
        (START - LEAD_MS - 1, Use.BEFORE_LEAD),
        (START - LEAD_MS, Use.EARLY),
        (START - 1, Use.EARLY),
        (START, Use.IN_WINDOW),
        (END - 1, Use.IN_WINDOW),
        (END, Use.LATE),
        (END + LATE_USE_MS, Use.LATE),
        (END + LATE_USE_MS + 1, Use.AFTER_END),
    ],
)
def test_a18_a_use_is_placed_by_window_and_lead(at: int, use: Use) -> None:
    assert use_of(GUEST, Instant(at), LEAD_MS, is_time_trusted=True) is use


def test_a18_a_deleted_code_is_over_from_its_order_on() -> None:
    gone = make_code(deleted_at=NOON)
    assert use_of(gone, Instant(NOON + LATE_USE_MS + 1), LEAD_MS, is_time_trusted=True) is Use.AFTER_END


def test_t1_without_trusted_time_only_an_end_can_be_told() -> None:
    assert use_of(GUEST, Instant(NOON - HOUR_MS), LEAD_MS, is_time_trusted=False) is Use.IN_WINDOW
    assert use_of(GUEST, Instant(END + HOUR_MS), LEAD_MS, is_time_trusted=False) is Use.AFTER_END


async def test_a18_use_while_a_removal_has_its_two_minutes_raises_no_alarm(database: Database) -> None:
    await prepare(database, on_lock(GUEST))
    events = await tell(database, OPENED, reading(Instant(END + MINUTE_MS)))
    assert [kind for kind, _ in events] == ["lock.unlocked"]
    assert events[0][1]["is_in_window"] is False


async def test_a18_use_before_the_lead_raises_an_alarm(database: Database) -> None:
    await prepare(database, on_lock(GUEST))
    events = await tell(database, OPENED, reading(Instant(START - LONGEST_LEAD_MS - 1)))
    assert [kind for kind, _ in events] == ["lock.unlocked", "access_code.used_outside_window"]
    assert events[1][1]["use"] == "before_lead"


async def test_a4_use_inside_the_longer_lead_of_a_weak_link_is_early_and_no_alarm(database: Database) -> None:
    await prepare(database, on_lock(GUEST))
    events = await tell(database, OPENED, reading(Instant(START - LONGEST_LEAD_MS)))
    assert [kind for kind, _ in events] == ["lock.unlocked"]
    assert events[0][1]["is_early_use"] is True


async def test_a18_an_ended_code_that_opens_is_an_alarm_and_is_hunted_again(database: Database) -> None:
    await prepare(database, cleared(GUEST))
    later = Instant(END + HOUR_MS)
    await settle(database, later)
    assert await database.read(lambda con: codes.is_finished(con, GUEST.code_id))

    events = await tell(database, OPENED, reading(later))
    assert [kind for kind, _ in events] == ["lock.unlocked", "access_code.used_outside_window"]
    assert events[1][1]["use"] == "after_end"
    assert not await database.read(lambda con: codes.is_finished(con, GUEST.code_id))
    step = await settle(database, later)
    # The clear that was believed is looked at before it is repeated.
    assert isinstance(step.plan.head, ReadSlot)
    assert step.plan.head.slot == 1
    assert step.plan.standings[GUEST.code_id].status == "removing"
    assert "failed_to_remove_from_device" in step.plan.standings[GUEST.code_id].issues


async def test_a18_a_hunted_code_is_told_removed_again_when_it_is_gone(database: Database) -> None:
    await prepare(database, cleared(GUEST))
    later = Instant(END + HOUR_MS)
    await settle(database, later)
    await tell(database, OPENED, reading(later))
    await settle(database, later)
    events = await tell(database, SlotChanged(SlotChange.DELETED, slot(1)), reading(Instant(later + HOUR_MS)))
    assert events == []
    before = await database.read(journal.last_seq)
    await settle(database, Instant(later + HOUR_MS))
    told = await database.read(lambda con: journal.outbox(con, before, 10))
    assert [stored.event.kind.value for stored in told] == ["access_code.removed_from_device"]


async def test_n2_a_strangers_pin_in_the_slot_is_left_alone_by_the_hunt(database: Database) -> None:
    await prepare(database, cleared(GUEST))
    later = Instant(END + HOUR_MS)
    await settle(database, later)
    await tell(database, OPENED, reading(later))
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    stranger = replace(record, sighted=SightedAs.HELD, sighted_digest=make_code(pin="9999").digest, sighted_at=later)
    await database.write(lambda con: slots.put(con, FRONT, stranger))
    step = await settle(database, later)
    assert not isinstance(step.plan.head, ClearSlot)
    assert await database.read(lambda con: slots.get(con, FRONT, slot(1))) == SlotRecord(
        slot(1), sighted=SightedAs.HELD, sighted_digest=stranger.sighted_digest, sighted_at=later
    )


async def test_n2_a_masked_slot_that_nobody_watched_is_looked_at_and_not_hunted(database: Database) -> None:
    await prepare(database, cleared(GUEST), read_back=ReadBack.MASKED)
    later = Instant(END + HOUR_MS)
    await settle(database, later)
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    heard = replace(record, sighted_by=SightingSource.MIDDLEMAN)
    await database.write(lambda con: slots.put(con, FRONT, heard))
    events = await tell(database, OPENED, reading(later))
    assert [kind for kind, _ in events] == ["lock.unlocked"]
    after = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert (after.lease, after.sighted) == (None, SightedAs.UNKNOWN)


async def test_n2_a_free_slot_that_opens_the_door_is_no_longer_free(database: Database) -> None:
    await prepare(database, SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_at=NOON))
    events = await tell(database, OPENED, reading(NOON))
    assert events[0][1]["access_code_is_managed"] is False
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert record.sighted is SightedAs.UNKNOWN


async def test_a18_no_alarm_before_the_lead_while_time_is_not_trusted(database: Database) -> None:
    await prepare(database, on_lock(GUEST))
    events = await tell(database, OPENED, ClockReading(NOON, NOON, ClockTrust.UNTRUSTED))
    assert [kind for kind, _ in events] == ["lock.unlocked"]


async def test_a18_a_lock_out_is_told_with_its_documented_reason(database: Database) -> None:
    await prepare(database, on_lock(GUEST))
    told = AccessDenied("the keypad is blocked", slot(1), DenialCode.TOO_MANY_ATTEMPTS)
    events = await tell(database, told, reading(START))
    assert events == [
        (
            "lock.access_denied",
            {"reason": {"reason_code": "too_many_attempts", "message": "the keypad is blocked"}, "slot": 1},
        )
    ]
    stored = await database.read(lambda con: journal.outbox(con, 0, 10))
    assert stored[-1].event.code_id == GUEST.code_id


async def test_a19_a_proof_by_use_and_its_loss_are_lines_of_the_timeline(database: Database) -> None:
    await prepare(database, on_lock(GUEST))
    await tell(database, OPENED, reading(START))
    await tell(database, SlotChanged(SlotChange.CHANGED, slot(1)), reading(Instant(START + HOUR_MS)))
    lines = await database.read(lambda con: journal.timeline(con, GUEST.code_id))
    assert [line.kind for line in lines] == ["slot.evidence.came", "lock.unlocked", "slot.evidence.dropped"]


async def test_a_change_that_names_no_slot_makes_every_slot_worth_a_look_and_none_empty(database: Database) -> None:
    await prepare(database, on_lock(GUEST))
    await tell(database, SlotChanged(SlotChange.CHANGED), reading(START))
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert (record.sighted, record.proof) == (SightedAs.UNKNOWN, Proof(Evidence.SUPERVISED, NOON))
    # Right after our own write it is the answer to it.
    await database.write(lambda con: slots.put(con, FRONT, on_lock(GUEST)))
    await tell(database, SlotChanged(SlotChange.CHANGED), reading(Instant(NOON + 1000)))
    assert await database.read(lambda con: slots.get(con, FRONT, slot(1))) == on_lock(GUEST)
