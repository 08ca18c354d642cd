"""A lock that lost all its codes is refilled nearest start first; another lock in its place gets nothing (A17)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.fleet import guard, reports, steps
from gateway.fleet.executor import Result
from gateway.fleet.looks import Bench
from gateway.fleet.steps import Done, Step
from gateway.model.access_code import AccessCode, Origin
from gateway.model.answers import Empty, Held, Sighting, SightingSource
from gateway.model.commands import Order, Reception
from gateway.model.evidence import Evidence, Proof
from gateway.model.identity import LockIdentity
from gateway.model.ids import CodeId, CommandId
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.issues import Status
from gateway.model.link import Link
from gateway.model.lock import Schedule, ScheduleClock, ScheduleTrust
from gateway.model.lock_clock import ClockState, LockClock
from gateway.model.pin import Pin
from gateway.model.pool_commands import ConvertUnmanaged
from gateway.model.reports import FactoryReset, Method, Report, SlotChange, SlotChanged, Unlocked
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord
from gateway.model.snapshot import LockSettings
from gateway.orders.pairing import accept
from gateway.orders.receive import Desk, receive
from gateway.orders.rules import HubRules
from gateway.planner.actions import Action, ReadSlot, Reason, Urgency, WriteSlot
from gateway.store import codes, journal, lock_time, locks, pairing, placed, slots, snapshot, takeovers
from gateway.store.database import Connection, Database
from gateway.store.lock_time import LockTime
from gateway.store.seal import HubKeys, PinSeal
from tests.builders import FRONT, LEAD_MS, NOON, SeededEntropy, make_code, make_profile, reading, slot

KEYS = HubKeys.derive(b"s" * 32)
SEAL = PinSeal(KEYS, SeededEntropy().token)
BENCH = Bench(FRONT, LockSettings(LEAD_MS), SEAL, SeededEntropy())
PAIRED = LockIdentity("0x003b:0x0001:0x0469", "A1")
OTHER = LockIdentity("0x003b:0x0001:0x0469", "B2")
NOW = Instant(NOON + HOUR_MS)
PINS = ("2580", "1470", "3690", "7913", "8642")


def code(number: int, *, starts_at: Instant | None = None) -> AccessCode:
    plain = make_code(f"code-{number}", PINS[number], starts_at=starts_at, ends_at=Instant(NOW + 99 * HOUR_MS))
    return replace(plain, digest=SEAL.digest(Pin(PINS[number])))


def on_lock(number: int, held: AccessCode) -> SlotRecord:
    return SlotRecord(
        slot(number),
        lease=held.code_id,
        operation=Operation.WRITE,
        outcome=Outcome.CONFIRMED,
        intended=held.digest,
        intended_at=NOON,
        proof=Proof(Evidence.SUPERVISED, NOON),
        proven=held.digest,
        sighted=SightedAs.HELD,
        sighted_digest=held.digest,
        sighted_at=Instant(NOON + number),
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", KEYS.page_key) as opened:
        yield opened


async def furnish(database: Database, *held: AccessCode) -> None:
    def change(con: Connection) -> None:
        locks.put_profile(con, FRONT, make_profile(slots=9))
        locks.set_reachable(con, FRONT, NOON, is_reachable=True)
        locks.set_listed(con, FRONT, NOON)
        guard.met(con, FRONT, PAIRED, NOON)
        for number, each in enumerate(held, start=1):
            codes.put(con, each, SEAL.seal(Pin(PINS[number - 1]), FRONT, each.code_id))
            slots.put(con, FRONT, on_lock(number, each))

    await database.write(change)
    await advance(database)


async def advance(database: Database, done: Done | None = None, *, is_acting: bool = False, at: Instant = NOW) -> Step:
    step = await database.write(
        lambda con: steps.advance(con, BENCH, reading(at), done=done, may_act=lambda _: is_acting, chance=0.0)
    )
    assert step is not None
    return step


async def tell(database: Database, report: Report, at: Instant = NOW) -> None:
    await database.write(lambda con: reports.take(con, BENCH, report, reading(at)))


async def told(database: Database, after: int = 0) -> list[str]:
    stored = await database.read(lambda con: journal.outbox(con, after, 200))
    return [each.event.kind.value for each in stored]


def looked(number: int, value: Empty | Held) -> Done:
    action: Action = ReadSlot(slot(number), None, Reason.PROVE, NOW, Urgency.PROVE)
    result: Result = Sighting(value, SightingSource.LOCK)
    return Done(action, result, None, make_profile(slots=9))


async def test_a17_all_deleted_is_one_alarm_and_status_unknown_until_proven_again(database: Database) -> None:
    await furnish(database, code(0), code(1))
    before = await database.read(journal.last_seq)
    await tell(database, SlotChanged(SlotChange.ALL_DELETED))
    step = await advance(database)
    assert {standing.status for standing in step.plan.standings.values()} == {Status.UNKNOWN}
    assert all("unknown_issue_with_access_code" in each.issues for each in step.plan.standings.values())
    kinds = await told(database, before)
    assert kinds[0] == "device.wiped"
    assert "access_code.deleted_external" not in kinds


async def test_a17_a_wiped_lock_is_refilled_nearest_start_first(database: Database) -> None:
    late, soon, here = code(0, starts_at=Instant(NOW + 20 * MINUTE_MS)), code(1, starts_at=NOW), code(2, starts_at=NOON)
    await furnish(database, late, soon, here)
    await tell(database, SlotChanged(SlotChange.ALL_DELETED))
    step = await advance(database)
    order = [step.plan.head, *step.plan.rest]
    assert [action.code_id for action in order if isinstance(action, WriteSlot)] == ["code-2", "code-1", "code-0"]


async def test_a17_a_wipe_is_no_edit_so_a_code_that_may_be_edited_is_restored_too(database: Database) -> None:
    await furnish(database, replace(code(0), is_external_modification_allowed=True))
    await tell(database, SlotChanged(SlotChange.ALL_DELETED))
    step = await advance(database)
    assert isinstance(step.plan.head, WriteSlot)


async def test_a17_a_reset_drops_all_evidence_and_is_looked_at_before_anything_is_written(database: Database) -> None:
    await furnish(database, code(0))
    before = await database.read(journal.last_seq)
    await tell(database, FactoryReset())
    step = await advance(database)
    assert isinstance(step.plan.head, ReadSlot)
    assert (await told(database, before))[:2] == ["device.wiped", "device.removed"]
    # The look shows that nothing happened: as proven as before.
    step = await advance(database, looked(1, Held(Pin(PINS[0]))))
    assert step.plan.standings[code(0).code_id].status is Status.SET


async def test_a17_one_slot_found_empty_makes_the_hub_look_at_another_and_three_are_a_wipe(database: Database) -> None:
    await furnish(database, *(code(number) for number in range(5)))
    before = await database.read(journal.last_seq)
    await database.write(lambda con: _doubt(con, 1))
    step = await advance(database, looked(1, Empty()))
    assert isinstance(step.plan.rest[0] if isinstance(step.plan.head, WriteSlot) else step.plan.head, ReadSlot)
    await advance(database, looked(2, Empty()))
    assert "device.wiped" not in await told(database, before)
    step = await advance(database, looked(3, Empty()))
    assert "device.wiped" in await told(database, before)
    assert {standing.status for standing in step.plan.standings.values()} == {Status.UNKNOWN}
    # What was not seen is looked at, what was seen empty is written.
    left = {action.slot for action in (step.plan.head, *step.plan.rest) if isinstance(action, ReadSlot)}
    assert left == {4, 5}


async def test_a17_a_deletion_that_the_lock_tells_puts_no_other_code_in_doubt(database: Database) -> None:
    """The neighbour was told as failed at the guest's hour until a look had shown it in place."""
    await furnish(database, *(code(number) for number in range(5)))
    before = await database.read(journal.last_seq)
    await tell(database, SlotChanged(SlotChange.DELETED, slot(1)))
    step = await advance(database)
    planned = (step.plan.head, *step.plan.rest)
    assert [action.slot for action in planned if isinstance(action, WriteSlot)] == [1]
    assert not [action for action in planned if isinstance(action, ReadSlot)]
    told_of = {each.event.code_id for each in await database.read(lambda con: journal.outbox(con, before, 200))}
    assert told_of == {code(0).code_id}
    assert [step.plan.standings[code(number).code_id].status for number in (1, 2, 3, 4)] == [Status.SET] * 4


