"""Locks that the hub takes in while the driver runs, and lets go: the driver's list follows the hub's."""

import asyncio
from typing import override

from drivers.zwave.driver import ZWaveDriver
from gateway.model.ids import LockId
from gateway.model.network import NetworkOutcome, NetworkStory, NetworkTask, NetworkWish, Newcomer
from gateway.ports import DriverState, HouseholdPort, LockAddress
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import running
from tests.drivers.zwave.hub import BOUND_S, FRONT, hub, lock_address
from tests.drivers.zwave.test_joining import FOUND, added, controller_event, listens, newcomer

CELLAR = LockId("cellar")


class OneRoom(HouseholdPort):
    """A household that calls every newcomer the cellar; it lets go of nobody but the cellar."""

    def __init__(self) -> None:
        self.seen: list[Newcomer] = []

    @override
    async def adopt(self, newcomer: Newcomer) -> LockAddress:
        self.seen.append(newcomer)
        return LockAddress(CELLAR, "Cellar", newcomer.address)

    @override
    async def release(self, lock_id: LockId) -> bool:
        return lock_id == CELLAR


async def ended(driver: ZWaveDriver) -> NetworkStory:
    async with asyncio.timeout(BOUND_S):
        while True:
            story = driver.story()
            assert story is not None
            if story.outcome is not NetworkOutcome.RUNNING:
                return story
            await driver.wait_for_news(len(story.lines))


async def test_lock_that_joined_is_the_hubs_arrives_at_once_and_departs_when_it_leaves() -> None:
    household = OneRoom()
    async with running([states.node(2)]) as server, hub(server, household=household) as here:
        await here.until(lambda: here.driver.condition().state is DriverState.READY)
        assert "no lock yet" in here.driver.condition().detail
        await here.driver.begin(NetworkWish(NetworkTask.INCLUDE, key="34028", name="Cellar"))
        await listens(here, server)
        await server.emit(FOUND)
        await server.emit(added(newcomer() | {"ready": True}))
        story = await ended(here.driver)
        assert (story.outcome, story.lock_id) == (NetworkOutcome.DONE, CELLAR)
        assert [(seen.address, seen.name) for seen in household.seen] == [({"node": 7}, "Cellar")]
        port = await here.arrival()
        assert port.lock_id == CELLAR
        await here.until(lambda: "1 of 1 locks" in here.driver.condition().detail)

        await here.driver.begin(NetworkWish(NetworkTask.EXCLUDE))
        await here.until(lambda: len(((story := here.driver.story()) and story.lines) or ()) == 1)
        await server.emit(controller_event("node removed", node=states.node(7), reason=0))
        assert "no lock of this hub any more" in (await ended(here.driver)).lines[-1]
        assert (await here.departure()).lock_id == CELLAR
        await here.until(lambda: "no lock yet" in here.driver.condition().detail)


async def test_lock_of_the_configuration_stays_there_when_it_leaves_and_keeps_its_place_when_it_joins() -> None:
    household = OneRoom()
    async with running([states.node(2)]) as server, hub(server, lock_address(7), household=household) as here:
        await here.until(lambda: "0 of 1 locks" in here.driver.condition().detail)
        await here.driver.begin(NetworkWish(NetworkTask.REMOVE_FAILED, lock_id=FRONT))
        assert "out of the hub's configuration" in (await ended(here.driver)).lines[-1]
        await here.driver.begin(NetworkWish(NetworkTask.INCLUDE, key="34028"))
        await here.until(lambda: len(((story := here.driver.story()) and story.lines) or ()) == 1)
        await server.emit(FOUND)
        await server.emit(added(newcomer() | {"ready": True}))
        assert (await ended(here.driver)).lock_id == FRONT
        assert household.seen == []
