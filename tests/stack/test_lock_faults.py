"""What the real driver makes of locks that misbehave: each fault by its name, once, with the lock's own memory as the judge."""

import asyncio
from collections.abc import Iterator

import pytest

from gateway.model.answers import Ambiguous, Disabled, Empty, Held, Unknown, Written
from gateway.model.evidence import Evidence
from gateway.model.ids import Slot
from gateway.model.pin import Pin
from gateway.model.reports import Jammed, Locked, Method, SlotChange, SlotChanged, Unlocked
from tests.stack.zwave_stack import WAIT_S, Stack, driven, in_step

pytestmark = pytest.mark.stack

SCENE = """
[radio]
airtime = false

[[locks]]
name = "door"
node = 2
profile = "plain_v1"
codes = { 1 = "902461" }
override = { slots = 8 }

[[locks]]
name = "forgetful"
node = 3
profile = "plain_v1"
override = { slots = 8, soak_s = 0.2 }

[[locks]]
name = "shifting"
node = 5
profile = "plain_v1"
codes = { 1 = "902461" }
override = { slots = 8, slot_offset = 59 }

[[locks]]
name = "thoughtful"
node = 4
profile = "plain_v1"
override = { slots = 8, write_time_s = 0.3, says_working = true }
"""
NODES = {"door": 2, "forgetful": 3, "thoughtful": 4}
PIN = Pin("471147")
SLOT = Slot(3)


@pytest.fixture(autouse=True)
def _as_before(stack: Stack) -> Iterator[None]:
    yield
    stack.home.calm()
    stack.home.erase("door", 3)


def struck(stack: Stack, name: str) -> int:
    """How often a fault struck since the home began."""
    (count,) = [row["struck"] for row in stack.home.faults() if row["fault"] == name]
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("fault", ["no_report", "report_late"])
async def test_unanswered_question_leaves_the_slot_unknown(stack: Stack, fault: str) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await in_step(here, stack, "door")
        before = struck(stack, fault)
        stack.home.fault(fault, lock="door")
        assert (await here.ports["door"].read_slot(Slot(1))).value == Unknown()
        assert struck(stack, fault) == before + 1
        # A lock that thinks for eight seconds hears nothing else meanwhile; then it is itself again.
        async with asyncio.timeout(WAIT_S):
            while (await here.ports["door"].read_slot(Slot(1))).value == Unknown():
                pass


async def test_dropped_write_is_never_taken_for_a_proof(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await in_step(here, stack, "door")
        stack.home.fault("drop_write", lock="door")
        answer = await here.ports["door"].write_slot(SLOT, PIN, window=None, old_pin=None)
        assert isinstance(answer, Ambiguous) or answer == Written(Evidence.ACKNOWLEDGED)
        assert 3 not in stack.home.pins("door")


async def test_code_that_the_lock_deletes_by_itself_is_gone_at_the_next_look(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await in_step(here, stack, "forgetful")
        port = here.ports["forgetful"]
        assert await port.write_slot(SLOT, PIN, window=None, old_pin=None) == Written(Evidence.SUPERVISED)
        await here.until(lambda: stack.home.pins("forgetful") == {})
        assert (await port.read_slot(SLOT)).value == Empty()


async def test_change_by_hand_that_is_not_told_shows_only_to_who_looks(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await in_step(here, stack, "door")
        stack.home.fault("hide_change", lock="door")
        stack.home.program("door", 3, "5711")
        assert (await here.ports["door"].read_slot(SLOT)).value == Held(Pin("5711"))
        # That the test before took its code off may be told only now.
        told = {report.change for report in here.reports["door"] if isinstance(report, SlotChanged)}
        assert told <= {SlotChange.DELETED}


async def test_use_that_is_not_told_is_only_a_bolt_that_moved(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await in_step(here, stack, "door")
        stack.home.turn("door", "lock")
        await here.until(lambda: Locked(Method.MANUAL) in here.reports["door"])
        stack.home.fault("hide_use", lock="door")
        assert stack.home.press("door", "902461")["slot"] == 1
        stack.home.turn("door", "lock")
        await here.until(lambda: here.reports["door"].count(Locked(Method.MANUAL)) == 2)
        assert not [report for report in here.reports["door"] if isinstance(report, Unlocked) and report.slot]


async def test_disabled_code_opens_nothing_and_is_told_by_the_next_look(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await in_step(here, stack, "door")
        stack.home.switch("door", 1, "off")
        assert stack.home.press("door", "902461")["is_opened"] is False
        assert (await here.ports["door"].read_slot(Slot(1))).value == Disabled()
        stack.home.switch("door", 1, "on")
        assert (await here.ports["door"].read_slot(Slot(1))).value == Held(Pin("902461"))


async def test_use_that_names_the_wrong_slot_is_not_taken_for_another_codes(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await in_step(here, stack, "door")
        stack.home.fault("wrong_slot", lock="door")
        assert stack.home.press("door", "902461")["slot"] == 1
        await here.until(lambda: any(isinstance(report, Unlocked) for report in here.reports["door"]))
        (use,) = [report for report in here.reports["door"] if isinstance(report, Unlocked)]
        assert use.slot in (None, 0)


async def test_slot_that_the_lock_tells_shifted_is_understood_by_the_owners_word(stack: Stack) -> None:
    for shift, slot in ((0, 60), (59, 1)):
        async with driven({"url": stack.url}, {"shifting": 5}, stack.folder, {"event_slot_shift": shift}) as here:
            await in_step(here, stack, "shifting")
            assert stack.home.press("shifting", "902461")["slot"] == 1
            await here.until(lambda here=here: any(isinstance(told, Unlocked) for told in here.reports["shifting"]))  # type: ignore[misc]
            assert here.reports["shifting"] == [Unlocked(Method.KEYCODE, Slot(slot))]
            stack.home.turn("shifting", "lock")


async def test_bolt_that_sticks_is_told(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await in_step(here, stack, "door")
        stack.home.fault("stick_bolt", lock="door")
        stack.home.turn("door", "lock")
        await here.until(lambda: Jammed() in here.reports["door"])
        stack.home.turn("door", "lock")


async def test_lock_that_works_on_ends_with_its_code(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await in_step(here, stack, "thoughtful")
        port = here.ports["thoughtful"]
        answer = await port.write_slot(SLOT, PIN, window=None, old_pin=None)
        assert isinstance(answer, Ambiguous | Written)
        await here.until(lambda: stack.home.pins("thoughtful") == {3: "471147"})
        assert (await port.read_slot(SLOT)).value == Held(PIN)
