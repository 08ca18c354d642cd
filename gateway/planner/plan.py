"""`plan(snapshot, reading) -> Plan`: the one decision of the house.

Level-based: nothing is remembered between two calls. The answer says what to do now (`head`), what would follow if
nothing changed (`rest`, for people), when to look again at the latest (`wake_at`), what each slot means, which leases
end, and what to tell. No jitter inside: the worker adds it, so that the planner stays a function.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.model.access_code import AccessCode
from gateway.model.clock import ClockReading
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import DAY_MS, SECOND_MS, Instant
from gateway.model.ledger import doubted, released
from gateway.model.remembered import by_identity
from gateway.model.slot import Operation, SlotRecord, Verdict, judge, possible_pins
from gateway.model.snapshot import Announced, LockSnapshot, OpenOrder
from gateway.planner.actions import Action, PoolStep
from gateway.planner.announce import AT_REST, Announcement, announcement, is_at_rest
from gateway.planner.audit import audits
from gateway.planner.capacity import short_of_room
from gateway.planner.desired import Desire, Phase, desire
from gateway.planner.diff import Scene, candidates, holders
from gateway.planner.leases import affordable, assign
from gateway.planner.native import lead_ms, shared_pins, timing
from gateway.planner.order import ordered
from gateway.planner.pool import PoolStanding, pool_plan, unhurried
from gateway.planner.status import Circumstances, Standing, standing_of


@dataclass(frozen=True, slots=True)
class Plan:
    """What one lock needs. `wake_at` is None when only new input can change the answer.

    `releases` are slots whose lease ends; `announcements` and `pool_steps` are to be stored together with them. While any of
    them is not empty the head is already what follows after they are stored.
    """

    head: Action | None
    rest: tuple[Action, ...]
    wake_at: Instant | None
    verdicts: Mapping[Slot, Verdict]
    standings: Mapping[CodeId, Standing]
    wishes: Mapping[CodeId, Desire]
    releases: tuple[Slot, ...]
    announcements: tuple[Announcement, ...]
    pool: PoolStanding
    pool_steps: tuple[PoolStep, ...]

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to store before the next action."""
        return not (self.releases or self.announcements or self.pool_steps)


EMPTY_IS_FRESH_MS = 7 * DAY_MS
"""How long a free slot that the lock showed empty may be written without another look (N2).

A hand at the keypad is reported by the lock while we listen; this is for the report that got lost. One look costs two
messages.
"""

UNTOLD_IS_FRESH_MS = 4 * SECOND_MS
"""The same on a lock that does not tell of hands: long enough for the write that follows the look, even after a lost answer."""

_OPEN = (Verdict.FREE, Verdict.UNSEEN)
_ENDS_LEASE = frozenset({Verdict.RELEASED, Verdict.TAKEN_OVER})
_NOTHING_TOLD = Announced()


def plan(snapshot: LockSnapshot, reading: ClockReading) -> Plan:
    """Decide for one lock. Pure; the same snapshot and reading give the same plan."""
    leased = {record.lease: record for record in snapshot.slots.values() if record.lease is not None}
    shared = shared_pins(snapshot)
    wishes = {
        code.code_id: _desire(code, snapshot, reading, leased.get(code.code_id), has_twin=code.digest in shared)
        for code in snapshot.codes
    }
    wishes |= unhurried(snapshot.pool, wishes)
    judged = {slot: _judged(record, wishes) for slot, record in snapshot.slots.items()}
    releases = tuple(
        slot for slot, record in snapshot.slots.items() if record.lease is not None and judged[slot] in _ENDS_LEASE
    )
    settled = _without(snapshot, releases)
    settled = _with_old_sightings_doubted(settled, reading)
    # What was neither released nor doubted means what it meant.
    verdicts = {
        slot: judged[slot] if record is snapshot.slots[slot] else _judged(record, wishes)
        for slot, record in settled.slots.items()
    }
    holding = {record.lease: record for record in settled.slots.values() if record.lease is not None}
    waiting = [wish for wish in wishes.values() if wish.phase is Phase.WANTED and wish.code.code_id not in holding]
    assignment = assign(settled, verdicts, affordable(waiting, _open_count(settled, verdicts), reading.lo))
    scene = Scene(settled, reading, wishes, verdicts, assignment, holders(settled))
    standings, announcements = _told(scene, holding)
    pool = pool_plan(scene, holding)
    queue = () if snapshot.is_quarantined else ordered((*candidates(scene), *audits(scene)))
    ready = [entry.action for entry in queue if entry.not_before is None or entry.not_before <= reading.lo]
    edges = (
        *(wish.changes_at for wish in wishes.values()),
        *(standing.changes_at for standing in standings.values()),
        *(entry.not_before for entry in queue),
        *pool.edges,
    )
    return Plan(
        head=ready[0] if ready else None,
        rest=tuple(ready[1:]),
        wake_at=_next(edges, reading),
        verdicts=verdicts,
        standings=standings,
        wishes=wishes,
        releases=releases,
        announcements=announcements,
        pool=pool.standing,
        pool_steps=pool.steps,
    )


