"""LEDGER and SIGHTED: leases, intents, outcomes and sightings, one row per slot.

A look at a lock reads all its slots and finds nearly all as they were; reading them was a third of what a look costs (our
measurement). So the records of a lock are kept with the connection, and whatever changes a row here puts them right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from gateway.model.answers import RefusalReason, SightingSource
from gateway.model.barrier import Barrier
from gateway.model.evidence import Evidence, Proof
from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import Instant
from gateway.model.pin import PinDigest
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord
from gateway.model.snapshot import Effort
from gateway.model.window import Window
from gateway.store import rows
from gateway.store.database import Connection, Row, Value

_COLUMNS = """slot, lease, operation, outcome, intended_digest, intended_at_ms, was_empty, evidence, evidence_at_ms,
    proven_digest, refusal, refused_generation, sighted, sighted_digest, sighted_at_ms, sighted_by, tries, next_try_at_ms,
    unanswered, asked_starts_at_ms, asked_ends_at_ms, effective_starts_at_ms, effective_ends_at_ms, is_window_confirmed"""


ROWS_KEPT = 4096
"""Rows whose records are made already: after a change of one row most others come back as they were. Enough for 50 locks with 80
slots each, at about 1 KB a record (our measurement)."""


@dataclass(frozen=True, slots=True)
class _Key:
    """Under which the records of a lock are kept."""

    lock_id: LockId


def of_lock(con: Connection, lock_id: LockId) -> dict[Slot, SlotRecord]:
    """All slots of a lock that were ever leased or sighted, by number."""
    known = _kept(con, lock_id)
    if known is None:
        known = con.kept[_Key(lock_id)] = read_all(con, lock_id)
    return known.copy()


def read_all(con: Connection, lock_id: LockId) -> dict[Slot, SlotRecord]:
    """The same from the rows themselves, whatever is kept of them."""
    found = con.execute(f"SELECT {_COLUMNS} FROM slot WHERE lock_id = ? ORDER BY slot", (lock_id,))
    return {record.slot: record for record in map(_record, found)}


def get(con: Connection, lock_id: LockId, slot: Slot) -> SlotRecord:
    """One slot; an unseen one when nothing is known."""
    row = con.execute(f"SELECT {_COLUMNS} FROM slot WHERE lock_id = ? AND slot = ?", (lock_id, slot)).fetchone()
    return SlotRecord(slot) if row is None else _record(row)


def of_code(con: Connection, lock_id: LockId, code_id: CodeId) -> SlotRecord | None:
    """The slot of a lock that the code leases, if it leases one there."""
    row = con.execute(f"SELECT {_COLUMNS} FROM slot WHERE lease = ? AND lock_id = ?", (code_id, lock_id)).fetchone()
    return None if row is None else _record(row)


def holds_any(con: Connection, code_id: CodeId) -> bool:
    """Whether the code leases a slot."""
    return con.execute("SELECT 1 FROM slot WHERE lease = ?", (code_id,)).fetchone() is not None


def put(con: Connection, lock_id: LockId, record: SlotRecord) -> None:
    """Store one row. Raises the database's own error when a code would hold two slots (I4)."""
    asked_starts_at, asked_ends_at = _ends(record.barrier.asked)
    effective_starts_at, effective_ends_at = _ends(record.barrier.effective)
    values: dict[str, Value] = {
        "lease": record.lease,
        "operation": record.operation.value,
        "outcome": record.outcome.value,
        "intended_digest": record.intended,
        "intended_at_ms": record.intended_at,
        "was_empty": int(record.was_empty),
        "evidence": None if record.proof is None else record.proof.evidence.value,
        "evidence_at_ms": None if record.proof is None else record.proof.at,
        "proven_digest": record.proven,
        "refusal": None if record.refusal is None else record.refusal.value,
        "refused_generation": record.refused_generation,
        "sighted": record.sighted.value,
        "sighted_digest": record.sighted_digest,
        "sighted_at_ms": record.sighted_at,
        "sighted_by": record.sighted_by.value,
        "tries": record.tries,
        "next_try_at_ms": record.next_try_at,
        "unanswered": record.unanswered,
        "asked_starts_at_ms": asked_starts_at,
        "asked_ends_at_ms": asked_ends_at,
        "effective_starts_at_ms": effective_starts_at,
        "effective_ends_at_ms": effective_ends_at,
        "is_window_confirmed": int(record.barrier.is_confirmed),
    }
    rows.keep(con, "slot", {"lock_id": lock_id, "slot": record.slot}, values)
    known = _kept(con, lock_id)
    if known is not None and record.slot in known:
        known[record.slot] = get(con, lock_id, record.slot)
    else:
        _drop(con, lock_id)


def put_all(con: Connection, lock_id: LockId, records: Mapping[Slot, SlotRecord]) -> None:
    """Store many rows."""
    for record in records.values():
        put(con, lock_id, record)


def forget_lock(con: Connection, lock_id: LockId) -> None:
    """Nothing is known of any slot any more: it is another device (A17).

    The PINs that the old one holds, or may hold, are forgotten too: no look at the new one could prove them gone (A11, A19).
    """
    con.execute("DELETE FROM slot WHERE lock_id = ?", (lock_id,))
    con.execute("DELETE FROM former_tenant WHERE lock_id = ?", (lock_id,))
    con.execute("DELETE FROM placed_pin WHERE lock_id = ?", (lock_id,))
    _drop(con, lock_id)


