"""Verbs about the hub as a whole: `status` and `verify`."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

from gateway.model.access_code import AccessCode
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.events import Fact
from gateway.model.instant import MINUTE_MS, Instant, format_instant
from gateway.model.issues import Issue
from gateway.model.pool import PoolIssue
from gateway.planner import explain_idle
from gateway.planner.desired import Phase
from gateway.planner.explain import local_time, named, span, when
from gateway.planner.explain_time import of_clock
from gateway.planner.words import ISSUE_WORDS, POOL_WORDS
from gateway.ports import DriverState, GuardedClock
from gateway.shell import documents
from gateway.shell.context import Conditions, Peer, ShellContext
from gateway.shell.scenes import Scene, all_scenes, scene_of, short_ids, view_of
from gateway.shell.session import Answer, Cell, Failure, FailureKind, Request, Tone
from gateway.shell.verbs_locks import lock_table
from gateway.store import codes, journal, probe
from gateway.store.database import Connection
from gateway.store.locks import LockRow

BATTERY_LOW_PERCENT = 15
"""At or below this charge a person should bring batteries; the bound that our event `battery_status: low` has."""

CONCERNS_SHOWN_MAX = 6
"""Things to do on a 24-line screen, beside the state of the hub and four locks."""


UNMET_GRACE_MS = 10 * MINUTE_MS
"""A lock that was never met is worth a word after this: its first interview takes up to some minutes."""


class Weight(IntEnum):
    """Order of what a person must act on: a door that may open wrongly first."""

    OPENS_WRONGLY = 0
    SHUT_OUT = 1
    BLIND = 2
    SOON = 3


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that a person must act on: what is wrong, and what to do."""

    weight: Weight
    text: str
    remedy: str


async def status(context: ShellContext, _: Peer, __: Request) -> Answer:
    """How the hub is; what a person must act on comes first."""
    scenes = await all_scenes(context)
    conditions = context.conditions()
    unsent = await context.db.read(_unsent)
    reading = context.clock.reading()
    told = [*_concerns(context, conditions, reading, scenes), *await _of_disk(context), *await _of_lost_locks(context)]
    concerns = sorted(told, key=lambda concern: concern.weight)
    lines = [
        Cell(f"{context.hub_id}, {local_time(reading.lo, Instant(0), context.zone)} {context.zone.key}", Tone.HEAD),
        *_to_do(concerns),
        *_parts(context, conditions, reading, unsent),
    ]
    value: dict[str, Fact] = {
        "hub_id": context.hub_id,
        "time": format_instant(reading.lo),
        "zone": context.zone.key,
        "clock": {"trust": reading.trust.value, "detail": conditions.clock},
        "started_at": format_instant(conditions.started_at),
        "versions": dict(conditions.versions),
        "drivers": {
            name: {"state": condition.state.value, "detail": condition.detail}
            for name, condition in conditions.drivers.items()
        },
        "cloud": {
            "state": conditions.cloud.state,
            "since": documents.instant(conditions.cloud.since),
            "detail": conditions.cloud.detail,
        },
        "outbox_count": unsent,
        "worker_restarts": conditions.worker_restarts,
        "to_do": [{"problem": concern.text, "remedy": concern.remedy} for concern in concerns],
    }
    table, rows = lock_table(scenes, context.zone, is_short=True)
    return Answer(tuple(lines), table, value=value | {"locks": rows})


async def verify(context: ShellContext, _: Peer, __: Request) -> Answer:
    """Whether the journal's chain is whole (A19)."""
    walk = await context.db.read(journal.begin_walk)
    while not walk.is_over:
        # One read for each part: orders, workers and the watchdog's beat have their turn in between.
        walk = await context.db.read(partial(journal.walk_on, walk=walk))
    broken, count = walk.broken, walk.end
    anchor = await context.db.read(journal.anchor)
    value: dict[str, Fact] = {
        "is_whole": broken is None,
        "first_broken_line": broken,
        "last_line": count,
        "last_pruned_line": anchor.line,
    }
    if broken is None:
        whole = Cell(
            f"The journal is whole: {max(count - anchor.line, 0)} lines, every one fits the one before it.", Tone.GOOD
        )
        pruned = Cell(
            f"The {anchor.line} lines before them were older than 180 days; their last hash is kept.", Tone.DIM
        )
        return Answer((whole, pruned) if anchor.line else (whole,), value=value)
    told = f"the journal was changed from outside: line {broken} of {count} does not fit the one before it"
    remedy = "keep the database file as it is and compare it with the last backup"
    return Answer(value=value, failure=Failure(FailureKind.FAILED, told, remedy))


