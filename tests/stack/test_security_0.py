"""Security 0 with the real Z-Wave JS: what a message costs, with and without Supervision, and how a lock gets the key."""

import pytest

from tests.stack.raw_host import host
from tests.stack.zwave_stack import Radio, Stack

pytestmark = pytest.mark.stack

SCENE = """
[radio]
airtime = false

[[locks]]
name = "bare"
node = 2
profile = "no_supervision"
codes = { 1 = "902461" }
[locks.override.command_classes]
security = 1
security_2 = 0

[[locks]]
name = "supervised"
node = 3
profile = "plain_v1"
security = "s0_legacy"
codes = { 1 = "902461" }
[locks.override.command_classes]
security = 1
security_2 = 0

[[locks]]
name = "box"
included = false
profile = "no_supervision"
codes = { 1 = "902461" }
[locks.override.command_classes]
security = 1
security_2 = 0
"""

S0_STRATEGY = 3


async def test_set_costs_three_messages_without_supervision_and_six_with_it(stack: Stack) -> None:
    async with host(stack) as here:
        await here.known(stack, 2, 3)
        bare, supervised = Radio(stack.home, "bare").reset(), Radio(stack.home, "supervised").reset()
        assert await here.set_user_code(2, 5, "471193") is None
        assert await here.set_user_code(3, 5, "471193") == {"status": 255}
        # Nonce Get, Nonce Report, the command; and the same again for an answer.
        assert sum(bare.messages()) == 3
        assert sum(supervised.messages()) == 6
        assert (stack.home.pins("bare")[5], stack.home.pins("supervised")[5]) == ("471193", "471193")


async def test_get_costs_six_messages(stack: Stack) -> None:
    async with host(stack) as here:
        await here.known(stack, 2, 3)
        for node_id, name in ((2, "bare"), (3, "supervised")):
            radio = Radio(stack.home, name).reset()
            assert (await here.user_code(node_id, 1))["userCode"] == "902461"
            assert radio.messages() == (3, 3)


async def test_lock_gets_the_key_of_security_0_when_it_is_included(stack: Stack) -> None:
    async with host(stack) as here:
        await here.ask("controller.begin_inclusion", options={"strategy": S0_STRATEGY})
        stack.home.button("box")
        added = await here.event("node added")
        assert added["result"] == {"lowSecurity": False}
        assert stack.home.label("box")["security"] == "s0_legacy"
        node_id = stack.home.label("box")["node"]
        assert isinstance(node_id, int)
        await here.event("ready", lambda event: event["nodeId"] == node_id)
        assert (await here.user_code(node_id, 1))["userCode"] == "902461"
