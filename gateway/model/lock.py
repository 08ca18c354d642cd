"""What a lock can do and how far its answers can be believed."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.instant import MINUTE_MS
from gateway.model.pin import PinRules


class ReadBack(StrEnum):
    """What a lock shows when asked for a slot."""

    CLEAR = "clear"
    """The PIN itself."""
    MASKED = "masked"
    """Occupied or empty, the digits as asterisks (A7)."""


class ScheduleTrust(StrEnum):
    """Whether a lock really enforces a schedule (A2, D6)."""

    PROVEN = "proven"
    CLAIMED = "claimed"
    NONE = "none"


DEFAULT_LEAD_MS = 30 * MINUTE_MS
"""How long before `starts_at` a code is written just in time (A3); a setting per hub and lock profile (A4)."""


@dataclass(frozen=True, slots=True)
class LockProfile:
    """Facts about one lock, from its driver. What is not known is said to be unknown, never guessed.

    `supervision_is_honest`: a supervised success of this model proves the write (A7).
    `enforced`: native schedules; `NONE` is just-in-time (A3).
    """

    model: str
    slots: range
    pin_rules: PinRules
    read_back: ReadBack = ReadBack.CLEAR
    supervision_is_honest: bool = False
    enforced: ScheduleTrust = ScheduleTrust.NONE
