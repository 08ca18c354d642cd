"""What dies is restarted alone; what no waiting helps ends the daemon with its one line."""

import asyncio

import pytest

from gateway.keeper import Keeper, unusable_in
from gateway.ports import DriverUnusable


async def test_a_task_that_dies_is_started_again_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.keeper.FIRST_WAIT_S", 0.0)
    keeper = Keeper()
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise LookupError("a bug")

    await keeper.keep_up("work", work)
    assert (runs, keeper.restarts) == (3, 2)


async def test_unusable_passes_through_even_from_inside_groups() -> None:
    async def work() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())

    async def fail() -> None:
        raise DriverUnusable("install the pinned versions")

    with pytest.raises(DriverUnusable, match="pinned"):
        await Keeper().keep_up("work", work)


async def test_cancelling_ends_it() -> None:
    task = asyncio.get_running_loop().create_task(Keeper().keep_up("work", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_any_other_error_is_not_unusable() -> None:
    assert unusable_in(ExceptionGroup("x", [ValueError(), ExceptionGroup("y", [KeyError()])])) is None
