"""Locks that come and go, with the real Z-Wave JS: inclusion with the PIN, a wrong PIN, SmartStart, exclusion, failed locks.

The lock itself says at the end where it belongs and under which key; the driver's word is only waited for.
"""

import asyncio
from collections.abc import Iterator

import pytest

from drivers.simulator.client import Plain
from tests.stack.raw_host import Host, host
from tests.stack.zwave_stack import WAIT_S, Stack

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

[[locks]]
name = "other"
included = false
profile = "plain_v1"
"""

BY_CHOICE, S2_ONLY = 0, 4
"""Inclusion strategies of Z-Wave JS: the best there is, and Security 2."""
WRONG_PIN_REASON = 6
LISTENS = 4
"""Inclusion state of Z-Wave JS: it waits for calls of SmartStart."""
AUTHENTICATED, ACCESS_CONTROL = 1, 2
LOWEST_FREE = 3
V1_PRODUCT = 0x11
"""What the plain version 1 lock says it is."""


@pytest.fixture(autouse=True)
def _nobody_joined(stack: Stack) -> Iterator[None]:
    """Every test begins with both boxes unopened."""
    yield
    stack.home.calm()
    asyncio.run(exclude(stack, "box", "other"))


async def exclude(stack: Stack, *names: str) -> None:
    async with host(stack) as here:
        for name in names:
            if stack.home.label(name)["node"]:
                stack.home.fault("node_alive", lock=name)
                await here.ask("controller.begin_exclusion")
                stack.home.button(name)
                await here.event("exclusion stopped")
                await gone(stack, name)


async def gone(stack: Stack, name: str) -> None:
    async with asyncio.timeout(WAIT_S):
        while stack.home.label(name)["node"]:  # noqa: ASYNC110 - the condition lies in another process
            await asyncio.sleep(0.02)


def pin_of(stack: Stack, name: str) -> str:
    return str(stack.home.label(name)["dsk"])[:5]


async def include(here: Host, stack: Stack, name: str, pin: str) -> tuple[int, Plain]:
    """Let a lock in as a person does; give its node id and what the driver says of its security."""
    await here.ask("controller.begin_inclusion", options={"strategy": BY_CHOICE})
    stack.home.button(name)
    return await answer_questions(here, stack, name, pin)


async def answer_questions(here: Host, stack: Stack, name: str, pin: str) -> tuple[int, Plain]:
    asked = await here.event("grant security classes")
    requested = asked["requested"]
    assert isinstance(requested, dict)
    assert requested["securityClasses"] == [AUTHENTICATED, ACCESS_CONTROL]
    await here.start(
        "controller.grant_security_classes",
        inclusionGrant={"securityClasses": requested["securityClasses"], "clientSideAuth": False},
    )
    asked = await here.event("validate dsk and enter pin")
    assert str(stack.home.label(name)["dsk"])[5:] == asked["dsk"]
    await here.start("controller.validate_dsk_and_enter_pin", pin=pin)
    added = await here.event("node added")
    node, result = added["node"], added["result"]
    assert isinstance(node, dict)
    assert isinstance(result, dict)
    return int(node["nodeId"]), result


async def test_lock_is_included_with_its_pin_and_then_obeys(stack: Stack) -> None:
    async with host(stack) as here:
        stack.home.program("box", 1, "902461")
        node_id, result = await include(here, stack, "box", pin_of(stack, "box"))
        assert result == {"lowSecurity": False}
        await here.event("ready", lambda event: event["nodeId"] == node_id)
        label = stack.home.label("box")
        assert (label["node"], label["security"]) == (node_id, "s2_access_control")
        assert (await here.user_code(node_id, 1))["userCode"] == "902461"


async def test_wrong_pin_gives_no_key_and_the_lock_obeys_nobody(stack: Stack) -> None:
    async with host(stack) as here:
        before = stack.home.last_frame()
        pin = f"{(int(pin_of(stack, 'box')) + 1) % 65536:05}"
        node_id, result = await include(here, stack, "box", pin)
        assert result == {"lowSecurity": True, "lowSecurityReason": WRONG_PIN_REASON}
        label = stack.home.label("box")
        assert (label["node"], label["security"]) == (node_id, "none")
        assert "gave up" in str(label["keys"])
        assert not any("User Code" in str(frame["label"]) for frame in stack.home.frames(since=before, lock="box"))


async def test_excluded_lock_forgets_keys_and_codes(stack: Stack) -> None:
    async with host(stack) as here:
        node_id, _result = await include(here, stack, "box", pin_of(stack, "box"))
        await here.event("ready", lambda event: event["nodeId"] == node_id)
        stack.home.program("box", 2, "471193")
        await here.ask("controller.begin_exclusion")
        stack.home.button("box")
        removed = await here.event("node removed")
        assert isinstance(removed["node"], dict)
        assert removed["node"]["nodeId"] == node_id
        await gone(stack, "box")
        label = stack.home.label("box")
        assert (label["node"], label["security"]) == (0, "none")
        assert stack.home.pins("box") == {}


async def test_provisioned_lock_joins_when_it_is_switched_on(stack: Stack) -> None:
    async with host(stack) as here:
        dsk = stack.home.label("box")["dsk"]
        entry = {"dsk": dsk, "securityClasses": [AUTHENTICATED, ACCESS_CONTROL]}
        await here.start("controller.provision_smart_start_node", entry=entry)
        await here.event("inclusion state changed", lambda event: event["state"] == LISTENS)
        stack.home.power("other")
        stack.home.power("box")
        added = await here.event("node added")
        assert added["result"] == {"lowSecurity": False}
        await here.ask("controller.unprovision_smart_start_node", dskOrNodeId=dsk)
        assert stack.home.label("box")["security"] == "s2_access_control"
        assert stack.home.label("other")["node"] == 0


async def test_lock_that_is_out_of_reach_can_be_removed_and_one_that_answers_cannot(stack: Stack) -> None:
    async with host(stack) as here:
        node_id, _result = await include(here, stack, "box", pin_of(stack, "box"))
        await here.event("ready", lambda event: event["nodeId"] == node_id)
        stack.home.fault("node_dead", lock="box")
        await here.start("controller.remove_failed_node", nodeId=node_id)
        removed = await here.event("node removed")
        assert isinstance(removed["node"], dict)
        assert removed["node"]["nodeId"] == node_id
        # The lock knows nothing of it: it still has its keys, and has to be told by an exclusion.
        assert stack.home.label("box")["node"] == node_id


async def test_failed_lock_is_replaced_by_another_under_the_same_id(stack: Stack) -> None:
    async with host(stack) as here:
        node_id, _result = await include(here, stack, "box", pin_of(stack, "box"))
        await here.event("ready", lambda event: event["nodeId"] == node_id)
        stack.home.fault("node_dead", lock="box")
        await here.ask("controller.replace_failed_node", nodeId=node_id, options={"strategy": S2_ONLY})
        stack.home.button("other")
        replaced_id, result = await answer_questions(here, stack, "other", pin_of(stack, "other"))
        assert (replaced_id, result) == (node_id, {"lowSecurity": False})
        label = stack.home.label("other")
        assert (label["node"], label["security"]) == (node_id, "s2_access_control")


async def test_node_id_that_is_given_again_brings_a_lock_that_is_interviewed_as_a_new_one(stack: Stack) -> None:
    async with host(stack) as here:
        stack.home.fault("reuse_node_id")
        first_id, _result = await include(here, stack, "box", pin_of(stack, "box"))
        await here.event("ready", lambda event: event["nodeId"] == first_id)
        await here.ask("controller.begin_exclusion")
        stack.home.button("box")
        await here.event("exclusion stopped")
        await gone(stack, "box")
        stack.home.fault("reuse_node_id")
        second_id, result = await include(here, stack, "other", pin_of(stack, "other"))
        assert (first_id, second_id, result) == (LOWEST_FREE, LOWEST_FREE, {"lowSecurity": False})
        ready = await here.event("ready", lambda event: event["nodeId"] == second_id)
        state = ready["nodeState"]
        assert isinstance(state, dict)
        # The first lock has User Code version 2 and 50 slots, the second version 1 and 30.
        assert state["productId"] == V1_PRODUCT
