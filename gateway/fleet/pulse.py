"""Whether a worker still moves: it leaves a beat wherever it goes on, and one that left none for too long hangs.

Silence alone proves nothing: a worker may wait for its turn on the radio behind forty conversations of its neighbours. So one that
queues is excused for as long as any worker moves; when all are silent, the lane itself hangs.
"""

import asyncio
from collections.abc import Mapping

from gateway.model.ids import LockId

HANG_S = 180.0
"""Twice the longest step of a worker: a call is given up after 90 s (`executor.CALL_LIMIT_S`), a nap ends after 30 s, and a
worker that died of a bug is started again within 60 s."""


class Pulse:
    """The last beat of one worker. Belongs to the event loop."""

    def __init__(self) -> None:
        self._beat_at_s: float | None = None
        self.is_queued = False

    def beat(self, *, is_queued: bool = False) -> None:
        """The worker goes on; with `is_queued` to wait for its turn on the radio."""
        self._beat_at_s = asyncio.get_running_loop().time()
        self.is_queued = is_queued

    def silent_s(self) -> float:
        """Seconds since the last beat. Before the first one the count begins when somebody asks."""
        now_s = asyncio.get_running_loop().time()
        if self._beat_at_s is None:
            self._beat_at_s = now_s
        return now_s - self._beat_at_s


def hanging(pulses: Mapping[LockId, Pulse]) -> tuple[LockId, ...]:
    """The locks whose workers hang."""
    silent = {lock_id for lock_id, pulse in pulses.items() if pulse.silent_s() > HANG_S}
    is_lane_stuck = len(silent) == len(pulses)
    return tuple(lock_id for lock_id in sorted(silent) if is_lane_stuck or not pulses[lock_id].is_queued)
