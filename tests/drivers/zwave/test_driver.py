"""The driver against a server without a radio: lives of the connection, locks that come and go, what it says of itself."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.zwave import renewal, stick_watch
from drivers.zwave.driver import open_driver
from drivers.zwave.server.process import ServerState, ServerStatus
from drivers.zwave.stick.pairing import PAIRING_NAME
from gateway.model.failures import Part, Unreachable
from gateway.model.ids import LockId, Slot
from gateway.model.lock import ReadBack
from gateway.ports import DriverSettings, DriverState, DriverUnusable, LockAddress
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import ZWaveError, running
from tests.drivers.zwave.hub import FRONT, FixedEntropy, answers, four_slots, hub, lock_address
from tests.drivers.zwave.states import Json


async def test_lock_that_is_ready_arrives_with_its_profile() -> None:
    async with running([states.node(2, values=four_slots())]) as server, hub(server) as here:
        port = await here.arrival()
        assert port.lock_id == FRONT
        assert port.profile.slots == range(1, 31)
        assert port.profile.supervision_is_honest
        assert port.profile.read_back is ReadBack.MASKED
        await here.until(lambda: here.driver.condition().state is DriverState.READY)
        assert "C0FFEE01" in here.driver.condition().detail
        assert server.calls == []


async def test_lock_under_interview_arrives_when_its_interview_is_complete() -> None:
    async with running([states.node(2, is_ready=False, stage="NodeInfo")]) as server, hub(server) as here:
        await here.until(lambda: "being interviewed" in here.driver.condition().detail)
        await server.emit(states.event(2, "ready", nodeState=states.node(2, values=four_slots())))
        assert (await here.arrival()).lock_id == FRONT


async def test_lock_that_is_interviewed_again_departs_and_comes_back() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        old = await here.arrival()
        await server.emit(states.event(2, "interview started"))
        assert "interviewed" in (await here.departure()).cause
        with pytest.raises(Unreachable):
            await old.read_slot(Slot(1))
        await server.emit(states.event(2, "ready", nodeState=states.node(2)))
        assert await here.arrival() is not old


async def test_configured_node_that_the_network_does_not_have_is_told_with_the_remedy() -> None:
    async with running([states.node(2)]) as server, hub(server, lock_address(9)) as here:
        await here.until(lambda: "node 9" in here.driver.condition().detail)
        detail = here.driver.condition().detail
        assert "is not in this network" in detail
        assert "correct `node`" in detail
        assert "0 of 1 locks" in detail


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (states.node(2, is_controller=True), "stick itself"),
        (states.node(2, is_ready=False, status=3), "does not answer"),
        (states.node(2, is_ready=False, stage="Failed"), "could not be interviewed"),
        (states.node(2, classes=(0x25,)), "no keypad lock"),
        (states.node(2, classes=(0x83,)), "user credentials"),
    ],
)
async def test_node_that_cannot_be_used_says_why(node: Json, words: str) -> None:
    async with running([node]) as server, hub(server) as here:
        await here.until(lambda: words in here.driver.condition().detail)


async def test_lock_whose_interview_found_no_slots_says_so_and_arrives_with_the_owners_word() -> None:
    async with running([states.node(2)]) as server:
        server.max_users = 0
        async with hub(server) as here:
            await here.until(lambda: "how many slots" in here.driver.condition().detail)
        async with hub(server, lock_address(2, last_slot=5)) as here:
            assert (await here.arrival()).profile.slots == range(1, 6)


async def test_lock_included_with_s0_is_not_believed() -> None:
    async with running([states.node(2, security=7)]) as server, hub(server) as here:
        assert not (await here.arrival()).profile.supervision_is_honest


async def test_node_that_was_replaced_while_we_looked_elsewhere_gets_a_new_port() -> None:
    other = LockAddress(LockId("back"), "Back door", {"node": 3})
    nodes = [states.node(2), states.node(3, is_ready=False)]
    async with running(nodes) as server, hub(server, lock_address(), other) as here:
        old = await here.arrival()
        server.is_capable.clear()
        await server.emit(states.event(3, "ready", nodeState=states.node(3)))
        await here.until(lambda: server.waiting_count == 1)
        await server.emit({"source": "controller", "event": "node removed", "node": states.node(2), "reason": 0})
        added: Json = {"source": "controller", "event": "node added", "node": states.node(2), "result": {}}
        await server.emit(added)
        server.is_capable.set()
        assert (await here.arrival()).lock_id == LockId("back")
        assert "included anew" in (await here.departure()).cause
        assert await here.arrival() is not old


async def test_removed_node_departs() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        await here.arrival()
        await server.emit({"source": "controller", "event": "node removed", "node": states.node(2), "reason": 0})
        assert "not in this network" in (await here.departure()).cause


async def test_server_whose_schema_does_not_meet_is_one_clear_line() -> None:
    async with running([states.node(2)], schemas=(51, 60)) as server:
        with pytest.RaisesGroup(
            pytest.RaisesExc(DriverUnusable, match="install the pinned versions"), flatten_subgroups=True
        ):
            async with hub(server) as here:
                await here.arrival()


async def test_missing_server_is_down_and_found_when_it_starts() -> None:
    async with running([states.node(2)]) as server:
        await server.stop()
        async with hub(server) as here:
            await here.until(lambda: here.driver.condition().state is DriverState.DOWN)
            assert "no Z-Wave server" in here.driver.condition().detail
            await server.start()
            await here.arrival()


async def test_event_that_the_library_cannot_read_ends_one_life_and_not_the_driver(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        await here.arrival()
        await server.emit(states.event(2, "value removed", args=states.value(0x63, "userCode", 5, "847261")))
        await here.departure()
        await here.arrival()
        assert "847261" not in "".join(f"{record.msg} {record.__dict__}" for record in caplog.records)


@dataclass
class OwnServer:
    """Stands for the child process: what the driver asks of it."""

    status: ServerStatus
    restart_count: int = 0

    def restart(self) -> None:
        self.restart_count += 1


async def test_stick_that_stays_silent_gets_our_own_server_restarted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stick_watch, "PATIENCE_S", 0.0)
    own = OwnServer(ServerStatus(ServerState.READY, 0, None))
    async with running([states.node(2)]) as server, hub(server) as here:
        monkeypatch.setattr(here.driver, "_server", own)
        port = await here.arrival()

        async def unplugged(_command: Json) -> object:
            raise ZWaveError(202, "The serial port is not open! (ZW0202)")

        server.answer = unplugged
        for expected in (0, 1, 1, 2):
            with pytest.raises(Unreachable) as caught:
                await port.read_slot(Slot(1))
            assert caught.value.part is Part.STICK
            assert own.restart_count == expected
        monkeypatch.setattr(here.driver, "_server", None)


async def test_server_that_others_run_here_is_asked_for_anew_by_a_file_and_a_strangers_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stick_watch, "PATIENCE_S", 0.0)
    request = tmp_path / "restart"
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def in_bootloader(_command: Json) -> object:
            raise ZWaveError(103, "Cannot do this while in bootloader mode (ZW0103)")

        server.answer = in_bootloader
        seen = []
        for is_watched in (False, False, True):
            if is_watched:
                monkeypatch.setenv(renewal.REQUEST, str(request))
            with pytest.raises(Unreachable, match="does not run its firmware"):
                await port.read_slot(Slot(1))
            seen.append(request.exists())
        assert seen == [False, False, True]


def test_file_that_cannot_be_written_is_no_reason_to_fall(tmp_path: Path) -> None:
    assert renewal.renew(None, {renewal.REQUEST: str(tmp_path / "missing" / "restart")}) is False


async def test_trouble_with_the_stick_shows_in_the_condition_until_a_command_passes() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def unplugged(_command: Json) -> object:
            raise ZWaveError(202, "The serial port is not open! (ZW0202)")

        server.answer = unplugged
        with pytest.raises(Unreachable):
            await port.read_slot(Slot(1))
        await here.until(lambda: "stick is unplugged" in here.driver.condition().detail)
        server.answer = answers({"userIdStatus": 0})
        await port.read_slot(Slot(1))
        await here.until(lambda: "unplugged" not in here.driver.condition().detail)


async def test_dead_lock_that_never_arrived_is_knocked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.zwave.driver.KNOCK_EVERY_S", 0.05)
    async with running([states.node(2, is_ready=False, status=3)]) as server, hub(server) as here:
        await here.until(lambda: any(command["command"] == "node.ping" for command in server.commands))
        await server.emit(states.event(2, "ready", nodeState=states.node(2)))
        await here.arrival()


async def test_dead_lock_is_knocked_at_though_other_locks_always_have_something_to_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every event of a lock began the wait anew, so beside a busy lock a dead one stayed away for ever."""
    monkeypatch.setattr("drivers.zwave.driver.KNOCK_EVERY_S", 0.3)
    nodes = [states.node(2, is_ready=False, status=3), states.node(3)]
    locks = (lock_address(2), LockAddress(LockId("back"), "Back door", {"node": 3}))
    async with running(nodes) as server, hub(server, *locks) as here:
        await here.arrival()
        for _ in range(40):
            await server.emit(states.event(3, "alive", oldStatus=4))
            await asyncio.sleep(0.05)
        knocks = sum(command["command"] == "node.ping" for command in server.commands)
    assert 2 <= knocks <= 8, "once in each wait of 0.3 s, and not with every event"


