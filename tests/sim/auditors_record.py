"""Who watches what the hub writes down: uses of codes told as what they were (A18), a whole chain, forgetting in time (A19).

The judge's own reckoning of a window comes from the cloud's book; the erased names are looked for in the database's own rows.
Mutation stories: `test_auditors_record.py`.
"""

from collections.abc import Callable, Iterator

from gateway.model.clock import ClockTrust
from gateway.model.events import EventKind
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.store import journal
from gateway.store.database import Connection
from gateway.store.journal import StoredEvent
from tests.sim.book import Book, Wish
from tests.sim.clock import HubClock

LATE_USE_MS = 2 * MINUTE_MS
"""After the end this long a use is no alarm (A18)."""

ERASED_WITHIN_MS = 8 * DAY_MS + HOUR_MS
"""Seven days after the proven removal (A19), or after the id was given to another code, and the day that the chore may sleep when
wall time was set forward."""

_USES = frozenset({EventKind.LOCK_UNLOCKED, EventKind.LOCK_LOCKED})


class Bookkeeper:
    """Reads each event as it is committed. `cry` notes a broken rule."""

    def __init__(self, book: Book, clock: Callable[[], HubClock | None], cry: Callable[[str, str], None]) -> None:
        self._book = book
        self._clock = clock
        self._cry = cry
        self._owed: str | None = None
        """The code whose use has to be followed by an alarm, in the next event."""

    def on_event(self, stored: StoredEvent) -> None:
        """An event was committed."""
        event = stored.event
        if self._owed is not None:
            owed, self._owed = self._owed, None
            if event.kind is not EventKind.CODE_USED_OUTSIDE_WINDOW or event.code_id != owed:
                self._cry("usage", f"{owed} was used long after its end, and no alarm was raised")
        wish = None if event.code_id is None else self._book.wishes.get(event.code_id)
        if event.kind not in _USES or wish is None or wish.is_deleted:
            return
        is_over = wish.ends_at is not None and stored.at >= wish.ends_at
        if self._may_judge(is_over=is_over) and event.body.get("is_in_window") is not _is_inside(wish, stored.at):
            self._cry("usage", f"a use of {wish.code_id} is told on the wrong side of its window")
        if wish.ends_at is not None and stored.at > wish.ends_at + LATE_USE_MS:
            self._owed = wish.code_id

    def _may_judge(self, *, is_over: bool) -> bool:
        clock = self._clock()
        return is_over or (clock is not None and clock.reading().trust is not ClockTrust.UNTRUSTED)


def at_rest(con: Connection, now: Instant) -> Iterator[str]:
    """What is wrong with the records of a hub that has had its peace."""
    broken = journal.verify(con)
    if broken is not None:
        yield f"the journal's chain is broken at line {broken}"
    due = now - ERASED_WITHIN_MS
    kept = con.execute(
        "SELECT code_id FROM access_code WHERE finished_at_ms <= ? AND (pin_sealed IS NOT NULL OR name != '')", (due,)
    )
    for (code_id,) in kept.fetchall():
        yield f"PIN or name of {code_id!r} should have been erased"
    told = con.execute(
        """SELECT DISTINCT code_id FROM journal JOIN access_code USING (code_id)
           WHERE personal IS NOT NULL AND finished_at_ms <= ? AND seq <= ?""",
        (due, journal.acknowledged(con)),
    )
    former = con.execute(
        """SELECT DISTINCT code_id FROM journal JOIN access_code USING (code_id)
           WHERE personal IS NOT NULL AND line <= begins_after_line AND created_at_ms <= ? AND seq <= ?""",
        (due, journal.acknowledged(con)),
    )
    for (code_id,) in [*told.fetchall(), *former.fetchall()]:
        yield f"the journal still names the guest of {code_id!r}"


def _is_inside(wish: Wish, at: Instant) -> bool:
    return (wish.starts_at is None or at >= wish.starts_at) and (wish.ends_at is None or at < wish.ends_at)
