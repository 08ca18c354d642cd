"""The rules of the backup pool, each by its number, on hand-made snapshots (A12, A13)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import ledger
from gateway.model.answers import Empty, RefusalReason, Refused, Sighting, SightingSource
from gateway.model.clock import ClockTrust
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.issues import Issue, Status
from gateway.model.pool import AutoPull, Backup, PoolIssue, PoolRules
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import LockSnapshot
from gateway.planner.actions import ClearSlot, GenerateBackup, PullBackup, RetireBackup, TellPool, WriteSlot
from gateway.planner.audit import AUDIT_EVERY_MS
from gateway.planner.plan import Plan, plan
from gateway.planner.pool import REFUSED_REST_MS
from tests.builders import KEY, LEAD_MS, NOON, digest, make_code, reading, slot
from tests.planner.pools import (
    END,
    GUEST,
    RISK,
    START,
    empty,
    pooled,
    spare,
    steps,
    told_nothing_new,
    unanswered,
    written,
)

# A12: how many.


def test_a12_a_pool_that_is_on_is_filled_up_to_its_size() -> None:
    found = plan(pooled(slots=[empty(number) for number in range(1, 6)]), reading(NOON))
    assert steps(found) == [GenerateBackup()] * 3


def test_a12_a_pool_that_is_off_draws_nothing() -> None:
    assert steps(plan(pooled(slots=[empty(1)], is_on=False), reading(NOON))) == []


@pytest.mark.parametrize(("slots", "spares"), [(1, 0), (2, 1), (3, 2), (4, 3), (5, 3)])
def test_a12_the_pool_leaves_a_reserve_of_free_slots(slots: int, spares: int) -> None:
    found = plan(pooled(slots=[], size=slots), reading(NOON))
    assert len(steps(found)) == spares


def test_a12_guests_and_codes_of_others_take_room_from_the_pool() -> None:
    owner = make_code("owner")
    foreign = SlotRecord(slot(2), sighted=SightedAs.MASKED, sighted_at=NOON)
    found = plan(pooled(owner, slots=[written(1, owner), foreign]), reading(NOON))
    assert steps(found) == [GenerateBackup()] * 2


def test_a12_a_lock_that_was_never_listed_or_does_not_answer_gets_no_spares() -> None:
    ready = pooled(slots=[empty(1)])
    assert steps(plan(replace(ready, listed_at=None), reading(NOON))) == []
    assert steps(plan(replace(ready, is_reachable=False), reading(NOON))) == []


def test_a12_turned_off_the_spares_go_and_a_pulled_backup_stays() -> None:
    guest = make_code("guest", starts_at=NOON, ends_at=END)
    given = make_code("given", "4711", starts_at=NOON, ends_at=END)
    snapshot = pooled(
        guest,
        given,
        spares=2,
        slots=[written(1, spare(1)), written(2, given)],
        pulled={"guest": "given"},
        is_on=False,
    )
    assert steps(plan(snapshot, reading(NOON))) == [RetireBackup(CodeId("spare-1")), RetireBackup(CodeId("spare-2"))]


def test_a12_a_smaller_size_takes_the_unproven_spares_first() -> None:
    snapshot = pooled(spares=3, slots=[written(1, spare(1)), written(2, spare(2))], rules=PoolRules(size=2))
    assert steps(plan(snapshot, reading(NOON))) == [RetireBackup(CodeId("spare-3"))]


def test_a12_a_refused_spare_rests_and_is_then_replaced() -> None:
    intended = ledger.intend_write(empty(1), CodeId("spare-1"), spare(1).digest, NOON)
    refused = ledger.ended(intended, Refused(RefusalReason.DUPLICATE), NOON, 1, supervision_is_honest=True)
    snapshot = pooled(spares=1, slots=[refused], rules=PoolRules(size=1))
    early = plan(snapshot, reading(Instant(NOON + REFUSED_REST_MS - 1)))
    assert steps(early) == []
    assert early.wake_at == NOON + REFUSED_REST_MS
    assert steps(plan(snapshot, reading(Instant(NOON + REFUSED_REST_MS)))) == [RetireBackup(CodeId("spare-1"))]


def test_a12_every_guest_is_written_before_a_spare() -> None:
    guest = make_code("guest", "2580", starts_at=START, ends_at=END)
    snapshot = pooled(guest, spares=1, slots=[empty(1), empty(2)])
    found = plan(snapshot, reading(Instant(START - LEAD_MS)))
    assert [step.code_id for step in (found.head, *found.rest) if isinstance(step, WriteSlot)] == ["guest", "spare-1"]


def test_a12_nobody_waits_for_a_spare_so_it_is_never_late() -> None:
    snapshot = pooled(spares=1, slots=[unanswered(1, spare(1))])
    assert plan(snapshot, reading(Instant(NOON + DAY_MS))).standings[CodeId("spare-1")].issues == frozenset()


# A12: what is told.


def test_a12_a_pool_without_a_proven_spare_is_an_error_and_tells_it_once() -> None:
    snapshot = pooled(spares=3, slots=[unanswered(number, spare(number)) for number in (1, 2, 3)], told=frozenset())
    found = plan(snapshot, reading(NOON))
    assert found.pool_steps == (TellPool(frozenset({PoolIssue.EMPTY}), 0, 0),)
    assert plan(told_nothing_new(snapshot), reading(NOON)).pool_steps == ()


def test_a12_a_pool_that_cannot_be_refilled_is_a_warning() -> None:
    full = pooled(spares=1, slots=[written(1, spare(1))], size=2)
    assert plan(full, reading(NOON)).pool.issues == {PoolIssue.PARTIAL}
    roomy = pooled(spares=2, slots=[written(1, spare(1)), unanswered(2, spare(2))], rules=PoolRules(size=2))
    assert plan(roomy, reading(NOON)).pool.issues == frozenset()
    assert plan(roomy, reading(Instant(NOON + 5 * MINUTE_MS))).pool.issues == {PoolIssue.PARTIAL}
    assert plan(replace(roomy, is_reachable=False), reading(NOON)).pool.issues == {PoolIssue.PARTIAL}


def test_a12_a_full_pool_has_no_issue_and_many_pulled_ones_are_a_warning() -> None:
    full = pooled(spares=3, slots=[written(number, spare(number)) for number in (1, 2, 3)])
    assert plan(full, reading(NOON)).pool.issues == frozenset()
    stays = [make_code(f"guest-{number}", f"35{number}1", ends_at=END) for number in range(3)]
    given = [make_code(f"given-{number}", f"46{number}1", ends_at=END) for number in range(3)]
    pulled = {f"guest-{number}": f"given-{number}" for number in range(3)}
    many = pooled(*stays, *given, slots=[], pulled=pulled, is_on=False)
    assert plan(many, reading(NOON)).pool.issues == {PoolIssue.MANY_PULLED}


# A13.


def at_risk(*, guests: tuple[str, ...] = ("guest",), rules: PoolRules | None = None) -> LockSnapshot:
    """A guest whose write does not get through, and one proven spare."""
    guest = make_code("guest", "2580", starts_at=START, ends_at=END)
    return pooled(guest, spares=1, slots=[unanswered(1, guest), written(2, spare(1))], guests=guests, rules=rules)


def test_a13_an_unproven_code_gets_a_backup_ten_minutes_before_its_start_and_not_a_millisecond_before() -> None:
    early = plan(at_risk(), reading(Instant(RISK - 1)))
    assert not any(isinstance(step, PullBackup) for step in early.pool_steps)
    assert early.wake_at is not None
    assert early.wake_at <= RISK
    assert steps(plan(at_risk(), reading(RISK))) == [PullBackup(GUEST, CodeId("spare-1"))]


def test_a13_no_backup_for_a_code_without_the_pool_flag_nor_where_the_owner_said_never() -> None:
    assert not _pulls(plan(at_risk(guests=()), reading(RISK)))
    assert not _pulls(plan(at_risk(rules=PoolRules(auto_pull=AutoPull.NEVER)), reading(RISK)))


def test_a13_no_backup_for_a_code_that_is_proven() -> None:
    guest = make_code("guest", "2580", starts_at=START, ends_at=END)
    snapshot = pooled(guest, spares=1, slots=[written(1, guest), written(2, spare(1))], guests=("guest",))
    assert not _pulls(plan(snapshot, reading(RISK)))


def test_a13_an_unproven_spare_is_never_given() -> None:
    guest = make_code("guest", "2580", starts_at=START, ends_at=END)
    snapshot = pooled(guest, spares=1, slots=[unanswered(1, guest), unanswered(2, spare(1))], guests=("guest",))
    assert not _pulls(plan(snapshot, reading(RISK)))


def test_a13_a_late_order_gets_the_time_that_a_healthy_lock_needs() -> None:
    accepted = Instant(START - MINUTE_MS)
    guest = make_code("guest", "2580", starts_at=START, ends_at=END, accepted_at=accepted)
    snapshot = pooled(guest, spares=1, slots=[unanswered(1, guest), written(2, spare(1))], guests=("guest",))
    assert not _pulls(plan(snapshot, reading(Instant(accepted + 5 * MINUTE_MS - 1))))
    assert _pulls(plan(snapshot, reading(Instant(accepted + 5 * MINUTE_MS))))


def test_a13_the_nearest_start_gets_the_only_spare() -> None:
    later = make_code("a-later", "1470", starts_at=START, ends_at=END)
    sooner = make_code("z-sooner", "2580", starts_at=Instant(START - MINUTE_MS), ends_at=END)
    records = [unanswered(1, later), unanswered(2, sooner), written(3, spare(1))]
    snapshot = pooled(later, sooner, spares=1, slots=records, guests=("a-later", "z-sooner"))
    assert _pulls(plan(snapshot, reading(RISK))) == [PullBackup(CodeId("z-sooner"), CodeId("spare-1"))]


def test_a13_a_code_that_was_helped_is_not_helped_again_and_says_so() -> None:
    given = make_code("given", "4711", starts_at=NOON, ends_at=END)
    base = at_risk()
    backups = {**base.pool.backups, CodeId("given"): Backup(CodeId("given"), GUEST, NOON)}
    snapshot = replace(base, codes=(*base.codes, given), pool=replace(base.pool, backups=backups))
    found = plan(snapshot, reading(RISK))
    assert not _pulls(found)
    assert Issue.USING_BACKUP in found.standings[GUEST].issues


def test_a13_no_backup_for_a_code_that_is_held_back_because_nobody_knows_the_time() -> None:
    guest = make_code("guest", "2580", starts_at=START, ends_at=Instant(START + HOUR_MS))
    snapshot = pooled(guest, spares=1, slots=[empty(1), written(2, spare(1))], guests=("guest",))
    assert not _pulls(plan(snapshot, reading(START, ClockTrust.UNTRUSTED)))


def test_a13_a_code_that_recovers_after_a_pull_works_beside_its_backup_to_the_end() -> None:
    guest = make_code("guest", "2580", starts_at=START, ends_at=END)
    given = make_code("given", "4711", starts_at=NOON, ends_at=END, generation=2)
    records = [written(1, guest, RISK), written(2, given)]
    snapshot = pooled(guest, given, slots=records, guests=("guest",), pulled={"guest": "given"})
    during = plan(snapshot, reading(START))
    assert [during.standings[code.code_id].status for code in (guest, given)] == [Status.SET, Status.SET]
    assert Issue.USING_BACKUP in during.standings[GUEST].issues
    after = plan(snapshot, reading(END))
    assert [step.code_id for step in (after.head, *after.rest) if isinstance(step, ClearSlot)] == ["guest", "given"]
    assert Issue.USING_BACKUP not in after.standings[GUEST].issues


def _pulls(found: Plan) -> list[PullBackup]:
    return [step for step in found.pool_steps if isinstance(step, PullBackup)]


def test_a_look_at_an_empty_slot_leaves_a_settled_pool_alone() -> None:
    full = told_nothing_new(pooled(spares=3, slots=[written(number, spare(number)) for number in (1, 2, 3)]))
    seen = ledger.sighted(empty(4), Sighting(Empty(), SightingSource.LOCK), NOON, lambda pin: pin.digest(KEY))
    found = plan(replace(full, slots={**full.slots, slot(4): seen}), reading(NOON))
    assert (found.head, found.pool_steps, found.wake_at) == (None, (), NOON + AUDIT_EVERY_MS)


def test_the_builders_pins_differ() -> None:
    assert len({digest(f"90{number}7") for number in (1, 2, 3)}) == 3


@st.composite
def crowded_locks(draw: st.DrawFn) -> LockSnapshot:
    """A lock of a few slots in any state that guests, spares, pulled backups and strangers can leave it in."""
    size = draw(st.integers(1, 8))
    spares = draw(st.integers(0, 5))
    stays = draw(st.integers(0, 6))
    guests = [
        make_code(
            f"guest-{number}",
            f"35{number}1",
            starts_at=Instant(START + draw(st.integers(-120, 120)) * MINUTE_MS),
            ends_at=END,
            deleted_at=draw(st.sampled_from([None, None, NOON])),
        )
        for number in range(stays)
    ]
    holders = [*guests, *(spare(number) for number in range(1, spares + 1))]
    places = draw(st.permutations(range(1, size + 1)))
    records = []
    for number, code in zip(places, draw(st.permutations(holders)), strict=False):
        if draw(st.booleans()):
            records.append(draw(st.sampled_from([written, unanswered]))(number, code))
        elif draw(st.booleans()):
            records.append(SlotRecord(slot(number), sighted=SightedAs.MASKED, sighted_at=NOON))
        else:
            records.append(empty(number))
    rules = PoolRules(size=draw(st.integers(0, 5)), reserve=draw(st.integers(0, 2)))
    names = tuple(code.code_id for code in guests if draw(st.booleans()))
    return pooled(
        *guests, spares=spares, slots=records, rules=rules, guests=names, size=size, is_on=draw(st.booleans())
    )


@given(crowded_locks(), st.integers(-60, 300))
def test_a_pool_never_harms_a_guest(snapshot: LockSnapshot, minutes: int) -> None:
    """Whatever the lock looks like: only spares leave, only proven ones are given, each once, and no guest loses room."""
    found = plan(snapshot, reading(Instant(NOON + minutes * MINUTE_MS)))
    retired = [step.code_id for step in found.pool_steps if isinstance(step, RetireBackup)]
    pulls = _pulls(found)
    drawn = sum(isinstance(step, GenerateBackup) for step in found.pool_steps)
    assert all(snapshot.pool.is_spare(code_id) for code_id in retired)
    assert len(set(retired)) == len(retired)
    given = [step.backup for step in pulls]
    assert len(set(given)) == len(given) == len({step.original for step in pulls})
    assert set(given) <= set(found.pool.ready)
    assert not set(given) & set(retired)
    assert all(step.original in snapshot.pool.guests for step in pulls)
    assert not (drawn and retired), "a pool that gives way does not grow"
    living = sum(backup.is_spare for backup in snapshot.pool.backups.values())
    assert drawn == 0 or living + drawn <= min(snapshot.settings.pool.size, len(snapshot.profile.slots))
    assert found.pool.is_on or drawn == 0
