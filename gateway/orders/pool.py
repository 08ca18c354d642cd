"""What is done to a backup pool, for whoever asks: the planner through the worker, the cloud, a person at the shell (A12).

Each function is a part of its caller's transaction. Nothing here needs the cloud or the lock: a spare is on the lock before
it is given, so giving it is a change of the books alone.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID

from gateway.model.access_code import AccessCode, Origin
from gateway.model.commands import Rejection, RejectionReason
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId, CommandId, LockId
from gateway.model.instant import Instant, format_instant
from gateway.model.pin import Pin, PinDigest
from gateway.model.pool import PoolIssue
from gateway.model.slot import Verdict, Wanted, judge
from gateway.model.window import CodeType, Window
from gateway.orders.draw import draw_free
from gateway.orders.relations import spares_like
from gateway.planner.actions import GenerateBackup, PoolStep, PullBackup, RetireBackup, TellPool
from gateway.ports import Entropy
from gateway.store import codes, journal, pool, slots
from gateway.store.database import Connection
from gateway.store.seal import PinSeal

log = logging.getLogger(__name__)

ID_BYTES = 16
"""Drawn ids have the form and the size of a UUID version 4 (RFC 9562 5.4)."""

NAME_ID_CHARS = 8
"""A backup is named after the beginning of its id, which people read to each other on the phone."""


@dataclass(frozen=True, slots=True)
class Cabinet:
    """What drawing a spare needs besides the database."""

    lock_id: LockId
    seal: PinSeal
    entropy: Entropy


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a pull, under which order if any."""

    origin: Origin
    command_id: CommandId | None = None


def carry_out(con: Connection, step: PoolStep, cabinet: Cabinet, at: Instant) -> bool:
    """One step that the planner asked for. Returns whether it changed anything: a PIN may not be found."""
    match step:
        case GenerateBackup():
            return generate(con, cabinet, at) is not None
        case RetireBackup():
            retire(con, step.code_id, at)
        case PullBackup():
            pull(con, step.original, step.backup, Asker(Origin.HUB), at)
        case TellPool():
            _tell(con, cabinet.lock_id, step, at)
        case _:
            assert_never(step)
    return True


def generate(con: Connection, cabinet: Cabinet, at: Instant) -> CodeId | None:
    """Draw one more spare: an ongoing code of the hub's own. None when no PIN is left to draw."""
    pin = draw_free(con, cabinet.lock_id, cabinet.seal, cabinet.entropy)
    if pin is None:
        log.warning("pool.draw.failed", extra={"lock": cabinet.lock_id})
        return None
    code_id = draw_id(cabinet.entropy)
    code = AccessCode(
        code_id=code_id,
        lock_id=cabinet.lock_id,
        name=f"Backup {code_id[:NAME_ID_CHARS]}",
        digest=cabinet.seal.digest(pin),
        window=Window(),
        generation=1,
        created_at=at,
        accepted_at=at,
        origin=Origin.HUB,
        prefer_native_scheduling=False,  # on the lock at once, and without a gap when it is pulled
    )
    sealed = cabinet.seal.seal(pin, code.lock_id, code_id)
    codes.put(con, code, sealed, begins_after_line=journal.last_line(con))
    pool.add_spare(con, code_id)
    body: dict[str, Fact] = {"name": code.name, "type": code.window.type.value, "is_backup": True, "generation": 1}
    journal.append(con, Event(EventKind.CODE_CREATED, code.lock_id, code_id, body=body), at)
    return code_id


def draw_id(entropy: Entropy) -> CodeId:
    """An id for a code that the hub makes itself."""
    return CodeId(str(UUID(bytes=entropy.token(ID_BYTES), version=4)))


def retire(con: Connection, code_id: CodeId, at: Instant) -> None:
    """Take a spare off the lock for good."""
    backup = pool.get(con, code_id)
    assert backup is not None, "only a backup is retired"
    assert backup.is_spare, "a guest's backup stays to the end of the stay (A16)"
    _end(con, code_id, at)


def give_way(con: Connection, code: AccessCode, pin: Pin | None, seal: PinSeal, at: Instant) -> None:
    """An order wants the PIN of a spare, or one that the lock takes for it: the spare goes, and the pool draws another (A10)."""
    for spare in spares_like(con, code, pin, seal):
        retire(con, spare, at)


def rivals(con: Connection, lock_id: LockId, digest: PinDigest) -> list[AccessCode]:
    """Codes of the lock with this PIN that an order must not meet: all but spares, which give way to it (A10)."""
    return [code for code in codes.unfinished_with_pin(con, lock_id, digest) if not pool.is_spare(con, code.code_id)]


def find_spare(con: Connection, lock_id: LockId) -> CodeId | None:
    """The spare to give next: proven on the lock, the longest proven first; None when none is."""
    ready: list[tuple[Instant, CodeId]] = []
    for record in slots.of_lock(con, lock_id).values():
        code = None if record.lease is None else codes.get(con, record.lease)
        if code is None or code.is_deleted or not pool.is_spare(con, code.code_id):
            continue
        is_good = judge(record, Wanted(code.digest, code.generation)) is Verdict.GOOD
        if is_good and record.proof is not None:
            ready.append((record.proof.at, code.code_id))
    return min(ready, default=(None, None))[1]


