"""A driver's network whose story the test writes."""

import asyncio
from dataclasses import replace
from typing import override

from gateway.model.ids import LockId
from gateway.model.network import NetworkOutcome, NetworkStory, NetworkTask, NetworkWish
from gateway.ports import NetworkPort

FIRST_LINES = {
    NetworkTask.INCLUDE: "The stick listens for 120 s: put the lock into its joining (inclusion) mode now.",
    NetworkTask.PROVISION: "The lock is expected. Give it power now: it joins by itself within 10 minutes.",
    NetworkTask.EXCLUDE: "The stick listens for 120 s: put the lock into its leaving (exclusion) mode now.",
    NetworkTask.REMOVE_FAILED: "The stick tries node 4 a last time.",
}


class FakeNetwork(NetworkPort):
    """Begins whatever it is asked for, unless there is trouble."""

    def __init__(self) -> None:
        self.wishes: list[NetworkWish] = []
        self.told: NetworkStory | None = None
        self.trouble: Exception | None = None
        self._news = asyncio.Event()

    @override
    async def begin(self, wish: NetworkWish) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.wishes.append(wish)
        self.told = NetworkStory(wish.task, NetworkOutcome.RUNNING, (FIRST_LINES[wish.task],))

    @override
    def story(self) -> NetworkStory | None:
        return self.told

    @override
    async def wait_for_news(self, line_count: int) -> None:
        while (
            self.told is not None and len(self.told.lines) == line_count and self.told.outcome is NetworkOutcome.RUNNING
        ):
            self._news.clear()
            await self._news.wait()

    def tell(self, line: str, outcome: NetworkOutcome, lock_id: LockId | None = None) -> None:
        assert self.told is not None
        self.told = replace(self.told, lines=(*self.told.lines, line), outcome=outcome, lock_id=lock_id)
        self._news.set()