def forget_waits(con: Connection, lock_id: LockId) -> None:
    """A lock came back: what waited for its next try is tried at once, and waits are short again (A9)."""
    changed = con.execute(
        """UPDATE slot SET next_try_at_ms = NULL, tries = 0, unanswered = 0
           WHERE lock_id = ? AND (next_try_at_ms IS NOT NULL OR tries != 0 OR unanswered != 0)""",
        (lock_id,),
    ).rowcount
    if changed:
        _drop(con, lock_id)


def forget_silence(con: Connection, lock_id: LockId) -> None:
    """The lock answered a look for a free slot: what waited because others were not answered waits no more (A8)."""
    changed = con.execute(
        "UPDATE slot SET next_try_at_ms = NULL, tries = 0 WHERE lock_id = ? AND lease IS NULL AND tries > 0", (lock_id,)
    ).rowcount
    if changed:
        _drop(con, lock_id)


def foreign_pins(con: Connection, lock_id: LockId) -> dict[PinDigest, Slot]:
    """The slots of nobody that showed a PIN when they were last seen, by that PIN (A10, A14)."""
    found = con.execute(
        "SELECT sighted_digest, slot FROM slot WHERE lock_id = ? AND lease IS NULL AND sighted_digest IS NOT NULL",
        (lock_id,),
    ).fetchall()
    return {PinDigest(cast("bytes", digest)): Slot(cast("int", slot)) for digest, slot in found}


def has_trusted_empty(con: Connection, lock_id: LockId) -> bool:
    """Whether any slot counts as empty on the lock's own word."""
    row = con.execute(
        "SELECT 1 FROM slot WHERE lock_id = ? AND sighted = 'empty' AND sighted_by = 'lock' LIMIT 1",
        (lock_id,),
    ).fetchone()
    return row is not None


def doubt_empty(con: Connection, lock_id: LockId) -> None:
    """From now on what was seen empty is empty by hearsay only (N2)."""
    changed = con.execute(
        "UPDATE slot SET sighted_by = 'middleman' WHERE lock_id = ? AND sighted = 'empty' AND sighted_by != 'middleman'",
        (lock_id,),
    ).rowcount
    if changed:
        _drop(con, lock_id)


def efforts(con: Connection, lock_id: LockId) -> dict[CodeId, Effort]:
    """Repeat tries of the lock's unfinished codes (A8)."""
    found = con.execute(
        """SELECT effort.code_id, effort.day, effort.repeats FROM effort JOIN access_code USING (code_id)
           WHERE access_code.lock_id = ? AND access_code.finished_at_ms IS NULL""",
        (lock_id,),
    )
    return {CodeId(str(row[0])): Effort(cast("int", row[1]), cast("int", row[2])) for row in found}


def put_effort(con: Connection, code_id: CodeId, effort: Effort) -> None:
    """Store the count of repeat tries."""
    con.execute(
        """INSERT INTO effort (code_id, day, repeats) VALUES (?, ?, ?)
           ON CONFLICT (code_id) DO UPDATE SET day = excluded.day, repeats = excluded.repeats""",
        (code_id, effort.day, effort.repeats),
    )


def _kept(con: Connection, lock_id: LockId) -> dict[Slot, SlotRecord] | None:
    return cast("dict[Slot, SlotRecord] | None", con.kept.get(_Key(lock_id)))


def _drop(con: Connection, lock_id: LockId) -> None:
    con.kept.pop(_Key(lock_id), None)


@lru_cache(ROWS_KEPT)
def _record(row: Row) -> SlotRecord:
    (
        slot, lease, operation, outcome, intended, intended_at, was_empty, evidence, evidence_at, proven, refusal, generation,
        sighted, digest, sighted_at, by, tries, next_try_at, unanswered, asked_from, asked_until, kept_from, kept_until,
        is_window_confirmed,
    ) = row  # fmt: skip
    return SlotRecord(
        slot=Slot(cast("int", slot)),
        lease=None if lease is None else CodeId(str(lease)),
        operation=Operation(str(operation)),
        outcome=Outcome(str(outcome)),
        intended=_digest(intended),
        intended_at=_instant(intended_at),
        was_empty=bool(was_empty),
        proof=None if evidence is None else Proof(Evidence(str(evidence)), Instant(cast("int", evidence_at))),
        proven=_digest(proven),
        refusal=None if refusal is None else RefusalReason(str(refusal)),
        refused_generation=None if generation is None else cast("int", generation),
        sighted=SightedAs(str(sighted)),
        sighted_digest=_digest(digest),
        sighted_at=_instant(sighted_at),
        sighted_by=SightingSource(str(by)),
        tries=cast("int", tries),
        next_try_at=_instant(next_try_at),
        unanswered=cast("int", unanswered),
        barrier=Barrier(_window(asked_from, asked_until), _window(kept_from, kept_until), bool(is_window_confirmed)),
    )


def _ends(window: Window | None) -> tuple[Instant | None, Instant | None]:
    return (None, None) if window is None else (window.starts_at, window.ends_at)


def _window(starts_at: object, ends_at: object) -> Window | None:
    """A window that a lock keeps always has an end."""
    return None if ends_at is None else Window(_instant(starts_at), _instant(ends_at))


def _digest(value: object) -> PinDigest | None:
    return None if value is None else PinDigest(cast("bytes", value))


def _instant(value: object) -> Instant | None:
    return None if value is None else Instant(cast("int", value))
