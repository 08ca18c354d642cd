"""What a home is made of: scenes, keys and kept state, with every problem told at once."""

import json
import random
from pathlib import Path

import pytest

from drivers.simulator.__main__ import SCENES, main
from drivers.simulator.keys import NAMES, KeysError, load_or_create, read_keys
from drivers.simulator.lock.faults import Fault
from drivers.simulator.radio.security.envelopes import Membership
from drivers.simulator.radio.security.s2 import SecurityClass
from drivers.simulator.scene import SceneError, load_scene, read_scene
from drivers.simulator.state import Kept, KeptLock, StateError, load_state, save_state

ENTROPY = random.Random(5).randbytes

GOOD = """
[stick]
home_id = "DEADBEEF"
[radio]
airtime = false
[[locks]]
name = "Front door"
node = 2
profile = "plain_v1"
codes = { 1 = "4711" }
[locks.override]
slots = 3
[locks.override.command_classes]
supervision = 0
[[faults]]
name = "lose_to_node"
node = 2
rate = 0.5
"""


def test_scene_is_read_with_overrides_codes_and_faults() -> None:
    scene = read_scene(GOOD)
    (lock,) = scene.locks
    (fault,) = scene.faults
    assert (scene.home_id.hex(), scene.has_airtime) == ("deadbeef", False)
    assert (lock.name, lock.node_id, lock.model.slots, dict(lock.codes)) == ("Front door", 2, 3, {1: "4711"})
    assert not lock.model.is_supervised
    assert lock.model.command_classes["user_code"] == 1
    assert (fault.fault, fault.node_id, fault.rate) == (Fault.LOSE_TO_NODE, 2, 0.5)


@pytest.mark.parametrize("path", sorted(SCENES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_scene_is_good(path: Path) -> None:
    assert load_scene(path).locks


def test_three_doors_are_three_kinds_with_one_foreign_code() -> None:
    locks = load_scene(SCENES / "three_doors.toml").locks
    assert [(lock.name, lock.model.key) for lock in locks] == [
        ("Front door", "plain_v2"),
        ("Garden door", "ubolt_pro"),
        ("Studio", "no_supervision"),
    ]
    assert sum(len(lock.codes) for lock in locks) == 1


def test_every_problem_of_a_scene_is_told_at_once_with_place_and_remedy() -> None:
    wrong = """
    colour = "red"
    [stick]
    home_id = "XYZ"
    [radio]
    airtime = 1
    [[locks]]
    name = "12"
    node = 1
    profile = "plain_v1"
    codes = { 1 = 4711, 77 = "4711", 2 = "12ab34" }
    [[locks]]
    name = "B"
    node = 3
    profile = "no_such"
    [[locks]]
    name = "C"
    node = 4
    profile = "plain_v1"
    override = { slots = 0, is_masked = 3 }
    [[faults]]
    name = "wipe"
    [[faults]]
    name = "nothing"
    [[faults]]
    name = "nak_host"
    node = 2
    """
    with pytest.raises(SceneError) as caught:
        read_scene(wrong)
    places = [problem.place for problem in caught.value.problems]
    assert places == [
        "colour",
        "stick.home_id",
        "radio.airtime",
        "locks[1].name",
        "locks[1].node",
        "locks[1].codes.1",
        "locks[1].codes",
        "locks[1].codes.2",
        "locks[2].profile",
        "locks[3].override.slots",
        "locks[3].override.is_masked",
        "faults[1].name",
        "faults[2].name",
        "faults[3]",
    ]
    assert all(problem.remedy for problem in caught.value.problems)
    assert "4711" not in str(caught.value)
    assert "12ab34" not in str(caught.value)


def test_names_and_nodes_are_unique() -> None:
    lock = '[[locks]]\nname = "{}"\nnode = {}\nprofile = "plain_v1"\n'
    with pytest.raises(SceneError, match="the name 'door' is used twice"):
        read_scene(lock.format("Door", 2) + lock.format("door", 3))
    with pytest.raises(SceneError, match="node 2 is used twice"):
        read_scene(lock.format("A", 2) + lock.format("B", 2))


@pytest.mark.parametrize("text", ["", "locks = 3", "[locks]\nname = 'A'"])
def test_scene_without_locks_is_refused(text: str) -> None:
    with pytest.raises(SceneError, match="locks"):
        read_scene(text)


def test_missing_and_unreadable_scenes_are_told(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="No such file"):
        load_scene(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[[")
    with pytest.raises(SceneError, match="is not TOML"):
        load_scene(tmp_path / "bad.toml")


def test_missing_keys_are_made_private_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    made = load_or_create(path, ENTROPY)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create(path, ENTROPY) == made
    assert len(set(made.by_name.values())) == len(NAMES)
    assert made.by_name["s0_legacy"].hex() not in repr(made)


def test_every_bad_key_is_told_and_none_is_shown() -> None:
    key = "00112233445566778899aabbccddeeff"
    text = f's0_legacy = "{key}"\ns2_unauthenticated = "{key}"\ns2_authenticated = "12"\ns2_access_control = 5\n'
    with pytest.raises(KeysError) as caught:
        read_keys(text, "keys.toml")
    assert len(caught.value.problems) == 5
    assert key not in str(caught.value)


def test_keys_in_a_folder_that_is_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="No such file"):
        load_or_create(tmp_path / "none" / "keys.toml", ENTROPY)


def test_state_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert load_state(path) is None
    image = {"slots": {"1": {"status": "enabled", "pin": "4711"}}, "bolt": "locked", "battery": 7}
    place = Membership(bytes.fromhex("C0FFEE01"), 7, {SecurityClass.ACCESS_CONTROL: bytes(range(16))})
    kept = Kept({"Front": KeptLock(image, place), "Box": KeptLock({}, None)}, nodes=(7,), last_node_id=9)
    save_state(path, kept)
    assert load_state(path) == kept
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{}", '{"format": 1, "locks": {}}', "[1]", '{"format": 2, "locks": 3}'])
def test_foreign_state_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(StateError, match="not a state file"):
        load_state(path)


def test_configuration_for_a_server_has_the_homes_keys_and_asks_for_codes_instead_of_wiping_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["server-config", "--keys", str(tmp_path / "keys.toml")]) == 0
    told = json.loads(capsys.readouterr().out)
    keys = read_keys((tmp_path / "keys.toml").read_text(), "keys")
    assert told["securityKeys"]["S2_AccessControl"] == keys.by_name["s2_access_control"].hex()
    assert told["securityKeys"]["S0_Legacy"] == keys.by_name["s0_legacy"].hex()
    assert told["securityKeysLongRange"]["S2_Authenticated"] == keys.by_name["lr_s2_authenticated"].hex()
    assert told["interview"] == {"queryAllUserCodes": True}
    assert main(["server-config", "--keys", str(tmp_path)]) == 2
