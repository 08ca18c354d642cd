"""Locks with backup pools, made by hand."""

from dataclasses import replace

from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import Written
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.pool import Backup, Pool, PoolIssue, PoolRules
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import LockSettings, LockSnapshot
from gateway.planner.actions import TellPool
from gateway.planner.plan import Plan, plan
from tests.builders import LEAD_MS, NOON, make_code, make_profile, make_snapshot, reading, slot

START = Instant(NOON + 2 * HOUR_MS)
END = Instant(NOON + 2 * DAY_MS)
RISK = Instant(START - 10 * MINUTE_MS)
GUEST = CodeId("guest")


def empty(number: int) -> SlotRecord:
    return SlotRecord(slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON)


def written(number: int, code: AccessCode, at: Instant = NOON) -> SlotRecord:
    record = replace(ledger.intend_write(empty(number), code.code_id, code.digest, at))
    return ledger.ended(record, Written(Evidence.SUPERVISED), at, code.generation, supervision_is_honest=True)


def unanswered(number: int, code: AccessCode) -> SlotRecord:
    """A write that did not reach the lock."""
    record = ledger.intend_write(empty(number), code.code_id, code.digest, NOON)
    return replace(ledger.not_sent(record, empty(number)), next_try_at=Instant(END))


def spare(number: int, pin: str | None = None, *, deleted_at: Instant | None = None) -> AccessCode:
    return make_code(f"spare-{number}", pin or f"90{number}7", deleted_at=deleted_at)


def pooled(
    *codes: AccessCode,
    slots: list[SlotRecord],
    spares: int = 0,
    rules: PoolRules | None = None,
    guests: tuple[str, ...] = (),
    pulled: dict[str, str] | None = None,
    is_on: bool = True,
    size: int = 5,
    told: frozenset[PoolIssue] | None = None,
) -> LockSnapshot:
    """A lock of `size` slots with a pool; spares 1 to `spares` are codes of it."""
    spare_codes = [spare(number) for number in range(1, spares + 1)]
    backups = {code.code_id: Backup(code.code_id) for code in spare_codes}
    backups |= {
        CodeId(backup): Backup(CodeId(backup), CodeId(original), NOON) for original, backup in (pulled or {}).items()
    }
    found = make_snapshot(*codes, *spare_codes, slots=slots, profile=make_profile(slots=size))
    pool = Pool(is_on, backups, frozenset(map(CodeId, guests)), told if told is not None else frozenset(PoolIssue))
    return replace(found, settings=LockSettings(LEAD_MS, pool=rules or PoolRules()), pool=pool)


def steps(found: Plan) -> list[object]:
    return [step for step in found.pool_steps if not isinstance(step, TellPool)]


def told_nothing_new(snapshot: LockSnapshot, now: Instant = NOON) -> LockSnapshot:
    return replace(snapshot, pool=replace(snapshot.pool, told=plan(snapshot, reading(now)).pool.issues))
