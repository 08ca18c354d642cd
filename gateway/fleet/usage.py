"""What happens at the door, as access events: which code, when, in or out of its window (A18).

A use is evidence in both directions. Inside the window it is the strongest proof that the PIN is on the lock (A7). Outside, it
proves that something we believed is wrong: the hub tells it as an alarm, and when the PIN had been proven gone, the proof is
dropped and the code is hunted again. Who left a slot last is remembered for that.
"""

from gateway.fleet.lock_times import note_use
from gateway.fleet.looks import Bench
from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import SightingSource
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import Slot
from gateway.model.instant import Instant, format_instant
from gateway.model.link import LONGEST_LEAD_MS
from gateway.model.lock import ReadBack
from gateway.model.reports import AccessDenied, Locked, Unlocked
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.usage import Use, use_of
from gateway.store import codes, journal, locks, slots, tenants
from gateway.store.database import Connection


def moved(con: Connection, bench: Bench, report: Unlocked | Locked, reading: ClockReading) -> None:
    """Store that the bolt moved, with what it proves about the slot whose PIN moved it."""
    at = reading.lo
    body: dict[str, Fact] = {"method": report.method.value}
    code: AccessCode | None = None
    if report.slot is not None:
        if isinstance(report, Unlocked):
            note_use(con, bench.lock_id, slots.get(con, bench.lock_id, report.slot), reading)
        code = _used(con, bench, report.slot, at)
        body |= {"slot": int(report.slot), "access_code_is_managed": code is not None}
    use = None if code is None else _use(code, bench, reading)
    if use is not None:
        body["is_in_window"] = use is Use.IN_WINDOW
        if use is Use.EARLY:
            body["is_early_use"] = True
    kind = EventKind.LOCK_UNLOCKED if isinstance(report, Unlocked) else EventKind.LOCK_LOCKED
    journal.append(con, Event(kind, bench.lock_id, None if code is None else code.code_id, body=body), at)
    if code is not None and use is not None and use.is_alarm:
        _raise_alarm(con, code, use, report.slot, at)


def denied(con: Connection, bench: Bench, report: AccessDenied, at: Instant) -> None:
    """Store that the lock did not open: a wrong PIN, a PIN out of its time, a lock-out."""
    code_id = None if report.slot is None else slots.get(con, bench.lock_id, report.slot).lease
    body: dict[str, Fact] = {"reason": {"reason_code": report.code.value, "message": report.reason}}
    if report.slot is not None:
        body["slot"] = int(report.slot)
    journal.append(con, Event(EventKind.LOCK_ACCESS_DENIED, bench.lock_id, code_id, body=body), at)


def note_evidence(con: Connection, bench: Bench, before: SlotRecord, after: SlotRecord, at: Instant) -> None:
    """A line of the timeline when a proof came or went without a call of ours (A7, A19)."""
    if after.lease is None or before.proof == after.proof:
        return
    body: dict[str, Fact] = {"slot": int(after.slot)}
    if after.proof is not None:
        body["evidence"] = after.proof.evidence.value
    kind = "slot.evidence.dropped" if after.proof is None else "slot.evidence.came"
    journal.note(con, kind, at, lock_id=bench.lock_id, code_id=after.lease, body=body)


def _use(code: AccessCode, bench: Bench, reading: ClockReading) -> Use:
    is_trusted = reading.trust is not ClockTrust.UNTRUSTED
    # How weak the link was when the code was written is not known any more: the longest lead counts (A4).
    lead_ms = max(bench.settings.lead_ms, LONGEST_LEAD_MS)
    return use_of(code, reading.lo, lead_ms, is_time_trusted=is_trusted)


def _used(con: Connection, bench: Bench, slot: Slot, at: Instant) -> AccessCode | None:
    """Whose PIN it was, with what its use proves kept in the ledger."""
    before = slots.get(con, bench.lock_id, slot)
    if before.lease is None:
        return _used_while_free(con, bench, before, at)
    after = ledger.used(before, at)
    if after != before:
        slots.put(con, bench.lock_id, after)
        note_evidence(con, bench, before, after, at)
    return codes.get(con, before.lease)


def _used_while_free(con: Connection, bench: Bench, record: SlotRecord, at: Instant) -> AccessCode | None:
    """A slot of nobody opened the door. When it was seen empty, the code that left it last is still there."""
    if record.sighted is not SightedAs.EMPTY:
        return None
    former = tenants.last_of(con, bench.lock_id, record.slot)
    code = None if former is None else codes.get(con, former.code_id)
    if code is not None and code.lock_id != bench.lock_id:
        # Its id is another lock's code by now: that one never was in this slot.
        code = None
    row = locks.get(con, bench.lock_id)
    # A lock that shows PINs is asked before anything is cleared. One that hides them could show a stranger's asterisks, if
    # nobody listened while the slot was empty, or it tells nothing of hands: then the slot is left alone (N2).
    was_watched = record.sighted_by is SightingSource.LOCK and row is not None and row.profile.tells_hands
    is_sure = was_watched or (row is not None and row.profile.read_back is ReadBack.CLEAR)
    is_elsewhere = former is not None and slots.holds_any(con, former.code_id)
    if former is None or code is None or is_elsewhere or not is_sure:
        slots.put(con, bench.lock_id, ledger.surprised(record))
        return code if is_sure else None
    slots.put(con, bench.lock_id, ledger.hunted(record, former.code_id, former.digest, at))
    codes.revive(con, code.code_id, former.digest)
    body: dict[str, Fact] = {"slot": int(record.slot), "gone_at": format_instant(former.gone_at)}
    journal.note(con, "slot.removal.disproved", at, lock_id=bench.lock_id, code_id=code.code_id, body=body)
    return code


def _raise_alarm(con: Connection, code: AccessCode, use: Use, slot: Slot | None, at: Instant) -> None:
    body: dict[str, Fact] = {
        "use": use.value,
        "generation": code.generation,
        "slot": None if slot is None else int(slot),
    }
    for name, edge in (("starts_at", code.window.starts_at), ("ends_at", code.window.ends_at)):
        body[name] = None if edge is None else format_instant(edge)
    if code.deleted_at is not None:
        body["deleted_at"] = format_instant(code.deleted_at)
    journal.append(con, Event(EventKind.CODE_USED_OUTSIDE_WINDOW, code.lock_id, code.code_id, body=body), at)