def _desire(
    code: AccessCode, snapshot: LockSnapshot, reading: ClockReading, record: SlotRecord | None, *, has_twin: bool
) -> Desire:
    when = timing(code, snapshot, reading, record, has_twin=has_twin)
    stay_ms = snapshot.settings.untrusted_stay_ms
    is_on_lock, off_at = _may_be_on_lock(record), _ordered_off_at(code, record)
    return desire(code, reading, when, is_on_lock=is_on_lock, stay_ms=stay_ms, ordered_off_at=off_at)


def _ordered_off_at(code: AccessCode, record: SlotRecord | None) -> Instant | None:
    """When the code was ordered anew while its PIN was on the lock already, or was being taken off it."""
    if record is None:
        return None
    is_older = record.operation is Operation.CLEAR or (record.intended_at or 0) < code.accepted_at
    return code.accepted_at if is_older else None


def _told(
    scene: Scene, holding: Mapping[CodeId, SlotRecord]
) -> tuple[Mapping[CodeId, Standing], tuple[Announcement, ...]]:
    """How each code stands, and what the cloud does not know of it yet."""
    snapshot = scene.snapshot
    orders_of: defaultdict[CodeId, list[OpenOrder]] = defaultdict(list)
    for order in snapshot.orders:
        orders_of[order.code_id].append(order)
    short = short_of_room(scene)
    helped = {backup.pulled_for for backup in snapshot.pool.backups.values()}
    standings: dict[CodeId, Standing] = {}
    announcements: list[Announcement] = []
    for code_id, wish in scene.wishes.items():
        record = holding.get(code_id)
        verdict = None if record is None else scene.verdicts[record.slot]
        told = snapshot.announced.get(code_id, _NOTHING_TOLD)
        is_asked = code_id in orders_of or code_id in helped or snapshot.is_quarantined
        if not is_asked and is_at_rest(wish, verdict, told):
            standings[code_id] = AT_REST
            continue
        now = Circumstances(
            record=record,
            verdict=verdict,
            is_homeless=code_id in scene.assignment.homeless and snapshot.listed_at is not None,
            has_foreign_twin=wish.phase is Phase.WANTED and _has_foreign_twin(scene, wish, record),
            is_reachable=snapshot.is_reachable,
            is_quarantined=snapshot.is_quarantined,
            is_short_of_room=code_id in short,
            is_spare=snapshot.pool.is_spare(code_id),
            has_backup=code_id in helped,
            loss=snapshot.losses.get(code_id),
        )
        standings[code_id] = standing_of(wish, now, scene.reading, lead_ms(wish.code, snapshot))
        if (news := announcement(wish, now, standings[code_id], told, tuple(orders_of[code_id]))) is not None:
            announcements.append(news)
    return standings, tuple(announcements)


def _may_be_on_lock(record: SlotRecord | None) -> bool:
    """Whether the code was on the lock, or may be now; a lease for a write that never left the hub says nothing (T2)."""
    return record is not None and (record.proven is not None or bool(possible_pins(record)))


def _judged(record: SlotRecord, wishes: Mapping[CodeId, Desire]) -> Verdict:
    if record.lease is None:
        return _judged_free(record)
    wish = wishes.get(record.lease)
    return judge(record, None if wish is None else wish.wanted)


@by_identity
def _judged_free(record: SlotRecord) -> Verdict:
    """Most slots are nobody's, and most of those are what they were at the last look."""
    return judge(record, None)


_doubted = by_identity(doubted)


def _without(snapshot: LockSnapshot, releases: tuple[Slot, ...]) -> LockSnapshot:
    if not releases:
        return snapshot
    slots = {slot: released(record) if slot in releases else record for slot, record in snapshot.slots.items()}
    return replace(snapshot, slots=slots)


def _with_old_sightings_doubted(snapshot: LockSnapshot, reading: ClockReading) -> LockSnapshot:
    fresh_ms = EMPTY_IS_FRESH_MS if snapshot.profile.tells_hands else UNTOLD_IS_FRESH_MS
    slots = {
        slot: _doubted(record) if record.sighted_at is None or reading.lo - record.sighted_at > fresh_ms else record
        for slot, record in snapshot.slots.items()
    }
    return replace(snapshot, slots=slots)


def _open_count(snapshot: LockSnapshot, verdicts: Mapping[Slot, Verdict]) -> int:
    numbers = snapshot.profile.slots
    closed = [slot for slot, verdict in verdicts.items() if verdict not in _OPEN and slot in numbers]
    return len(numbers) - len(closed)


def _has_foreign_twin(scene: Scene, wish: Desire, record: SlotRecord | None) -> bool:
    holder = scene.other_holder(wish.code.digest, None if record is None else record.slot)
    return holder is not None and scene.verdicts.get(holder) is Verdict.FOREIGN


def _next(edges: Iterable[Instant | None], reading: ClockReading) -> Instant | None:
    return min((at for at in edges if at is not None and at > reading.lo), default=None)
