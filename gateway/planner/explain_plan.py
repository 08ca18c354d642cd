"""The plan of a lock in sentences: what happens on it now, then and later. Read off the plan that the worker acts on."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.instant import Instant
from gateway.model.snapshot import LockSnapshot
from gateway.planner import explain_idle
from gateway.planner.desired import Phase
from gateway.planner.explain import describe_action, named, names_of, waits_for_the_time, when
from gateway.planner.plan import Plan

UPCOMING_SHOWN_MAX = 8
"""Later steps that a plan lists; more do not fit a 24-line terminal together with what happens now."""


def describe_plan(snapshot: LockSnapshot, plan: Plan, reading: ClockReading, zone: ZoneInfo) -> tuple[str, ...]:
    """What happens on a lock now, then, and later; one sentence per line."""
    if snapshot.is_quarantined:
        return (explain_idle.quarantined_plan(snapshot.lock_id),)
    names = names_of(snapshot)
    lines = []
    if not snapshot.is_reachable:
        lines.append("The lock does not answer: everything below waits until it does.")
    if reading.trust is ClockTrust.UNTRUSTED:
        lines.append(
            "The hub does not know the time: no code that ends within a day goes on until it does, removals go on."
        )
    steps = () if plan.head is None else (plan.head, *plan.rest)
    first = "Now" if snapshot.is_reachable else "First"
    lines += [
        f"{first if number == 0 else 'Then'}: {describe_action(action, names)}." for number, action in enumerate(steps)
    ]
    later = tuple(upcoming(snapshot, plan, reading))
    lines += [f"{when(at, reading.lo, zone)}: {what}." for at, what in later[:UPCOMING_SHOWN_MAX]]
    if len(later) > UPCOMING_SHOWN_MAX:
        lines.append(f"… and {len(later) - UPCOMING_SHOWN_MAX} more later.")
    if not steps and not later:
        lines.append("Nothing to do, now or later, until something changes.")
    elif not steps:
        lines.insert(0, "Nothing to do now.")
    return tuple(lines)


def upcoming(snapshot: LockSnapshot, plan: Plan, reading: ClockReading) -> Iterator[tuple[Instant, str]]:
    """What time alone will bring, soonest first: codes that go on or come off, and tries that are repeated."""
    if snapshot.is_quarantined:
        return
    now = reading.lo
    found: list[tuple[Instant, str]] = []
    for wish in plan.wishes.values():
        if wish.changes_at is None or wish.changes_at <= now or waits_for_the_time(wish, reading):
            continue
        turn = "goes onto the lock" if wish.phase is Phase.BEFORE else "comes off the lock"
        found.append((wish.changes_at, f"{named(wish.code.name)} {turn}"))
    for record in snapshot.slots.values():
        wish_of_slot = None if record.lease is None else plan.wishes.get(record.lease)
        if wish_of_slot is not None and record.next_try_at is not None and record.next_try_at > now:
            found.append((record.next_try_at, f"{named(wish_of_slot.code.name)} is tried again"))
    yield from sorted(found)


def next_step(snapshot: LockSnapshot, plan: Plan, reading: ClockReading, zone: ZoneInfo) -> str:
    """The next thing on a lock in a few words, for a cell of a table."""
    if snapshot.is_quarantined:
        return explain_idle.NOTHING_UNTIL_ACCEPTED
    if plan.head is not None:
        what = describe_action(plan.head, names_of(snapshot))
        return f"now: {what}" if snapshot.is_reachable else f"when it answers: {what}"
    soonest = next(upcoming(snapshot, plan, reading), None)
    return "nothing to do" if soonest is None else f"{when(soonest[0], reading.lo, zone)}: {soonest[1]}"
