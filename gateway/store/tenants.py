"""Who was in a slot last: the memory that turns a PIN that should be gone, and opens the door, into a removal again (A18)."""

from dataclasses import dataclass
from typing import cast

from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import Instant
from gateway.model.pin import PinDigest
from gateway.store.database import Connection


@dataclass(frozen=True, slots=True)
class FormerTenant:
    """A code that was proven gone from a slot at `gone_at`, and the PIN that it had there."""

    code_id: CodeId
    digest: PinDigest
    gone_at: Instant


def remember(con: Connection, lock_id: LockId, slot: Slot, tenant: FormerTenant) -> None:
    """Keep who left the slot last; one per slot."""
    con.execute(
        """INSERT INTO former_tenant (lock_id, slot, code_id, pin_digest, gone_at_ms) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (lock_id, slot) DO UPDATE
           SET code_id = excluded.code_id, pin_digest = excluded.pin_digest, gone_at_ms = excluded.gone_at_ms""",
        (lock_id, slot, tenant.code_id, tenant.digest, tenant.gone_at),
    )


def last_of(con: Connection, lock_id: LockId, slot: Slot) -> FormerTenant | None:
    """Who left the slot last, or None when nobody of ours ever did."""
    row = con.execute(
        "SELECT code_id, pin_digest, gone_at_ms FROM former_tenant WHERE lock_id = ? AND slot = ?", (lock_id, slot)
    ).fetchone()
    if row is None:
        return None
    return FormerTenant(CodeId(str(row[0])), PinDigest(cast("bytes", row[1])), Instant(cast("int", row[2])))
