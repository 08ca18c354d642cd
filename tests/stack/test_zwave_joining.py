"""Locks join and leave by the driver's own calls, with the real Z-Wave JS; the lock itself says where it belongs."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.model.answers import Written
from gateway.model.evidence import Evidence
from gateway.model.ids import LockId, Slot
from gateway.model.network import NetworkOutcome, NetworkStory, NetworkTask, NetworkWish
from gateway.model.pin import Pin
from tests.stack.zwave_stack import Driven, Stack, driven, running_stack

pytestmark = pytest.mark.stack

SCENE = """
[radio]
airtime = false

[[locks]]
name = "old"
node = 2
profile = "plain_v1"
codes = { 1 = "902461" }

[[locks]]
name = "box"
included = false
profile = "plain_v2"
"""

GUEST = Pin("471193")

STORY_S = 90.0
"""For one joining or leaving to its end: 10 s on an idle machine."""


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A network of its own for each test: a lock whose joining failed goes on for a while, and would meet the next test."""
    with tempfile.TemporaryDirectory(prefix="zw") as folder, running_stack(Path(folder), SCENE) as running:
        yield running


@contextlib.asynccontextmanager
async def hub(stack: Stack, **nodes: int) -> AsyncIterator[Driven]:
    async with driven({"url": stack.url}, {"old": 2} | nodes, stack.folder) as here:
        await here.arrivals("old")
        yield here


async def told(here: Driven, *, count: int | None = None) -> NetworkStory:
    """The story when it has more lines than this, or is over."""
    async with asyncio.timeout(STORY_S):
        while True:
            story = here.driver.story()
            assert story is not None
            if story.outcome is not NetworkOutcome.RUNNING or (count is not None and len(story.lines) > count):
                return story
            await here.driver.wait_for_news(len(story.lines))


async def include(here: Driven, stack: Stack, key: str) -> NetworkStory:
    await here.driver.begin(NetworkWish(NetworkTask.INCLUDE, key=key))
    await told(here, count=0)
    stack.home.button("box")
    return await told(here)


async def exclude(here: Driven, stack: Stack) -> NetworkStory:
    await here.driver.begin(NetworkWish(NetworkTask.EXCLUDE))
    await told(here, count=0)
    stack.home.button("box")
    return await told(here)


def node_of(story: NetworkStory) -> int:
    assert story.newcomer is not None, story.lines
    node = story.newcomer.address["node"]
    assert isinstance(node, int)
    return node


def key_of(stack: Stack) -> str:
    return str(stack.home.label("box")["dsk"])


async def test_lock_joins_with_its_pin_takes_a_code_and_leaves(stack: Stack) -> None:
    async with hub(stack) as here:
        story = await include(here, stack, key_of(stack)[:5])
        assert story.outcome is NetworkOutcome.DONE, story.lines
        node = node_of(story)
        assert stack.home.label("box")["node"] == node
    async with hub(stack, box=node) as here:
        await here.arrivals("box")
        answer = await here.ports["box"].write_slot(Slot(3), GUEST, window=None, old_pin=None)
        assert answer == Written(Evidence.SUPERVISED)
        assert stack.home.pins("box")[3] == GUEST.reveal()
        story = await exclude(here, stack)
        assert story.outcome is NetworkOutcome.DONE, story.lines
        await here.departures("box")
    assert stack.home.label("box")["node"] == 0


async def test_wrong_pin_brings_a_lock_that_is_not_used_and_the_right_one_after_that_does(stack: Stack) -> None:
    wrong = f"{int(key_of(stack)[:5]) ^ 1:05d}"
    async with hub(stack) as here:
        story = await include(here, stack, wrong)
        assert story.outcome is NetworkOutcome.FAILED
        assert story.newcomer is None
        assert stack.home.label("box")["node"]
        assert "exclude it" in story.lines[-1], story.lines
        assert (await exclude(here, stack)).outcome is NetworkOutcome.DONE
        assert (await include(here, stack, key_of(stack)[:5])).outcome is NetworkOutcome.DONE


async def test_lock_of_another_whole_key_gets_no_pin_and_joins_by_its_own(stack: Stack) -> None:
    other = key_of(stack)[:-5] + f"{int(key_of(stack)[-5:]) ^ 1:05d}"
    async with hub(stack) as here:
        story = await include(here, stack, other)
        assert story.outcome is NetworkOutcome.FAILED
        assert any("not the lock of the key" in line for line in story.lines), story.lines
        assert "not used: exclude it" in story.lines[-1], story.lines
        # The next task finds the stick free, and the lock ready to be let go and to come again.
        assert (await exclude(here, stack)).outcome is NetworkOutcome.DONE
        story = await include(here, stack, key_of(stack))
        assert story.outcome is NetworkOutcome.DONE, story.lines
        assert stack.home.label("box")["security"] == "s2_access_control"


async def test_expected_lock_joins_when_it_is_powered_and_is_struck_off_when_it_is_dead(stack: Stack) -> None:
    async with hub(stack) as here:
        await here.driver.begin(NetworkWish(NetworkTask.PROVISION, key=key_of(stack)))
        await told(here, count=0)
        stack.home.power("box")
        story = await told(here)
        assert story.outcome is NetworkOutcome.DONE, story.lines
        node = node_of(story)
    async with hub(stack, box=node) as here:
        await here.arrivals("box")
        await here.driver.begin(NetworkWish(NetworkTask.REMOVE_FAILED, lock_id=LockId("box")))
        assert "stays" in (await told(here)).lines[-1], "a lock that answers is not struck off"
        stack.home.fault("node_dead", lock="box")
        await here.driver.begin(NetworkWish(NetworkTask.REMOVE_FAILED, lock_id=LockId("box")))
        story = await told(here)
        assert story.outcome is NetworkOutcome.DONE, story.lines
        await here.departures("box")
