"""Wake-ups that mean "look again": they carry no data and may be lost or doubled without harm.

Rooms talk through the store and a nudge. Whoever commits something rings afterwards; whoever sleeps looks at the
store when rung. A nudge that comes while nobody waits is kept as one.
"""

import asyncio
from collections import defaultdict


class Nudges:
    """One bell per name, such as `lock:front-door` or `outbox`."""

    def __init__(self) -> None:
        self._bells: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def ring(self, name: str) -> None:
        """Wake whoever waits for `name`, or the next one who will."""
        self._bells[name].set()

    def ring_locks(self) -> None:
        """Wake every lock's worker that ever waited: what all of them go by has changed."""
        for name, bell in self._bells.items():
            if name.startswith(LOCK_PREFIX):
                bell.set()

    async def wait(self, name: str, timeout_s: float | None) -> bool:
        """Wait until `name` is rung, at most `timeout_s` seconds. Returns whether it was rung."""
        bell = self._bells[name]
        try:
            async with asyncio.timeout(timeout_s):
                await bell.wait()
        except TimeoutError:
            return False
        bell.clear()
        return True


LOCK_PREFIX = "lock:"


def lock_bell(lock_id: str) -> str:
    """The bell of one lock's worker."""
    return f"{LOCK_PREFIX}{lock_id}"


OUTBOX_BELL = "outbox"
"""The bell of the pump: there is an event to send."""

CLOCK_BELL = "clock"
"""The bell of the keeper of the time: the wall clock was set, or a person spoke about it."""
