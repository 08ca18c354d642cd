"""Real locks: what the driver makes of the states that public projects recorded, and of every lock Z-Wave JS knows."""

import json
from pathlib import Path

import pytest

from drivers.zwave import quirks
from drivers.zwave.quirks import NodeFacts, Product, Quirks
from gateway.model.answers import Disabled, Empty, Held, Unknown
from gateway.model.ids import Slot
from gateway.model.lock import LockProfile, ReadBack, ScheduleTrust
from gateway.model.pin import Pin
from tests.drivers.zwave import device_files
from tests.drivers.zwave.device_files import LockFile
from tests.drivers.zwave.fake_server import FakeServer, running
from tests.drivers.zwave.hub import Hub, hub, lock_address
from tests.drivers.zwave.states import Json

DUMPS = Path(__file__).parent / "dumps"

USER_CODE = 0x63


def dump(name: str) -> Json:
    """A recorded state, with what servers before schema 50 did not send."""
    state = json.loads((DUMPS / f"{name}.json").read_text(encoding="utf-8"))
    state.setdefault("isControllerNode", False)
    endpoint = state["endpoints"][0]
    seen = {value["commandClass"]: value.get("ccVersion", 1) for value in state["values"]}
    endpoint.setdefault(
        "commandClasses",
        state.get("commandClasses")
        or [
            {"id": number, "name": str(number), "version": version, "isSecure": True}
            for number, version in seen.items()
        ],
    )
    assert isinstance(state, dict)
    return state


async def profile_of(here: Hub) -> LockProfile:
    return (await here.arrival()).profile


def address(state: Json) -> int:
    node_id = state["nodeId"]
    assert isinstance(node_id, int)
    return node_id


def tell(server: FakeServer, *, users: int, year_day_slots: int = 0) -> None:
    """What the server's own memory had, and dumps do not."""
    server.max_users = users
    server.cached_values["numYearDaySlots"] = year_day_slots


async def test_schlage_be469_is_masked_has_one_length_and_is_never_believed() -> None:
    state = dump("lock_schlage_be469")
    async with running([state]) as server:
        tell(server, users=30)
        async with hub(server, lock_address(address(state))) as here:
            port = await here.arrival()
            listing = await port.read_all()
    profile = port.profile
    assert profile.model == "Allegion BE469 (003b:6341:5044)"
    assert profile.slots == range(1, 31)
    assert profile.read_back is ReadBack.MASKED
    assert not profile.supervision_is_honest
    assert profile.pin_rules.broken(Pin("4711")) is None
    assert profile.pin_rules.broken(Pin("47115")) is not None, "parameter 16 of this lock says 4"
    assert profile.schedule is None
    assert profile.tells_hands
    assert Slot(30) not in listing.slots, "this lock never told its last slot, which is not the same as empty"
    assert [listing.slots[Slot(slot)].value for slot in (1, 4, 5)] == [Held(None), Held(None), Empty()]


async def test_kwikset_910_has_schedules_that_are_only_claimed() -> None:
    state = dump("lock_kwikset_910")
    async with running([state]) as server:
        tell(server, users=30, year_day_slots=2)
        async with hub(server, lock_address(address(state))) as here:
            profile = await profile_of(here)
    assert profile.slots == range(1, 31)
    assert profile.read_back is ReadBack.CLEAR
    assert not profile.supervision_is_honest
    assert profile.schedule is not None
    assert profile.schedule.enforced is ScheduleTrust.CLAIMED
    assert not profile.tells_hands, "its alarms are of version 1"


async def test_ubolt_pro_is_believed_and_none_of_its_slots_that_were_never_read_is_called_empty() -> None:
    state = dump("lock_ultraloq_ubolt_pro")
    async with running([state]) as server:
        tell(server, users=49)
        async with hub(server, lock_address(address(state))) as here:
            port = await here.arrival()
            listing = await port.read_all()
    assert port.profile.slots == range(1, 50)
    assert port.profile.supervision_is_honest
    assert port.profile.pin_rules.broken(Pin("847261847")) is not None
    assert listing.slots == {}
    assert not listing.is_complete


async def test_unknown_lock_with_codes_that_are_no_digits_is_recognised_and_they_count_as_held() -> None:
    state = dump("idl_101_lock")
    async with running([state]) as server:
        tell(server, users=52)
        async with hub(server, lock_address(address(state))) as here:
            port = await here.arrival()
            listing = await port.read_all()
    assert "IDL-101" in port.profile.model
    assert not port.profile.supervision_is_honest
    values = [listing.slots[Slot(slot)].value for slot in (1, 2, 3, 4)]
    assert values == [Held(Pin("57823")), Held(Pin("6910")), Held(None), Empty()]
    assert not any(isinstance(sighting.value, Unknown | Disabled) for sighting in listing.slots.values())


async def test_lock_without_pins_does_not_arrive_and_is_told() -> None:
    state = dump("timed_lock")
    async with running([state]) as server, hub(server, lock_address(address(state))) as here:
        await here.until(lambda: "keeps no PINs" in here.driver.condition().detail)
        assert here.driver.ports() == ()


@pytest.fixture(scope="module")
def lock_files() -> list[LockFile]:
    return list(device_files.lock_files())


def test_every_lock_that_zwave_js_knows_gets_a_profile(lock_files: list[LockFile]) -> None:
    assert len(lock_files) > 140
    for file in lock_files:
        for product in file.products:
            facts = NodeFacts(product, "a lock", is_s2=True, has_supervision=True, user_count=20, shows_asterisks=False)
            profile = quirks.profile_of(facts, Quirks())
            assert profile.slots, file.path
            assert any(profile.pin_rules.broken(Pin("4" * length)) is None for length in range(4, 11)), file.path


ALARMS = "alarmMapping"
LISTED = {
    "0x0090/ged1455.json": {ALARMS},
    "0x0109/yrd210.json": {ALARMS},
    "0x0129/ydm3109a.json": {ALARMS},
}
"""Notable files without a row of ours. Their alarms become notifications inside Z-Wave JS; nothing else is known of them."""


def test_every_lock_file_with_a_notable_entry_has_a_row_of_ours_or_is_listed(lock_files: list[LockFile]) -> None:
    unmatched = {
        file.path: set(file.notable)
        for file in lock_files
        if file.notable and not all(product in quirks.rows() for product in file.products)
    }
    assert unmatched == LISTED


def test_lock_whose_supervision_zwave_js_removes_is_not_believed_even_if_that_file_changes(
    lock_files: list[LockFile],
) -> None:
    removed = [file for file in lock_files if "Supervision removed" in file.notable]
    assert len(removed) >= 4
    for file in removed:
        for product in file.products:
            assert quirks.rows()[product].supervision_is_honest is False, file.path


def test_every_row_names_products_that_zwave_js_knows_as_well(lock_files: list[LockFile]) -> None:
    known: set[Product] = {product for file in lock_files for product in file.products}
    assert set(quirks.rows()) <= known
