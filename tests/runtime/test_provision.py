"""A hub's identity and configuration, made once: whole after a cut at any point, never made anew, no secret shown."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from gateway.durable import put_file
from gateway.runtime import provision as room
from gateway.runtime.config import ConfigInvalid, load
from gateway.runtime.entropy import SystemEntropy
from gateway.runtime.provision import Places, main, provision

TOKEN = SystemEntropy().token

CONFIG = """
[hub]
id = "@HUB-ID@"
state = "/var/lib/gateway"
secret_file = "gateway.secret"

[broker]
url = "mqtts://broker.example:8883"
ca_file = "gateway.ca.pem"
certificate_file = "gateway.certificate.pem"
key_file = "gateway.key.pem"

[[locks]]
id = "front"
name = "Front door"
node = 2
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(*(tmp_path / name for name in ("settings", "credentials", "state", "seed")))
    for folder in (made.settings, made.credentials, made.state, made.seed):
        folder.mkdir()
    (made.seed / "gateway.toml").write_text(CONFIG)
    (made.seed / "gateway.ca.pem").write_text("ca")
    (made.seed / "gateway.certificate.pem").write_text("certificate")
    return made


def contents(places: Places) -> dict[str, bytes]:
    folders = (places.settings, places.credentials)
    return {path.name: path.read_bytes() for folder in folders for path in folder.iterdir()}


