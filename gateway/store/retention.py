"""How long the hub remembers: the journal 180 days, a guest's PIN and name seven days after the PIN is proven gone (A19).

Erasing takes the digits and the text and leaves the digests, so that a PIN is not handed out again and the chain stays whole.
Pruning takes lines from the beginning of the journal only and leaves the last pruned hash as the anchor of the rest. What the
cloud has not confirmed yet is neither pruned nor erased: an event that is sent again has the same bytes (C3).

A stamp below `hub_time.EARLIEST_MARK` was set before this hub ever knew the time and says nothing of how long ago that was.
Nothing is due by it at once: a line waits like the first one of a known time, a removal counts from the first look since.

The copy of the file from before a migration holds every PIN and name of that day, and opens with the same secret. It goes seven
days after the first look in known time, which only a start that worked with the new schema comes to.
"""

import logging
import os
from pathlib import Path
from typing import cast

from gateway.model.instant import DAY_MS, Instant
from gateway.store import journal
from gateway.store.database import Connection
from gateway.store.hub_time import EARLIEST_MARK
from gateway.store.migrate import copies

log = logging.getLogger(__name__)

JOURNAL_KEPT_MS = 180 * DAY_MS
ERASED_AFTER_MS = 7 * DAY_MS
"""Both A19."""

COPY_KEPT_MS = ERASED_AFTER_MS
"""A copy keeps no PIN or name longer than the database does."""

_NS_IN_MS = 1_000_000

PRUNED_AT_ONCE_MAX = 2_000
"""Lines in one transaction: about a megabyte of deleted pages, so that no order waits long for the database."""

_ERASABLE_CODES = "finished_at_ms <= ? AND (pin_sealed IS NOT NULL OR name != '')"
_ERASABLE_LINES = "personal IS NOT NULL AND (seq IS NULL OR seq <= ?)"
_OF_FORMER_LIFE = "journal.line <= access_code.begins_after_line"
"""Lines about the code that had the id before: it was deleted when the one of now was created, at the latest."""


def erase(con: Connection, at: Instant) -> int:
    """Erase what is due at `at`. Returns how many codes and lines lost something.

    `at` is known time: a removal that was stamped before the time was ever known counts from now on (T1).
    """
    con.execute("UPDATE access_code SET finished_at_ms = ? WHERE finished_at_ms < ?", (at, EARLIEST_MARK))
    cutoff = at - ERASED_AFTER_MS
    # Lines first: once a code has nothing left to erase, only its lines tell that something is.
    lines = con.execute(
        f"""UPDATE journal SET personal = NULL WHERE {_ERASABLE_LINES}
            AND code_id IN (SELECT code_id FROM access_code WHERE finished_at_ms <= ?)""",
        (journal.acknowledged(con), cutoff),
    ).rowcount
    lines += con.execute(
        f"""UPDATE journal SET personal = NULL FROM access_code WHERE journal.code_id = access_code.code_id
            AND {_ERASABLE_LINES} AND {_OF_FORMER_LIFE} AND created_at_ms <= ?""",
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
    """The earliest instant at which `erase` or `prune` has something to do; None when nothing waits for its time."""
    acknowledged = journal.acknowledged(con)
    finished = con.execute("SELECT min(finished_at_ms) FROM access_code WHERE pin_sealed IS NOT NULL OR name != ''")
    told = con.execute(
        f"""SELECT min(finished_at_ms) FROM access_code JOIN journal USING (code_id) WHERE {_ERASABLE_LINES}""",
        (acknowledged,),
    )
    former = con.execute(
        f"""SELECT min(created_at_ms) FROM access_code JOIN journal USING (code_id)
            WHERE {_ERASABLE_LINES} AND {_OF_FORMER_LIFE}""",
        (acknowledged,),
    )
    due = [_plus(found.fetchone(), ERASED_AFTER_MS) for found in (finished, told, former)]
    due.append(journal.next_prunable_at(con, JOURNAL_KEPT_MS))
    return min((edge for edge in due if edge is not None), default=None)


def forget_copies(path: Path, at: Instant) -> Instant | None:
    """Remove the copies of older schemas beside `path` that were kept long enough at `at`; returns when the next one is due.

    `at` is known time. A copy's own time tells since when a start with the new schema works; where it can be none of this hub's
    known times, it is set to `at`. A copy that cannot be removed is told and looked at again another day.
    """
    due: list[Instant] = []
    for copy in copies(path):
        try:
            edge = _works_since(copy, at) + COPY_KEPT_MS
            if edge > at:
                due.append(Instant(edge))
                continue
            copy.unlink()
        except OSError as error:
            log.warning("store.copy.stays", extra={"copy": copy.name, "cause": error.strerror})
        else:
            log.info("store.copy.removed", extra={"copy": copy.name})
    return min(due, default=None)


def _works_since(copy: Path, at: Instant) -> Instant:
    told = Instant(copy.stat().st_mtime_ns // _NS_IN_MS)
    if EARLIEST_MARK <= told <= at:
        return told
    os.utime(copy, ns=(at * _NS_IN_MS, at * _NS_IN_MS))
    return at


def _plus(row: tuple[object, ...] | None, wait_ms: int) -> Instant | None:
    return None if row is None or row[0] is None else Instant(cast("int", row[0]) + wait_ms)
