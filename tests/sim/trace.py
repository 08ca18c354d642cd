"""What happened in a world, as one hash and, when asked for, as lines for a person."""

import hashlib
from collections import deque
from collections.abc import Callable

from gateway.model.instant import format_instant
from tests.sim.clock import TrueTime

LINES_KEPT = 40
"""The last lines before something went wrong usually tell why."""


class Trace:
    """Equal worlds have equal hashes; the hash covers every line, with its instant."""

    def __init__(self, true: TrueTime, show: Callable[[str], None] | None = None) -> None:
        self._true = true
        self._show = show
        self._hash = hashlib.sha256()
        self.last: deque[str] = deque(maxlen=LINES_KEPT)
        self.count = 0

    def note(self, kind: str, /, **facts: object) -> None:
        """One thing happened. PINs may be among the facts: nobody lives in this world."""
        line = " ".join(
            (format_instant(self._true.now())[5:], kind, *(f"{name}={value}" for name, value in facts.items()))
        )
        self._hash.update(line.encode())
        self.last.append(line)
        self.count += 1
        if self._show is not None:
            self._show(line)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()[:16]