async def test_a15_deletions_that_the_lock_tells_are_edits_however_many(database: Database) -> None:
    """Each is told and restored; the codes that nobody touched keep their proofs, which a wipe would drop."""
    await furnish(database, *(code(number) for number in range(5)))
    before = await database.read(journal.last_seq)
    for number in (1, 2, 3):
        await tell(database, SlotChanged(SlotChange.DELETED, slot(number)), Instant(NOW + number * MINUTE_MS))
    step = await advance(database)
    kinds = await told(database, before)
    assert "device.wiped" not in kinds
    assert kinds.count("access_code.deleted_external") == 3
    assert {int(action.slot) for action in (step.plan.head, *step.plan.rest) if isinstance(action, WriteSlot)} == {
        1,
        2,
        3,
    }
    assert [step.plan.standings[code(number).code_id].status for number in (3, 4)] == [Status.SET] * 2


async def test_a15_one_deleted_code_beside_one_in_place_is_an_edit_and_no_wipe(database: Database) -> None:
    await furnish(database, code(0), code(1))
    before = await database.read(journal.last_seq)
    await database.write(lambda con: _doubt(con, 1))
    await advance(database, looked(1, Empty()))
    await advance(database, looked(2, Held(Pin(PINS[1]))))
    kinds = await told(database, before)
    assert "device.wiped" not in kinds
    assert "access_code.deleted_external" in kinds


