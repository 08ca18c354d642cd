"""Pure: tells a stick that was silent for too long although the server is up.

Needed because Z-Wave JS 15.29 was once seen to go on retrying a serial port for half a minute after it had come back during its
own recovery, with the WebSocket up and every command failing. Six unplugs during a recovery since, 4 to 15 s long and watched
for 2 to 4 minutes, all ended well: back within 8 s, the same process went on within 3 s; later, it had ended by itself.
"""

from typing import Final

PATIENCE_S: Final = 60.0
"""How long commands may fail at the stick before somebody acts. A recovery that works took up to 40 s (lost serial
acknowledge: abort, soft reset, resend), and a stick that is really gone ends the server within 20 s."""

FAILURES_MIN: Final = 2
"""One failure may be an old one that took a minute to be told."""


class StickWatch:
    """Counts what calls say about the stick. Time is the loop's own, in seconds, and is handed in."""

    def __init__(self) -> None:
        """Nothing is known against the stick."""
        self._failing_since: float | None = None
        self._failure_count = 0
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """What the last command met at the stick, in one line; None when it passed."""
        return self._trouble

    def worked(self) -> None:
        """A command passed the stick, whatever the lock made of it."""
        self._failing_since = None
        self._failure_count = 0
        self._trouble = None

    def failed(self, now_s: float, cause: str) -> None:
        """A command ended at the stick."""
        self._trouble = cause
        if self._failing_since is None:
            self._failing_since = now_s
        self._failure_count += 1

    def is_stuck(self, now_s: float) -> bool:
        """Whether patience is over."""
        if self._failing_since is None or self._failure_count < FAILURES_MIN:
            return False
        return now_s - self._failing_since >= PATIENCE_S
