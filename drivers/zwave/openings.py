"""What a task opens in the network, and its closing: a stick that listens for a device, a lock that is expected by its key.

Theory. Z-Wave JS listens and expects for ever, and whoever joins then joins unseen. So a task that ends badly closes what it opened, also
when the call that opened it failed, because it may have been executed. What a broken connection does not let it close, the next
life closes before anything else: a listening stick is seen in the state that the server tells, an expected lock is remembered here.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from zwave_js_server.const import InclusionState
from zwave_js_server.model.controller import Controller
from zwave_js_server.model.controller.inclusion_and_provisioning import ProvisioningEntry

from drivers.zwave.failures import CallFailed
from drivers.zwave.session import CALL_TIMEOUT_S, ask

log = logging.getLogger(__name__)


class Told(Exception):  # noqa: N818 - how a task ends badly, not a fault of ours
    """The task cannot go on; the text is the last line of its story."""


class Openings:
    """What is open in one network, over all lives of the connection."""

    def __init__(self) -> None:
        """Nothing is open as far as we know."""
        self._expected: set[str] = set()

    async def close_all(self, controller: Controller) -> None:
        """Close what an earlier life left open, or another process before this one."""
        match controller.data.get("inclusionState"):
            case InclusionState.INCLUDING:
                await _close(controller.async_stop_inclusion)
            case InclusionState.EXCLUDING:
                await _close(controller.async_stop_exclusion)
            case _:
                pass
        for key in tuple(self._expected):
            await self._expect_no_longer(controller, key)

    @asynccontextmanager
    async def listening(self, begin: Awaitable[bool], stop: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
        """While the stick listens. Raises `Told` when somebody else's task is going on, which is not ours to stop."""
        try:
            is_begun = await ask(begin, CALL_TIMEOUT_S)
        except CallFailed:
            await _close(stop)
            raise
        if not is_begun:
            raise Told("The stick does not listen: another lock may be just joining or leaving. Try again.")
        try:
            yield
        except (Told, CallFailed):
            await _close(stop)
            raise

    @asynccontextmanager
    async def expecting(self, controller: Controller, entry: ProvisioningEntry) -> AsyncIterator[None]:
        """While a lock is expected; for good when the task ends well."""
        self._expected.add(entry.dsk)
        try:
            await ask(controller.async_provision_smart_start_node(entry), CALL_TIMEOUT_S)
            yield
        except (Told, CallFailed):
            await self._expect_no_longer(controller, entry.dsk)
            raise
        self._expected.discard(entry.dsk)

    async def _expect_no_longer(self, controller: Controller, key: str) -> None:
        if await _close(lambda: controller.async_unprovision_smart_start_node(key)):
            self._expected.discard(key)


async def _close(stop: Callable[[], Awaitable[object]]) -> bool:
    """Whether the server took a call that closes the network. A failure is logged only: how the task ended is what a person must read."""
    try:
        await ask(stop(), CALL_TIMEOUT_S)
    except CallFailed as error:
        log.warning("network.close.failed", extra={"cause": error.failure.cause})
        return False
    return True
