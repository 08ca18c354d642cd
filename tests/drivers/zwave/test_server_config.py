"""What the server is started with, and the packages it is made of."""

import json
import random
import re
import stat
from pathlib import Path

import pytest

from drivers.zwave.server.config import server_config, write_server_config
from drivers.zwave.server.keys import KeyName, NetworkKeys, draw_keys
from drivers.zwave.server.node import PACKAGE_DIR
from drivers.zwave.server.process import ServerSettings, server_arguments

STORAGE = Path("/var/lib/gateway/zwave")
SEMVER = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def make_keys() -> NetworkKeys:
    return draw_keys(random.Random(1).randbytes)


def test_first_interview_never_erases_codes(tmp_path: Path) -> None:
    # Rule N7, checked on the file the server reads: without this option a lost cache wipes every PIN on every lock.
    path = write_server_config(server_config(make_keys(), tmp_path), tmp_path)
    assert json.loads(path.read_text())["interview"]["queryAllUserCodes"] is True


def test_each_key_gets_its_place() -> None:
    keys = make_keys()
    config = server_config(keys, STORAGE)
    assert config["securityKeys"] == {
        "S0_Legacy": keys.hex(KeyName.S0_LEGACY),
        "S2_Unauthenticated": keys.hex(KeyName.S2_UNAUTHENTICATED),
        "S2_Authenticated": keys.hex(KeyName.S2_AUTHENTICATED),
        "S2_AccessControl": keys.hex(KeyName.S2_ACCESS_CONTROL),
    }
    assert config["securityKeysLongRange"] == {
        "S2_Authenticated": keys.hex(KeyName.LR_S2_AUTHENTICATED),
        "S2_AccessControl": keys.hex(KeyName.LR_S2_ACCESS_CONTROL),
    }


def test_driver_logs_no_frames_and_no_file() -> None:
    log_config = server_config(make_keys(), STORAGE)["logConfig"]
    assert log_config["level"] == "warn"
    assert log_config["logToFile"] is False


def test_cache_is_apart_from_the_keys_and_other_clients_see_values() -> None:
    config = server_config(make_keys(), STORAGE)
    assert config["storage"] == {"cacheDir": str(STORAGE / "cache"), "throttle": "normal"}
    assert config["emitValueUpdateAfterSetValue"] is True
    assert "timeouts" not in config


def test_marks_of_a_cache_in_use_go_where_they_cost_nothing() -> None:
    config = server_config(make_keys(), STORAGE, locks_dir=Path("/run/zwave/locks"))
    assert config["storage"] == {
        "cacheDir": str(STORAGE / "cache"),
        "throttle": "normal",
        "lockDir": "/run/zwave/locks",
    }


def test_callback_timeout_keeps_the_drivers_distance() -> None:
    config = server_config(make_keys(), STORAGE, callback_timeout_ms=10_000)
    assert config["timeouts"] == {"sendDataCallback": 10_000, "sendDataAbort": 5_000}


def test_report_timeout_is_passed_on_beside_the_others() -> None:
    config = server_config(make_keys(), STORAGE, callback_timeout_ms=10_000, report_timeout_ms=2000)
    assert config["timeouts"] == {"sendDataCallback": 10_000, "sendDataAbort": 5_000, "report": 2000}


def test_timeouts_below_the_drivers_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 10000"):
        server_config(make_keys(), STORAGE, callback_timeout_ms=9_999)
    with pytest.raises(ValueError, match="at least 500"):
        server_config(make_keys(), STORAGE, report_timeout_ms=499)


def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    storage = tmp_path / "zwave"
    path = write_server_config(server_config(make_keys(), storage), storage)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(storage.stat().st_mode) == 0o700
    assert stat.S_IMODE((storage / "cache").stat().st_mode) == 0o700


def test_storage_left_open_is_closed(tmp_path: Path) -> None:
    storage = tmp_path / "zwave"
    storage.mkdir()
    storage.chmod(0o755)
    write_server_config(server_config(make_keys(), storage), storage)
    assert stat.S_IMODE(storage.stat().st_mode) == 0o700


def test_config_is_replaced_whole_and_leaves_no_draft(tmp_path: Path) -> None:
    old = write_server_config(server_config(make_keys(), tmp_path), tmp_path)
    old.chmod(0o644)
    (tmp_path / ".server.json.new").write_text("half of a config, left by a power cut")
    new = write_server_config(server_config(draw_keys(random.Random(2).randbytes), tmp_path), tmp_path)
    assert json.loads(new.read_text())["securityKeys"] != server_config(make_keys(), tmp_path)["securityKeys"]
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["cache", "server.json"]


def test_server_listens_on_loopback_only_and_announces_nothing() -> None:
    settings = ServerSettings("/dev/ttyACM0", STORAGE / "server.json", 3000)
    arguments = server_arguments(settings, Path("server.js"))
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert "--disable-dns-sd" in arguments
    assert arguments[1] == "/dev/ttyACM0"


def test_packages_are_pinned_exactly() -> None:
    package = json.loads((PACKAGE_DIR / "package.json").read_text())
    assert package["private"] is True
    assert package["dependencies"] == {"@zwave-js/server": "3.10.2", "zwave-js": "15.29.0"}


def test_lock_file_pins_and_hashes_every_package_and_names_no_place_to_get_it() -> None:
    lock = json.loads((PACKAGE_DIR / "package-lock.json").read_text())
    packages = {place: entry for place, entry in lock["packages"].items() if place}
    assert len(packages) > 100
    assert packages["node_modules/zwave-js"]["version"] == "15.29.0"
    assert packages["node_modules/@zwave-js/server"]["version"] == "3.10.2"
    for place, entry in packages.items():
        assert SEMVER.match(entry["version"]), place
        assert entry["integrity"].startswith("sha512-"), place
        assert "resolved" not in entry, place
