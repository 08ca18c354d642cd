"""What a lock says unasked, against a server without a radio: once each, in order, and no echo of our own."""

import asyncio

import pytest

from drivers.zwave import lock as lock_module
from gateway.model.ids import Slot
from gateway.model.reports import (
    BatteryLevel,
    Locked,
    Method,
    Reachability,
    SlotChange,
    SlotChanged,
    Unlocked,
)
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import running
from tests.drivers.zwave.hub import BOUND_S, answers, four_slots, hub
from tests.drivers.zwave.states import Json


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


async def test_the_charge_of_the_interview_is_told_first_and_a_complaint_claims_no_percentage_from_it() -> None:
    values = [states.value(0x80, "level", None, 100)]
    async with running([states.node(2, values=values)]) as server, hub(server) as here:
        port = await here.arrival()
        here.listen(port)
        args = {"eventType": "battery low", "urgency": 1}
        await server.emit(states.event(2, "notification", endpointIndex=0, ccId=0x80, args=args))
        await here.until(lambda: here.seen == [BatteryLevel(100), BatteryLevel(0, is_low=True)])


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
