"""The journal: append-only, hash-chained, at once the timeline of every code and the outbox to the cloud (A19, C3).

An event gets its sequence number in the transaction of the change that it reports, so numbers have no gap and an event
exists exactly when its change does (I6). Lines without a number are the timeline's own (attempts, evidence) and are never
sent. An event stays until the cloud's receipt covers it; PUBACK proves nothing.

No index leads to events or to codes: each would cost a page or two for every line, a quarter of all bytes that a code's life
writes (our measurement). Numbers grow with lines, so an event is found by halving, and mostly near the end. A timeline is for
people: it is read line by line from where its code begins.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import cast

from gateway.model.access_code import Origin
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId, CommandId, EventSeq, LockId
from gateway.model.instant import Instant
from gateway.store import facts
from gateway.store.database import Connection, Row
from gateway.store.hub_time import EARLIEST_MARK
from gateway.store.personal import is_true_to, joined, separated

_ACKNOWLEDGED = "event.acknowledged"
_ANCHOR = "journal.anchor"
_SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False)
_PLAIN = json.JSONEncoder(ensure_ascii=False)
NO_CHAIN = bytes(32)
"""What the first line is chained to."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its number in the stream to the cloud."""

    seq: EventSeq
    at: Instant
    event: Event


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timeline; `seq` when the cloud hears of it too."""

    line: int
    seq: EventSeq | None
    at: Instant
    kind: str
    actor: Origin
    lock_id: LockId | None
    code_id: CodeId | None
    body: dict[str, Fact]


@dataclass(frozen=True, slots=True)
class _Head:
    """Where the journal ends: its newest line, and its newest event."""

    line: int
    chain: bytes
    event_line: int
    seq: int


_KEPT_HEAD = "journal.head"
"""Kept with the connection: each line is chained to the one before, and every wish to send asks for the newest number."""


def append(con: Connection, event: Event, at: Instant) -> EventSeq:
    """Add an event for the cloud; returns its number."""
    seq = EventSeq(last_seq(con) + 1)
    _add(con, seq, at, event.kind.value, event.lock_id, event.code_id, event.command_id, event.actor, dict(event.body))
    return seq


def note(
    con: Connection,
    kind: str,
    at: Instant,
    *,
    lock_id: LockId | None,
    code_id: CodeId | None,
    body: dict[str, Fact],
    actor: Origin = Origin.HUB,
) -> None:
    """Add a line that stays in the house: an attempt, an outcome, evidence, a verb of the shell."""
    _add(con, None, at, kind, lock_id, code_id, None, actor, body)


def outbox(con: Connection, after: int, limit: int) -> tuple[StoredEvent, ...]:
    """Events above `after`, in order, at most `limit`."""
    rows = con.execute(
        """SELECT seq, at_ms, kind, lock_id, code_id, command_id, actor, body, personal
           FROM journal WHERE line > ? AND seq > ? ORDER BY line LIMIT ?""",
        (_line_before(con, after), after, limit),
    )
    return tuple(_stored(row) for row in rows)


def last_seq(con: Connection) -> int:
    """The number of the newest event; 0 when there was none. Pruning must leave the newest event in place (A19)."""
    return _head(con).seq


def last_line(con: Connection) -> int:
    """The newest line; 0 in an empty journal."""
    return _head(con).line


def acknowledged(con: Connection) -> int:
    """Up to where the cloud has confirmed receipt (C3)."""
    return int(facts.read(con, _ACKNOWLEDGED) or 0)


def acknowledge(con: Connection, up_to: int) -> int:
    """Take the cloud's receipt; never beyond the last event, never back. Returns the watermark."""
    watermark = max(acknowledged(con), min(up_to, last_seq(con)))
    facts.write(con, _ACKNOWLEDGED, str(watermark))
    return watermark


