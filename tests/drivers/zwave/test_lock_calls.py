"""Calls of a lock against a server without a radio: what is sent, what an answer proves, what breaks in between."""

import asyncio
import logging

import pytest

from drivers.zwave import lock as lock_module
from drivers.zwave import session
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
from gateway.model.ids import Slot
from gateway.model.lock import ReadBack
from gateway.model.pin import Pin
from gateway.model.window import Window
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import ZWaveError, running
from tests.drivers.zwave.hub import PIN, answers, four_slots, hub
from tests.drivers.zwave.states import Json


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


def test_time_out_of_a_call_outlives_the_longest_recovery_that_was_measured() -> None:
    assert session.CALL_TIMEOUT_S > 40
