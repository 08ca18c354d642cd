"""Locks that join and leave, against a server without a radio: what is granted, what is refused, what a person reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from zwave_js_server.const import SecurityClass

from drivers.zwave import joining, network
from drivers.zwave.driver import ZWaveDriver
from gateway.model.failures import Busy, Unreachable, Unsupported
from gateway.model.ids import LockId
from gateway.model.network import NetworkOutcome, NetworkStory, NetworkTask, NetworkWish
from gateway.ports import DriverState, NetworkPort
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import Answer, FakeServer, ZWaveError, running
from tests.drivers.zwave.hub import FRONT, Hub, hub
from tests.drivers.zwave.states import Json

KEY = "34028-28291-00712-41199-50023-11001-02774-60123"
REST = KEY[5:]
S2_AC, S2_AUTH, S2_UNAUTH, S0 = 2, 1, 0, 7


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("34028", "34028"),
        (" 34028 ", "34028"),
        (KEY, KEY),
        (KEY.replace("-", " "), KEY),
        (KEY.replace("-", ""), KEY),
        ("3402", None),
        ("99999", None),
        ("3402a", None),
        ("34028-28291", None),
        ("", None),
    ],
)
def test_key_is_read_as_people_write_it(typed: str, read: str | None) -> None:
    assert joining.read_key(typed) == read


def test_whole_key_must_fit_what_the_lock_tells_and_a_pin_fits_any() -> None:
    assert joining.fits("34028", REST)
    assert joining.fits(KEY, REST)
    assert not joining.fits(KEY, REST[:-1] + "4")


def test_weak_classes_are_granted_only_when_forced_and_strong_ones_only_with_a_key() -> None:
    every = [SecurityClass.S2_UNAUTHENTICATED, SecurityClass.S2_ACCESS_CONTROL, SecurityClass.S0_LEGACY]
    assert joining.granted(every, has_key=True, is_forced=False) == [SecurityClass.S2_ACCESS_CONTROL]
    assert joining.granted(every[::2], has_key=True, is_forced=False) == []
    assert joining.granted(every[::2], has_key=True, is_forced=True) == every[::2]
    assert joining.granted(every, has_key=False, is_forced=True) == every[::2]


def controller_event(name: str, **facts: object) -> Json:
    return {"source": "controller", "event": name, **facts}


FOUND = controller_event("node found", node={"nodeId": 7})


def newcomer(security: int = S2_AC, **more: object) -> Json:
    return states.node(7, security=security, is_ready=False, stage="NodeInfo") | more


def added(node: Json, *, is_low: bool = False) -> Json:
    return controller_event("node added", node=node, result={"lowSecurity": is_low})


def asks_for(*classes: int) -> Json:
    return controller_event(
        "grant security classes", requested={"securityClasses": list(classes), "clientSideAuth": False}
    )


def tells_key() -> Json:
    return controller_event("validate dsk and enter pin", dsk=REST)


@asynccontextmanager
async def connected(server: FakeServer) -> AsyncIterator[tuple[Hub, ZWaveDriver]]:
    async with hub(server) as here:
        await here.arrival()
        assert isinstance(here.driver, NetworkPort)
        yield here, here.driver


def commands(server: FakeServer) -> list[Json]:
    return [command for command in server.commands if str(command["command"]).startswith("controller.")]


def sent(server: FakeServer) -> list[str]:
    return [str(command["command"]).removeprefix("controller.") for command in commands(server)]


async def over(driver: ZWaveDriver) -> NetworkStory:
    count = 0
    async with asyncio.timeout(10):
        while True:
            story = driver.story()
            assert story is not None
            if story.outcome is not NetworkOutcome.RUNNING:
                return story
            count = len(story.lines)
            await driver.wait_for_news(count)


async def listens(here: Hub, server: FakeServer, command: str = "begin_inclusion") -> None:
    await here.until(lambda: command in sent(server))
    await here.until(
        lambda: bool((here.driver.story() or NetworkStory(NetworkTask.INCLUDE, NetworkOutcome.RUNNING, ())).lines)
    )


async def test_lock_joins_with_access_control_and_the_pin_and_is_a_newcomer_when_it_is_interviewed() -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.INCLUDE, key="34028"))
        await listens(here, server)
        await server.emit(FOUND)
        await server.emit(asks_for(S2_AC, S2_AUTH, S0))
        await server.emit(tells_key())
        await here.until(lambda: "validate_dsk_and_enter_pin" in sent(server))
        await server.emit(added(newcomer()))
        await server.emit(states.event(7, "ready", nodeState=states.node(7)))
        story = await over(driver)
    grant, pin = (command for command in commands(server) if "grant" in str(command) or "pin" in command)
    assert grant["inclusionGrant"] == {"securityClasses": [S2_AC, S2_AUTH], "clientSideAuth": False}
    assert pin["pin"] == "34028"
    assert commands(server)[0]["options"] == {"strategy": 4}
    assert story.outcome is NetworkOutcome.DONE
    assert story.newcomer is not None
    assert (story.newcomer.address, story.newcomer.security) == ({"node": 7}, "S2 Access Control")


@pytest.mark.parametrize(("security", "words"), [(S0, "S0"), (S2_UNAUTH, "S2 Unauthenticated"), (-1, "no security")])
async def test_lock_that_joined_weakly_is_not_used(security: int, words: str) -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.INCLUDE, key="34028"))
        await listens(here, server)
        await server.emit(FOUND)
        await server.emit(added(newcomer(security) | {"ready": True}))
        story = await over(driver)
    assert story.outcome is NetworkOutcome.FAILED
    assert words in story.lines[-1]
    assert "exclude" in story.lines[-1]
    assert story.newcomer is None


async def test_lock_that_got_no_keys_is_told_before_an_interview_that_would_never_end() -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.INCLUDE, key="34028"))
        await listens(here, server)
        await server.emit(FOUND)
        await server.emit(added(newcomer(-1), is_low=True))
        story = await over(driver)
    assert story.outcome is NetworkOutcome.FAILED
    assert "without its keys" in story.lines[-1]


async def test_forced_lock_is_used_with_a_warning() -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.INCLUDE, is_forced=True))
        await listens(here, server)
        assert commands(server)[0]["options"] == {"strategy": 0}
        await server.emit(FOUND)
        await server.emit(added(newcomer(S0) | {"ready": True}))
        story = await over(driver)
    assert story.outcome is NetworkOutcome.DONE
    assert "listened to" in story.lines[-2]


async def test_lock_that_asks_for_weak_classes_only_is_granted_none() -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.INCLUDE, key="34028"))
        await listens(here, server)
        await server.emit(FOUND)
        await server.emit(asks_for(S2_UNAUTH, S0))
        await here.until(lambda: "grant_security_classes" in sent(server))
        assert commands(server)[-1]["inclusionGrant"] == {"securityClasses": [], "clientSideAuth": False}


async def test_device_with_another_key_than_the_one_typed_gets_no_pin() -> None:
    other = "-".join(["34028", *["00001"] * 7])
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.INCLUDE, key=other))
        await listens(here, server)
        await server.emit(FOUND)
        await server.emit(tells_key())
        await here.until(lambda: "validate_dsk_and_enter_pin" in sent(server))
        assert commands(server)[-1]["pin"] == "", "no PIN is a no"


async def test_refused_device_is_told_when_the_server_is_done_with_it_and_is_not_used_even_when_forced() -> None:
    other = "-".join(["34028", *["00001"] * 7])
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.INCLUDE, key=other, is_forced=True))
        await listens(here, server)
        await server.emit(FOUND)
        await server.emit(tells_key())
        await here.until(lambda: "validate_dsk_and_enter_pin" in sent(server))
        await server.emit(controller_event("inclusion aborted"))
        # Whoever begins the next task now would be told that the stick does not listen.
        with pytest.raises(Busy):
            await driver.begin(NetworkWish(NetworkTask.EXCLUDE))
        await server.emit(added(newcomer(-1), is_low=True))
        story = await over(driver)
    assert story.outcome is NetworkOutcome.FAILED
    assert "Node 7 joined without its keys" in story.lines[-1]


async def test_late_end_of_an_earlier_joining_is_not_taken_for_the_lock_that_is_awaited() -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.INCLUDE, key="34028"))
        await listens(here, server)
        await server.emit(added(states.node(6, security=-1, is_ready=False, stage="NodeInfo"), is_low=True))
        await server.emit(FOUND)
        await server.emit(added(newcomer() | {"ready": True}))
        story = await over(driver)
    assert story.outcome is NetworkOutcome.DONE
    assert story.newcomer is not None
    assert story.newcomer.address == {"node": 7}


async def test_nobody_who_comes_ends_the_task_and_the_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "JOIN_S", 0.05)
    async with running([states.node(2)]) as server, connected(server) as (_, driver):
        for task, stop in ((NetworkTask.INCLUDE, "stop_inclusion"), (NetworkTask.EXCLUDE, "stop_exclusion")):
            await driver.begin(NetworkWish(task, key="34028"))
            story = await over(driver)
            assert story.outcome is NetworkOutcome.FAILED
            assert stop in sent(server)


async def test_one_task_at_a_time_and_only_wishes_that_can_be_meant() -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        with pytest.raises(Unsupported):
            await driver.begin(NetworkWish(NetworkTask.INCLUDE, key="12"))
        with pytest.raises(Unsupported):
            await driver.begin(NetworkWish(NetworkTask.PROVISION))
        await driver.begin(NetworkWish(NetworkTask.EXCLUDE))
        with pytest.raises(Busy):
            await driver.begin(NetworkWish(NetworkTask.EXCLUDE))
        await server.stop()
        story = await over(driver)
        assert "connection" in story.lines[-1]
        await here.departure()
        with pytest.raises(Unreachable):
            await driver.begin(NetworkWish(NetworkTask.EXCLUDE))


async def test_lock_that_leaves_is_told_by_its_node() -> None:
    async with running([states.node(2), states.node(9)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.EXCLUDE))
        await listens(here, server, "begin_exclusion")
        await server.emit(controller_event("node removed", node=states.node(9), reason=0))
        story = await over(driver)
    assert story.outcome is NetworkOutcome.DONE
    assert "Node 9" in story.lines[-1]


async def test_lock_that_is_gone_is_struck_off_and_one_that_answers_is_not() -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.REMOVE_FAILED, lock_id=LockId("nowhere")))
        assert (await over(driver)).lines[-1] == "That lock is not in this network."

        async def still_there(_command: Json) -> object:
            raise ZWaveError(208, "The node removal process could not be started: node responded (ZW0208)")

        server.answer_controller = still_there
        await driver.begin(NetworkWish(NetworkTask.REMOVE_FAILED, lock_id=FRONT))
        story = await over(driver)
        assert "Node 2 stays" in story.lines[-1]
        server.answer_controller = None
        await driver.begin(NetworkWish(NetworkTask.REMOVE_FAILED, lock_id=FRONT))
        await listens(here, server, "remove_failed_node")
        await server.emit(controller_event("node removed", node=states.node(2), reason=4))
        assert (await over(driver)).outcome is NetworkOutcome.DONE


async def test_expected_lock_joins_by_itself_and_is_no_longer_expected_when_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.PROVISION, key=KEY))
        await listens(here, server, "provision_smart_start_node")
        await server.emit(FOUND)
        await server.emit(added(newcomer() | {"ready": True}))
        assert (await over(driver)).outcome is NetworkOutcome.DONE
        entry = commands(server)[0]["entry"]
        assert isinstance(entry, dict)
        assert (entry["dsk"], entry["securityClasses"]) == (KEY, [S2_AC, S2_AUTH])
        monkeypatch.setattr(network, "SMART_START_S", 0.05)
        await driver.begin(NetworkWish(NetworkTask.PROVISION, key=KEY))
        assert (await over(driver)).outcome is NetworkOutcome.FAILED
        assert sent(server)[-1] == "unprovision_smart_start_node"


@pytest.mark.parametrize(
    ("state", "stopped"),
    [(0, []), (1, ["stop_inclusion"]), (2, ["stop_exclusion"]), (3, []), (4, [])],
)
async def test_network_that_an_earlier_life_left_open_is_closed_at_the_start_of_the_next(
    state: int, stopped: list[str]
) -> None:
    """Z-Wave JS never stops by itself, and whoever joins then joins unseen."""
    async with running([states.node(2)]) as server:
        server.inclusion_state = state
        async with connected(server) as (here, driver):
            await here.until(lambda: len(sent(server)) >= len(stopped))
            server.inclusion_state = 0
            await driver.begin(NetworkWish(NetworkTask.EXCLUDE))
            await here.until(lambda: "begin_exclusion" in sent(server))
            assert sent(server) == [*stopped, "begin_exclusion"]


async def test_network_that_cannot_be_closed_is_told_in_the_log_and_the_driver_goes_on() -> None:
    async with running([states.node(2)]) as server:
        server.inclusion_state = 1
        server.answer_controller = fails_at("controller.stop_inclusion")
        async with connected(server) as (here, driver):
            await here.until(lambda: "stop_inclusion" in sent(server))
            await driver.begin(NetworkWish(NetworkTask.EXCLUDE))
            await listens(here, server, "begin_exclusion")


def fails_at(*names: str) -> Answer:
    async def answer(command: Json) -> object:
        if command["command"] in names:
            raise ZWaveError(200, "Timeout while waiting for an ACK from the controller (ZW0200)")
        return None

    return answer


@pytest.mark.parametrize(
    ("task", "failing", "stop"),
    [
        (NetworkTask.INCLUDE, "begin_inclusion", "stop_inclusion"),
        (NetworkTask.INCLUDE, "grant_security_classes", "stop_inclusion"),
        (NetworkTask.EXCLUDE, "begin_exclusion", "stop_exclusion"),
        (NetworkTask.PROVISION, "provision_smart_start_node", "unprovision_smart_start_node"),
        (NetworkTask.PROVISION, "grant_security_classes", "unprovision_smart_start_node"),
    ],
)
async def test_call_that_fails_in_a_task_closes_the_network_again(task: NetworkTask, failing: str, stop: str) -> None:
    """A command in doubt may have been executed: the stick may listen although the call to begin failed."""
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        server.answer_controller = fails_at(f"controller.{failing}")
        await driver.begin(NetworkWish(task, key=KEY))
        await here.until(lambda: bool(sent(server)))
        await server.emit(FOUND)
        await server.emit(asks_for(S2_AC))
        story = await over(driver)
        assert story.outcome is NetworkOutcome.FAILED
        assert "did not do it" in story.lines[-1]
        assert sent(server)[-1] == stop


async def test_lock_that_is_expected_when_the_connection_breaks_is_expected_no_longer_in_the_next_life() -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.PROVISION, key=KEY))
        await listens(here, server, "provision_smart_start_node")
        await server.drop()
        assert (await over(driver)).outcome is NetworkOutcome.FAILED
        await here.until(lambda: "unprovision_smart_start_node" in sent(server))
        assert commands(server)[-1]["dskOrNodeId"] == KEY
        await server.drop()
        await here.until(lambda: server.life_count == 3)
        await driver_is_ready(driver)
        assert sent(server).count("unprovision_smart_start_node") == 1


async def test_lock_that_came_as_expected_is_left_alone_by_the_next_life() -> None:
    async with running([states.node(2)]) as server, connected(server) as (here, driver):
        await driver.begin(NetworkWish(NetworkTask.PROVISION, key=KEY))
        await listens(here, server, "provision_smart_start_node")
        await server.emit(FOUND)
        await server.emit(added(newcomer() | {"ready": True}))
        assert (await over(driver)).outcome is NetworkOutcome.DONE
        await server.drop()
        await here.until(lambda: server.life_count == 2)
        await driver_is_ready(driver)
        assert "unprovision_smart_start_node" not in sent(server)


async def driver_is_ready(driver: ZWaveDriver) -> None:
    """Ready, and every task of the new life has begun."""
    async with asyncio.timeout(10):
        while driver.condition().state is not DriverState.READY:  # noqa: ASYNC110 - it rings no bell for tests
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