def _unsent(con: Connection) -> int:
    return journal.last_seq(con) - journal.acknowledged(con)


def _to_do(concerns: list[Concern]) -> Iterator[Cell]:
    if not concerns:
        yield Cell("Nothing needs a person.", Tone.GOOD)
        return
    yield Cell("A person must act:", Tone.BAD)
    for concern in concerns[:CONCERNS_SHOWN_MAX]:
        yield Cell(f"! {concern.text}", Tone.BAD if concern.weight <= Weight.SHUT_OUT else Tone.WARN)
        yield Cell(f"  → {concern.remedy}")
    if len(concerns) > CONCERNS_SHOWN_MAX:
        yield Cell(f"  … and {len(concerns) - CONCERNS_SHOWN_MAX} more: gatewayctl status --json", Tone.WARN)


def _parts(context: ShellContext, conditions: Conditions, reading: ClockReading, unsent: int) -> Iterator[Cell]:
    now = reading.lo
    versions = ", ".join(f"{name} {version}" for name, version in conditions.versions.items())
    yield Cell(f"Hub     up {span(max(now - conditions.started_at, 0))}; {versions}")
    trust = Tone.GOOD if reading.trust is ClockTrust.TRUSTED else Tone.WARN
    detail = conditions.clock.removeprefix(reading.trust.value).lstrip(",; ")
    yield Cell(_part("Clock", reading.trust.value, detail), trust)
    for name, condition in conditions.drivers.items():
        tone = Tone.GOOD if condition.state is DriverState.READY else Tone.WARN
        yield Cell(_part("Driver", f"{name} {condition.state.value}", condition.detail), tone)
    cloud = conditions.cloud
    since = "" if cloud.since is None else f" since {when(cloud.since, now, context.zone)}"
    yield Cell(_part("Cloud", f"{cloud.state}{since}", cloud.detail), Tone.GOOD if cloud.is_up else Tone.WARN)
    waiting = (
        "empty" if unsent == 0 else f"{unsent} event{'s wait' if unsent > 1 else ' waits'} for the cloud's receipt"
    )
    yield Cell(_part("Outbox", waiting, ""), Tone.PLAIN)


def _part(title: str, state: str, detail: str) -> str:
    return f"{title:<7} {state}" + (f"; {detail}" if detail else "")


def _concerns(
    context: ShellContext, conditions: Conditions, reading: ClockReading, scenes: Sequence[Scene]
) -> Iterator[Concern]:
    if reading.trust is ClockTrust.UNTRUSTED:
        text = "The hub does not know the time: no code that ends within a day goes onto a lock."
        remedy = "give it the network, or a time service that answers, or the time: gatewayctl set-time"
        yield Concern(Weight.SHUT_OUT, text, remedy)
    step = context.clock.step() if isinstance(context.clock, GuardedClock) else None
    if step is not None:
        held = when(step.released_at, reading.lo, context.zone)
        text = f"Time jumped ahead by {span(step.to - step.lo)}: nothing is removed by it before {held}."
        yield Concern(Weight.SHUT_OUT, text, "if it is right: gatewayctl confirm-time; if not, mend the time service")
    for name, condition in conditions.drivers.items():
        if condition.state is DriverState.DOWN:
            remedy = condition.detail or "look at the hub's log"
            yield Concern(Weight.BLIND, f"Driver {name} is down: its locks cannot be reached.", remedy)
    unmet = [scene.view.name for scene in scenes if scene.row is None]
    if unmet and reading.lo - conditions.started_at > UNMET_GRACE_MS:
        text = f"No driver has ever met {', '.join(unmet)}."
        yield Concern(Weight.BLIND, text, "check that it is included, and its address in the configuration")
    for scene in scenes:
        if scene.row is not None:
            yield from _of_lock(scene, scene.row, context)
    cloud = conditions.cloud
    if not cloud.is_up and cloud.detail:
        yield Concern(Weight.SOON, "No link to the cloud; the hub goes on with the orders it has.", cloud.detail)
    if conditions.worker_restarts:
        text = f"A part of the hub died and was started again, {conditions.worker_restarts} times so far."
        yield Concern(Weight.SOON, text, "send the hub's log to the maker")


async def _of_disk(context: ShellContext) -> Sequence[Concern]:
    """Whether the disk takes anything, tried anew once it has refused something: hours may pass without another change."""
    if context.db.is_refusing():
        with contextlib.suppress(Exception):  # it tells by the flag
            await probe.try_to_write(context.db, context.desk.entropy)
    if not context.db.is_refusing():
        return ()
    text = "The hub's disk cannot be written: no order is taken, and no code goes onto a lock or off it."
    return (Concern(Weight.OPENS_WRONGLY, text, "free space on it: the hub then goes on by itself"),)


