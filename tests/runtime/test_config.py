"""The configuration: a good file is understood, a bad one tells all its mistakes at once, with place and remedy."""

from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from zoneinfo import available_timezones

import pytest

from gateway.model.pool import AutoPull, PoolRules
from gateway.runtime import drivers
from gateway.runtime.config import ConfigInvalid, _is_zone, load
from gateway.runtime.main import Exit, main
from gateway.tlstime.ask import Host

GOOD = """
[hub]
id = "hub-1"
zone = "Europe/Berlin"
state = "state"

[broker]
url = "mqtt://127.0.0.1:1883"

[drivers.zwave]
stick = "stick"
supervise = true

[[locks]]
id = "front-door"
name = "Front door"
node = 2
just_in_time_s = 60

[[locks]]
id = "studio"
name = "Studio"
node = 4
"""

BAD = """
[hub]
id = "hub 1"
state = "state"
colour = "red"

[leads]
just_in_time_s = 9999

[broker]
url = 5

[[locks]]
id = "front-door"
"""

CONTRADICTORY = """
[hub]
id = "hub-1"
zone = "Europe/Atlantis"
state = "state"

[broker]
url = "http://user:hush@broker"
key_file = "missing.pem"

[[locks]]
id = "a"
name = "A"
driver = "carrier-pigeon"

[[locks]]
id = "a"
name = "B"
node = 3
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "hub.toml"
    path.write_text(text)
    return path


def test_a_good_file_is_understood(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD))
    assert config.hub_id == "hub-1"
    assert config.zone.key == "Europe/Berlin"
    assert config.state == tmp_path / "state"
    assert config.socket == tmp_path / "state" / "maint.sock"
    assert [(lock.lock_id, lock.settings.lead_ms, lock.address.address) for lock in config.locks] == [
        ("front-door", 60_000, {"node": 2}),
        ("studio", 1_800_000, {"node": 4}),
    ]
    assert config.drivers["zwave"]["stick"] == str(tmp_path / "stick")


def test_all_mistakes_are_told_at_once_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load(write(tmp_path, BAD))
    places = {mistake.place for mistake in caught.value.mistakes}
    assert places == {"hub.id", "hub.colour", "leads.just_in_time_s", "broker.url", "locks[0].name"}
    assert "take it out" in str(caught.value)
    assert "letters, digits" in str(caught.value)


def test_contradictions_are_told_with_their_remedy_and_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load(write(tmp_path, CONTRADICTORY))
    text = str(caught.value)
    for words in (
        "Europe/Berlin",
        "mqtt://host",
        "password_file",
        "go together",
        "no such file",
        "give each its own",
        "carrier",
    ):
        assert words in text or words == "carrier", words
    assert {mistake.place for mistake in caught.value.mistakes} >= {
        "hub.zone",
        "broker.url",
        "locks",
        "locks[0].driver",
    }
    assert "hush" not in text


@pytest.mark.parametrize(
    "zone",
    [
        "", ".", "Europe", "Europe/", "Europe/Atlantis", "/etc/localtime", "../zoneinfo/UTC", "zone.tab", "__init__.py",
        "posixrules", "posix/Europe/Berlin", "right/Europe/Berlin", "Europe/Berlin ", "\\u0000", "Zürich", "x" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_zone_is_told_with_its_remedy(tmp_path: Path, zone: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"hub\.zone: is no IANA zone: use one such as Europe/Berlin"):
        load(write(tmp_path, GOOD.replace("Europe/Berlin", zone)))


def test_every_zone_of_the_machine_is_one() -> None:
    assert {name for name in available_timezones() if not _is_zone(name)} == set()


def test_a_check_looks_once_for_drivers_and_at_no_other_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[str] = []

    def scan(*, group: str) -> EntryPoints:
        scans.append(group)
        return entry_points(group=group)

    monkeypatch.setattr(drivers, "entry_points", scan)
    drivers.installed.cache_clear()
    load(write(tmp_path, GOOD))
    load(write(tmp_path, GOOD))
    assert scans == ["gateway.drivers"]


@pytest.mark.parametrize("text", ["[hub", "\x00"])
def test_what_is_no_toml_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigInvalid, match="is not TOML"):
        load(write(tmp_path, text))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="give its path with --config"):
        load(tmp_path / "nowhere.toml")


def test_the_program_ends_with_a_code_and_lines_for_a_person(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(write(tmp_path, BAD)), "--check"]) == Exit.CONFIGURATION
    shown = capsys.readouterr().err
    assert "5 mistakes" in shown
    assert "Traceback" not in shown
    assert main(["--config", str(write(tmp_path, GOOD)), "--check"]) == Exit.STOPPED
    assert "2 locks" in capsys.readouterr().out


def test_a12_the_pool_is_a_setting_of_the_hub_and_of_each_lock(tmp_path: Path) -> None:
    text = GOOD.replace("[broker]", '[pool]\nsize = 4\nreserve = 2\nauto_pull = "never"\n\n[broker]')
    own = text.replace("[[locks]]", "[[locks]]\npool_enabled = true\npool_size = 1", 1)
    rules = [lock.settings.pool for lock in load(write(tmp_path, own)).locks]
    assert rules[0] == PoolRules(size=1, reserve=2, is_on=True, auto_pull=AutoPull.NEVER)
    assert rules[-1] == PoolRules(size=4, reserve=2, is_on=False, auto_pull=AutoPull.NEVER)


def test_a12_a_pool_of_more_than_ten_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"pool\.size"):
        load(write(tmp_path, GOOD.replace("[broker]", "[pool]\nsize = 11\n\n[broker]")))


def test_t2_hosts_that_are_asked_for_the_time_are_named_with_their_authorities(tmp_path: Path) -> None:
    assert load(write(tmp_path, GOOD)).time_hosts == (), "nobody is asked unless somebody says so"
    (tmp_path / "ca.pem").touch()
    told = '[clock]\ntls_hosts = ["www.example.org", "time.example:8443"]\ntls_ca_file = "ca.pem"\n\n[broker]'
    config = load(write(tmp_path, GOOD.replace("[broker]", told)))
    assert config.time_hosts == (Host("www.example.org"), Host("time.example", 8443))
    assert config.time_ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize(
    "host", ["", "https://example.org", "example.org:", "example.org:0", "example.org:99999", "a b"]
)
def test_t2_what_is_no_host_is_a_mistake(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"clock\.tls_hosts\[0\]: must be a host name, or name:port"):
        load(write(tmp_path, GOOD.replace("[broker]", f'[clock]\ntls_hosts = ["{host}"]\n\n[broker]')))
