"""How long the hub remembers: the journal 180 days, a guest's PIN and name seven days after the PIN is proven gone (A19).

Erasing takes the digits and the text and leaves the digests, so that a PIN is not handed out again and the chain stays whole.
Pruning takes lines from the beginning of the journal only and leaves the last pruned hash as the anchor of the rest. What the
cloud has not confirmed yet is neither pruned nor erased: an event that is sent again has the same bytes (C3).
"""

from typing import cast

from gateway.model.instant import DAY_MS, Instant
from gateway.store import journal
from gateway.store.database import Connection

JOURNAL_KEPT_MS = 180 * DAY_MS
ERASED_AFTER_MS = 7 * DAY_MS
"""Both A19."""

PRUNED_AT_ONCE_MAX = 2_000
"""Lines in one transaction: about a megabyte of deleted pages, so that no order waits long for the database."""

_ERASABLE_CODES = "finished_at_ms <= ? AND (pin_sealed IS NOT NULL OR name != '')"
_ERASABLE_LINES = "personal IS NOT NULL AND (seq IS NULL OR seq <= ?)"


def erase(con: Connection, at: Instant) -> int:
    """Erase what is due at `at`. Returns how many codes and lines lost something."""
    cutoff = at - ERASED_AFTER_MS
    # Lines first: once a code has nothing left to erase, only its lines tell that something is.
    lines = con.execute(
        f"""UPDATE journal SET personal = NULL WHERE {_ERASABLE_LINES}
            AND code_id IN (SELECT code_id FROM access_code WHERE finished_at_ms <= ?)""",
        (journal.acknowledged(con), cutoff),
    ).rowcount
    codes = con.execute(
        f"UPDATE access_code SET pin_sealed = NULL, name = '' WHERE {_ERASABLE_CODES}", (cutoff,)
    ).rowcount
    return codes + lines


def prune(con: Connection, at: Instant) -> int:
    """Take the lines off the journal that are older than `JOURNAL_KEPT_MS`, at most `PRUNED_AT_ONCE_MAX`. Returns how many."""
    return journal.prune(con, Instant(at - JOURNAL_KEPT_MS), PRUNED_AT_ONCE_MAX)


def next_due(con: Connection) -> Instant | None:
    """The earliest instant at which something is to be erased or pruned; None when nothing waits for its time."""
    acknowledged = journal.acknowledged(con)
    finished = con.execute("SELECT min(finished_at_ms) FROM access_code WHERE pin_sealed IS NOT NULL OR name != ''")
    told = con.execute(
        f"""SELECT min(finished_at_ms) FROM access_code JOIN journal USING (code_id) WHERE {_ERASABLE_LINES}""",
        (acknowledged,),
    )
    due = [_plus(row, ERASED_AFTER_MS) for row in (finished.fetchone(), told.fetchone())]
    due.append(journal.next_prunable_at(con, JOURNAL_KEPT_MS))
    return min((edge for edge in due if edge is not None), default=None)


def _plus(row: tuple[object, ...] | None, wait_ms: int) -> Instant | None:
    return None if row is None or row[0] is None else Instant(cast("int", row[0]) + wait_ms)
