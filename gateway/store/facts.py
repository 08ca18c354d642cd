"""Small facts under a name: epochs, counters, high-water marks."""

from typing import cast

from gateway.model.ids import CodeId
from gateway.model.instant import HOUR_MS, Instant
from gateway.store import rows
from gateway.store.database import Connection

_KEPT = "facts"
_EPOCH = "event.epoch"
_EPOCH_RENEWED = "event.epoch_renewed_ms"
_SESSION = "cloud.session"
_HIGH_WATER = "clock.high_water_ms"
_OVERTAKEN = "overtaken."

EPOCH_LASTS_MS = HOUR_MS
"""An epoch that was begun because of the cloud is followed by another after this time at the earliest: each costs a connection, and all
events that are not confirmed come again. A restore by hand is rarer than that; a broken cloud is not."""


def read(con: Connection, name: str) -> str | None:
    """The fact, or None when it was never written."""
    kept = _kept(con)
    if name not in kept:
        row = con.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        kept[name] = None if row is None else str(row[0])
    return kept[name]


def write(con: Connection, name: str, value: str) -> None:
    """Put the fact in place of what was there."""
    rows.keep(con, "fact", {"name": name}, {"value": value})
    _kept(con)[name] = value


def forget(con: Connection, name: str) -> None:
    """From now on the fact is as if it was never written."""
    con.execute("DELETE FROM fact WHERE name = ?", (name,))
    _kept(con)[name] = None


def _kept(con: Connection) -> dict[str, str | None]:
    """Facts that were read or written: few, and asked for at every step. They stay with the connection, which alone changes them."""
    return cast("dict[str, str | None]", con.kept.setdefault(_KEPT, {}))


def begin_epoch(con: Connection, candidate: int) -> int:
    """The epoch of the event stream: `candidate` in a new database, else what was chosen then (C4).

    Numbers of events mean something within their epoch only, so the cloud can tell a remade database from a late event.
    """
    found = read(con, _EPOCH)
    if found is None:
        write(con, _EPOCH, str(candidate))
        return candidate
    return int(found)


def renew_epoch(con: Connection, candidate: int, at: Instant) -> int | None:
    """Begin another epoch, for this database is an older one than the cloud knows; None when one was begun too short a time ago.

    The number is `candidate`, or higher: it must differ from that of every other life of this database, and of a second restore
    of the same copy too.
    """
    renewed = read(con, _EPOCH_RENEWED)
    if renewed is not None and at < int(renewed) + EPOCH_LASTS_MS:
        return None
    return begin_next_epoch(con, candidate, at)


def begin_next_epoch(con: Connection, candidate: int, at: Instant) -> int:
    """As `renew_epoch`, however short a time ago another one was begun."""
    begun = max(candidate, epoch(con) + 1)
    write(con, _EPOCH, str(begun))
    write(con, _EPOCH_RENEWED, str(at))
    return begun


def epoch(con: Connection) -> int:
    """The epoch of the event stream; 0 before `begin_epoch`."""
    return int(read(con, _EPOCH) or 0)


def overtaken(con: Connection, code_id: CodeId) -> int:
    """The generation of the newest delete that found no code with this id; 0 when there was none."""
    # Not kept with the connection: there is one for each order, and hardly any is ever asked for again.
    row = con.execute("SELECT value FROM fact WHERE name = ?", (_OVERTAKEN + code_id,)).fetchone()
    return 0 if row is None else int(str(row[0]))


def overtake(con: Connection, code_id: CodeId, generation: int) -> None:
    """A delete came before the order that makes its code: whatever is older than the delete is stale (C1).

    Kept like the order itself, whose id is never forgotten either (N3): the create may come after weeks offline.
    """
    newest = max(generation, overtaken(con, code_id))
    rows.keep(con, "fact", {"name": _OVERTAKEN + code_id}, {"value": str(newest)})


def next_session(con: Connection) -> int:
    """A durable count of connects to the cloud, so that a late last will cannot bury a newer session (C4)."""
    session = int(read(con, _SESSION) or 0) + 1
    write(con, _SESSION, str(session))
    return session


def high_water(con: Connection) -> Instant:
    """The latest instant that has surely passed (T1): the mark, or the newest line of the journal; 0 in a new database."""
    line = con.execute("SELECT at_ms FROM journal ORDER BY line DESC LIMIT 1").fetchone()
    return Instant(max(int(read(con, _HIGH_WATER) or 0), 0 if line is None else cast("int", line[0])))


def raise_high_water(con: Connection, at: Instant) -> None:
    """Keep an instant that has surely passed, unless a line of the journal keeps it; the mark never goes back (T1)."""
    if at > high_water(con):
        write(con, _HIGH_WATER, str(at))
