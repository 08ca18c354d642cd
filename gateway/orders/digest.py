"""What the hub wants on each lock, as one short text per lock, for the cloud to compare at every connect (C4)."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from gateway.model.ids import LockId
from gateway.store import codes, pool
from gateway.store.database import Connection


def digests(con: Connection, lock_ids: Iterable[LockId]) -> Mapping[LockId, str]:
    """SHA-256 in hex over the sorted (code id, generation, starts_at, ends_at) of a lock's living codes, backups left out.

    Instants are UTC milliseconds or null; the text that is hashed is compact JSON. No PIN takes part: a digest over six
    digits could be reversed.
    """
    return {lock_id: _digest(con, lock_id) for lock_id in sorted(lock_ids)}


def _digest(con: Connection, lock_id: LockId) -> str:
    rows = sorted(
        (code.code_id, code.generation, code.window.starts_at, code.window.ends_at)
        for code in codes.unfinished(con, lock_id)
        if not code.is_deleted and pool.get(con, code.code_id) is None
    )
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
