"""An event loop in which time is a number: it jumps to the next timer instead of waiting.

Nothing in it is real. There is no selector, no file descriptor, no thread: executors run in place, a socket that somebody
wants to listen on is only remembered. So a day of the gateway passes in a second, and nothing can disturb it.

Two things make chance part of the search and the search repeatable. The callbacks that are ready at one instant run in an
order drawn from the seed, because the order that asyncio happens to keep is a promise of no one. And tasks hash by their
number instead of their address, so that a set of them (a task group keeps one) has the same order in every process.

When nothing is ready and no timer is armed, nothing will ever happen again: that is an error at once, not a hang.
"""

import asyncio
import contextvars
import heapq
import random
import socket
from collections.abc import Callable, Coroutine, Generator, Sequence
from concurrent.futures import Executor
from typing import Any, cast, override

CANCELLED_TIMERS_MAX = 1_000
"""Cancelled timers that may stay in the heap before it is swept."""


class Deadlock(RuntimeError):  # noqa: N818 - says what happened
    """Every task waits for another one, and no timer is armed."""


class NumberedTask[T](asyncio.Task[T]):
    """A task whose place in a set does not depend on its address."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], *, loop: "VirtualLoop", **others: Any) -> None:
        self._number = loop.next_task_number()
        super().__init__(coroutine, loop=loop, **others)

    @override
    def __hash__(self) -> int:
        return self._number

    @override
    def set_name(self, value: object) -> None:
        super().set_name(f"Task-{self._number}" if value is None else value)


class Step(asyncio.Handle):
    """A callback that is ready. A day of a world takes thousands of them, so none carries what only asyncio's debugging asks for."""

    __slots__ = ()

    def __init__(
        self,
        callback: Callable[..., object],
        args: Sequence[Any],
        loop: "VirtualLoop",
        context: contextvars.Context | None = None,
    ) -> None:
        self._context = contextvars.copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = self._source_traceback = None


class Timer(Step, asyncio.TimerHandle):
    """A callback that waits for its instant. Each is only itself: two that wait for the same are not equal."""

    __slots__ = ()

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: Sequence[Any],
        loop: "VirtualLoop",
        context: contextvars.Context | None = None,
    ) -> None:
        Step.__init__(self, callback, args, loop, context)
        self._when = when
        self._scheduled = True

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class NoServer:
    """What stands for a server: it holds the socket that it was given, and never listens."""

    def __init__(self, door: socket.socket | None) -> None:
        self._door = door

    def close(self) -> None:
        if self._door is not None:
            self._door.close()


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs everything on virtual time; `steps` counts callbacks, for those who want to know how fast a world is."""

    _ready: Any
    _scheduled: Any
    """A heap of (instant, timer): numbers compare faster than timers do."""
    _stopping: bool

    def __init__(self, seed: object = 0) -> None:
        super().__init__()
        self._now = 0.0
        self._order = random.Random(f"order {seed}")
        self._task_count = 0
        self._cancelled_count = 0
        self.steps = 0
        self.set_task_factory(_numbered)

    @override
    def time(self) -> float:
        return self._now

    def next_task_number(self) -> int:
        """How many tasks there were before this one."""
        self._task_count += 1
        return self._task_count

    @override
    def run_in_executor[*A, T](
        self, executor: Executor | None, func: Callable[[*A], T], *args: *A
    ) -> asyncio.Future[T]:
        """Run at once, in place: a thread would bring real time into the world."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - belongs to whoever awaits the future
            future.set_exception(error)
        return future

    @override
    def call_soon[*A](
        self, callback: Callable[[*A], object], *args: *A, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        step = Step(callback, args, self, context)
        self._ready.append(step)
        return step

    @override
    def call_later[*A](
        self, delay: float, callback: Callable[[*A], object], *args: *A, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    @override
    def call_at[*A](
        self, when: float, callback: Callable[[*A], object], *args: *A, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        timer = Timer(when, callback, args, self, context)
        heapq.heappush(self._scheduled, (when, timer))
        return timer

    @override
    def call_soon_threadsafe[*A](
        self, callback: Callable[[*A], object], *args: *A, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """The same as `call_soon`: there is one thread. Generators that are thrown away come here."""
        return self.call_soon(callback, *args, context=context)

    @override
    async def create_unix_server(self, *_: Any, sock: socket.socket | None = None, **__: Any) -> Any:
        return NoServer(sock)

    def _run_once(self) -> None:
        ready, timers = self._ready, self._scheduled
        if not ready and not self._stopping:
            self._jump()
        while timers and (timers[0][0] <= self._now or timers[0][1]._cancelled):
            _, timer = heapq.heappop(timers)
            timer._scheduled = False
            if timer._cancelled:
                self._cancelled_count -= 1
            else:
                ready.append(timer)
        if len(ready) == 1:  # as at most instants: nothing to shuffle
            batch = [ready.popleft()]
        else:
            batch = [step for step in ready if not step._cancelled]
            ready.clear()
            self._order.shuffle(batch)
        for step in batch:
            if not step._cancelled:
                self.steps += 1
                step._run()

    def _jump(self) -> None:
        timers = self._scheduled
        while timers and timers[0][1]._cancelled:
            heapq.heappop(timers)[1]._scheduled = False
            self._cancelled_count -= 1
        if not timers:
            names = sorted(task.get_name() for task in asyncio.all_tasks(self) if not task.done())
            raise Deadlock(f"at {self._now:.3f} s nothing is ready and no timer is armed; waiting: {', '.join(names)}")
        self._now = max(self._now, timers[0][0])

    def _timer_handle_cancelled(self, timer: Timer) -> None:
        if not timer._scheduled:
            return
        self._cancelled_count += 1
        if self._cancelled_count > CANCELLED_TIMERS_MAX:
            self._scheduled[:] = [(when, waiting) for when, waiting in self._scheduled if not waiting._cancelled]
            heapq.heapify(self._scheduled)
            self._cancelled_count = 0

    def _process_events(self, _: object) -> None:
        raise AssertionError("there is no kernel in this world")

    def _write_to_self(self) -> None:
        raise AssertionError("there is no other thread in this world")


def _numbered[T](
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, T] | Generator[Any, None, T],
    **others: Any,
) -> asyncio.Future[T]:
    assert isinstance(loop, VirtualLoop)
    return NumberedTask(cast("Coroutine[Any, Any, T]", coroutine), loop=loop, **others)


def play[T](main: Coroutine[Any, Any, T], seed: object = 0) -> T:
    """Run one coroutine, and what it starts, on a loop of its own."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed)) as runner:
        return runner.run(main)
