"""What a backup pool needs: refill, give way, and help a guest whose own code is at risk (A12, A13, A16).

Theory of operation. Spares are codes like any other, so getting them onto the lock, proving them and taking them off is
done by the rest of the planner; here is only decided how many there should be, which must go, and who is given one. As
everywhere nothing is remembered: the same snapshot asks for the same steps, and a step that was stored is not asked again.

A spare leaves only when the pool is turned off or made smaller, when the lock refuses it, or when a guest who is due finds
no slot. It does not leave to restore the reserve: a spare on the lock is worth more than a free slot beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.model.access_code import AccessCode
from gateway.model.ids import CodeId
from gateway.model.instant import HOUR_MS, LAST_INSTANT, MINUTE_MS, Instant
from gateway.model.pool import AutoPull, Pool, PoolIssue
from gateway.model.slot import SlotRecord, Verdict
from gateway.planner.actions import GenerateBackup, PoolStep, PullBackup, RetireBackup, TellPool
from gateway.planner.capacity import room_for_us
from gateway.planner.desired import LATE_FAILED_MS, Desire, Phase, doubted_since, lets_stand
from gateway.planner.diff import Scene
from gateway.planner.native import lead_ms

AT_RISK_MS = 10 * MINUTE_MS
"""A code that is unproven this long before its start is at risk (A13)."""

REFUSED_REST_MS = HOUR_MS
"""A spare that the lock refused is replaced by another PIN after this: a lock that refuses everything costs a few writes an
hour, not a storm."""

SLOW_MS = 5 * MINUTE_MS
"""A spare that is not proven this long after it was drawn says that the pool cannot be refilled for now (A12)."""

MANY_PULLED = 3
"""So many backups in use at one lock point at a fault of the lock (A12). The number is ours: the documentation says "several"."""

REMOVALS_TRUSTED = 2
"""A slot that is being emptied counts as free soon, until its clear has failed this often."""


@dataclass(frozen=True, slots=True)
class PoolStanding:
    """How a pool is, for people and programs. `target` is how many spares there is room for now."""

    is_on: bool
    size: int
    target: int
    ready: tuple[CodeId, ...]
    filling: tuple[CodeId, ...]
    pulled: Mapping[CodeId, CodeId]
    issues: frozenset[PoolIssue]


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """How the pool is, what to store for it, and when to look again."""

    standing: PoolStanding
    steps: tuple[PoolStep, ...]
    edges: tuple[Instant, ...]


@dataclass(frozen=True, slots=True)
class _Spare:
    code: AccessCode
    record: SlotRecord | None
    verdict: Verdict | None

    @property
    def is_ready(self) -> bool:
        """Only a proven spare is handed out."""
        return self.verdict is Verdict.GOOD


def unhurried(pool: Pool, wishes: Mapping[CodeId, Desire]) -> Mapping[CodeId, Desire]:
    """The spares among the wishes, with no hour at which anybody waits for them: they come after every guest."""
    return {
        code_id: replace(wishes[code_id], due=LAST_INSTANT)
        for code_id, backup in pool.backups.items()
        if backup.is_spare and code_id in wishes
    }


def pool_plan(scene: Scene, holding: Mapping[CodeId, SlotRecord]) -> PoolPlan:
    """Decide for the pool of one lock. `holding` has the slot of each code that leases one."""
    spares = tuple(_spares(scene, holding))
    target = _target(scene, holding)
    retired = frozenset(_to_retire(scene, holding, spares, target))
    kept = tuple(spare for spare in spares if spare.code.code_id not in retired)
    pulls, risk_edges = _pulls(scene, holding, kept)
    standing = _standing(scene, kept, target)
    steps: list[PoolStep] = [*map(RetireBackup, sorted(retired)), *pulls]
    if _can_act(scene) and not steps and len(kept) < target:
        steps += [GenerateBackup()] * (target - len(kept))
    # Told beside what is drawn anew, for a drawing may find no PIN that was never used.
    if not (retired or pulls) and standing.issues != scene.snapshot.pool.told:
        steps.append(TellPool(standing.issues, len(standing.ready), len(standing.pulled)))
    return PoolPlan(standing, tuple(steps), (*risk_edges, *_edges(kept)))


def _spares(scene: Scene, holding: Mapping[CodeId, SlotRecord]) -> Iterator[_Spare]:
    for code_id, backup in scene.snapshot.pool.backups.items():
        wish = scene.wishes.get(code_id)
        if backup.is_spare and wish is not None and not wish.code.is_deleted:
            record = holding.get(code_id)
            yield _Spare(wish.code, record, None if record is None else scene.verdicts[record.slot])


def _target(scene: Scene, holding: Mapping[CodeId, SlotRecord]) -> int:
    """How many spares there should be: the size, but never more than there is room for beside the guests (A12)."""
    pool, rules = scene.snapshot.pool, scene.snapshot.settings.pool
    if not pool.is_on:
        return 0
    others = sum(not pool.is_spare(code_id) for code_id in holding)
    waiting = sum(not pool.is_spare(code_id) for code_id in _waiting(scene, holding))
    return max(0, min(rules.size, room_for_us(scene) - others - waiting - rules.reserve))


def _waiting(scene: Scene, holding: Mapping[CodeId, SlotRecord]) -> Iterator[CodeId]:
    for code_id, wish in scene.wishes.items():
        if wish.phase is Phase.WANTED and code_id not in holding:
            yield code_id


def _to_retire(
    scene: Scene, holding: Mapping[CodeId, SlotRecord], spares: Sequence[_Spare], target: int
) -> Iterator[CodeId]:
    """Spares that must go. A code may come twice."""
    by_worth = sorted(spares, key=lambda spare: (spare.is_ready, spare.record is not None, -spare.code.created_at))
    wanted = scene.snapshot.settings.pool.size if scene.snapshot.pool.is_on else 0
    for spare in by_worth[: max(0, len(spares) - wanted)]:
        yield spare.code.code_id
    slotless = [spare for spare in by_worth if spare.record is None]
    for spare in slotless[: max(0, len(spares) - target)]:
        yield spare.code.code_id
    for spare in spares:
        is_refused = spare.verdict in {Verdict.REFUSED, Verdict.REFUSED_LEFTOVER}
        if is_refused and scene.reading.lo >= spare.code.accepted_at + REFUSED_REST_MS:
            yield spare.code.code_id
    in_slots = [spare for spare in by_worth if spare.record is not None]
    for spare in in_slots[: _push_count(scene, holding)]:
        yield spare.code.code_id


def _can_act(scene: Scene) -> bool:
    """Whether spares can be put onto the lock or taken off it now: it is known, answers, and is the one we know (A17)."""
    snapshot = scene.snapshot
    return snapshot.listed_at is not None and snapshot.is_reachable and not snapshot.is_quarantined


def _push_count(scene: Scene, holding: Mapping[CodeId, SlotRecord]) -> int:
    """How many spares must make room for guests who are due now and find no slot (A16). Slots that empty soon count first."""
    if not _can_act(scene):
        return 0
    homeless = sum(_is_due(scene, code_id) for code_id in scene.assignment.homeless)
    leaving = sum(
        scene.wishes[code_id].phase is Phase.OVER and record.tries < REMOVALS_TRUSTED
        for code_id, record in holding.items()
    )
    return max(0, homeless - leaving)


def _is_due(scene: Scene, code_id: CodeId) -> bool:
    """Whether a guest waits for the code now; neither a spare nor a preload for days ahead makes anybody go."""
    return not scene.snapshot.pool.is_spare(code_id) and not scene.wishes[code_id].is_ahead(scene.reading.lo)


def _pulls(
    scene: Scene, holding: Mapping[CodeId, SlotRecord], spares: Sequence[_Spare]
) -> tuple[tuple[PullBackup, ...], tuple[Instant, ...]]:
    """Who is given a spare now, nearest start first; and when the next guest would be at risk (A13)."""
    snapshot = scene.snapshot
    if snapshot.settings.pool.auto_pull is AutoPull.NEVER or snapshot.is_quarantined:
        return (), ()
    now = scene.reading.lo
    ready = iter([spare.code.code_id for spare in spares if spare.is_ready])
    pulls, edges = [], []
    unproven = [wish for code_id, wish in scene.wishes.items() if code_id in snapshot.pool.guests]
    for wish in sorted(unproven, key=lambda wish: (wish.due, wish.code.code_id)):
        record = holding.get(wish.code.code_id)
        risk_at = _at_risk_at(
            wish, record, None if record is None else scene.verdicts[record.slot], lead_ms(wish.code, snapshot)
        )
        if risk_at is None or snapshot.pool.pulled_for(wish.code.code_id) is not None:
            continue
        if now < risk_at:
            edges.append(risk_at)
        elif (backup := next(ready, None)) is not None:
            pulls.append(PullBackup(wish.code.code_id, backup))
    return tuple(pulls), tuple(edges)


def _at_risk_at(wish: Desire, record: SlotRecord | None, verdict: Verdict | None, lead: int) -> Instant | None:
    """From when a code that is still not proven puts its guest at risk; None when it does not.

    A late order, and a code that somebody changed at the lock just now, get the time in which a healthy lock would have it.
    """
    code = wish.code
    is_drift = verdict in {Verdict.DRIFT_DELETED, Verdict.DRIFT_CHANGED}
    if wish.phase is not Phase.WANTED or verdict is Verdict.GOOD or code.window.ends_at is None:
        return None
    if is_drift and lets_stand(code, record):
        return None
    waits = [Instant(code.accepted_at + LATE_FAILED_MS)]
    if code.window.starts_at is not None:
        waits.append(Instant(code.window.starts_at - min(AT_RISK_MS, lead // 2)))
    if is_drift and record is not None and record.sighted_at is not None:
        waits.append(Instant(record.sighted_at + LATE_FAILED_MS))
    if (doubted_at := doubted_since(code, record, verdict)) is not None:
        waits.append(Instant(doubted_at + LATE_FAILED_MS))
    return max(waits)


def _standing(scene: Scene, spares: Sequence[_Spare], target: int) -> PoolStanding:
    snapshot = scene.snapshot
    pool, size = snapshot.pool, snapshot.settings.pool.size
    pulled = {
        backup.pulled_for: code_id
        for code_id, backup in pool.backups.items()
        if backup.pulled_for is not None and code_id in scene.wishes and scene.wishes[code_id].phase is Phase.WANTED
    }
    ready = tuple(spare.code.code_id for spare in spares if spare.is_ready)
    filling = tuple(spare.code.code_id for spare in spares if not spare.is_ready)
    issues = set()
    if pool.is_on and size > 0 and not ready:
        issues.add(PoolIssue.EMPTY)
    elif pool.is_on and len(ready) < size:
        is_slow = any(not spare.is_ready and scene.reading.lo >= spare.code.accepted_at + SLOW_MS for spare in spares)
        if is_slow or target < size or not snapshot.is_reachable:
            issues.add(PoolIssue.PARTIAL)
    if len(pulled) >= MANY_PULLED:
        issues.add(PoolIssue.MANY_PULLED)
    return PoolStanding(pool.is_on, size, target, ready, filling, pulled, frozenset(issues))


def _edges(spares: Sequence[_Spare]) -> Iterator[Instant]:
    for spare in spares:
        if not spare.is_ready:
            yield Instant(spare.code.accepted_at + SLOW_MS)
            yield Instant(spare.code.accepted_at + REFUSED_REST_MS)
