"""One lane per stick: one conversation on the radio at a time, ordered by danger.

A lock that sleeps costs a wake-up beam of about a second and then stays awake for half a second, so whoever has the lane
keeps it while it has work of the same urgency: one beam serves the whole batch. It gives the lane up for anything more
urgent (a removal before a write), and after `BATCH_MAX` conversations so that no lock starves the others.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.fleet.backlog import Backlog
from gateway.model.instant import Instant
from gateway.planner.actions import Action

BATCH_MAX = 40
"""Conversations in one turn: a whole lock of 30 codes fits; at 24 ms each (S2 at 100 kbit/s) others wait one second."""

type _Waiter = tuple[int, Instant, int, asyncio.Future[None]]


class Turn:
    """The right to use the radio, until given back."""

    def __init__(self, lane: "Lane") -> None:
        self._lane = lane
        self._conversations = 0

    def may_go_on(self, action: Action) -> bool:
        """Whether this lock may use the lane for one more action without going back to the queue."""
        self._conversations += 1
        return self._conversations < BATCH_MAX and not self._lane.has_waiter_before(action)


class Lane:
    """The airtime of one stick."""

    def __init__(self) -> None:
        self._waiters: list[_Waiter] = []
        self._order = itertools.count()
        self._is_taken = False
        self.backlog = Backlog()
        """The removals that are due here."""

    @asynccontextmanager
    async def turn(self, action: Action) -> AsyncIterator[Turn]:
        """Wait for the lane in the order of urgency, deadline and arrival; give it back at the end."""
        await self._take(action)
        try:
            yield Turn(self)
        finally:
            self._give_back()

    def has_waiter_before(self, action: Action) -> bool:
        """Whether somebody waits with something more urgent."""
        return any(entry[0] < action.urgency for entry in self._waiters if not entry[3].done())

    @property
    def is_free(self) -> bool:
        """Whether a turn would begin without a wait."""
        return not self._is_taken

    @property
    def waiting(self) -> int:
        """How many wait for the lane now."""
        return sum(not entry[3].done() for entry in self._waiters)

    async def _take(self, action: Action) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        called = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (int(action.urgency), action.deadline, next(self._order), called))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._waiters:
            called = heapq.heappop(self._waiters)[3]
            if not called.done():
                called.set_result(None)
                return
        self._is_taken = False
