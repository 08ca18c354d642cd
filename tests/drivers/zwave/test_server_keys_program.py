"""The network keys before a hub's first start: made, taken over, corrected while no network is made with them, else kept and told of."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.zwave.server import keys_program
from drivers.zwave.server.keys import KeyName, KeysUnusableError, NetworkKeys, format_keys, import_keys
from drivers.zwave.server.keys_program import SEED_NAME, provide_keys
from drivers.zwave.server.node import PACKAGE_DIR
from gateway.durable import put_file

OLD_NETWORK = NetworkKeys({name: bytes([place]) * 16 for place, name in enumerate(KeyName, start=0xA1)})
ROOT = PACKAGE_DIR.parents[2]
PATIENCE_S = 60


@dataclass
class Hub:
    keys: Path
    cache: Path
    seed: Path

    def provide(self) -> None:
        provide_keys(self.keys, self.cache, self.seed)

    def bring(self, text: str = "") -> Path:
        path = self.seed / SEED_NAME
        path.write_text(text or format_keys(OLD_NETWORK))
        path.chmod(0o600)
        return path

    def make_network(self) -> None:
        (self.cache / "c0ffee01.jsonl").touch()


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    made = Hub(tmp_path / "credstore/zwave.keys.toml", tmp_path / "cache", tmp_path / "seed")
    for folder in (made.keys.parent, made.cache, made.seed):
        folder.mkdir()
    return made


def test_without_a_backup_keys_are_made_once(hub: Hub) -> None:
    hub.provide()
    first = hub.keys.read_bytes()
    hub.provide()
    assert hub.keys.read_bytes() == first


def test_a_backup_is_taken_at_the_first_start(hub: Hub) -> None:
    hub.bring()
    hub.provide()
    assert import_keys(hub.keys) == OLD_NETWORK


def test_a_backup_that_comes_after_keys_were_made_is_taken_while_there_is_no_network(hub: Hub) -> None:
    hub.provide()
    hub.bring()
    hub.provide()
    assert import_keys(hub.keys) == OLD_NETWORK
    assert hub.keys.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("is_written", [False, True])
def test_a_cut_while_a_backup_is_taken_is_made_good_by_the_next_run(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, *, is_written: bool
) -> None:
    class Cut(Exception):  # noqa: N818 - the power goes, and nobody erred
        pass

    def put(path: Path, content: bytes, mode: int = 0o600) -> None:
        if is_written:
            put_file(path, content, mode)
        raise Cut

    hub.provide()
    drawn = import_keys(hub.keys)
    hub.bring()
    with monkeypatch.context() as patch:
        patch.setattr(keys_program, "put_file", put)
        with pytest.raises(Cut):
            hub.provide()
    assert import_keys(hub.keys) == (OLD_NETWORK if is_written else drawn)
    hub.provide()
    assert import_keys(hub.keys) == OLD_NETWORK


def test_a_backup_that_comes_too_late_is_told_of_with_its_remedy_and_without_a_key(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.provide()
    hub.make_network()
    first = hub.keys.read_bytes()
    brought = hub.bring()
    capsys.readouterr()
    hub.provide()
    assert hub.keys.read_bytes() == first
    told = capsys.readouterr().err
    assert f"{brought} is not taken" in told
    assert f"remove {hub.cache}" in told
    assert not any(keys.hex(name) in told for keys in (OLD_NETWORK, import_keys(hub.keys)) for name in KeyName)


def test_the_backup_of_a_network_that_is_there_gives_no_warning_but_that_it_lies_open(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    brought = hub.bring()
    hub.provide()
    hub.make_network()
    capsys.readouterr()
    hub.provide()
    assert capsys.readouterr().err.splitlines() == [
        f"{brought} can open the locks, and lies open: remove it from there"
    ]


def test_lost_keys_of_a_network_come_back_from_the_backup(hub: Hub) -> None:
    hub.make_network()
    hub.bring()
    hub.provide()
    assert import_keys(hub.keys) == OLD_NETWORK


def test_a_backup_with_mistakes_is_refused_while_it_could_be_taken_and_no_reason_to_stop_afterwards(hub: Hub) -> None:
    hub.provide()
    first = hub.keys.read_bytes()
    hub.bring("s0_legacy = 5")
    with pytest.raises(KeysUnusableError, match=SEED_NAME):
        hub.provide()
    hub.make_network()
    hub.provide()
    assert hub.keys.read_bytes() == first


def test_the_program_says_what_a_person_has_to_put_right(hub: Hub) -> None:
    hub.bring("this is not toml")
    finished = subprocess.run(
        [sys.executable, "-m", keys_program.__name__, "--keys", hub.keys, "--cache", hub.cache, "--seed", hub.seed],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert finished.returncode == os.EX_CONFIG
    assert f"{SEED_NAME}, line 1" in finished.stderr
    assert not hub.keys.exists()
