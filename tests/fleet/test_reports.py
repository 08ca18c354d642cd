"""What a lock says unasked becomes evidence and events, each once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.fleet import reports
from gateway.fleet.looks import Bench
from gateway.model.answers import Held, Sighting, SightingSource
from gateway.model.evidence import Evidence, Proof
from gateway.model.ids import CodeId
from gateway.model.instant import MINUTE_MS, Instant
from gateway.model.pin import Pin
from gateway.model.reports import (
    AccessDenied,
    BatteryLevel,
    Jammed,
    Locked,
    Method,
    Reachability,
    Report,
    SlotChange,
    SlotChanged,
    Tampered,
    Unlocked,
)
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord
from gateway.model.snapshot import LockSettings
from gateway.store import codes, journal, locks, slots
from gateway.store.database import Connection, Database
from gateway.store.seal import HubKeys, PinSeal
from tests.builders import FRONT, LEAD_MS, NOON, SeededEntropy, make_code, make_profile, reading, slot

KEYS = HubKeys.derive(b"s" * 32)
SEAL = PinSeal(KEYS, SeededEntropy().token)
BENCH = Bench(FRONT, LockSettings(LEAD_MS), SEAL, SeededEntropy())
START = Instant(NOON + 30 * MINUTE_MS)


def prepare(con: Connection) -> None:
    locks.put_profile(con, FRONT, make_profile())
    locks.set_reachable(con, FRONT, NOON, is_reachable=True)
    code = make_code("guest", starts_at=START)
    codes.put(con, code, b"sealed")
    record = SlotRecord(
        slot(1),
        lease=CodeId("guest"),
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
    slots.put(con, FRONT, record)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", KEYS.page_key) as opened:
        await opened.write(prepare)
        yield opened


async def tell(database: Database, *told: Report, at: Instant = NOON) -> list[tuple[str, dict[str, object]]]:
    def change(con: Connection) -> list[tuple[str, dict[str, object]]]:
        before = journal.last_seq(con)
        for report in told:
            reports.take(con, BENCH, report, reading(at))
        return [(stored.event.kind.value, dict(stored.event.body)) for stored in journal.outbox(con, before, 100)]

    return await database.write(change)


async def test_a18_use_tells_which_code_and_is_the_strongest_evidence(database: Database) -> None:
    events = await tell(database, Unlocked(Method.KEYCODE, slot(1)), at=START)
    told = {"method": "keycode", "slot": 1, "access_code_is_managed": True, "is_in_window": True}
    assert events == [("lock.unlocked", told)]
    stored = await database.read(lambda con: journal.outbox(con, 0, 10))
    assert stored[-1].event.code_id == "guest"
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert record.proof == Proof(Evidence.USED, START)


async def test_a18_use_inside_the_lead_is_early_use(database: Database) -> None:
    events = await tell(database, Unlocked(Method.KEYCODE, slot(1)), at=Instant(START - 1))
    assert events[0][1]["is_early_use"] is True


async def test_use_of_a_slot_of_nobody_is_not_ours(database: Database) -> None:
    events = await tell(database, Unlocked(Method.KEYCODE, slot(4)), Locked(Method.MANUAL))
    assert events[0][1] == {"method": "keycode", "slot": 4, "access_code_is_managed": False}
    assert events[1] == ("lock.locked", {"method": "manual"})


async def test_coming_and_going_is_told_once(database: Database) -> None:
    gone, back = Reachability(is_reachable=False, cause="dead"), Reachability(is_reachable=True)
    events = await tell(database, gone, gone, back, back)
    assert [kind for kind, _ in events] == ["device.disconnected", "device.connected"]
    assert events[0][1] == {"error_code": "device_disconnected", "cause": "dead"}


async def test_battery_is_told_when_its_word_changes_and_a_complaint_once(database: Database) -> None:
    events = await tell(database, BatteryLevel(90), BatteryLevel(80), BatteryLevel(80))
    assert [body.get("battery_status") for _, body in events] == ["full"]
    events = await tell(database, BatteryLevel(10, is_low=True), BatteryLevel(10, is_low=True))
    assert [kind for kind, _ in events] == ["device.low_battery", "device.battery_status_changed"]


async def test_a18_a_complaint_is_told_though_the_charge_did_not_change_and_again_after_a_new_battery(
    database: Database,
) -> None:
    kinds = [kind for kind, _ in await tell(database, BatteryLevel(90), BatteryLevel(90, is_low=True))]
    assert kinds == ["device.battery_status_changed", "device.low_battery"]
    kinds = [kind for kind, _ in await tell(database, BatteryLevel(100), BatteryLevel(12))]
    assert kinds == ["device.low_battery", "device.battery_status_changed"]


async def test_jam_tamper_and_wrong_pins_are_told(database: Database) -> None:
    events = await tell(database, Jammed(), Tampered(), AccessDenied("too_many_attempts"))
    assert [kind for kind, _ in events] == ["lock.jammed", "device.tampered", "lock.access_denied"]


async def test_a14_a_code_made_by_hand_in_a_free_slot_is_told_as_unmanaged_and_gone_again(database: Database) -> None:
    seen = Sighting(Held(Pin("9999")), SightingSource.LOCK)
    events = await tell(
        database,
        SlotChanged(SlotChange.ADDED, slot(3), seen),
        SlotChanged(SlotChange.ADDED, slot(3), seen),
        SlotChanged(SlotChange.DELETED, slot(3)),
        at=START,
    )
    assert [kind for kind, _ in events] == ["access_code.unmanaged.created", "access_code.unmanaged.removed"]


async def test_a17_all_deleted_empties_every_slot_of_the_ledger(database: Database) -> None:
    await tell(database, SlotChanged(SlotChange.ALL_DELETED), at=START)
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert record.sighted is SightedAs.EMPTY


async def test_a_refused_duplicate_says_nothing_about_the_slot(database: Database) -> None:
    before = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert await tell(database, SlotChanged(SlotChange.DUPLICATE_REFUSED, slot(1))) == []
    assert await database.read(lambda con: slots.get(con, FRONT, slot(1))) == before


@pytest.mark.parametrize("outcome", [Outcome.ACKNOWLEDGED, Outcome.AMBIGUOUS, Outcome.PENDING])
async def test_a7_a_change_without_a_claim_right_after_our_write_asks_for_a_look_and_proves_nothing(
    database: Database, outcome: Outcome
) -> None:
    """It is an echo of what the Z-Wave server remembers: a late answer to our own look, as well as the lock's word about the write."""
    written = SlotRecord(
        slot(1),
        lease=CodeId("guest"),
        operation=Operation.WRITE,
        outcome=outcome,
        intended=make_code("guest").digest,
        intended_at=NOON,
        was_empty=True,
    )
    await database.write(lambda con: slots.put(con, FRONT, written))
    await tell(database, SlotChanged(SlotChange.CHANGED, slot(1)), at=Instant(NOON + 1000))
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert (record.proof, record.outcome, record.sighted) == (None, outcome, SightedAs.UNKNOWN)
    # What the lock itself tells of a PIN in that slot proves it as before.
    await tell(database, SlotChanged(SlotChange.ADDED, slot(1)), at=Instant(NOON + 2000))
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert record.proof == Proof(Evidence.NOTIFIED, Instant(NOON + 2000))


async def test_a7_a_change_without_a_claim_right_after_a_proven_write_leaves_the_proof_and_asks_for_a_look(
    database: Database,
) -> None:
    await tell(database, SlotChanged(SlotChange.CHANGED, slot(1)), at=Instant(NOON + 1000))
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert (record.proof, record.sighted) == (Proof(Evidence.SUPERVISED, NOON), SightedAs.UNKNOWN)


async def test_a15_a_change_without_a_claim_at_any_other_time_is_somebody_elses_hand(database: Database) -> None:
    await tell(database, SlotChanged(SlotChange.CHANGED, slot(1)), at=START)
    record = await database.read(lambda con: slots.get(con, FRONT, slot(1)))
    assert (record.proof, record.sighted) == (None, SightedAs.UNKNOWN)


@pytest.mark.parametrize(
    ("percent", "word"),
    [(0, "critical"), (5, "critical"), (6, "low"), (15, "low"), (16, "good"), (75, "good"), (76, "full")],
)
def test_the_words_for_a_charge(percent: int, word: str) -> None:
    assert reports.battery_status(percent) == word
