"""What was on the air: a bounded list of frames with their plain names, and counters per lock. Never a PIN."""

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

TRACE_MAX = 5000
"""Frames kept; the oldest go first. A stay of a guest with three locks makes a few hundred."""


class Direction(StrEnum):
    """Who sent a frame."""

    TO_LOCK = "to_lock"
    FROM_LOCK = "from_lock"


class Fate(StrEnum):
    """What became of a frame."""

    HEARD = "heard"
    LOST = "lost"
    UNACKNOWLEDGED = "unacknowledged"


@dataclass(slots=True)
class Aired:
    """One application message on the air. `at` is the loop's monotonic clock in seconds; `size` the payload in bytes.

    `label` starts as the outermost class and is completed by the lock that decrypts it.
    """

    number: int
    at: float
    direction: Direction
    node_id: int
    label: str
    size: int
    fate: Fate
    is_beamed: bool

    def plain(self) -> dict[str, object]:
        """Return the entry as plain values for JSON."""
        return {**asdict(self), "direction": self.direction.value, "fate": self.fate.value}


@dataclass(slots=True)
class Counts:
    """What one lock cost the air since the home started.

    `to_lock` and `from_lock` count application messages that were sent, a Security 2 envelope as one; repeats by the radio's own
    retry are in `repeats`. `lost` counts messages that never arrived, in either direction.
    """

    to_lock: int = 0
    from_lock: int = 0
    beams: int = 0
    acks: int = 0
    repeats: int = 0
    lost: int = 0
    pings: int = 0
    """Part of `to_lock`: empty messages that only ask whether the lock is there."""
    airtime_ms: float = 0.0

    def plain(self) -> dict[str, object]:
        """Return the counters as plain values for JSON."""
        return {**asdict(self), "airtime_ms": round(self.airtime_ms, 1)}


class Trace:
    """The frames and the counters of one home."""

    def __init__(self) -> None:
        """Start empty; numbers begin at 1."""
        self._frames: deque[Aired] = deque(maxlen=TRACE_MAX)
        self._next_number = 1
        self._counts: dict[int, Counts] = {}

    def add(self, *, at: float, direction: Direction, node_id: int, label: str, size: int) -> Aired:
        """Enter a frame that goes on the air now; the caller completes its label and fate."""
        aired = Aired(self._next_number, at, direction, node_id, label, size, Fate.HEARD, is_beamed=False)
        self._next_number += 1
        self._frames.append(aired)
        return aired

    def counts(self, node_id: int) -> Counts:
        """Return the live counters of one node."""
        return self._counts.setdefault(node_id, Counts())

    def since(self, number: int, node_id: int | None = None) -> Iterator[Aired]:
        """Yield the kept frames numbered above `number`, oldest first, of one node or all."""
        for aired in self._frames:
            if aired.number > number and node_id in (None, aired.node_id):
                yield aired

    @property
    def last_number(self) -> int:
        """Number of the newest frame, 0 before the first."""
        return self._next_number - 1
