"""Small facts under a name: epochs, counters, high-water marks."""

from typing import cast

from gateway.model.instant import Instant
from gateway.store import rows
from gateway.store.database import Connection

_KEPT = "facts"
_EPOCH = "event.epoch"
_SESSION = "cloud.session"
_HIGH_WATER = "clock.high_water_ms"


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

    Sequence numbers start anew with an epoch, so the cloud can tell a restored or remade database from a late event.
    """
    found = read(con, _EPOCH)
    if found is None:
        write(con, _EPOCH, str(candidate))
        return candidate
    return int(found)


def epoch(con: Connection) -> int:
    """The epoch of the event stream; 0 before `begin_epoch`."""
    return int(read(con, _EPOCH) or 0)


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
