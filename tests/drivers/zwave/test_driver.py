"""The driver against a server that speaks the protocol and has no radio: lives, locks, calls, cancellations."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.zwave import lock as lock_module
from drivers.zwave import session, stick_watch
from drivers.zwave.driver import ZWaveDriver, open_driver
from drivers.zwave.server.process import ServerState, ServerStatus
from gateway.model.answers import (
    Ambiguous,
    Empty,
    Held,
    RefusalReason,
    Refused,
    Sighting,
    SightingSource,
    Unknown,
    Written,
)
from gateway.model.evidence import Evidence
from gateway.model.failures import Busy, Part, Unreachable, Unsupported
from gateway.model.ids import LockId, Slot
from gateway.model.lock import ReadBack
from gateway.model.pin import Pin
from gateway.model.reports import (
    BatteryLevel,
    Locked,
    Method,
    Reachability,
    Report,
    SlotChange,
    SlotChanged,
    Unlocked,
)
from gateway.model.window import Window
from gateway.ports import Arrival, Departure, DriverSettings, DriverState, LockAddress, LockPort
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import Answer, FakeServer, ZWaveError, running
from tests.drivers.zwave.states import Json

FRONT = LockId("front")
BOUND_S = 10.0
PIN = Pin("847261")


class FixedEntropy:
    def token(self, count: int) -> bytes:
        return bytes(range(count))

    def fraction(self) -> float:
        return 0.0


@dataclass
class Hub:
    """A running driver and what it announced."""

    driver: ZWaveDriver
    server: FakeServer
    tasks: asyncio.TaskGroup
    comings: AsyncIterator[Arrival | Departure]
    seen: list[Report] = field(default_factory=list)

    async def arrival(self) -> LockPort:
        coming = await self.coming()
        assert isinstance(coming, Arrival), coming
        return coming.port

    async def departure(self) -> Departure:
        coming = await self.coming()
        assert isinstance(coming, Departure), coming
        return coming

    async def coming(self) -> Arrival | Departure:
        async with asyncio.timeout(BOUND_S):
            return await anext(self.comings)

    def listen(self, port: LockPort) -> None:
        async def collect() -> None:
            async for report in port.reports():
                self.seen.append(report)

        self.tasks.create_task(collect())

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while not holds():  # noqa: ASYNC110 - the condition belongs to the driver, which rings no bell for tests
                await asyncio.sleep(0.005)


def lock_address(node: int = 2, **more: object) -> LockAddress:
    return LockAddress(FRONT, "Front door", {"node": node, **more})


@contextlib.asynccontextmanager
async def hub(server: FakeServer, *locks: LockAddress) -> AsyncIterator[Hub]:
    settings = DriverSettings({"url": server.url}, locks or (lock_address(),), FixedEntropy(), "/nonexistent")
    driver = open_driver(settings)
    async with asyncio.TaskGroup() as group:
        running_driver = group.create_task(driver.run())
        hub = Hub(driver, server, group, driver.locks())
        try:
            yield hub
        finally:
            running_driver.cancel()
            await asyncio.wait([running_driver])
            for port in driver.ports():
                port.close("test is over")


def four_slots() -> list[Json]:
    return states.slots({1: (1, "4711"), 2: (0, ""), 3: (1, "****"), 4: (None, None)})


def answers(result: object) -> Answer:
    async def answer(_command: Json) -> object:
        return result

    return answer


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
        added = {"source": "controller", "event": "node added", "node": states.node(2), "result": {}}
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
    async with running([states.node(2)], schemas=(51, 60)) as server, hub(server) as here:
        await here.until(lambda: here.driver.condition().state is DriverState.DOWN)
        assert "install the pinned versions" in here.driver.condition().detail


async def test_missing_server_is_down_and_found_when_it_starts() -> None:
    async with running([states.node(2)]) as server:
        await server.stop()
        async with hub(server) as here:
            await here.until(lambda: here.driver.condition().state is DriverState.DOWN)
            assert "no Z-Wave server" in here.driver.condition().detail
            await server.start()
            await here.arrival()


async def test_write_that_the_lock_supervised_is_proven_and_is_one_call() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        server.answer = answers({"status": 255})
        assert await port.write_slot(Slot(7), PIN, window=None, old_pin=None) == Written(Evidence.SUPERVISED)
        assert server.calls == [("set", [7, 1, PIN.reveal()])]


async def test_clear_names_its_slot() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        server.answer = answers({"status": 255})
        assert await port.clear_slot(Slot(7), old_pin=None) == Written(Evidence.SUPERVISED)
        assert server.calls == [("clear", [7])]


async def test_write_without_a_result_is_acknowledged_only_and_not_read_back() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        assert await port.write_slot(Slot(7), PIN, window=None, old_pin=None) == Written(Evidence.ACKNOWLEDGED)
        assert len(server.calls) == 1


@pytest.mark.parametrize("slot", [-1, 0, 31, 251])
async def test_slot_that_the_lock_does_not_have_is_never_sent(slot: int) -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        with pytest.raises(Unsupported):
            await port.clear_slot(Slot(slot), old_pin=None)
        with pytest.raises(Unsupported):
            await port.write_slot(Slot(slot), PIN, window=None, old_pin=None)
        with pytest.raises(Unsupported):
            await port.read_slot(Slot(slot))
        assert server.calls == []


async def test_window_is_unsupported() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        with pytest.raises(Unsupported):
            await port.write_slot(Slot(1), PIN, window=Window(starts_at=None, ends_at=None), old_pin=None)
        assert server.calls == []


async def test_refusal_followed_by_the_locks_complaint_is_a_duplicate() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def complain() -> None:
            await asyncio.sleep(0.05)
            await server.emit(states.notification(2, 0x0F, parameters={"userId": 7}))

        async def refuse(_command: Json) -> object:
            here.tasks.create_task(complain())
            return {"status": 2}

        server.answer = refuse
        assert await port.write_slot(Slot(7), PIN, window=None, old_pin=None) == Refused(RefusalReason.DUPLICATE)
        server.answer = answers(None)
        again = await port.write_slot(Slot(7), PIN, window=None, old_pin=None)
        assert again == Written(Evidence.ACKNOWLEDGED), "an old complaint must not speak for a new write"


async def test_refusal_without_a_complaint_has_no_reason() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        server.answer = answers({"status": 2})
        assert await port.write_slot(Slot(7), PIN, window=None, old_pin=None) == Refused(RefusalReason.UNSPECIFIED)


async def test_complaint_about_another_slot_does_not_explain_our_refusal() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def refuse(_command: Json) -> object:
            await server.emit(states.notification(2, 0x0F, parameters={"userId": 9}))
            return {"status": 2}

        server.answer = refuse
        assert await port.write_slot(Slot(7), PIN, window=None, old_pin=None) == Refused(RefusalReason.UNSPECIFIED)


async def test_silent_lock_that_complains_of_a_duplicate_is_refused_without_supervision() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def drop(_command: Json) -> object:
            await server.emit(states.notification(2, 0x0F, parameters={"userId": 7}))
            return None

        server.answer = drop
        assert await port.write_slot(Slot(7), PIN, window=None, old_pin=None) == Refused(RefusalReason.DUPLICATE)


async def test_unacknowledged_write_is_ambiguous_and_unacknowledged_read_unreachable() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def no_ack(_command: Json) -> object:
            raise ZWaveError(204, "The node did not acknowledge the command (ZW0204)")

        server.answer = no_ack
        assert isinstance(await port.write_slot(Slot(7), PIN, window=None, old_pin=None), Ambiguous)
        assert isinstance(await port.clear_slot(Slot(7), old_pin=None), Ambiguous)
        with pytest.raises(Unreachable) as caught:
            await port.read_slot(Slot(7))
        assert caught.value.part is Part.LOCK


async def test_jammed_radio_is_busy() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def jammed(_command: Json) -> object:
            raise ZWaveError(202, "Failed to send the command after 5 attempts (ZW0202)")

        server.answer = jammed
        with pytest.raises(Busy):
            await port.read_slot(Slot(7))


async def test_read_asks_the_lock_and_not_the_cache() -> None:
    async with running([states.node(2, values=four_slots())]) as server, hub(server) as here:
        port = await here.arrival()
        server.answer = answers({"userIdStatus": 1, "userCode": "5566"})
        assert await port.read_slot(Slot(1)) == Sighting(Held(Pin("5566")), SightingSource.LOCK)
        assert server.calls == [("get", [1])]


async def test_read_that_the_lock_does_not_answer_is_unknown() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        assert await port.read_slot(Slot(1)) == Sighting(Unknown(), SightingSource.LOCK)


async def test_first_masked_answer_makes_the_profile_masked() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        assert port.profile.read_back.value == "clear"
        server.answer = answers({"userIdStatus": 1, "userCode": "******"})
        assert await port.read_slot(Slot(1)) == Sighting(Held(None), SightingSource.LOCK)
        assert port.profile.read_back is ReadBack.MASKED


async def test_listing_comes_from_the_interview_without_a_call() -> None:
    async with running([states.node(2, values=four_slots())]) as server, hub(server) as here:
        server.max_users = 4
        port = await here.arrival()
        listing = await port.read_all()
        assert not listing.is_complete
        assert listing.slots == {
            1: Sighting(Held(Pin("4711")), SightingSource.MIDDLEMAN),
            2: Sighting(Empty(), SightingSource.MIDDLEMAN),
            3: Sighting(Held(None), SightingSource.MIDDLEMAN),
        }
        assert server.calls == []


async def test_listing_of_a_version_2_lock_is_complete_when_its_checksum_says_so() -> None:
    values = states.slots({1: (1, "902461")})
    async with running([states.node(2, values=values, version=2)]) as server, hub(server) as here:
        port = await here.arrival()
        assert not (await port.read_all()).is_complete
        server.cached_values["userCodeChecksum"] = 0x1198
        listing = await port.read_all()
        assert listing.is_complete
        assert len(listing.slots) == 30
        assert server.calls == []


async def test_connection_that_breaks_in_mid_write_is_ambiguous_and_the_lock_departs_and_returns() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        begun = asyncio.Event()

        async def hang(_command: Json) -> object:
            begun.set()
            await asyncio.Event().wait()
            return None

        server.answer = hang
        writing = here.tasks.create_task(port.write_slot(Slot(7), PIN, window=None, old_pin=None))
        await begun.wait()
        await server.drop()
        assert isinstance(await writing, Ambiguous)
        assert not writing.cancelled()
        assert "connection" in (await here.departure()).cause
        with pytest.raises(Unreachable) as caught:
            await port.write_slot(Slot(7), PIN, window=None, old_pin=None)
        assert caught.value.part is Part.SERVER
        again = await here.arrival()
        assert again is not port
        assert server.life_count == 2


async def test_connection_that_breaks_in_mid_read_is_an_unreachable_server() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def break_off(_command: Json) -> object:
            await server.drop()
            return None

        server.answer = break_off
        with pytest.raises(Unreachable) as caught:
            await port.read_slot(Slot(7))
        assert caught.value.part is Part.SERVER


async def test_our_own_cancellation_of_a_write_stays_a_cancellation() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        begun = asyncio.Event()

        async def hang(_command: Json) -> object:
            begun.set()
            await asyncio.Event().wait()
            return None

        server.answer = hang
        writing = here.tasks.create_task(port.write_slot(Slot(7), PIN, window=None, old_pin=None))
        await begun.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        server.answer = answers({"status": 255})
        assert await port.write_slot(Slot(7), PIN, window=None, old_pin=None) == Written(Evidence.SUPERVISED)


async def test_callers_time_out_around_a_write_is_the_callers() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def hang(_command: Json) -> object:
            await asyncio.Event().wait()
            return None

        server.answer = hang
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await port.write_slot(Slot(7), PIN, window=None, old_pin=None)


async def test_call_without_a_result_in_time_is_ambiguous_or_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "CALL_TIMEOUT_S", 0.05)
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()

        async def hang(_command: Json) -> object:
            await asyncio.Event().wait()
            return None

        server.answer = hang
        assert isinstance(await port.write_slot(Slot(7), PIN, window=None, old_pin=None), Ambiguous)
        assert await port.read_slot(Slot(7)) == Sighting(Unknown(), SightingSource.LOCK)


async def test_event_that_the_library_cannot_read_ends_one_life_and_not_the_driver(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        await here.arrival()
        await server.emit(states.event(2, "value removed", args=states.value(0x63, "userCode", 5, "847261")))
        await here.departure()
        await here.arrival()
        assert "847261" not in "".join(f"{record.msg} {record.__dict__}" for record in caplog.records)


async def test_keypad_use_is_reported_with_its_slot_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "BOLT_GRACE_S", 0.05)
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)
        await server.emit(states.value_updated(2, 0x62, "currentMode", None, 0, 255))
        await server.emit(states.notification(2, 6, parameters={"userId": 7}))
        await server.emit(states.value_updated(2, 0x62, "currentMode", None, 0, 255))
        await here.until(lambda: bool(here.seen))
        await asyncio.sleep(0.15)  # nothing may follow within the grace
        await server.emit(states.value_updated(2, 0x80, "level", None, 80, 81))
        await here.until(lambda: BatteryLevel(80) in here.seen)
        assert here.seen == [Unlocked(Method.KEYCODE, Slot(7)), BatteryLevel(80)]


async def test_bolt_that_moves_without_a_notification_is_reported_after_the_grace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lock_module, "BOLT_GRACE_S", 0.05)
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)
        await server.emit(states.value_updated(2, 0x62, "currentMode", None, 255, 0))
        await here.until(lambda: here.seen == [Locked(Method.UNKNOWN)])


async def test_dead_and_alive_node_is_reachability() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)
        await server.emit(states.event(2, "dead"))
        await server.emit(states.event(2, "alive"))
        await here.until(lambda: len(here.seen) == 2)
        assert [report.is_reachable for report in here.seen if isinstance(report, Reachability)] == [False, True]


async def test_lock_that_was_dead_before_we_came_is_reported_dead() -> None:
    async with running([states.node(2, status=3)]) as server, hub(server) as here:
        here.listen(await here.arrival())
        await here.until(lambda: bool(here.seen))
        assert here.seen == [Reachability(is_reachable=False, cause="the lock does not answer")]


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


async def test_somebody_elses_change_of_a_slot_is_reported_without_a_claim() -> None:
    async with running([states.node(2, values=four_slots())]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)
        await server.emit(states.value_updated(2, 0x63, "userIdStatus", 2, 1, 0))
        await server.emit(states.value_updated(2, 0x63, "userCode", 2, "9922", ""))
        await here.until(lambda: bool(here.seen))
        assert here.seen == [SlotChanged(SlotChange.CHANGED, Slot(2))]


@pytest.mark.parametrize("comes_first", [True, False])
async def test_echo_of_our_own_read_is_no_report(*, comes_first: bool) -> None:
    async with running([states.node(2, values=four_slots())]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)

        async def echo() -> None:
            await server.emit(states.value_updated(2, 0x63, "userIdStatus", 2, 1, 0))
            await server.emit(states.value_updated(2, 0x63, "userCode", 2, "9922", ""))

        async def answer(_command: Json) -> object:
            if comes_first:
                await echo()
            return {"userIdStatus": 1, "userCode": "9922"}

        server.answer = answer
        await port.read_slot(Slot(2))
        if not comes_first:
            await echo()
        await server.emit(states.value_updated(2, 0x63, "userIdStatus", 9, 1, 0))
        await here.until(lambda: bool(here.seen))
        assert here.seen == [SlotChanged(SlotChange.CHANGED, Slot(9))]


async def test_erased_lock_is_one_report_and_not_one_per_slot() -> None:
    async with running([states.node(2, values=four_slots())]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)
        for slot in range(1, 31):
            await server.emit(states.value_updated(2, 0x63, "userIdStatus", slot, 0, 1))
        await server.emit(states.notification(2, 0x0C))
        await server.emit(states.value_updated(2, 0x63, "userIdStatus", 9, 1, 0))
        await here.until(lambda: len(here.seen) == 2)
        assert here.seen == [SlotChanged(SlotChange.ALL_DELETED), SlotChanged(SlotChange.CHANGED, Slot(9))]


async def test_burst_of_changed_slots_is_told_as_any_slot() -> None:
    async with running([states.node(2, values=four_slots())]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)
        for slot in range(1, 31):
            await server.emit(states.value_updated(2, 0x63, "userIdStatus", slot, 1, 0))
        await here.until(lambda: here.seen == [SlotChanged(SlotChange.CHANGED)])


async def test_low_battery_claims_no_percentage_from_the_cache() -> None:
    values = [states.value(0x80, "level", None, 100)]
    async with running([states.node(2, values=values)]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)
        args = {"eventType": "battery low", "urgency": 1}
        await server.emit(states.event(2, "notification", endpointIndex=0, ccId=0x80, args=args))
        await here.until(lambda: here.seen == [BatteryLevel(0, is_low=True)])


async def test_echo_that_says_something_else_than_our_read_is_reported() -> None:
    async with running([states.node(2, values=four_slots())]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)
        server.answer = answers({"userIdStatus": 1, "userCode": "9922"})
        await port.read_slot(Slot(2))
        await server.emit(states.value_updated(2, 0x63, "userCode", 2, "1133", "9922"))
        await here.until(lambda: here.seen == [SlotChanged(SlotChange.CHANGED, Slot(2))])


async def test_reports_end_at_the_departure() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        await server.emit(states.event(2, "dead"))
        await server.drop()
        await here.departure()
        async with asyncio.timeout(BOUND_S):
            assert [report async for report in port.reports()] == [
                Reachability(is_reachable=False, cause="the lock does not answer")
            ]


async def test_dead_lock_that_never_arrived_is_knocked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.zwave.driver.KNOCK_EVERY_S", 0.05)
    async with running([states.node(2, is_ready=False, status=3)]) as server, hub(server) as here:
        await here.until(lambda: any(command["command"] == "node.ping" for command in server.commands))
        await server.emit(states.event(2, "ready", nodeState=states.node(2)))
        await here.arrival()


async def test_no_pin_is_logged_at_our_own_loggers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="drivers")
    async with running([states.node(2, values=four_slots())]) as server, hub(server) as here:
        port = await here.arrival()

        async def fail(_command: Json) -> object:
            raise ZWaveError(777, f"bad argument {PIN.reveal()}")

        server.answer = fail
        answer = await port.write_slot(Slot(7), PIN, window=None, old_pin=None)
        assert isinstance(answer, Ambiguous)
        assert PIN.reveal() not in answer.cause
    ours = [record for record in caplog.records if record.name.startswith("drivers")]
    assert ours
    assert not any(PIN.reveal() in f"{record.msg} {record.args} {record.__dict__}" for record in ours)


def test_mistakes_in_the_options_are_told_at_opening(tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    options = {"stick": "/dev/x", "supervise": True, "keys_file": str(keys)}
    with pytest.raises(ValueError, match="cannot be read"):
        open_driver(DriverSettings(options, (), FixedEntropy(), str(tmp_path)))
    with pytest.raises(ValueError, match="option colour"):
        open_driver(DriverSettings({"colour": 1}, (), FixedEntropy(), str(tmp_path)))


def test_time_out_of_a_call_outlives_the_longest_recovery_that_was_measured() -> None:
    assert session.CALL_TIMEOUT_S > 40
