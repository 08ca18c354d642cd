"""Restarts alone what dies: a bug in one part must not be noticed by the others.

The only supervisor of the house. Whatever ends with an exception is logged, counted and started again after a wait that
doubles from 1 s to 60 s; `DriverUnusable` passes through, because no waiting helps there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.ports import DriverUnusable

log = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0


class Keeper:
    """Keeps tasks up. `restarts` counts since the start, over all of them, for `status`."""

    def __init__(self) -> None:
        self.restarts = 0

    async def keep_up(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until it returns or is cancelled; start it again when it dies of an exception."""
        wait_s = FIRST_WAIT_S
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                await work()
            except Exception as error:
                if (unusable := unusable_in(error)) is not None:
                    raise unusable from None
                self.restarts += 1
                log.exception("keeper.task.died", extra={"task": name, "restarts": self.restarts, "again_in_s": wait_s})
            else:
                return
            await asyncio.sleep(wait_s)
            is_settled = loop.time() - started > LONGEST_WAIT_S
            wait_s = FIRST_WAIT_S if is_settled else min(wait_s * 2, LONGEST_WAIT_S)


def unusable_in(error: BaseException) -> DriverUnusable | None:
    """The `DriverUnusable` in an exception or anywhere in a group of them."""
    if isinstance(error, DriverUnusable):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := unusable_in(inner)) is not None), None)
    return None
