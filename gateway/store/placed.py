"""PINs that are, or may be, in a slot: sealed until they are proven gone (A11), so that a driver can be given the old one (D5).

An access code knows its newest PIN only. What a lock still holds of an earlier one is kept here, at most the intended and the last
proven PIN of a slot. Written by fleet, with the intent; forgotten with the slots when another device is the lock
(`slots.forget_lock`).
"""

from collections.abc import Collection, Mapping
from typing import cast

from gateway.model.ids import LockId, Slot
from gateway.model.pin import PinDigest
from gateway.store.database import Connection


def put(con: Connection, lock_id: LockId, slot: Slot, digest: PinDigest, sealed: bytes) -> None:
    """This PIN is about to be written into the slot."""
    con.execute(
        """INSERT INTO placed_pin (lock_id, slot, pin_digest, pin_sealed) VALUES (?, ?, ?, ?)
           ON CONFLICT (lock_id, slot, pin_digest) DO UPDATE SET pin_sealed = excluded.pin_sealed""",
        (lock_id, slot, digest, sealed),
    )


def get(con: Connection, lock_id: LockId, slot: Slot, digest: PinDigest) -> bytes | None:
    """The sealed PIN with this digest, or None when it was never written here."""
    row = con.execute(
        "SELECT pin_sealed FROM placed_pin WHERE lock_id = ? AND slot = ? AND pin_digest = ?", (lock_id, slot, digest)
    ).fetchone()
    return None if row is None else cast("bytes", row[0])


def of_lock(con: Connection, lock_id: LockId) -> Mapping[tuple[Slot, PinDigest], bytes]:
    """Every sealed PIN that is, or may be, on a lock."""
    rows = con.execute("SELECT slot, pin_digest, pin_sealed FROM placed_pin WHERE lock_id = ?", (lock_id,)).fetchall()
    return {(Slot(cast("int", row[0])), PinDigest(cast("bytes", row[1]))): cast("bytes", row[2]) for row in rows}


def keep_only(con: Connection, lock_id: LockId, slot: Slot, digests: Collection[PinDigest]) -> None:
    """Forget the slot's PINs but these: the others are proven gone."""
    marks = ", ".join("?" * len(digests))
    con.execute(
        f"DELETE FROM placed_pin WHERE lock_id = ? AND slot = ? AND pin_digest NOT IN ({marks})",
        (lock_id, slot, *digests),
    )
