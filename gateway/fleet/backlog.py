"""Tells ahead when more codes must go than the radio can take off within two minutes (A9).

The bound of A9 holds while at most 60 clears are due on a stick. Beyond that they go at the radio's rate, danger first as always;
the cloud is told once how many are due and when the last one will be off at the latest, and again when that turns out too early.
"""

from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import LockId
from gateway.model.instant import MINUTE_MS, SECOND_MS, Instant, format_instant
from gateway.planner.actions import ClearSlot, ReadSlot, Urgency
from gateway.planner.plan import Plan

CLEARS_WITHIN_BOUND = 60
"""A9: so many are off within two minutes."""

CLEAR_MS = 2 * SECOND_MS
"""What one removal takes at the most by that bound; also the first guess of the rate."""

RATE_WEIGHT = 0.2
"""Share of the newest measurement in the rate, so that one slow answer does not move the forecast much."""

MARGIN = 1.5
"""The forecast is the latest finish, not the likely one: retries of one lock in three are in it."""

_REMOVES = frozenset({Urgency.REMOVE, Urgency.PROVE_REMOVED})


class Backlog:
    """The removals that are due on one stick. One per lane; `note` after each look of a worker."""

    def __init__(self) -> None:
        self._due: dict[LockId, int] = {}
        self._rate_ms = float(CLEAR_MS)
        self._told: Instant | None = None

    def took(self, took_ms: float) -> None:
        """A removal took so long."""
        self._rate_ms += RATE_WEIGHT * (max(took_ms, 1.0) - self._rate_ms)

    def note(self, lock_id: LockId, plan: Plan | None, at: Instant) -> Event | None:
        """A worker looked at its lock (`plan` is None when the lock is away): news, when the cloud should hear some."""
        steps = () if plan is None or plan.head is None else (plan.head, *plan.rest)
        self._due[lock_id] = sum(isinstance(step, ClearSlot | ReadSlot) and step.urgency in _REMOVES for step in steps)
        due = sum(self._due.values())
        if due <= CLEARS_WITHIN_BOUND:
            self._told = self._told if due else None
            return None
        latest = Instant(at + int(due * self._rate_ms * MARGIN))
        if self._told is not None and latest <= self._told + MINUTE_MS:
            return None
        self._told = latest
        body: dict[str, Fact] = {"due": due, "latest_finish_at": format_instant(latest)}
        return Event(EventKind.HUB_REMOVALS_DELAYED, body=body)