async def _of_lost_locks(context: ShellContext) -> Sequence[Concern]:
    """Locks that are none of this hub's any more and that codes are still for: nobody writes one to them or takes one off (A9)."""
    found = []
    for lock_id in await context.db.read(codes.locks_in_use):
        if lock_id in context.locks:
            continue
        scene = await scene_of(context, view_of(context, lock_id))
        held = {record.lease for record in scene.snapshot.slots.values()}
        on_it = [code for code in scene.snapshot.codes if code.code_id in held]
        waiting = len(scene.snapshot.codes) - len(on_it)
        harm = [f"{len(on_it)} code{_s(len(on_it))} may still open it"] if on_it else []
        harm += [f"{waiting} code{_s(waiting)} wait{'' if waiting > 1 else 's'} for it"] if waiting else []
        if explain_idle.idle(scene.snapshot, is_ours=False) is explain_idle.Idle.FORGOTTEN:
            harm.append("nobody knows what it still holds")
        weight = Weight.OPENS_WRONGLY if any(_is_over(code, scene) for code in on_it) else Weight.SHUT_OUT
        text = f"{lock_id} is none of this hub's locks any more: {', '.join(harm)}."
        # A delete takes nothing off a lock that nobody reaches: it ends the codes that never were on it, and those alone.
        ending = "" if on_it else f"; or delete them: gatewayctl codes --lock {lock_id}"
        remedy = explain_idle.bring_back(lock_id) + ending
        found.append(Concern(weight, text, remedy))
    return found


def _of_lock(scene: Scene, row: LockRow, context: ShellContext) -> Iterator[Concern]:
    name, now = scene.view.name, scene.now
    for told in of_clock(scene.snapshot):
        yield Concern(Weight.SOON, f"{name}: {told}", "change its batteries, or set its clock by hand")
    if scene.snapshot.is_quarantined:
        text = f"Another device answers in place of {name}: nothing is written to it."
        yield Concern(Weight.SHUT_OUT, text, f"if it is the new lock: gatewayctl accept-lock {scene.view.lock_id}")
        return
    if PoolIssue.EMPTY in scene.plan.pool.issues:
        remedy = f"gatewayctl pool {scene.view.lock_id}"
        yield Concern(Weight.SOON, f"{name}: {POOL_WORDS[PoolIssue.EMPTY]}", remedy)
    troubled = [
        (code, errors)
        for code in scene.snapshot.codes
        if (errors := sorted(issue for issue in scene.plan.standings[code.code_id].issues if not issue.is_warning))
    ]
    if not row.is_reachable:
        # One line for the cause; what it does to the codes is told in numbers.
        at = row.reachable_changed_at
        since = "" if at is None else f" since {when(at, now, context.zone)}"
        staying = sum(_is_over(code, scene) for code, _ in troubled)
        missing = len(troubled) - staying
        harm = [f"{staying} code{_s(staying)} may still open it"] if staying else []
        harm += [f"{missing} code{_s(missing)} missing on it"] if missing else []
        weight = Weight.OPENS_WRONGLY if staying else Weight.SHUT_OUT if missing else Weight.BLIND
        text = f"{name} does not answer{since}" + (f": {', '.join(harm)}." if harm else ".")
        yield Concern(weight, text, "check its batteries and its distance to the hub")
    if row.battery_percent is not None and row.battery_percent <= BATTERY_LOW_PERCENT:
        yield Concern(Weight.SOON, f"{name} has {row.battery_percent} % battery left.", "bring new batteries")
    if not row.is_reachable:
        return
    shorts = short_ids(code.code_id for code in scene.snapshot.codes)
    for code, errors in troubled:
        # What the lock said tells more than that the code is late.
        telling = next((issue for issue in errors if issue is not Issue.FAILED_TO_SET), errors[0])
        text = f"{named(code.name)} on {name}: {ISSUE_WORDS[telling]}"
        weight = Weight.OPENS_WRONGLY if _is_over(code, scene) else Weight.SHUT_OUT
        yield Concern(weight, text, f"gatewayctl why {shorts[code.code_id]}")


def _is_over(code: AccessCode, scene: Scene) -> bool:
    return scene.plan.wishes[code.code_id].phase is Phase.OVER


def _s(count: int) -> str:
    return "" if count == 1 else "s"
