"""Locks that joined at the door: the hub's own without being in its configuration."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.store.database import Connection


@dataclass(frozen=True, slots=True)
class JoinedLock:
    """One such lock. `address` is where its driver finds it, such as {"node": 5}."""

    lock_id: LockId
    driver: str
    name: str
    address: Mapping[str, object]


def every(con: Connection) -> tuple[JoinedLock, ...]:
    """All of them, the oldest first."""
    rows = con.execute("SELECT lock_id, driver, name, address FROM joined_lock ORDER BY joined_at_ms, lock_id")
    return tuple(JoinedLock(LockId(str(row[0])), str(row[1]), str(row[2]), json.loads(str(row[3]))) for row in rows)


def add(con: Connection, lock: JoinedLock, at: Instant) -> None:
    """Keep a lock that joined. One that the configuration took over may have left its id behind: it is replaced."""
    con.execute(
        "INSERT OR REPLACE INTO joined_lock (lock_id, driver, name, address, joined_at_ms) VALUES (?, ?, ?, ?, ?)",
        (lock.lock_id, lock.driver, lock.name, json.dumps(dict(lock.address), sort_keys=True), at),
    )


def remove(con: Connection, lock_id: LockId) -> bool:
    """Forget a lock that left; False when it is none of these."""
    return con.execute("DELETE FROM joined_lock WHERE lock_id = ?", (lock_id,)).rowcount > 0
