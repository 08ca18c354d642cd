"""What counts as proof on a real radio, and what happens to codes that people touch by hand (A7, A14, A15, A18).

Every message on the air is counted by the simulator, and what is in a lock is asked of the lock.
"""

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from gateway.cloud.counterpart import Counterpart
from gateway.cloud.report import CloudEvent
from gateway.model.ledger import OWN_NOTICE_MS
from tests.stack.house import FOREIGN, LOCKS, SEEN_S, House, applied, running_house, until, wall_ms
from tests.stack.zwave_stack import Radio

pytestmark = [pytest.mark.stack, pytest.mark.broker]

AFTERMATH_S = 1.5
"""How long nothing may follow a proof: Z-Wave JS polls a value 1 s after it was set through `set_value`."""

STILL_S = 2.0
"""How long a silent refusal is watched for a false claim; a true proof takes 0.6 s on this lock."""

_numbers = itertools.count(271_801)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house() as running:
        running.start_daemon()
        yield running


def fresh() -> tuple[str, str]:
    """An access code's id and a PIN, used nowhere else here."""
    number = next(_numbers)
    return f"code-{number}", str(number)


async def created(cloud: Counterpart, lock_id: str) -> tuple[str, str, int]:
    """A new code that is proven on its lock: id, PIN, slot."""
    code_id, pin = fresh()
    body = {"access_code_id": code_id, "device_id": lock_id, "code": pin}
    slot = (await applied(cloud, "access_code.create", body)).body["slot"]
    assert isinstance(slot, int)
    return code_id, pin, slot


async def deleted(cloud: Counterpart, code_id: str) -> None:
    await applied(cloud, "access_code.delete", {"access_code_id": code_id})


async def event(cloud: Counterpart, kind: str, since: int, **facts: object) -> CloudEvent:
    """Wait for an event after the `since` first ones with these facts in its body."""

    def found() -> list[CloudEvent]:
        return [seen for seen in cloud.events[since:] if seen.kind == kind and facts.items() <= dict(seen.body).items()]

    await cloud.wait_for(lambda _: bool(found()), SEEN_S)
    return found()[0]


def name_of(lock_id: str) -> str:
    return LOCKS[lock_id][0]


@pytest.mark.parametrize("lock_id", ["front", "garden"])
async def test_set_and_clear_with_proof_are_two_messages_each_on_a_supervised_lock(house: House, lock_id: str) -> None:
    """From the second code in a slot on: the look at a slot that this hub never saw empty is for the first (N2)."""
    await house.met()
    async with house.cloud() as cloud:
        code_id, _, first_slot = await created(cloud, lock_id)
        await deleted(cloud, code_id)
        radio = Radio(house.home, name_of(lock_id)).reset()
        code_id, pin, slot = await created(cloud, lock_id)
        await asyncio.sleep(AFTERMATH_S)
        assert slot == first_slot
        assert radio.messages() == (1, 1)
        assert house.pins(lock_id)[slot] == pin
        radio.reset()
        await deleted(cloud, code_id)
        await asyncio.sleep(AFTERMATH_S)
        assert radio.messages() == (1, 1)
        assert pin not in house.pins(lock_id).values()


async def test_lock_without_supervision_is_set_and_read_back(house: House) -> None:
    await house.met()
    async with house.cloud() as cloud:
        code_id, _, _ = await created(cloud, "studio")
        await deleted(cloud, code_id)
        frames = house.home.last_frame()
        radio = Radio(house.home, name_of("studio")).reset()
        code_id, pin, slot = await created(cloud, "studio")
        await asyncio.sleep(AFTERMATH_S)
        assert radio.messages() == (2, 1)
        labels = _labels(house, frames, "studio")
        assert labels == [f"User Code Set #{slot}", f"User Code Get #{slot}", f"User Code Report #{slot}"]
        assert house.pins("studio")[slot] == pin
        (told,) = [seen for seen in cloud.of_code(code_id) if seen.kind == "access_code.set_on_device"]
        assert told.body["evidence"] == "read_back"
        await deleted(cloud, code_id)


async def test_silent_refusal_never_becomes_set(house: House) -> None:
    """The lock drops a duplicate without a word; the acknowledgement alone proves nothing."""
    await house.met()
    async with house.cloud() as cloud:
        code_id, pin = fresh()
        house.home.fault("silent_refuse", lock=name_of("studio"), rate=1.0)
        try:
            frames = house.home.last_frame()
            cloud.order("access_code.create", {"access_code_id": code_id, "device_id": "studio", "code": pin})
            await until(lambda: any("Report" in label for label in _labels(house, frames, "studio")[-1:]))
            await asyncio.sleep(STILL_S)
            kinds = [seen.kind for seen in cloud.of_code(code_id)]
            assert "access_code.set_on_device" not in kinds
            assert "command.applied" not in kinds
            assert (await _shown(house, code_id))["status"] == "setting"
            assert pin not in house.pins("studio").values()
        finally:
            house.home.calm()
        await deleted(cloud, code_id)


async def test_supervised_refusal_fails_at_once_and_says_why(house: House) -> None:
    """The masked lock has the foreign PIN, which only it can know."""
    await house.met()
    async with house.cloud() as cloud:
        code_id, _ = fresh()
        order = cloud.order("access_code.create", {"access_code_id": code_id, "device_id": "garden", "code": FOREIGN})
        ended = await cloud.ended(order, SEEN_S)
        assert (ended.kind, ended.body["reason"], ended.body["refusal"]) == (
            "command.failed",
            "refused",
            "duplicate_code_on_device",
        )
        assert list(house.pins("garden").values()).count(FOREIGN) == 1
        await deleted(cloud, code_id)


