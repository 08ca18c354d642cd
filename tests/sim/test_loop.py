"""The loop of the virtual world: time that jumps, chance that repeats, deadlocks that show."""

import asyncio
import time

import pytest

from tests.sim.loop import Deadlock, VirtualLoop, play


def test_a_year_of_sleep_takes_no_time() -> None:
    async def sleep() -> float:
        await asyncio.sleep(365 * 86_400)
        return asyncio.get_running_loop().time()

    began = time.perf_counter()
    assert play(sleep()) == 365 * 86_400
    assert time.perf_counter() - began < 1


def test_timers_run_in_order_of_their_time_and_time_stands_still_between_them() -> None:
    async def main() -> list[tuple[str, float]]:
        loop = asyncio.get_running_loop()
        seen: list[tuple[str, float]] = []

        def see(name: str) -> None:
            seen.append((name, loop.time()))

        for name, delay in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
            loop.call_later(delay, see, name)
        await asyncio.sleep(5)
        return seen

    assert play(main()) == [("a", 1.0), ("b", 2.0), ("c", 3.0)]


async def _race() -> str:
    order: list[str] = []

    async def run(name: str) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        order.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name in "abcdefgh":
            tasks.create_task(run(name))
    return "".join(order)


def test_the_order_of_ready_tasks_is_drawn_from_the_seed() -> None:
    assert play(_race(), 1) == play(_race(), 1)
    assert len({play(_race(), seed) for seed in range(10)}) > 5


def test_cancelling_a_group_is_the_same_in_every_run() -> None:
    async def main() -> str:
        order: list[str] = []

        async def wait(name: str) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                order.append(name)

        async def fail() -> None:
            await asyncio.sleep(1)
            raise ValueError

        async def all_of_them() -> None:
            async with asyncio.TaskGroup() as tasks:
                for name in "abcdefghijklmnop":
                    tasks.create_task(wait(name))
                tasks.create_task(fail())

        with pytest.raises(ExceptionGroup):
            await all_of_them()
        return "".join(order)

    assert len({play(main(), 3) for _ in range(5)}) == 1


def test_a_deadlock_is_an_error_at_once_and_names_who_waits() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match="waiting: Task"):
        play(main())


def test_executors_run_in_place() -> None:
    async def main() -> tuple[int, float]:
        return await asyncio.to_thread(lambda: 42), asyncio.get_running_loop().time()

    assert play(main()) == (42, 0.0)


def test_cancelled_timers_are_swept() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        for _ in range(5_000):
            async with asyncio.timeout(1e6):
                await asyncio.sleep(0)
        return len(loop._scheduled)

    assert play(main()) <= 1_001
