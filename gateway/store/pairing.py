"""Which device each lock was when it was paired, and which other one answers in its place (A17)."""

import json
from dataclasses import dataclass
from typing import cast

from gateway.model.identity import LockIdentity
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.store.database import Connection


@dataclass(frozen=True, slots=True)
class Pairing:
    """The paired device; `found` is another one that answers in its place since `found_at`: a quarantine."""

    paired: LockIdentity
    found: LockIdentity | None = None
    found_at: Instant | None = None


def get(con: Connection, lock_id: LockId) -> Pairing | None:
    """The pairing of a lock, or None before it was met."""
    row = con.execute("SELECT identity, found, found_at_ms FROM pairing WHERE lock_id = ?", (lock_id,)).fetchone()
    if row is None:
        return None
    found_at = None if row[2] is None else Instant(cast("int", row[2]))
    return Pairing(_identity(str(row[0])), None if row[1] is None else _identity(str(row[1])), found_at)


def put(con: Connection, lock_id: LockId, identity: LockIdentity, at: Instant) -> None:
    """Pair the lock with this device, or complete what is known of it. Ends a quarantine."""
    con.execute(
        """INSERT INTO pairing (lock_id, identity, paired_at_ms) VALUES (?, ?, ?)
           ON CONFLICT (lock_id) DO UPDATE SET identity = excluded.identity, found = NULL, found_at_ms = NULL""",
        (lock_id, _text(identity), at),
    )


def quarantine(con: Connection, lock_id: LockId, found: LockIdentity, at: Instant) -> None:
    """Another device answers in the lock's place: nothing is written to it until somebody accepts it."""
    con.execute("UPDATE pairing SET found = ?, found_at_ms = ? WHERE lock_id = ?", (_text(found), at, lock_id))


def forget(con: Connection, lock_id: LockId) -> None:
    """Whichever device comes next is the lock: a person let it in."""
    con.execute("DELETE FROM pairing WHERE lock_id = ?", (lock_id,))


def is_quarantined(con: Connection, lock_id: LockId) -> bool:
    """Whether another device than the paired one answers."""
    row = con.execute("SELECT 1 FROM pairing WHERE lock_id = ? AND found IS NOT NULL", (lock_id,)).fetchone()
    return row is not None


def _text(identity: LockIdentity) -> str:
    return json.dumps([identity.product, identity.serial])


def _identity(text: str) -> LockIdentity:
    product, serial = json.loads(text)
    return LockIdentity(product, serial)
