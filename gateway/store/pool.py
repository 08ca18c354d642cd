"""The backup pools: the switch of each lock, which codes are backups and for whom, which guests have the pool behind them."""

from typing import cast

from gateway.model.ids import CodeId, LockId
from gateway.model.instant import Instant
from gateway.model.pin import PinDigest
from gateway.model.pool import Backup, Pool, PoolIssue, PoolRules
from gateway.store.database import Connection, Row


def of_lock(con: Connection, lock_id: LockId, rules: PoolRules) -> Pool:
    """The pool of a lock, as configured while nobody turned it on or off: living backups, and those of living originals.

    Two searches, because one with an OR would go through every code that there ever was.
    """
    row = con.execute("SELECT is_on, announced_issues FROM pool WHERE lock_id = ?", (lock_id,)).fetchone()
    is_on = rules.is_on if row is None or row[0] is None else bool(row[0])
    backups = con.execute(
        """SELECT backup.code_id, backup.pulled_for, backup.pulled_at_ms, own.created_at_ms
           FROM access_code AS own JOIN backup USING (code_id) WHERE own.lock_id = ?1 AND own.finished_at_ms IS NULL
           UNION
           SELECT backup.code_id, backup.pulled_for, backup.pulled_at_ms, own.created_at_ms
           FROM access_code AS original JOIN backup ON backup.pulled_for = original.code_id
               JOIN access_code AS own ON own.code_id = backup.code_id
           WHERE original.lock_id = ?1 AND original.finished_at_ms IS NULL AND own.lock_id = ?1
           ORDER BY 4, 1""",
        (lock_id,),
    )
    found = tuple(_backup(each[:3]) for each in backups)
    guests = con.execute(
        """SELECT pool_guest.code_id FROM pool_guest JOIN access_code USING (code_id)
           WHERE access_code.lock_id = ? AND access_code.finished_at_ms IS NULL""",
        (lock_id,),
    )
    return Pool(
        is_on=is_on,
        backups={backup.code_id: backup for backup in found},
        guests=frozenset(CodeId(str(each[0])) for each in guests),
        told=frozenset() if row is None else frozenset(PoolIssue(name) for name in str(row[1]).split()),
    )


def turn(con: Connection, lock_id: LockId, *, is_on: bool) -> None:
    """Turn the pool of a lock on or off, whatever the configuration says."""
    con.execute(
        "INSERT INTO pool (lock_id, is_on) VALUES (?, ?) ON CONFLICT (lock_id) DO UPDATE SET is_on = excluded.is_on",
        (lock_id, int(is_on)),
    )


def announce(con: Connection, lock_id: LockId, told: frozenset[PoolIssue]) -> None:
    """Remember what was told; in the same transaction as the event that told it."""
    con.execute(
        """INSERT INTO pool (lock_id, announced_issues) VALUES (?, ?)
           ON CONFLICT (lock_id) DO UPDATE SET announced_issues = excluded.announced_issues""",
        (lock_id, " ".join(sorted(told))),
    )


def enrol(con: Connection, code_id: CodeId, *, is_guest: bool) -> None:
    """Put the pool behind a code, or take it away."""
    if is_guest:
        con.execute("INSERT OR IGNORE INTO pool_guest (code_id) VALUES (?)", (code_id,))
    else:
        con.execute("DELETE FROM pool_guest WHERE code_id = ?", (code_id,))


def is_guest(con: Connection, code_id: CodeId) -> bool:
    """Whether the pool stands behind this code."""
    return con.execute("SELECT 1 FROM pool_guest WHERE code_id = ?", (code_id,)).fetchone() is not None


def add_spare(con: Connection, code_id: CodeId) -> None:
    """Say that this access code is a backup that nobody was given yet."""
    con.execute("INSERT INTO backup (code_id) VALUES (?)", (code_id,))


def give(con: Connection, code_id: CodeId, original: CodeId, at: Instant) -> None:
    """Tie a spare to its original. Raises the database's own error for a second one: one backup per original (A12)."""
    con.execute("UPDATE backup SET pulled_for = ?, pulled_at_ms = ? WHERE code_id = ?", (original, at, code_id))


def untie(con: Connection, code_id: CodeId) -> None:
    """The backup stands in for nobody any more. Only one that is deleted: a living one would be a spare again."""
    con.execute("UPDATE backup SET pulled_for = NULL, pulled_at_ms = NULL WHERE code_id = ?", (code_id,))


def get(con: Connection, code_id: CodeId) -> Backup | None:
    """What makes this code a backup, or None when it is none."""
    row = con.execute("SELECT code_id, pulled_for, pulled_at_ms FROM backup WHERE code_id = ?", (code_id,)).fetchone()
    return None if row is None else _backup(row)


def is_spare(con: Connection, code_id: CodeId) -> bool:
    """Whether this code is a backup that was given to nobody."""
    found = get(con, code_id)
    return found is not None and found.is_spare


def pulled_for(con: Connection, original: CodeId) -> CodeId | None:
    """The backup that stands in for this code, on the lock or off it by now; None when it was given none."""
    row = con.execute("SELECT code_id FROM backup WHERE pulled_for = ?", (original,)).fetchone()
    return None if row is None else CodeId(str(row[0]))


def was_ever_used(con: Connection, digest: PinDigest) -> bool:
    """Whether any code of this hub, finished or not, has or had this PIN: such a one is not drawn again (A12)."""
    return con.execute("SELECT 1 FROM access_code WHERE pin_digest = ? LIMIT 1", (digest,)).fetchone() is not None


def _backup(row: Row) -> Backup:
    code_id, original, at = row
    return Backup(
        CodeId(str(code_id)),
        None if original is None else CodeId(str(original)),
        None if at is None else Instant(cast("int", at)),
    )