def timeline(con: Connection, code_id: CodeId | None = None, limit: int = 500) -> tuple[Line, ...]:
    """The newest `limit` lines, of one code or of all, oldest first."""
    begin = "coalesce((SELECT begins_after_line FROM access_code WHERE code_id = ?), 0)"
    where, parameters = ("", ()) if code_id is None else (f"WHERE code_id = ? AND line > {begin}", (code_id, code_id))
    rows = con.execute(
        f"""SELECT line, seq, at_ms, kind, actor, lock_id, code_id, body, personal
            FROM journal {where} ORDER BY line DESC LIMIT ?""",
        (*parameters, limit),
    ).fetchall()
    return tuple(_line(row) for row in reversed(rows))


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the journal begins: the number and the chain of the last line that was pruned (A19)."""

    line: int
    chain: bytes


def anchor(con: Connection) -> Anchor:
    """The last pruned line; line 0 in a journal that was never pruned."""
    kept = facts.read(con, _ANCHOR)
    if kept is None:
        return Anchor(0, NO_CHAIN)
    line, chain = kept.split()
    return Anchor(int(line), bytes.fromhex(chain))


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a check of the chain has come (A19): the last line that fitted, and its chain; `broken` is the first that did not.

    It ends at the line that was the newest at its beginning.
    """

    line: int
    chain: bytes
    end: int
    broken: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to look at."""
        return self.broken is not None or self.line >= self.end


WALK_LINES = 2_000
"""Lines in one read: 17 ms on our machine, about a tenth of a second on a small board. Everything else waits that long."""


def begin_walk(con: Connection) -> Walk:
    """A check of the chain that `walk_on` carries through, one read each; the database is free for others in between."""
    newest = con.execute("SELECT max(line) FROM journal").fetchone()
    return Walk(0, NO_CHAIN, 0 if newest is None or newest[0] is None else cast("int", newest[0]))


def walk_on(con: Connection, walk: Walk) -> Walk:
    """Look at the next lines. What was pruned since the last look is passed over: the chain goes on from its anchor."""
    kept = anchor(con)
    line, chain = walk.line, kept.chain if kept.line > walk.line else walk.chain
    rows = con.execute(
        """SELECT line, seq, at_ms, kind, lock_id, code_id, command_id, actor, body, chain, personal
           FROM journal WHERE line > ? AND line <= ? ORDER BY line LIMIT ?""",
        (walk.line, walk.end, WALK_LINES),
    ).fetchall()
    for row in rows:
        line, chain = cast("int", row[0]), _link(chain, row[1:9])
        is_true = row[10] is None or is_true_to(json.loads(str(row[8])), json.loads(str(row[10])))
        if chain != row[9] or not is_true:
            return replace(walk, broken=line)
    return replace(walk, line=line if len(rows) == WALK_LINES else walk.end, chain=chain)


def verify(con: Connection) -> int | None:
    """Walk the whole chain in one read; the number of the first line that does not fit, or None when all do (A19)."""
    walk = begin_walk(con)
    while not walk.is_over:
        walk = walk_on(con, walk)
    return walk.broken


def prune(con: Connection, before: Instant, count_max: int) -> int:
    """Take lines up to `before` off the beginning, at most `count_max`; returns how many.

    Stops at the first line that is younger, that the cloud has not confirmed (C3), or that is the newest event (its number
    goes on from there, I6). Lines from before the time was ever known say nothing of their age: they are as old as the first
    one of a known time, and stay while there is none.
    """
    oldest = _oldest_known(con)
    if oldest is None or oldest > before:
        return 0
    first = con.execute("SELECT min(line) FROM journal").fetchone()
    begin = 0 if first is None or first[0] is None else cast("int", first[0])
    stop = con.execute(
        """SELECT min(line) FROM journal
           WHERE at_ms > ? OR seq > ? OR line >= ?""",
        (before, acknowledged(con), _head(con).event_line),
    ).fetchone()
    end = begin if stop is None or stop[0] is None else min(cast("int", stop[0]), begin + count_max)
    if end <= begin:
        return 0
    last = con.execute("SELECT line, chain FROM journal WHERE line < ? ORDER BY line DESC LIMIT 1", (end,)).fetchone()
    assert last is not None, "the line before the end of what is pruned"
    number, chain = cast("tuple[int, bytes]", last)
    facts.write(con, _ANCHOR, f"{number} {chain.hex()}")
    return con.execute("DELETE FROM journal WHERE line < ?", (end,)).rowcount


def next_prunable_at(con: Connection, kept_ms: int) -> Instant | None:
    """When the first line will have been kept for `kept_ms`; None when it has to stay for another reason.

    One from before the time was ever known counts as `prune` counts it.
    """
    row = con.execute("SELECT seq, line FROM journal ORDER BY line LIMIT 1").fetchone()
    if row is None or cast("int", row[1]) >= _head(con).event_line:
        return None
    is_waiting = row[0] is not None and cast("int", row[0]) > acknowledged(con)
    oldest = None if is_waiting else _oldest_known(con)
    return None if oldest is None else Instant(oldest + kept_ms)


def _oldest_known(con: Connection) -> Instant | None:
    """The instant of the first line of a known time. All lines before it are from 1970, since `lo` never goes back (T1)."""
    row = con.execute("SELECT at_ms FROM journal WHERE at_ms >= ? ORDER BY line LIMIT 1", (EARLIEST_MARK,)).fetchone()
    return None if row is None else Instant(cast("int", row[0]))


NEAR_LINES = 64
"""So few lines are read rather than halved."""


def _line_before(con: Connection, seq: int) -> int:
    """A line before all events above `seq`, and at most `NEAR_LINES` before the first of them."""
    low = high = last_line(con)
    step = NEAR_LINES
    while low > 0 and _seq_at(con, low) > seq:
        low, high, step = max(0, low - step), low, step * 2
    while high - low > NEAR_LINES:
        middle = (low + high) // 2
        low, high = (low, middle) if _seq_at(con, middle) > seq else (middle, high)
    return low


def _seq_at(con: Connection, line: int) -> int:
    """The number of the newest event up to a line; 0 when there is none."""
    row = con.execute(
        "SELECT seq FROM journal WHERE line <= ? AND seq IS NOT NULL ORDER BY line DESC LIMIT 1", (line,)
    ).fetchone()
    return 0 if row is None else cast("int", row[0])


def _head(con: Connection) -> _Head:
    kept = con.kept.get(_KEPT_HEAD)
    if isinstance(kept, _Head):
        return kept
    newest = con.execute("SELECT line, chain FROM journal ORDER BY line DESC LIMIT 1").fetchone()
    event = con.execute("SELECT line, seq FROM journal WHERE seq IS NOT NULL ORDER BY line DESC LIMIT 1").fetchone()
    line, chain = (0, NO_CHAIN) if newest is None else cast("tuple[int, bytes]", newest)
    event_line, seq = (0, 0) if event is None else cast("tuple[int, int]", event)
    con.kept[_KEPT_HEAD] = head = _Head(line, chain, event_line, seq)
    return head


def _add(
    con: Connection,
    seq: EventSeq | None,
    at: Instant,
    kind: str,
    lock_id: LockId | None,
    code_id: CodeId | None,
    command_id: CommandId | None,
    actor: Origin,
    body: dict[str, Fact],
) -> None:
    head = _head(con)
    chained, kept = separated(body)
    text = _text(chained)
    row: Row = (seq, at, kind, lock_id, code_id, command_id, actor.value, text)
    line, chain = head.line + 1, _link(head.chain, row)
    con.execute(
        """INSERT INTO journal (line, seq, at_ms, kind, lock_id, code_id, command_id, actor, body, chain, personal)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (line, *row, chain, _text(kept) if kept else None),
    )
    event_line, number = (head.event_line, head.seq) if seq is None else (line, seq)
    con.kept[_KEPT_HEAD] = _Head(line, chain, event_line, number)