def may_pull(original: AccessCode, at: Instant, lead_ms: int, *, is_forced: bool) -> Rejection | None:
    """Whether a backup may be given for this code now; the refusal says why not (A12)."""
    ends_at = original.window.ends_at
    if original.window.type is not CodeType.TIME_BOUND or ends_at is None:
        message = "only a time-bound code has a backup: an ongoing one is given another PIN with an update"
        return Rejection(RejectionReason.NOT_TIME_BOUND, "access_code_id", message)
    if ends_at <= at:
        return Rejection(RejectionReason.INVALID_INPUT, "access_code_id", "this access code has ended: order a new one")
    opens_at = original.window.opens_on_lock_at(lead_ms)
    if opens_at is not None and at < opens_at and not is_forced:
        message = (
            f"a backup opens now, and this code only from {format_instant(opens_at)}: say force to hand it out early"
        )
        return Rejection(RejectionReason.OPENS_NOW, "force", message)
    return None


def pull(con: Connection, original_id: CodeId, backup_id: CodeId, asker: Asker, at: Instant) -> None:
    """Give a spare to the guest of `original_id`. It keeps its PIN and its slot, and ends when the original ends (A12).

    One that was given before is gone: a guest has one backup at a time.
    """
    assert standing_in(con, original_id) is None, "one backup per original (A12)"
    part(con, original_id, at)
    original, backup = codes.get(con, original_id), codes.get(con, backup_id)
    assert original is not None, "a pull has an original"
    assert backup is not None, "a pull has a backup"
    _put(con, replace(backup, window=_stay(backup, original), generation=backup.generation + 1, accepted_at=at))
    pool.give(con, backup_id, original_id, at)
    body: dict[str, Fact] = {"backup_access_code_id": backup_id, "generation": original.generation}
    kind = EventKind.BACKUP_PULLED
    journal.append(con, Event(kind, original.lock_id, original_id, asker.command_id, asker.origin, body), at)


def standing_in(con: Connection, original_id: CodeId) -> AccessCode | None:
    """The backup that stands in for a code, while it is, or belongs, on the lock."""
    backup_id = pool.pulled_for(con, original_id)
    backup = None if backup_id is None else codes.get(con, backup_id)
    is_gone = backup is None or backup.is_deleted or codes.is_finished(con, backup.code_id)
    return None if is_gone else backup


def follow(con: Connection, original: AccessCode, at: Instant, may_return: Callable[[AccessCode], bool]) -> None:
    """The original was changed or deleted: a backup that stands in for it ends with it, earlier or later.

    A stay that was moved to after its end is another one, through whose gap the backup would open. A backup that is off the lock, as
    a stay is prolonged after its end, goes back if `may_return` says that its PIN is still free. Else nothing stands in for the
    original any more, and another backup may.
    """
    backup_id = pool.pulled_for(con, original.code_id)
    backup = None if backup_id is None else codes.get(con, backup_id)
    if backup is None:
        return
    is_finished = codes.is_finished(con, backup.code_id)
    if original.is_deleted:
        if not is_finished:
            _end(con, backup.code_id, at)
        return
    changed = replace(backup, window=_stay(backup, original), generation=backup.generation + 1, accepted_at=at)
    is_back = _is_same_stay(backup, original) and (not is_finished or may_return(changed))
    if backup.is_deleted or not is_back:
        part(con, original.code_id, at)
    elif is_finished or changed.window != backup.window:
        _put(con, changed)


def part(con: Connection, original_id: CodeId, at: Instant) -> None:
    """Nothing stands in for this code any more. What did is taken off the lock for good, and is no spare again (A12)."""
    backup_id = pool.pulled_for(con, original_id)
    if backup_id is None:
        return
    if codes.is_finished(con, backup_id):
        codes.bury(con, backup_id, at)
    else:
        _end(con, backup_id, at)
    pool.untie(con, backup_id)
    original = codes.get(con, original_id)
    lock_id = None if original is None else original.lock_id
    body: dict[str, Fact] = {"backup_access_code_id": backup_id}
    journal.note(con, "access_code.backup_parted", at, lock_id=lock_id, code_id=original_id, body=body)


def _stay(backup: AccessCode, original: AccessCode) -> Window:
    """From when the backup was made until the original ends."""
    ends_at = original.window.ends_at
    starts_at = None if ends_at is None else Instant(min(backup.created_at, ends_at - 1))
    return Window(starts_at, ends_at)


def _is_same_stay(backup: AccessCode, original: AccessCode) -> bool:
    """Whether the original goes on where a backup that ended with it left off; a later stay may be another guest's."""
    starts_at, ended_at = original.window.starts_at, backup.window.ends_at
    return starts_at is None or ended_at is None or starts_at <= ended_at


def _end(con: Connection, code_id: CodeId, at: Instant) -> None:
    code = codes.get(con, code_id)
    assert code is not None, "a backup is an access code"
    if not code.is_deleted:
        _put(con, replace(code, generation=code.generation + 1, accepted_at=at, deleted_at=at))


def _put(con: Connection, code: AccessCode) -> None:
    sealed = codes.sealed_pin(con, code.code_id)
    assert sealed is not None, "a living code has a sealed PIN"
    codes.put(con, code, sealed)


def _tell(con: Connection, lock_id: LockId, step: TellPool, at: Instant) -> None:
    body: dict[str, Fact] = {**pool_issue_lists(step.issues), "ready_count": step.ready, "pulled_count": step.pulled}
    journal.append(con, Event(EventKind.DEVICE_POOL_CHANGED, lock_id, body=body), at)
    pool.announce(con, lock_id, step.issues)


def pool_issue_lists(issues: frozenset[PoolIssue]) -> dict[str, Fact]:
    """The two documented lists of a device, sorted by name."""
    errors: list[Fact] = [issue.value for issue in sorted(issues) if not issue.is_warning]
    warnings: list[Fact] = [issue.value for issue in sorted(issues) if issue.is_warning]
    return {"device_errors": errors, "device_warnings": warnings}
