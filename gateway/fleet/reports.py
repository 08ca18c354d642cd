"""What a lock says unasked: into the ledger as sightings and evidence, into the journal as events."""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from gateway.fleet import guard, usage
from gateway.fleet.lock_times import doubt_clock
from gateway.fleet.looks import Bench
from gateway.fleet.steps import note_strangers
from gateway.model import ledger
from gateway.model.answers import Empty, Held, Sighting, SightingSource
from gateway.model.clock import ClockReading
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.model.reports import (
    AccessDenied,
    BatteryLevel,
    FactoryReset,
    Jammed,
    Locked,
    Reachability,
    Report,
    SlotChange,
    SlotChanged,
    Tampered,
    Unlocked,
)
from gateway.model.slot import SightedAs, SlotRecord
from gateway.store import journal, locks, pairing, slots
from gateway.store.database import Connection

BATTERY_STATUSES = ((5, "critical"), (15, "low"), (75, "good"), (100, "full"))
"""Upper bounds in percent of the documented battery words. The numbers are ours: the documentation gives none."""

NEW_BATTERIES_PERCENT = 10
"""A charge that rises by this much means new batteries: no battery recovers so far by itself, and a lock that was without
current may have forgotten the time (T4). The number is ours."""


LOW_WORDS = frozenset({"critical", "low"})
"""Words for a charge that a person should hear of, whether or not the lock complains."""


def take(con: Connection, bench: Bench, report: Report, reading: ClockReading) -> None:
    """Store one report: one transaction."""
    lock_id, at = bench.lock_id, reading.lo
    if pairing.is_quarantined(con, lock_id):
        kept = _of_another_device(report)
        if kept is None:
            return
        report = kept
    match report:
        case Unlocked() | Locked():
            usage.moved(con, bench, report, reading)
        case AccessDenied():
            usage.denied(con, bench, report, at)
        case SlotChanged():
            _slot_changed(con, bench, report, at)
        case Reachability():
            set_reachable(con, lock_id, at, is_reachable=report.is_reachable, cause=report.cause)
        case BatteryLevel():
            _battery(con, lock_id, report, at)
        case Jammed():
            _tell(con, EventKind.LOCK_JAMMED, lock_id, at, {})
        case Tampered():
            _tell(con, EventKind.DEVICE_TAMPERED, lock_id, at, {})
        case FactoryReset():
            guard.wiped(con, lock_id, "reset", at, seen=SightedAs.UNKNOWN)
            _tell(con, EventKind.DEVICE_REMOVED, lock_id, at, {"reason": "reset"})
        case _:
            assert_never(report)


def set_reachable(con: Connection, lock_id: LockId, at: Instant, *, is_reachable: bool, cause: str = "") -> None:
    """Keep whether the lock can be talked to, and tell when that changed. A lock that comes back is tried at once (A9)."""
    if not locks.set_reachable(con, lock_id, at, is_reachable=is_reachable):
        return
    if is_reachable:
        slots.forget_waits(con, lock_id)
        # What people did at the keypad meanwhile was told to nobody (N2).
        slots.doubt_empty(con, lock_id)
        doubt_clock(con, lock_id)
        _tell(con, EventKind.DEVICE_CONNECTED, lock_id, at, {})
    else:
        _tell(
            con, EventKind.DEVICE_DISCONNECTED, lock_id, at, {"error_code": "device_disconnected", "cause": cause[:200]}
        )


def _slot_changed(con: Connection, bench: Bench, report: SlotChanged, at: Instant) -> None:
    lock_id, seal = bench.lock_id, bench.seal
    known = slots.of_lock(con, lock_id)
    if report.change is SlotChange.DUPLICATE_REFUSED:
        return
    if report.change is SlotChange.ALL_DELETED:
        _all_deleted(con, bench, known.values(), at)
        return
    if report.slot is None:
        _some_slot_changed(con, bench, known.values(), at)
        return
    record = known.get(report.slot) or slots.get(con, lock_id, report.slot)
    if report.change is SlotChange.CHANGED and ledger.is_own_notice(record, at):
        # It claims nothing about the content: a driver tells so what a middleman now remembers, which may as well be a late answer to
        # our own look. That is no word of the lock about our write (A7, N6).
        after = ledger.unseen(record, at)
    else:
        after = ledger.notified(record, is_present=report.change is not SlotChange.DELETED, at=at)
    # Asterisks in a notice say no more about a slot of ours than the notice itself: they are no look (A15).
    is_look = report.sighting is not None and (record.lease is None or report.sighting.value != Held(None))
    if report.sighting is not None and is_look:
        after = ledger.sighted(after, report.sighting, at, seal.digest)
    if after != record:
        # A lock that tells one deletion tells the next one too: its word puts no other code in doubt, as a look's would (A17).
        slots.put(con, lock_id, after)
        note_strangers(con, lock_id, record, after, at)
        usage.note_evidence(con, bench, record, after, at)


def _all_deleted(con: Connection, bench: Bench, records: Iterable[SlotRecord], at: Instant) -> None:
    """Strangers' codes are told gone one by one, ours are lost together."""
    gone = Sighting(Empty(), SightingSource.LOCK)
    for record in records:
        if record.lease is None:
            after = ledger.sighted(record, gone, at, bench.seal.digest)
            slots.put(con, bench.lock_id, after)
            note_strangers(con, bench.lock_id, record, after, at)
    guard.wiped(con, bench.lock_id, "all_deleted", at, seen=SightedAs.EMPTY)


def _of_another_device(report: Report) -> Report | None:
    """What may be kept of the word of a device that is not the paired lock: nothing about slots (A17)."""
    match report:
        case SlotChanged():
            return None
        case Unlocked() | Locked() | AccessDenied():
            return replace(report, slot=None)
        case _:
            return report


def _some_slot_changed(con: Connection, bench: Bench, records: Iterable[SlotRecord], at: Instant) -> None:
    """The lock did not say which slot (Alfred DB2): each is looked at again before it is believed or written.

    Unless we have just changed one ourselves: then this is the answer to it.
    """
    if any(ledger.is_own_notice(record, at) for record in records):
        return
    for record in records:
        slots.put(con, bench.lock_id, ledger.doubted(record) if record.lease is None else ledger.unseen(record, at))


def _battery(con: Connection, lock_id: LockId, report: BatteryLevel, at: Instant) -> None:
    before = locks.get(con, lock_id)
    changed = locks.set_battery(con, lock_id, report.percent)
    had = None if before is None else before.battery_percent
    if had is not None and report.percent - had >= NEW_BATTERIES_PERCENT:
        doubt_clock(con, lock_id)
    level: dict[str, Fact] = {"battery_level": report.percent / 100}
    now = battery_status(report.percent)
    is_low = report.is_low or now in LOW_WORDS
    if locks.set_battery_low(con, lock_id, is_low=is_low) and is_low:
        _tell(con, EventKind.DEVICE_LOW_BATTERY, lock_id, at, level)
    was = None if before is None or before.battery_percent is None else battery_status(before.battery_percent)
    if changed and was != now:
        _tell(con, EventKind.DEVICE_BATTERY_CHANGED, lock_id, at, level | {"battery_status": now})


def battery_status(percent: int) -> str:
    """The documented word for a charge in percent."""
    return next(word for bound, word in BATTERY_STATUSES if percent <= bound)


def _tell(con: Connection, kind: EventKind, lock_id: LockId, at: Instant, body: dict[str, Fact]) -> None:
    journal.append(con, Event(kind, lock_id, body=body), at)
