"""A lock as a worker sees it: what the store says of it, and the plan that follows."""

from dataclasses import dataclass, replace

from gateway.model.clock import ClockReading
from gateway.model.events import EventKind
from gateway.model.ids import LockId
from gateway.model.snapshot import LockSettings, LockSnapshot
from gateway.orders.relations import with_lookalikes
from gateway.planner.announce import Announcement
from gateway.planner.plan import Plan, plan
from gateway.ports import Entropy
from gateway.store import snapshot
from gateway.store.database import Connection
from gateway.store.seal import PinSeal

LOSSES = frozenset({EventKind.CODE_MODIFIED_EXTERNAL, EventKind.CODE_DELETED_EXTERNAL})
"""News that count as a loss of the code."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What every transaction of one lock needs besides the database."""

    lock_id: LockId
    settings: LockSettings
    seal: PinSeal
    entropy: Entropy


@dataclass(frozen=True, slots=True)
class Look:
    """A lock as it was seen, and the plan that follows; `changes` is the database's count of changes at that moment.

    While the count is the same nothing was written, so the lock is as it was seen: most looks come in pairs, the second to act.
    """

    scene: LockSnapshot
    reading: ClockReading
    plan: Plan
    changes: int


def look(con: Connection, bench: Bench, reading: ClockReading, last: Look | None = None) -> Look | None:
    """The plan as things stand, without writing anything; None while the lock was never seen. `last` is the last look at it."""
    is_same = last is not None and last.changes == con.total_changes
    if last is not None and is_same and last.reading == reading:
        return last
    scene = last.scene if last is not None and is_same else scene_of(con, bench)
    return None if scene is None else Look(scene, reading, plan(scene, reading), con.total_changes)


def scene_of(con: Connection, bench: Bench) -> LockSnapshot | None:
    """The lock as the store has it now; None while it was never seen."""
    found = snapshot.take(con, bench.lock_id, bench.settings)
    return None if found is None else with_lookalikes(con, found, bench.seal)


def is_mere_telling(found: Plan) -> bool:
    """Whether what was stored changes nothing about the lock but what the cloud knows of it: most settling is that."""
    has_steps = bool(found.releases or found.pool_steps)
    return not has_steps and not any(news.is_finished or _tells_of_a_loss(news) for news in found.announcements)


def as_told(seen: Look, changes: int) -> Look:
    """The same lock and plan, with the news told: a third of all looks would find nothing else (our measurement)."""
    told = {news.code_id: news.told for news in seen.plan.announcements}
    ended = {command_id for news in seen.plan.announcements for command_id in news.endings}
    scene = replace(
        seen.scene,
        announced={**seen.scene.announced, **told},
        orders=tuple(order for order in seen.scene.orders if order.command_id not in ended),
    )
    return Look(scene, seen.reading, replace(seen.plan, announcements=()), changes)


def _tells_of_a_loss(news: Announcement) -> bool:
    """Whether the news counts as a loss of the code, which the plan takes into account."""
    return any(event.kind in LOSSES for event in news.events)
