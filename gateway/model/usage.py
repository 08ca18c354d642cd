"""When a code was used, measured by its window (A18). Pure."""

from enum import StrEnum

from gateway.model.access_code import AccessCode
from gateway.model.instant import MINUTE_MS, Instant

LATE_USE_MS = 2 * MINUTE_MS
"""A removal may take this long (A9), so a use within it after the end proves nothing against us (A18)."""


class Use(StrEnum):
    """How a use lies to the window of its code."""

    IN_WINDOW = "in_window"
    EARLY = "early_use"
    """On the lock already, not started yet: written ahead of its start (A3)."""
    LATE = "late_use"
    """Over, and still within the time that a removal may take."""
    BEFORE_LEAD = "before_lead"
    AFTER_END = "after_end"

    @property
    def is_alarm(self) -> bool:
        """Whether the PIN opened when it could not have been on the lock: something that we believed is wrong (A18)."""
        return self in {Use.BEFORE_LEAD, Use.AFTER_END}


def use_of(code: AccessCode, at: Instant, lead_ms: int, *, is_time_trusted: bool) -> Use:
    """Place a use at `at` in the life of a code whose PIN may be on its lock `lead_ms` before its start.

    `at` is the instant that has surely passed: that a window is over can be told from it at any level of trust, that it has
    not begun only while time is trusted (T1).
    """
    ends = [end for end in (code.window.ends_at, code.deleted_at) if end is not None]
    if ends and at >= min(ends):
        return Use.AFTER_END if at > min(ends) + LATE_USE_MS else Use.LATE
    starts_at = code.window.starts_at
    if starts_at is None or at >= starts_at or not is_time_trusted:
        return Use.IN_WINDOW
    return Use.EARLY if at >= starts_at - lead_ms else Use.BEFORE_LEAD