def _doubt(con: Connection, number: int) -> None:
    record = slots.get(con, FRONT, slot(number))
    slots.put(con, FRONT, replace(record, sighted=SightedAs.UNKNOWN, sighted_digest=None))


async def test_a17_another_device_in_the_locks_place_gets_nothing(database: Database) -> None:
    await furnish(database, code(0), code(1))
    before = await database.read(journal.last_seq)
    await database.write(lambda con: guard.met(con, FRONT, OTHER, NOW))
    await database.write(lambda con: guard.met(con, FRONT, OTHER, NOW))
    step = await advance(database, is_acting=True)
    assert (step.plan.head, step.plan.rest, step.intent) == (None, (), None)
    assert {standing.status for standing in step.plan.standings.values()} == {Status.UNKNOWN}
    assert all("device_removed" in each.issues for each in step.plan.standings.values())
    assert (await told(database, before)).count("device.removed") == 1


async def test_a17_what_another_device_says_of_its_slots_is_not_kept(database: Database) -> None:
    await furnish(database, code(0))
    await database.write(lambda con: guard.met(con, FRONT, OTHER, NOW))
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    for report in (SlotChanged(SlotChange.ALL_DELETED), SlotChanged(SlotChange.DELETED, slot(1))):
        await tell(database, report)
    await tell(database, Unlocked(Method.KEYCODE, slot(1)))
    assert await database.read(lambda con: slots.get(con, FRONT, slot(1))) == record
    stored = await database.read(lambda con: journal.outbox(con, 0, 200))
    assert stored[-1].event.code_id is None


async def test_a17_the_paired_device_that_comes_back_ends_the_quarantine(database: Database) -> None:
    await furnish(database, code(0))
    await database.write(lambda con: guard.met(con, FRONT, OTHER, NOW))
    await advance(database)
    before = await database.read(journal.last_seq)
    await database.write(lambda con: guard.met(con, FRONT, PAIRED, NOW))
    step = await advance(database)
    assert step.plan.standings[code(0).code_id].status is Status.SET
    assert (await told(database, before)).count("device.added") == 1
    assert not await database.read(lambda con: pairing.is_quarantined(con, FRONT))