def _text(value: Fact) -> str:
    return _SORTED.encode(value)


def _body(text: object, personal: object) -> dict[str, Fact]:
    kept = {} if personal is None else json.loads(str(personal))
    return cast("dict[str, Fact]", joined(json.loads(str(text)), kept))


def _link(chain: bytes, row: Row) -> bytes:
    return hashlib.sha256(chain + _PLAIN.encode(row).encode()).digest()


def _stored(row: Row) -> StoredEvent:
    seq, at, kind, lock_id, code_id, command_id, actor, body, personal = row
    event = Event(
        kind=EventKind(str(kind)),
        lock_id=None if lock_id is None else LockId(str(lock_id)),
        code_id=None if code_id is None else CodeId(str(code_id)),
        command_id=None if command_id is None else CommandId(str(command_id)),
        actor=Origin(str(actor)),
        body=_body(body, personal),
    )
    return StoredEvent(EventSeq(int(cast("int", seq))), Instant(int(cast("int", at))), event)


def _line(row: Row) -> Line:
    line, seq, at, kind, actor, lock_id, code_id, body, personal = row
    return Line(
        line=int(cast("int", line)),
        seq=None if seq is None else EventSeq(int(cast("int", seq))),
        at=Instant(int(cast("int", at))),
        kind=str(kind),
        actor=Origin(str(actor)),
        lock_id=None if lock_id is None else LockId(str(lock_id)),
        code_id=None if code_id is None else CodeId(str(code_id)),
        body=_body(body, personal),
    )
