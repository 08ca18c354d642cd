"""The ledger's rows: what goes in comes out, and the database itself refuses two slots for one code."""

import pytest
import sqlcipher3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.answers import RefusalReason, SightingSource
from gateway.model.evidence import Evidence, Proof
from gateway.model.ids import CodeId
from gateway.model.instant import Instant
from gateway.model.lock import Schedule, ScheduleClock, ScheduleTrust
from gateway.model.pin import PinDigest
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord
from gateway.store import codes, locks, slots
from gateway.store.database import Connection, Database
from gateway.store.locks import LockRow
from tests.builders import FRONT, make_code, make_profile, slot

digests = st.none() | st.binary(min_size=16, max_size=16).map(PinDigest)
instants = st.none() | st.integers(0, 2**41).map(Instant)


@st.composite
def records(draw: st.DrawFn) -> SlotRecord:
    sighted = draw(st.sampled_from(SightedAs))
    proof = draw(st.none() | st.builds(Proof, st.sampled_from(Evidence), st.integers(0, 2**41).map(Instant)))
    lease = draw(st.none() | st.just(CodeId("code-1")))
    return SlotRecord(
        slot(draw(st.integers(1, 250))),
        lease=lease,
        operation=draw(st.sampled_from(Operation)) if lease else Operation.NONE,
        outcome=draw(st.sampled_from(Outcome)),
        intended=draw(digests),
        intended_at=draw(instants),
        was_empty=draw(st.booleans()),
        proof=proof,
        proven=draw(digests),
        refusal=draw(st.none() | st.sampled_from(RefusalReason)),
        refused_generation=draw(st.none() | st.integers(1, 9)),
        sighted=sighted,
        sighted_digest=draw(digests) if sighted is SightedAs.HELD else None,
        sighted_at=draw(instants),
        sighted_by=draw(st.sampled_from(SightingSource)),
        tries=draw(st.integers(0, 99)),
        next_try_at=draw(instants),
        unanswered=draw(st.integers(0, 9)),
    )


def prepare(con: Connection) -> None:
    locks.put_profile(con, FRONT, make_profile())
    codes.put(con, make_code("code-1"), b"sealed")
    codes.put(con, make_code("code-2", "1470"), b"sealed")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(record=records())
async def test_a_record_comes_back_as_it_went_in(database: Database, record: SlotRecord) -> None:
    def round_trip(con: Connection) -> SlotRecord:
        con.execute("DELETE FROM slot")
        prepare(con)
        slots.put(con, FRONT, record)
        return slots.get(con, FRONT, record.slot)

    assert await database.write(round_trip) == record


async def test_i4_one_code_cannot_lease_two_slots(database: Database) -> None:
    def twice(con: Connection) -> None:
        prepare(con)
        slots.put(con, FRONT, SlotRecord(slot(1), lease=CodeId("code-1")))
        slots.put(con, FRONT, SlotRecord(slot(2), lease=CodeId("code-1")))

    with pytest.raises(sqlcipher3.IntegrityError, match="UNIQUE"):
        await database.write(twice)


async def test_a_lock_that_comes_back_is_tried_at_once(database: Database) -> None:
    def change(con: Connection) -> SlotRecord:
        prepare(con)
        slots.put(con, FRONT, SlotRecord(slot(1), lease=CodeId("code-1"), next_try_at=Instant(5), unanswered=3))
        slots.forget_waits(con, FRONT)
        return slots.get(con, FRONT, slot(1))

    record = await database.write(change)
    assert (record.next_try_at, record.unanswered) == (None, 0)


SCHEDULE = Schedule(60_000, ScheduleClock.LOCAL, 60_000, None, ScheduleTrust.CLAIMED)


@pytest.mark.parametrize("schedule", [None, SCHEDULE])
async def test_a_profile_comes_back_as_it_went_in(database: Database, schedule: Schedule | None) -> None:
    profile = make_profile(supervision_is_honest=False, schedule=schedule)

    def change(con: Connection) -> tuple[bool, bool, LockRow | None]:
        return locks.put_profile(con, FRONT, profile), locks.put_profile(con, FRONT, profile), locks.get(con, FRONT)

    is_new, is_new_again, row = await database.write(change)
    assert (is_new, is_new_again) == (True, False)
    assert row is not None
    assert row.profile == profile