def as_the_unit_lays_it_out(places: Places, folder: Path) -> Path:
    folder.mkdir()
    for path in (*places.credentials.glob("gateway.*"), places.settings / "gateway.toml"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder / "gateway.toml"


def test_a_hub_gets_an_id_a_secret_a_key_and_its_configuration(places: Places, tmp_path: Path) -> None:
    assert provision(places, TOKEN)
    hub_id = (places.settings / "hub-id").read_text().strip()
    config = load(as_the_unit_lays_it_out(places, tmp_path / "unit"))
    assert config.hub_id == hub_id
    assert config.secret is not None
    assert len(config.secret.read_bytes()) == 32
    key = serialization.load_pem_private_key((places.credentials / "gateway.key.pem").read_bytes(), None)
    request = x509.load_pem_x509_csr((places.settings / "gateway.csr.pem").read_bytes())
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    assert request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == hub_id
    secrets = [path for path in places.credentials.iterdir() if path.stat().st_mode & 0o077]
    assert secrets == []


def test_what_is_there_is_never_made_anew(places: Places) -> None:
    provision(places, TOKEN)
    first = contents(places)
    (places.settings / "provisioned").unlink()
    (places.seed / "gateway.ca.pem").write_text("another")
    provision(places, TOKEN)
    assert contents(places) == first


def test_what_is_brought_too_late_is_told_of_and_not_taken(places: Places, caplog: pytest.LogCaptureFixture) -> None:
    provision(places, TOKEN)
    (places.settings / "provisioned").unlink()
    (places.seed / "gateway.password").write_text("first")
    provision(places, TOKEN)
    (places.seed / "gateway.password").write_text("second")
    caplog.clear()
    provision(places, TOKEN)
    assert (places.credentials / "gateway.password").read_text() == "first"
    told = [vars(record) for record in caplog.records if record.message == "provision.brought.too_late"]
    assert [record["file"] for record in told] == [str(places.seed / "gateway.password")]
    assert str(places.credentials / "gateway.password") in told[0]["remedy"]
    assert "second" not in str(told)


def mistaken(places: Places) -> None:
    """A first start of a seed with mistakes; then the owner corrects it, and brings a key of his own beside his certificate."""
    (places.seed / "gateway.toml").write_text(CONFIG.replace("mqtts://", "http://"))
    (places.seed / "gateway.password").write_text("mistyped")
    with pytest.raises(ConfigInvalid):
        provision(places, TOKEN)
    (places.seed / "gateway.toml").unlink()
    assert not provision(places, TOKEN)
    assert (places.settings / "gateway.csr.pem").exists()
    for name, content in CORRECTED.items():
        (places.seed / name).write_bytes(content)
    (places.seed / "gateway.toml").write_text(CONFIG)


CORRECTED = {
    name: f"corrected {name}".encode()
    for name in ("gateway.ca.pem", "gateway.certificate.pem", "gateway.key.pem", "gateway.password")
}


def test_until_there_is_a_configuration_an_owner_may_correct_what_he_brought(places: Places) -> None:
    mistaken(places)
    before = contents(places)
    assert provision(places, TOKEN)
    after = contents(places)
    assert {name: after[name] for name in CORRECTED} == CORRECTED
    assert {name: after[name] for name in ("hub-id", "gateway.secret")} == {
        name: before[name] for name in ("hub-id", "gateway.secret")
    }
    assert "gateway.csr.pem" not in after, "the request was for the key that is gone"
    assert [path for path in places.credentials.iterdir() if path.stat().st_mode & 0o077] == []


def test_what_was_taken_stays_when_the_owner_removes_it_from_the_seed(places: Places) -> None:
    (places.seed / "gateway.key.pem").write_text("key")
    (places.seed / "gateway.toml").rename(places.seed / "kept")
    assert not provision(places, TOKEN)
    (places.seed / "gateway.key.pem").unlink()
    (places.seed / "kept").rename(places.seed / "gateway.toml")
    assert provision(places, TOKEN)
    assert (places.credentials / "gateway.key.pem").read_text() == "key"


def test_two_hubs_from_one_seed_share_nothing_secret(places: Places, tmp_path: Path) -> None:
    other = Places(tmp_path / "s2", tmp_path / "c2", tmp_path / "d2", places.seed)
    other.settings.mkdir()
    other.credentials.mkdir()
    provision(places, TOKEN)
    provision(other, TOKEN)
    mine, theirs = contents(places), contents(other)
    for name in ("hub-id", "gateway.secret", "gateway.key.pem", "gateway.csr.pem", "gateway.toml"):
        assert mine[name] != theirs[name], name


class Cut(Exception):  # noqa: N818 - the power goes, and nobody erred
    """The power goes."""


def cut_at(count: int, *, is_written: bool) -> Callable[[Path, bytes, int], None]:
    """A `put_file` during whose `count`-th call the power goes: before the file has its name, or right after."""
    calls = 0

    def put(path: Path, content: bytes, mode: int = 0o600) -> None:
        nonlocal calls
        calls += 1
        if calls == count and not is_written:
            path.with_name(f".{path.name}.new").write_bytes(content[: len(content) // 2])
            raise Cut
        put_file(path, content, mode)
        if calls == count:
            raise Cut

    return put


WRITES = 8  # hub-id, secret, CA, certificate, request, key, configuration, marker


@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize("count", range(1, WRITES + 1))
def test_a_cut_at_any_point_is_made_good_by_the_next_run(
    places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int, *, is_written: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(room, "put_file", cut_at(count, is_written=is_written))
        with pytest.raises(Cut):
            provision(places, TOKEN)
    before = contents(places)
    assert provision(places, TOKEN)
    after = contents(places)
    # A request without its key is of no use and is made again with a new one; everything else that had its name keeps its content.
    spared = {"gateway.csr.pem"} if "gateway.key.pem" not in before else set()
    assert {name: after[name] for name in before if not name.startswith(".") and name not in spared} == {
        name: content for name, content in before.items() if not name.startswith(".") and name not in spared
    }
    key = serialization.load_pem_private_key(after["gateway.key.pem"], None)
    assert x509.load_pem_x509_csr(after["gateway.csr.pem"]).public_key() == key.public_key()
    assert load(as_the_unit_lays_it_out(places, tmp_path / "unit")).hub_id == after["hub-id"].decode().strip()


CORRECTIONS = 6  # CA, certificate, key, password, configuration, marker


@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize("count", range(1, CORRECTIONS + 1))
def test_a_cut_while_a_correction_is_taken_is_made_good_by_the_next_run(
    places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int, *, is_written: bool
) -> None:
    mistaken(places)
    with monkeypatch.context() as patch:
        patch.setattr(room, "put_file", cut_at(count, is_written=is_written))
        with pytest.raises(Cut):
            provision(places, TOKEN)
    cut = contents(places)
    assert ("gateway.toml" in cut) <= (CORRECTED.items() <= cut.items()), "nothing runs on a part of the correction"
    assert ("provisioned" in cut) <= ("gateway.toml" in cut)
    assert provision(places, TOKEN)
    after = contents(places)
    assert CORRECTED.items() <= after.items()
    assert "gateway.csr.pem" not in after
    assert load(as_the_unit_lays_it_out(places, tmp_path / "unit")).hub_id == after["hub-id"].decode().strip()


def test_the_count_of_corrections_above_is_whole(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    mistaken(places)
    monkeypatch.setattr(room, "put_file", cut_at(CORRECTIONS + 1, is_written=True))
    assert provision(places, TOKEN)


def test_the_count_of_writes_above_is_whole(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "put_file", cut_at(WRITES + 1, is_written=True))
    assert provision(places, TOKEN)


def test_without_a_configuration_all_else_is_made_and_the_next_run_looks_again(places: Places) -> None:
    (places.seed / "gateway.toml").rename(places.seed / "kept")
    assert not provision(places, TOKEN)
    assert not (places.settings / "provisioned").exists()
    assert (places.credentials / "gateway.key.pem").exists()
    (places.seed / "kept").rename(places.settings / "gateway.toml")
    assert provision(places, TOKEN)
    assert "@HUB-ID@" not in (places.settings / "gateway.toml").read_text()


def test_mistakes_are_told_and_nothing_wrong_is_taken(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    (places.seed / "gateway.toml").write_text(CONFIG.replace("mqtts://", "http://"))
    with pytest.raises(ConfigInvalid, match=r"broker\.url"):
        provision(places, TOKEN)
    assert not (places.settings / "gateway.toml").exists()
    arguments = [f"--{name}={getattr(places, name)}" for name in ("settings", "credentials", "state", "seed")]
    assert main(arguments) == os.EX_CONFIG
    told = capsys.readouterr()
    assert "broker.url" in told.err
    assert (places.credentials / "gateway.key.pem").exists() is False


def test_a_disk_that_takes_nothing_is_no_mistake_of_a_person_and_is_tried_again(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    (places.settings / "gateway.csr.pem").mkdir()
    arguments = [f"--{name}={getattr(places, name)}" for name in ("settings", "credentials", "state", "seed")]
    assert main(arguments) == 1
    assert "gateway.csr.pem" in capsys.readouterr().err


def test_a_database_without_its_secret_is_a_persons_business(places: Places) -> None:
    (places.state / "gateway.db").touch()
    with pytest.raises(room.NotProvisionable, match="restore"):
        provision(places, TOKEN)
    assert not (places.credentials / "gateway.secret").exists()


def test_secrets_left_on_the_seed_are_warned_of_by_name_only(places: Places, caplog: pytest.LogCaptureFixture) -> None:
    (places.seed / "gateway.password").write_text("hunter2secret")
    with caplog.at_level("INFO"):
        provision(places, TOKEN)
    assert "gateway.password" in str([vars(record) for record in caplog.records])
    assert "hunter2secret" not in str([vars(record) for record in caplog.records])
