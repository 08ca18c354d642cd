"""The lane: one conversation at a time, danger first, batches kept together but never starving the others."""

import asyncio

from gateway.fleet.airtime import BATCH_MAX, Lane
from gateway.model.ids import CodeId
from gateway.model.instant import Instant
from gateway.planner.actions import Action, ClearSlot, ReadSlot, Reason, Urgency, WriteSlot
from tests.builders import NOON, digest, slot


def clear(deadline: int = NOON) -> Action:
    return ClearSlot(slot(1), CodeId("c"), Reason.REMOVE, Instant(deadline), Urgency.REMOVE)


def write(deadline: int = NOON) -> Action:
    return WriteSlot(slot(1), CodeId("c"), digest("2580"), 1, Reason.WRITE, Instant(deadline))


def prove() -> Action:
    return ReadSlot(slot(1), CodeId("c"), Reason.PROVE, NOON, Urgency.PROVE)


async def order_of(lane: Lane, actions: list[tuple[str, Action]]) -> list[str]:
    """Who gets the lane in which order when all wait behind somebody."""
    served: list[str] = []

    async def wait(name: str, action: Action) -> None:
        async with lane.turn(action):
            served.append(name)

    async with asyncio.TaskGroup() as tasks, lane.turn(prove()):
        for name, action in actions:
            tasks.create_task(wait(name, action))
        await asyncio.sleep(0)
        assert lane.waiting == len(actions)
        assert served == []
    return served


async def test_a9_removal_goes_first_then_the_nearest_deadline_then_who_came_first() -> None:
    waiting = [
        ("proof", prove()),
        ("late write", write(NOON + 2)),
        ("early write", write(NOON + 1)),
        ("second early write", write(NOON + 1)),
        ("removal", clear(NOON + 9)),
    ]
    assert await order_of(Lane(), waiting) == ["removal", "early write", "second early write", "late write", "proof"]


async def test_a_turn_is_kept_for_work_of_the_same_urgency_and_given_up_for_a_removal() -> None:
    lane = Lane()
    async with asyncio.TaskGroup() as tasks, lane.turn(write()) as turn:
        assert turn.may_go_on(write())

        async def remove() -> None:
            async with lane.turn(clear()):
                pass

        tasks.create_task(remove())
        await asyncio.sleep(0)
        assert not turn.may_go_on(write())
        assert turn.may_go_on(clear())


async def test_a_batch_has_a_bound() -> None:
    async with Lane().turn(write()) as turn:
        count = 0
        while turn.may_go_on(write()):
            count += 1
    assert count == BATCH_MAX - 1


async def test_whoever_gives_up_waiting_does_not_block_the_lane() -> None:
    lane = Lane()

    async def wait() -> None:
        async with lane.turn(write()):
            pass

    async with lane.turn(write()):
        task = asyncio.get_running_loop().create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(1), lane.turn(write()):
        assert lane.waiting == 0


async def test_a_turn_that_was_called_and_cancelled_at_once_is_passed_on() -> None:
    lane = Lane()
    served: list[str] = []

    async def wait(name: str) -> None:
        async with lane.turn(write()):
            served.append(name)

    loop = asyncio.get_running_loop()
    async with lane.turn(write()):
        first, second = loop.create_task(wait("first")), loop.create_task(wait("second"))
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert served == ["second"]
