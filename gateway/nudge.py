"""Wake-ups that mean "look again": they carry no data and may be lost or doubled without harm.

Rooms talk through the store and a nudge. Whoever commits something rings afterwards; whoever sleeps looks at the
store when rung. A nudge that comes while nobody waits is kept as one.
"""

import asyncio
from collections import defaultdict
from functools import partial


class Bell:
    """One bell. Rung while nobody sleeps by it, it stays rung for the next one who would."""

    def __init__(self) -> None:
        self._is_rung = False
        self._sleepers: list[asyncio.Future[bool]] = []

    def ring(self) -> None:
        """Wake everybody who sleeps by it."""
        self._is_rung = True
        for sleeper in self._sleepers:
            _wake(sleeper, is_rung=True)

    async def wait(self, timeout_s: float | None) -> bool:
        """Sleep until it rings, at most `timeout_s` seconds. Returns whether it rang."""
        is_rung = self._is_rung or await self._sleep(timeout_s)
        self._is_rung = self._is_rung and not is_rung
        return is_rung

    async def _sleep(self, timeout_s: float | None) -> bool:
        """A timer and a future: `asyncio.timeout` would cancel the sleeper to tell it the time, and most sleeps end that way."""
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[bool] = loop.create_future()
        timer = None if timeout_s is None else loop.call_later(timeout_s, partial(_wake, sleeper, is_rung=False))
        self._sleepers.append(sleeper)
        try:
            return await sleeper
        finally:
            self._sleepers.remove(sleeper)
            if timer is not None:
                timer.cancel()


class Nudges:
    """One bell per name, such as `lock:front-door` or `outbox`."""

    def __init__(self) -> None:
        self._bells: defaultdict[str, Bell] = defaultdict(Bell)

    def ring(self, name: str) -> None:
        """Wake whoever waits for `name`, or the next one who will."""
        self._bells[name].ring()

    def ring_locks(self) -> None:
        """Wake every lock's worker that ever waited: what all of them go by has changed."""
        for name, bell in self._bells.items():
            if name.startswith(LOCK_PREFIX):
                bell.ring()

    async def wait(self, name: str, timeout_s: float | None) -> bool:
        """Wait until `name` is rung, at most `timeout_s` seconds. Returns whether it was rung."""
        return await self._bells[name].wait(timeout_s)


def _wake(sleeper: asyncio.Future[bool], *, is_rung: bool) -> None:
    if not sleeper.done():
        sleeper.set_result(is_rung)


LOCK_PREFIX = "lock:"


def lock_bell(lock_id: str) -> str:
    """The bell of one lock's worker."""
    return f"{LOCK_PREFIX}{lock_id}"


OUTBOX_BELL = "outbox"
"""The bell of the pump: there is an event to send."""

CLOCK_BELL = "clock"
"""The bell of the keeper of the time: the wall clock was set, or a person spoke about it."""