def test_mistakes_in_the_options_are_told_at_opening(tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    options = {"stick": "/dev/x", "supervise": True, "keys_file": str(keys)}
    with pytest.raises(ValueError, match="cannot be read"):
        open_driver(DriverSettings(options, (), FixedEntropy(), str(tmp_path)))
    with pytest.raises(ValueError, match="option colour"):
        open_driver(DriverSettings({"colour": 1}, (), FixedEntropy(), str(tmp_path)))


async def test_network_of_another_hub_brings_no_lock_and_is_a_fault_until_a_person_decides(tmp_path: Path) -> None:
    pairing = tmp_path / PAIRING_NAME
    pairing.write_text('{"home_id": "DEADBEEF"}')
    async with running([states.node(2)]) as server:
        server.inclusion_state = 1
        async with hub(server, storage=tmp_path) as here:
            await here.until(lambda: here.driver.condition().state is DriverState.DOWN)
            await here.until(lambda: "belongs to DEADBEEF" in here.driver.condition().detail)
            assert here.driver.ports() == ()
            assert server.calls == []
            assert not any("stop_" in str(command["command"]) for command in server.commands)
        pairing.unlink()
        async with hub(server, storage=tmp_path) as here:
            await here.arrival()
    assert "C0FFEE01" in pairing.read_text()
