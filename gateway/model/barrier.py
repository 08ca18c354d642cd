"""The window that goes with our PIN in a slot: what we asked the lock to enforce, and what it confirmed (A2, D6).

"Our PIN" includes the window: a PIN that is on the lock under another window than the wanted one is an earlier one of ours.
"""

from dataclasses import dataclass
from typing import Self

from gateway.model.instant import MINUTE_MS, Instant
from gateway.model.window import Window

USE_SLACK_MS = 2 * MINUTE_MS
"""So far outside its window a use says nothing against the lock: its clock counts as right within one minute (T4), its window in
whole minutes (CC:004E.03), and the word of a use comes seconds late."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """What the last write of a slot asked for; `asked` None means that the PIN opens at any time.

    `effective` is what the lock answered that it enforces, never wider than `asked`. While `is_confirmed` is false nobody
    knows what window is in force.
    """

    asked: Window | None = None
    effective: Window | None = None
    is_confirmed: bool = True

    def keeps(self, window: Window | None) -> bool:
        """Whether the lock surely enforces what `window` asks for: that window, or none at all."""
        return self.is_confirmed and self.asked == window

    def is_disproved(self, lo: Instant, hi: Instant) -> bool:
        """Whether a PIN that opened at some instant of `[lo, hi]` shows that the lock does not keep this window (A2)."""
        kept = self.effective
        if kept is None or not self.is_confirmed:
            return False
        is_early = kept.starts_at is not None and hi < kept.starts_at - USE_SLACK_MS
        return is_early or (kept.ends_at is not None and lo >= kept.ends_at + USE_SLACK_MS)

    def intended(self, window: Window | None, *, was_empty: bool) -> Self:
        """We are about to write with this window. Only where there is surely none before and after nothing is in doubt."""
        is_plain = window is None and (was_empty or self.keeps(None))
        return type(self)(window, None, is_confirmed=is_plain)

    def doubted(self) -> Self:
        """We are about to clear the slot: a clear that fails may still have taken the window."""
        return self if self.asked is None else type(self)(self.asked, None, is_confirmed=False)

    def answered(self, effective: Window | None) -> Self:
        """The lock took the write. Raises `ValueError` when it enforces something wider than asked, or nothing at all."""
        if not _is_inside(effective, self.asked):
            msg = "the lock enforces a window that is wider than the one asked for"
            raise ValueError(msg)
        return type(self)(self.asked, effective, is_confirmed=True)


NO_BARRIER = Barrier()
"""What an empty slot has, and every slot of a lock without schedules."""


def _is_inside(effective: Window | None, asked: Window | None) -> bool:
    if asked is None or effective is None:
        return asked is effective
    if effective.starts_at is None or effective.ends_at is None or asked.ends_at is None:
        return False
    return (asked.starts_at or 0) <= effective.starts_at and effective.ends_at <= asked.ends_at
