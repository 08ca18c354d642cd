"""The Z-Wave driver on real parts: simulated home, PTY, real Z-Wave JS server. The lock's truth decides, not the driver's word."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.answers import Ambiguous, Empty, Held, RefusalReason, Refused, Sighting, SightingSource, Written
from gateway.model.evidence import Evidence
from gateway.model.failures import Part, Unreachable
from gateway.model.ids import Slot
from gateway.model.lock import ReadBack
from gateway.model.pin import Pin
from gateway.model.reports import (
    BatteryLevel,
    Jammed,
    Locked,
    Method,
    Reachability,
    Report,
    SlotChange,
    SlotChanged,
    Unlocked,
)
from gateway.ports import DriverState
from tests.stack.zwave_stack import Radio, Stack, driven, in_step, running_stack

pytestmark = pytest.mark.stack

SCENE = """
[radio]
airtime = false

[[locks]]
name = "v1"
node = 2
profile = "plain_v1"
codes = { 1 = "902461" }

[[locks]]
name = "v2"
node = 3
profile = "plain_v2"
codes = { 1 = "902461" }

[[locks]]
name = "masked"
node = 4
profile = "masked"
codes = { 1 = "902461" }

[[locks]]
name = "silent"
node = 5
profile = "no_supervision"
codes = { 1 = "902461" }
"""
NODES = {"v1": 2, "v2": 3, "masked": 4, "silent": 5}
FOREIGN = Pin("902461")

AFTERMATH_S = 1.5
"""How long nothing may follow a write. Z-Wave JS polls a value 1 s after it was set through `set_value`."""

EXIT_S = 30.0
"""Z-Wave JS gives up a lost port after 10 tries of 1 s."""


@pytest.fixture(autouse=True)
def _calm(request: pytest.FixtureRequest) -> Iterator[None]:
    running = request.getfixturevalue("stack") if "stack" in request.fixturenames else None
    assert running is None or isinstance(running, Stack)
    before = {} if running is None else {name: running.home.pins(name) for name in NODES}
    yield
    if running is not None:
        running.home.calm()
        # What a test that failed left behind is no fault of the next one.
        for name, codes in before.items():
            for slot in running.home.pins(name).keys() - codes.keys():
                running.home.erase(name, slot)


def options(stack: Stack) -> dict[str, object]:
    return {"url": stack.url}


async def test_interviewed_locks_arrive_with_profile_and_listing_and_without_a_frame(stack: Stack) -> None:
    frames = stack.home.last_frame()
    async with driven(options(stack), NODES, stack.folder) as here:
        await here.arrivals(*NODES)
        profiles = {name: port.profile for name, port in here.ports.items()}
        listings = {name: await port.read_all() for name, port in here.ports.items()}
    is_first_interview = any("Version" in str(frame) for frame in stack.home.frames(since=frames))
    assert is_first_interview or stack.home.last_frame() == frames
    assert {name: len(profile.slots) for name, profile in profiles.items()} == {
        "v1": 30,
        "v2": 50,
        "masked": 30,
        "silent": 30,
    }
    assert {name for name, profile in profiles.items() if profile.supervision_is_honest} == {"v1", "v2", "masked"}
    assert {name for name, profile in profiles.items() if profile.read_back is ReadBack.MASKED} == {"masked"}
    for name, listing in listings.items():
        assert listing.is_complete, name
        shown = Held(None) if name == "masked" else Held(FOREIGN)
        assert listing.slots[Slot(1)] == Sighting(shown, SightingSource.MIDDLEMAN), name
        assert listing.slots[Slot(25)] == Sighting(Empty(), SightingSource.MIDDLEMAN), name


async def test_a_server_at_rest_touches_nothing_beside_its_cache(stack: Stack) -> None:
    """The driver renews its marks every 5 s; on a card each is a commit of the file system."""
    marks = sorted(path.name for path in stack.runtime.joinpath("locks").iterdir())
    assert [mark.partition(".")[2] for mark in marks] == ["jsonl.lock", "metadata.jsonl.lock", "values.jsonl.lock"]
    assert not list((stack.folder / "server").rglob("*.lock"))


async def test_driver_that_starts_again_sends_no_frame(stack: Stack) -> None:
    async with driven(options(stack), NODES, stack.folder) as here:
        await here.arrivals(*NODES)
    frames = stack.home.last_frame()
    async with driven(options(stack), NODES, stack.folder) as here:
        await here.arrivals(*NODES)
        for port in here.ports.values():
            await port.read_all()
        await asyncio.sleep(AFTERMATH_S / 3)
    assert stack.home.last_frame() == frames


async def test_set_and_clear_with_proof_are_two_messages_each_and_nothing_follows(stack: Stack) -> None:
    names = ("v1", "v2", "masked")
    async with driven(options(stack), NODES, stack.folder) as here:
        await in_step(here, stack, *names)
        radios = {name: Radio(stack.home, name).reset() for name in names}
        for name in names:
            written = await here.ports[name].write_slot(Slot(11), Pin("471193"), window=None, old_pin=None)
            assert written == Written(Evidence.SUPERVISED)
            assert stack.home.pins(name)[11] == "471193"
        await asyncio.sleep(AFTERMATH_S)
        assert {name: radio.messages() for name, radio in radios.items()} == dict.fromkeys(names, (1, 1))
        for name in names:
            radios[name].reset()
            assert await here.ports[name].clear_slot(Slot(11), old_pin=None) == Written(Evidence.SUPERVISED)
            assert radios[name].messages() == (1, 1)
            assert stack.home.pins(name) == {1: FOREIGN.reveal()}


async def test_read_asks_the_lock_and_tells_masked_from_clear_and_empty(stack: Stack) -> None:
    async with driven(options(stack), NODES, stack.folder) as here:
        await in_step(here, stack, "v1", "masked")
        radio = Radio(stack.home, "v1").reset()
        assert await here.ports["v1"].read_slot(Slot(1)) == Sighting(Held(FOREIGN), SightingSource.LOCK)
        assert radio.messages() == (1, 1)
        assert await here.ports["v1"].read_slot(Slot(29)) == Sighting(Empty(), SightingSource.LOCK)
        assert await here.ports["masked"].read_slot(Slot(1)) == Sighting(Held(None), SightingSource.LOCK)


async def test_code_that_somebody_else_has_is_refused_as_a_duplicate(stack: Stack) -> None:
    async with driven(options(stack), NODES, stack.folder) as here:
        await in_step(here, stack, "v1")
        answer = await here.ports["v1"].write_slot(Slot(12), FOREIGN, window=None, old_pin=None)
        assert answer == Refused(RefusalReason.DUPLICATE)
        assert stack.home.pins("v1") == {1: FOREIGN.reveal()}


async def test_lock_without_supervision_is_acknowledged_only_even_when_it_drops_the_code(stack: Stack) -> None:
    async with driven(options(stack), NODES, stack.folder) as here:
        await in_step(here, stack, "silent")
        port = here.ports["silent"]
        radio = Radio(stack.home, "silent").reset()
        taken = await port.write_slot(Slot(13), Pin("471193"), window=None, old_pin=None)
        assert taken == Written(Evidence.ACKNOWLEDGED)
        assert radio.messages() == (1, 0)
        dropped = await port.write_slot(Slot(14), FOREIGN, window=None, old_pin=None)
        assert dropped == Written(Evidence.ACKNOWLEDGED)
        assert stack.home.pins("silent") == {1: FOREIGN.reveal(), 13: "471193"}
        assert (await port.read_slot(Slot(14))).value == Empty()
        assert await port.clear_slot(Slot(13), old_pin=None) == Written(Evidence.ACKNOWLEDGED)


async def test_what_happens_at_the_door_is_reported_once_each_and_in_order(stack: Stack) -> None:
    home = stack.home
    async with driven(options(stack), NODES, stack.folder) as here:
        await in_step(here, stack, "v2")
        seen = here.reports["v2"]

        async def after(act: object, expected: Report) -> None:
            count = len(seen)
            assert act is not None
            await here.until(lambda: len(seen) > count)
            assert seen[count:] == [expected]

        await after(home.press("v2", FOREIGN.reveal()), Unlocked(Method.KEYCODE, Slot(1)))
        await after(home.turn("v2", "lock"), Locked(Method.MANUAL))
        await after(home.turn("v2", "unlock"), Unlocked(Method.MANUAL))
        await after(home.jam("v2"), Jammed())
        await after(home.battery("v2", 5), BatteryLevel(0, is_low=True))
        shown = Sighting(Held(None), SightingSource.LOCK)
        await after(home.program("v2", 40, "776655"), SlotChanged(SlotChange.ADDED, Slot(40), shown))
        gone = Sighting(Empty(), SightingSource.LOCK)
        await after(home.erase("v2", 40), SlotChanged(SlotChange.DELETED, Slot(40), gone))
        home.battery("v2", 100)  # a nearly empty one weakens the radio, and the stack is shared


async def test_lock_out_of_reach_leaves_a_write_in_doubt_and_says_when_it_is_back(stack: Stack) -> None:
    async with driven(options(stack), NODES, stack.folder) as here:
        await in_step(here, stack, "v1")
        port = here.ports["v1"]
        stack.home.fault("node_dead", lock="v1")
        assert isinstance(await port.write_slot(Slot(15), Pin("471193"), window=None, old_pin=None), Ambiguous)
        with pytest.raises(Unreachable) as caught:
            await port.read_slot(Slot(15))
        assert caught.value.part is Part.LOCK
        stack.home.fault("node_alive", lock="v1")
        assert await port.read_slot(Slot(15)) == Sighting(Empty(), SightingSource.LOCK)
        await here.until(lambda: len(here.reports["v1"]) == 2)
        reached = [report.is_reachable for report in here.reports["v1"] if isinstance(report, Reachability)]
        assert reached == [False, True]


async def test_lost_answer_to_an_executed_write_claims_no_proof(stack: Stack) -> None:
    async with driven(options(stack), NODES, stack.folder) as here:
        await in_step(here, stack, "v1")
        port = here.ports["v1"]
        before = stack.home.last_frame()
        stack.home.fault("lose_from_node", lock="v1", times=1)
        answer = await port.write_slot(Slot(16), Pin("471193"), window=None, old_pin=None)
        said = stack.home.frames(since=before, lock="v1")
        assert [(frame["label"], frame["fate"]) for frame in said] == [
            ("S2 > Supervision > User Code Set #16", "heard"),
            ("S2 > Supervision Report", "lost"),
        ]
        assert answer == Written(Evidence.ACKNOWLEDGED)
        assert await port.read_slot(Slot(16)) == Sighting(Held(Pin("471193")), SightingSource.LOCK)
        assert await port.clear_slot(Slot(16), old_pin=None) == Written(Evidence.SUPERVISED)


async def test_server_killed_in_mid_write_is_doubt_then_departure_then_arrival(stack: Stack) -> None:
    async with driven(options(stack), NODES, stack.folder) as here:
        await here.arrivals(*NODES)
        await in_step(here, stack, "silent")
        port = here.ports["silent"]
        radio = Radio(stack.home, "silent").reset()
        # Without Supervision the server waits half a second for a complaint, which is when it is killed.
        writing = here.tasks.create_task(port.write_slot(Slot(17), Pin("471193"), window=None, old_pin=None))
        await here.until(lambda: radio.messages()[0] == 1)
        stack.kill_server()
        assert isinstance(await writing, Ambiguous)
        assert len(await here.departures(*NODES)) == len(NODES)
        assert here.driver.condition().state is DriverState.DOWN
        with pytest.raises(Unreachable) as caught:
            await port.read_slot(Slot(17))
        assert caught.value.part is Part.SERVER
        await asyncio.to_thread(stack.start_server)
        await in_step(here, stack, "silent")
        assert await here.ports["silent"].read_slot(Slot(17)) == Sighting(Held(Pin("471193")), SightingSource.LOCK)
        await here.ports["silent"].clear_slot(Slot(17), old_pin=None)


async def test_unplugged_stick_is_named_and_locks_return_after_it_is_back(stack: Stack) -> None:
    async with driven(options(stack), NODES, stack.folder) as here:
        await here.arrivals(*NODES)
        port = here.ports["v1"]
        stack.home.unplug()
        await here.until(lambda: not (stack.folder / "tty").is_symlink())
        try:
            with pytest.raises(Unreachable) as caught:
                await port.read_slot(Slot(1))
            assert caught.value.part is Part.STICK
            await here.until(lambda: "stick is unplugged" in here.driver.condition().detail)
            departed = await here.departures(*NODES)
            assert all("stick" in departure.cause for departure in departed)
        finally:
            stack.home.plug()
            assert stack.server_process is not None
            await asyncio.to_thread(stack.server_process.wait, EXIT_S)
            await asyncio.to_thread(stack.start_server)
        await here.arrivals(*NODES)
        assert await here.ports["v1"].read_slot(Slot(1)) == Sighting(Held(FOREIGN), SightingSource.LOCK)


async def test_driver_runs_the_server_itself_and_takes_it_down(tmp_path: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="zw") as folder,
        running_stack(Path(folder), SCENE, has_server=False) as bare,
    ):
        own = {"stick": str(bare.folder / "tty"), "supervise": True, "port": bare.port}
        own["keys_file"] = str(bare.folder / "keys.toml")
        async with driven(own, {"v1": 2}, tmp_path) as here:
            assert here.driver.condition().state is DriverState.STARTING
            await in_step(here, bare, "v1")
            answer = await here.ports["v1"].write_slot(Slot(3), Pin("471193"), window=None, old_pin=None)
            assert answer == Written(Evidence.SUPERVISED)
            assert bare.is_listening()
        assert bare.home.pins("v1")[3] == "471193"
        assert not bare.is_listening()
