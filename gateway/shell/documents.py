"""What programs get with `--json`: locks, slots, actions, and access codes under their documented names (A6), no PIN."""

from gateway.model.access_code import AccessCode
from gateway.model.events import Fact
from gateway.model.evidence import Proof
from gateway.model.health import LinkHealth
from gateway.model.instant import Instant, format_instant
from gateway.model.issues import Issue, Status
from gateway.model.slot import SlotRecord, Verdict
from gateway.planner import explain_idle
from gateway.planner.actions import Action, CheckClock, ListSlots
from gateway.planner.desired import Phase
from gateway.planner.explain import record_of, waits_for_the_time
from gateway.planner.words import ISSUE_WORDS, POOL_WORDS
from gateway.shell.scenes import Scene
from gateway.store.journal import Line


def instant(at: Instant | None) -> str | None:
    """RFC 3339, or null."""
    return None if at is None else format_instant(at)


def access_code(code: AccessCode, scene: Scene) -> dict[str, Fact]:
    """The documented object. `generation`, `slot` and `evidence` are our own additions."""
    standing = scene.plan.standings.get(code.code_id)
    issues = sorted(standing.issues) if standing is not None else []
    errors = [_error(issue) for issue in issues if not issue.is_warning]
    if standing is not None and not scene.is_ours:
        message = explain_idle.not_ours(code.lock_id)
        errors.append({"error_code": Issue.DEVICE_REMOVED.value, "message": message, "is_device_error": True})
    elif standing is not None and not scene.snapshot.is_reachable:
        errors.append(_error(Issue.DEVICE_DISCONNECTED))
    record = None if standing is None else record_of(code.code_id, scene.snapshot, scene.plan)
    return {
        "access_code_id": code.code_id,
        "device_id": code.lock_id,
        "name": code.name,
        "type": code.window.type.value,
        "status": (Status.UNSET if standing is None else standing.status).value,
        "starts_at": instant(code.window.starts_at),
        "ends_at": instant(code.window.ends_at),
        "created_at": format_instant(code.created_at),
        "is_managed": True,
        "is_backup": code.code_id in scene.snapshot.pool.backups,
        "is_backup_access_code_available": bool(scene.plan.pool.ready) and scene.is_worked_on,
        "pulled_backup_access_code_id": scene.snapshot.pool.pulled_for(code.code_id),
        "is_scheduled_on_device": record is not None and is_scheduled(code, scene, record),
        "is_external_modification_allowed": code.is_external_modification_allowed,
        "errors": [*errors],
        "warnings": [_warning(issue) for issue in issues if issue.is_warning],
        "pending_mutations": _pending(code, scene, record),
        "generation": code.generation,
        "slot": None if record is None else int(record.slot),
        "evidence": None if record is None else _evidence(record.proof),
    }


def is_scheduled(code: AccessCode, scene: Scene, record: SlotRecord) -> bool:
    """Whether the lock itself keeps the code's window, before its start and during the stay (A2)."""
    wish = scene.plan.wishes.get(code.code_id)
    is_native = wish is not None and wish.is_native and wish.window is not None
    return is_native and scene.is_worked_on and scene.plan.verdicts[record.slot] is Verdict.GOOD


def slot(record: SlotRecord, scene: Scene) -> dict[str, Fact]:
    """One slot that was ever leased or seen."""
    verdict = scene.plan.verdicts[record.slot]
    return {
        "slot": int(record.slot),
        "verdict": verdict.value,
        "access_code_id": record.lease if record.slot not in scene.plan.releases else None,
        "last_operation": record.operation.value,
        "outcome": record.outcome.value,
        "evidence": _evidence(record.proof),
        "seen": record.sighted.value,
        "seen_at": instant(record.sighted_at),
        "seen_by": record.sighted_by.value,
        "tries": record.tries,
        "next_try_at": instant(record.next_try_at),
    }


def action(step: Action, text: str) -> dict[str, Fact]:
    """One step of a plan; `text` is the same for people."""
    return {
        "action": type(step).__name__,
        "slot": None if isinstance(step, ListSlots | CheckClock) else int(step.slot),
        "access_code_id": None if isinstance(step, ListSlots | CheckClock) else step.code_id,
        "reason": step.reason.value,
        "deadline": format_instant(step.deadline),
        "text": text,
    }


def lock(scene: Scene, next_text: str) -> dict[str, Fact]:
    """One lock with its counts; `next_text` is what comes next, for people."""
    row = scene.row
    wanted, proven, waiting = counts(scene)
    return {
        "device_id": scene.view.lock_id,
        "name": scene.view.name,
        "model": None if row is None else row.profile.model,
        "is_reachable": scene.snapshot.is_reachable,
        "reachable_changed_at": None if row is None else instant(row.reachable_changed_at),
        "battery_percent": None if row is None else row.battery_percent,
        "slot_count": len(scene.snapshot.profile.slots),
        "codes_set": proven,
        "codes_wanted": wanted,
        "codes_waiting": waiting,
        "next": next_text,
        "wake_at": instant(scene.plan.wake_at),
    }


