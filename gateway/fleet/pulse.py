"""Whether a worker still moves: it leaves a beat wherever it goes on, and one that left none for too long hangs.

Silence alone proves nothing: a worker may wait for its turn on the radio behind forty conversations of its neighbours. So one that
queues is excused for as long as any worker moves; when all that are awake are silent, the lane itself hangs. One that sleeps says
how long, and is late only after that.
"""

import asyncio
from collections.abc import Mapping

from gateway.model.ids import LockId

HANG_S = 180.0
"""Twice the longest step of a worker: a call is given up after 90 s (`executor.CALL_LIMIT_S`), and a worker that died of a bug is started again within 60 s."""


class Pulse:
    """The last beat of one worker. Belongs to the event loop."""

    def __init__(self) -> None:
        self._due_at_s: float | None = None
        self.is_queued = False

    def beat(self, *, is_queued: bool = False, sleeps_s: float = 0.0) -> None:
        """The worker goes on; with `is_queued` to wait for its turn on the radio, with `sleeps_s` to sleep at most so long."""
        self._due_at_s = asyncio.get_running_loop().time() + sleeps_s
        self.is_queued = is_queued

    def silent_s(self) -> float:
        """Seconds since it was to be heard of, below 0 while it sleeps. Before the first beat the count begins with the question."""
        now_s = asyncio.get_running_loop().time()
        if self._due_at_s is None:
            self._due_at_s = now_s
        return now_s - self._due_at_s


def hanging(pulses: Mapping[LockId, Pulse]) -> tuple[LockId, ...]:
    """The locks whose workers hang."""
    awake = {lock_id: silent_s for lock_id, pulse in pulses.items() if (silent_s := pulse.silent_s()) >= 0}
    silent = {lock_id for lock_id, silent_s in awake.items() if silent_s > HANG_S}
    is_lane_stuck = len(silent) == len(awake)
    return tuple(lock_id for lock_id in sorted(silent) if is_lane_stuck or not pulses[lock_id].is_queued)