async def test_a17_an_accepted_device_is_listed_and_written_anew(database: Database) -> None:
    await furnish(database, code(0))
    await database.write(lambda con: guard.met(con, FRONT, OTHER, NOW))
    assert await database.write(lambda con: accept(con, FRONT, Origin.SHELL, NOW))
    assert not await database.write(lambda con: accept(con, FRONT, Origin.SHELL, NOW))
    step = await advance(database)
    assert step.plan.head is not None
    assert step.plan.head.reason is Reason.FIRST_LISTING
    assert await database.read(lambda con: slots.of_lock(con, FRONT)) == {}
    assert await database.read(lambda con: guard.is_met(con, FRONT, OTHER))


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a2_an_accepted_device_inherits_no_word_about_windows_clock_or_link(
    database: Database, *, is_kept: bool
) -> None:
    """Its mere claim of schedules counted as proven: a PIN was put on it three days ahead, and opened at once."""

    def prove_the_old_one(con: Connection) -> None:
        schedule = Schedule(MINUTE_MS, ScheduleClock.UTC, MINUTE_MS, None, ScheduleTrust.CLAIMED)
        locks.put_profile(con, FRONT, make_profile(slots=9, schedule=schedule))
        (lock_time.set_native_proven if is_kept else lock_time.set_native_disproved)(con, FRONT, NOON)
        lock_time.put_clock(con, FRONT, LockClock(ClockState.GOOD, NOON, 0))
        lock_time.put_link(con, FRONT, Link(calls=9, failures=1, write_ms=700, spread_ms=50))
        lock_time.set_trial(con, FRONT, CodeId("native-check"))
        guard.met(con, FRONT, OTHER, NOW)

    await furnish(database, code(0))
    await database.write(prove_the_old_one)
    assert await database.write(lambda con: accept(con, FRONT, Origin.SHELL, NOW))
    scene = await database.read(lambda con: snapshot.take(con, FRONT, BENCH.settings))
    assert scene is not None
    assert scene.profile.schedule is not None
    assert scene.profile.schedule.enforced is ScheduleTrust.CLAIMED
    assert (scene.trial, scene.is_window_disproved) == (None, False)
    assert await database.read(lambda con: lock_time.get(con, FRONT)) == LockTime()


async def test_a11_the_sealed_pins_of_a_device_that_is_gone_are_forgotten_with_its_slots(database: Database) -> None:
    """They stayed past A19: no look at the new device ever proved them gone, for none of its slots was ours."""
    await furnish(database, code(0))
    sealed = SEAL.seal(Pin(PINS[0]), FRONT, code(0).code_id)
    await database.write(lambda con: placed.put(con, FRONT, slot(1), code(0).digest, sealed))
    await database.write(lambda con: guard.met(con, FRONT, OTHER, NOW))
    assert await database.write(lambda con: accept(con, FRONT, Origin.SHELL, NOW))
    assert await database.read(lambda con: placed.of_lock(con, FRONT)) == {}


async def test_a14_a_request_to_adopt_a_slot_is_not_carried_over_to_another_device(database: Database) -> None:
    wish = ConvertUnmanaged(FRONT, slot(3), CodeId("mine"), "Owner")
    order = Order(CommandId("adopt-1"), "access_code.unmanaged.convert_to_managed", Origin.CLOUD, b"1", wish)
    desk = Desk(HubRules({FRONT: BENCH.settings}), SEAL, BENCH.entropy)
    await furnish(database, code(0))
    await advance(database, looked(3, Held(Pin("4711"))))
    receipt = await database.write(lambda con: receive(con, order, desk, NOON))
    assert receipt.reception is Reception.ACCEPTED
    await database.write(lambda con: guard.met(con, FRONT, OTHER, NOW))
    before = await database.read(journal.last_seq)
    assert await database.write(lambda con: accept(con, FRONT, Origin.SHELL, NOW))
    assert await database.read(lambda con: takeovers.of_lock(con, FRONT)) == {}
    assert "access_code.unmanaged.failed_to_convert_to_managed" in await told(database, before)


@pytest.mark.parametrize(
    ("found", "is_other"),
    [
        (LockIdentity(), False),
        (LockIdentity("0x003b:0x0001:0x0469"), False),
        (LockIdentity("0x003b:0x0001:0x0469", "B2"), True),
        (LockIdentity("0x0090:0x0001:0x0001"), True),
        (LockIdentity("", "A1"), False),
    ],
)
def test_a17_only_what_both_tell_can_differ(found: LockIdentity, *, is_other: bool) -> None:
    assert found.is_other_than(PAIRED) is is_other


async def test_a17_what_becomes_known_later_completes_the_pairing(database: Database) -> None:
    await database.write(lambda con: locks.put_profile(con, FRONT, make_profile()))
    await database.write(lambda con: guard.met(con, FRONT, LockIdentity(PAIRED.product), NOW))
    assert not await database.read(lambda con: guard.is_met(con, FRONT, PAIRED))
    await database.write(lambda con: guard.met(con, FRONT, PAIRED, NOW))
    found = await database.read(lambda con: pairing.get(con, FRONT))
    assert found is not None
    assert found.paired == PAIRED
