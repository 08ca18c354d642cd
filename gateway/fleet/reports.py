"""What a lock says unasked: into the ledger as sightings and evidence, into the journal as events."""

from typing import assert_never

from gateway.fleet.steps import note_strangers
from gateway.model import ledger
from gateway.model.answers import Empty, Held, Sighting, SightingSource
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import Instant
from gateway.model.reports import (
    AccessDenied,
    BatteryLevel,
    Jammed,
    Locked,
    Reachability,
    Report,
    SlotChange,
    SlotChanged,
    Tampered,
    Unlocked,
)
from gateway.store import codes, journal, locks, slots
from gateway.store.database import Connection
from gateway.store.seal import PinSeal

BATTERY_STATUSES = ((5, "critical"), (15, "low"), (75, "good"), (100, "full"))
"""Upper bounds in percent of the documented battery words. The numbers are ours: the documentation gives none."""


def take(con: Connection, lock_id: LockId, report: Report, seal: PinSeal, at: Instant) -> None:
    """Store one report: one transaction."""
    match report:
        case Unlocked() | Locked():
            _moved(con, lock_id, report, at)
        case AccessDenied():
            body: dict[str, Fact] = {"reason": report.reason}
            _tell(con, EventKind.LOCK_ACCESS_DENIED, lock_id, at, body)
        case SlotChanged():
            _slot_changed(con, lock_id, report, seal, at)
        case Reachability():
            set_reachable(con, lock_id, at, is_reachable=report.is_reachable, cause=report.cause)
        case BatteryLevel():
            _battery(con, lock_id, report, at)
        case Jammed():
            _tell(con, EventKind.LOCK_JAMMED, lock_id, at, {})
        case Tampered():
            _tell(con, EventKind.DEVICE_TAMPERED, lock_id, at, {})
        case _:
            assert_never(report)


def set_reachable(con: Connection, lock_id: LockId, at: Instant, *, is_reachable: bool, cause: str = "") -> None:
    """Keep whether the lock can be talked to, and tell when that changed. A lock that comes back is tried at once (A9)."""
    if not locks.set_reachable(con, lock_id, at, is_reachable=is_reachable):
        return
    if is_reachable:
        slots.forget_waits(con, lock_id)
        _tell(con, EventKind.DEVICE_CONNECTED, lock_id, at, {})
    else:
        _tell(
            con, EventKind.DEVICE_DISCONNECTED, lock_id, at, {"error_code": "device_disconnected", "cause": cause[:200]}
        )


def _moved(con: Connection, lock_id: LockId, report: Unlocked | Locked, at: Instant) -> None:
    body: dict[str, Fact] = {"method": report.method.value}
    code_id: CodeId | None = None
    if report.slot is not None:
        code_id = _used(con, lock_id, report.slot, at)
        body |= {"slot": int(report.slot), "access_code_is_managed": code_id is not None}
    if code_id is not None and (code := codes.get(con, code_id)) is not None:
        starts_at = code.window.starts_at
        if starts_at is not None and at < starts_at:
            body["is_early_use"] = True
    kind = EventKind.LOCK_UNLOCKED if isinstance(report, Unlocked) else EventKind.LOCK_LOCKED
    journal.append(con, Event(kind, lock_id, code_id, body=body), at)


def _used(con: Connection, lock_id: LockId, slot: Slot, at: Instant) -> CodeId | None:
    record = slots.get(con, lock_id, slot)
    after = ledger.used(record, at)
    if after != record:
        slots.put(con, lock_id, after)
    return record.lease


def _slot_changed(con: Connection, lock_id: LockId, report: SlotChanged, seal: PinSeal, at: Instant) -> None:
    known = slots.of_lock(con, lock_id)
    if report.change is SlotChange.DUPLICATE_REFUSED:
        return
    if report.slot is None or report.change is SlotChange.ALL_DELETED:
        gone = Sighting(Empty(), SightingSource.LOCK)
        for record in known.values():
            after = ledger.sighted(record, gone, at, seal.digest)
            slots.put(con, lock_id, after)
            note_strangers(con, lock_id, record, after, at)
        return
    record = known.get(report.slot) or slots.get(con, lock_id, report.slot)
    after = ledger.notified(record, is_present=report.change is not SlotChange.DELETED, at=at)
    # Asterisks in a notice say no more about a slot of ours than the notice itself: they are no look (A15).
    is_look = report.sighting is not None and (record.lease is None or report.sighting.value != Held(None))
    if report.sighting is not None and is_look:
        after = ledger.sighted(after, report.sighting, at, seal.digest)
    if after != record:
        slots.put(con, lock_id, after)
        note_strangers(con, lock_id, record, after, at)


def _battery(con: Connection, lock_id: LockId, report: BatteryLevel, at: Instant) -> None:
    before = locks.get(con, lock_id)
    changed = locks.set_battery(con, lock_id, report.percent)
    level: dict[str, Fact] = {"battery_level": report.percent / 100}
    if report.is_low and changed:
        _tell(con, EventKind.DEVICE_LOW_BATTERY, lock_id, at, level)
    was = None if before is None or before.battery_percent is None else battery_status(before.battery_percent)
    now = battery_status(report.percent)
    if changed and was != now:
        _tell(con, EventKind.DEVICE_BATTERY_CHANGED, lock_id, at, level | {"battery_status": now})


def battery_status(percent: int) -> str:
    """The documented word for a charge in percent."""
    return next(word for bound, word in BATTERY_STATUSES if percent <= bound)


def _tell(con: Connection, kind: EventKind, lock_id: LockId, at: Instant, body: dict[str, Fact]) -> None:
    journal.append(con, Event(kind, lock_id, body=body), at)