async def test_edit_on_a_masked_lock_clears_sees_empty_and_writes(house: House) -> None:
    await house.met()
    async with house.cloud() as cloud:
        code_id, _, slot = await created(cloud, "garden")
        _, pin = fresh()
        frames = house.home.last_frame()
        ended = await applied(cloud, "access_code.update", {"access_code_id": code_id, "code": pin})
        sent = [label for label in _labels(house, frames, "garden") if "Report" not in label]
        assert sent == [f"User Code Set #{slot}"] * 2, "one clear and one write, and nothing that is not supervised"
        steps = await _steps(house, code_id)
        assert steps[-4:] == [
            "slot.clear.intended",
            "slot.clear.ended empty",
            "slot.write.intended",
            "slot.write.ended held",
        ]
        assert house.pins("garden")[slot] == pin
        assert ended.body["slot"] == slot
        await deleted(cloud, code_id)


async def test_code_programmed_by_hand_is_reported_unmanaged_and_never_touched(house: House) -> None:
    await house.met()
    async with house.cloud() as cloud:
        known = len(cloud.events)
        _, by_hand = fresh()
        slot = 20
        assert house.home.program(name_of("front"), slot, by_hand)["is_stored"]
        try:
            await event(cloud, "access_code.unmanaged.created", known, device_id="front", slot=slot)
            # Its PIN is taken, its slot is taken, and it stays through everything that happens around it.
            made = [await created(cloud, "front") for _ in range(3)]
            for code_id, _, own_slot in made:
                assert own_slot != slot
                await deleted(cloud, code_id)
            assert house.pins("front")[slot] == by_hand
            assert house.home.press(name_of("front"), by_hand)["is_opened"]
            used = await event(cloud, "lock.unlocked", known, device_id="front", slot=slot)
            assert used.body["access_code_is_managed"] is False
            assert "access_code_id" not in used.body
        finally:
            house.home.erase(name_of("front"), slot)
        await event(cloud, "access_code.unmanaged.removed", known, device_id="front", slot=slot)


@pytest.mark.parametrize("lock_id", list(LOCKS))
async def test_code_deleted_by_hand_is_reported_and_restored(house: House, lock_id: str) -> None:
    await house.met()
    async with house.cloud() as cloud:
        code_id, pin, slot = await created(cloud, lock_id)
        known = len(cloud.events)
        house.home.erase(name_of(lock_id), slot)
        await event(cloud, "access_code.deleted_external", known, access_code_id=code_id)
        await event(cloud, "access_code.set_on_device", known, access_code_id=code_id, slot=slot)
        assert house.pins(lock_id)[slot] == pin
        await deleted(cloud, code_id)


async def test_code_changed_by_hand_is_restored_and_reported_where_it_can_be_seen(house: House) -> None:
    await house.met()
    async with house.cloud() as cloud:
        made = {lock_id: await created(cloud, lock_id) for lock_id in LOCKS}
        known, proven_at = len(cloud.events), wall_ms()
        # Until then the lock's notice of the change counts as its late answer to our own write.
        await until(lambda: wall_ms() > proven_at + OWN_NOTICE_MS)
        for lock_id, (code_id, pin, slot) in made.items():
            _, other = fresh()
            assert house.home.program(name_of(lock_id), slot, other)["is_stored"]
            if lock_id != "garden":  # which shows asterisks before and after
                await event(cloud, "access_code.modified_external", known, access_code_id=code_id)
            await event(cloud, "access_code.set_on_device", known, access_code_id=code_id, slot=slot)
            assert house.pins(lock_id)[slot] == pin
            assert other not in house.pins(lock_id).values()
            await deleted(cloud, code_id)


@pytest.mark.parametrize("lock_id", list(LOCKS))
async def test_keypad_use_names_the_access_code(house: House, lock_id: str) -> None:
    await house.met()
    async with house.cloud() as cloud:
        code_id, pin, slot = await created(cloud, lock_id)
        known = len(cloud.events)
        assert house.home.press(name_of(lock_id), pin)["is_opened"]
        used = await event(cloud, "lock.unlocked", known, access_code_id=code_id)
        assert (used.body["device_id"], used.body["slot"], used.body["method"]) == (lock_id, slot, "keycode")
        assert used.body["access_code_is_managed"] is True
        await deleted(cloud, code_id)
        assert not house.home.press(name_of(lock_id), pin)["is_opened"]


def _labels(house: House, since: int, lock_id: str) -> list[str]:
    """What went over the air to and from one lock, without its envelopes."""
    return [str(frame["label"]).rpartition(" > ")[2] for frame in house.home.frames(since=since, lock=name_of(lock_id))]


async def _shown(house: House, code_id: str) -> dict[str, object]:
    """The access code as the maintenance shell shows it to programs."""
    found = await house.ask("why", code=code_id)
    assert isinstance(found, dict)
    shown = found["access_code"]
    assert isinstance(shown, dict)
    return dict(shown)


async def _steps(house: House, code_id: str) -> list[str]:
    """What the hub did to the slot of a code, from its journal; an outcome with what was seen then."""
    found = await house.ask("timeline", code=code_id)
    assert isinstance(found, dict)
    lines = found["lines"]
    assert isinstance(lines, list)
    steps = []
    for line in lines:
        assert isinstance(line, dict)
        body = line["body"]
        assert isinstance(body, dict)
        if str(line["kind"]).startswith("slot."):
            steps.append(f"{line['kind']} {body.get('sighted', '')}".strip())
    return steps