def pool(scene: Scene) -> dict[str, Fact]:
    """The backup pool of a lock, with its errors and warnings under their documented names."""
    standing = scene.plan.pool
    errors: list[Fact] = [
        {"error_code": issue.value, "message": POOL_WORDS[issue], "is_device_error": True}
        for issue in sorted(standing.issues)
        if not issue.is_warning
    ]
    warnings: list[Fact] = [
        {"warning_code": issue.value, "message": POOL_WORDS[issue]}
        for issue in sorted(standing.issues)
        if issue.is_warning
    ]
    return {
        "device_id": scene.view.lock_id,
        "backup_access_code_pool_enabled": standing.is_on,
        "size": standing.size,
        "room": standing.target,
        "ready": list[Fact](standing.ready) if scene.is_worked_on else [],
        "filling": list[Fact](standing.filling),
        "pulled": {str(original): str(backup) for original, backup in standing.pulled.items()},
        "errors": errors,
        "warnings": warnings,
    }


def link(health: LinkHealth) -> dict[str, Fact]:
    """How well a lock can be reached; null is what nobody measured."""
    return {
        "sent_count": health.sent_count,
        "received_count": health.received_count,
        "lost_count": health.lost_count,
        "unanswered_count": health.unanswered_count,
        "round_trip_ms": health.round_trip_ms,
        "rssi_dbm": health.rssi_dbm,
        "hops": None if health.hops is None else list(health.hops),
        "rate_kbit_s": health.rate_kbit_s,
        "heard_at": instant(health.heard_at),
    }


def counts(scene: Scene) -> tuple[int, int, int]:
    """Codes that should be on the lock now, those of them that are `set`, and those that wait for their time; no spares."""
    pool = scene.snapshot.pool
    wishes = [wish for code_id, wish in scene.plan.wishes.items() if not pool.is_spare(code_id)]
    standings = scene.plan.standings
    wanted = [wish for wish in wishes if wish.phase is Phase.WANTED]
    proven = sum(standings[wish.code.code_id].status is Status.SET for wish in wanted)
    return len(wanted), proven, sum(wish.phase is Phase.BEFORE for wish in wishes)


def journal_line(line: Line, text: str) -> dict[str, Fact]:
    """One line of a timeline; `seq` is its number in the stream to the cloud, null when the cloud does not hear of it."""
    return {
        "line": line.line,
        "seq": line.seq,
        "occurred_at": format_instant(line.at),
        "kind": line.kind,
        "actor": line.actor.value,
        "device_id": line.lock_id,
        "access_code_id": line.code_id,
        "body": line.body,
        "text": text,
    }


def _evidence(proof: Proof | None) -> Fact:
    return None if proof is None else {"kind": proof.evidence.value, "at": format_instant(proof.at)}


def _error(issue: Issue) -> Fact:
    of_code = issue not in {Issue.DEVICE_DISCONNECTED, Issue.DEVICE_REMOVED}
    scope = "is_access_code_error" if of_code else "is_device_error"
    return {"error_code": issue.value, "message": ISSUE_WORDS[issue], scope: True}


def _warning(issue: Issue) -> Fact:
    return {"warning_code": issue.value, "message": ISSUE_WORDS[issue]}


def _pending(code: AccessCode, scene: Scene, record: SlotRecord | None) -> list[Fact]:
    wish = scene.plan.wishes.get(code.code_id)
    if wish is None or not scene.is_ours:
        return []
    told: dict[str, Fact] = {"created_at": format_instant(code.accepted_at)}
    match wish.phase:
        case Phase.BEFORE:
            told |= {"mutation_code": "deferring_creation", "message": "Waits for its time."}
            is_open = waits_for_the_time(wish, scene.reading)
            return [told | {"scheduled_at": None if is_open else instant(wish.changes_at)}]
        case Phase.OVER if record is not None:
            return [told | {"mutation_code": "deleting", "message": "Is being taken off the lock."}]
        case Phase.WANTED if record is None or scene.plan.verdicts[record.slot] is not Verdict.GOOD:
            is_other = record is not None and record.proven is not None and record.proven != code.digest
            if is_other:
                return [told | {"mutation_code": "updating_code", "message": "The new PIN is on its way to the lock."}]
            return [told | {"mutation_code": "creating", "message": "The PIN is on its way to the lock."}]
        case _:
            return []
