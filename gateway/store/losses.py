"""How often a proven code was lost from its lock (A8). Written by fleet, with the event that tells of the loss."""

from collections.abc import Mapping
from typing import cast

from gateway.model.ids import CodeId, LockId
from gateway.model.instant import Instant
from gateway.model.loss import Loss, counted
from gateway.store.database import Connection


def of_lock(con: Connection, lock_id: LockId) -> Mapping[CodeId, Loss]:
    """The losses of the lock's living codes."""
    rows = con.execute(
        """SELECT loss.code_id, loss.count, loss.last_at_ms FROM loss JOIN access_code USING (code_id)
           WHERE access_code.lock_id = ? AND access_code.finished_at_ms IS NULL""",
        (lock_id,),
    )
    return {CodeId(str(row[0])): Loss(cast("int", row[1]), Instant(cast("int", row[2]))) for row in rows}


def count(con: Connection, code_id: CodeId, at: Instant) -> None:
    """The code was lost once more."""
    row = con.execute("SELECT count, last_at_ms FROM loss WHERE code_id = ?", (code_id,)).fetchone()
    known = None if row is None else Loss(cast("int", row[0]), Instant(cast("int", row[1])))
    now = counted(known, at)
    con.execute(
        """INSERT INTO loss (code_id, count, last_at_ms) VALUES (?, ?, ?)
           ON CONFLICT (code_id) DO UPDATE SET count = excluded.count, last_at_ms = excluded.last_at_ms""",
        (code_id, now.count, now.last_at),
    )
