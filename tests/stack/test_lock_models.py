"""Locks of real makes before the real driver: recognised by their ids, interviewed, and as awkward as their makers built them."""

import asyncio

import pytest

from gateway.model.answers import Empty, Held, Written
from gateway.model.ids import Slot
from gateway.model.lock import ReadBack
from gateway.model.pin import Pin
from gateway.model.reports import Method, Tampered, Unlocked
from tests.stack.zwave_stack import WAIT_S, Stack, driven, in_step

pytestmark = pytest.mark.stack

SCENE = """
[radio]
airtime = false

[[locks]]
name = "yale"
node = 2
profile = "yale_zw3"
override = { slots = 20, protected_slot = 20 }

[[locks]]
name = "kwikset"
node = 3
profile = "kwikset_hc620"
override = { slots = 20 }

[[locks]]
name = "schlage"
node = 4
profile = "schlage_be469zp"
override = { slots = 10 }

[[locks]]
name = "old kwikset"
node = 5
profile = "kwikset_914"
override = { slots = 5 }

[[locks]]
name = "old yale"
node = 7
profile = "yale_yrd220"
override = { slots = 5 }
"""
NODES = {"yale": 2, "kwikset": 3, "schlage": 4, "old kwikset": 5, "old yale": 7}
PIN = Pin("4711")

INTERVIEWS_S = 120.0
"""The first test waits for the interviews of five locks, two of them over S0: 12 s alone, several times that on a busy machine."""


@pytest.mark.parametrize("name", NODES)
async def test_code_is_written_used_and_cleared(stack: Stack, name: str) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals(name, bound_s=INTERVIEWS_S)
        port = here.ports[name]
        assert isinstance(await port.write_slot(Slot(3), PIN, window=None, old_pin=None), Written)
        seen = (await port.read_slot(Slot(3))).value
        assert seen == Held(None if port.profile.read_back is ReadBack.MASKED else PIN)
        assert stack.home.press(name, "4711")["slot"] == 3
        await here.until(lambda: Unlocked(Method.KEYCODE, Slot(3)) in here.reports[name])
        # A Schlage drops what it hears while its bolt moves: only a look tells whether the code is gone.
        async with asyncio.timeout(WAIT_S):
            while (await port.read_slot(Slot(3))).value != Empty():
                await port.clear_slot(Slot(3), old_pin=PIN)
        assert stack.home.pins(name) == {}


async def test_profiles_say_what_the_makers_locks_can_do(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals(*NODES, bound_s=INTERVIEWS_S)
        profiles = {name: here.ports[name].profile for name in NODES}
    assert {name: profile.supervision_is_honest for name, profile in profiles.items()} == {
        "yale": True,
        "kwikset": False,
        "schlage": False,
        "old kwikset": False,
        "old yale": False,
    }
    assert profiles["schlage"].read_back is ReadBack.MASKED
    assert profiles["yale"].schedule is not None
    assert profiles["kwikset"].schedule is profiles["schlage"].schedule is None


async def test_cover_that_is_taken_off_is_told(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals("yale", bound_s=INTERVIEWS_S)
        await in_step(here, stack, "yale")
        stack.home.cover("yale", "open")
        await here.until(lambda: Tampered() in here.reports["yale"])
        stack.home.cover("yale", "closed")
