"""The driver's part of the configuration."""

from collections.abc import Mapping

import pytest

from drivers.zwave.options import DEFAULT_URL, NodeAddress, OwnServer, read_options
from drivers.zwave.quirks import Quirks
from drivers.zwave.renewal import REQUEST
from gateway.model.ids import LockId
from gateway.ports import LockAddress


def lock(name: str, address: Mapping[str, object]) -> LockAddress:
    return LockAddress(LockId(name), name.title(), address)


def test_without_options_the_server_is_at_its_usual_place() -> None:
    options = read_options({}, [lock("front", {"node": 2})])
    assert options.url == DEFAULT_URL
    assert options.server is None
    assert options.nodes == (NodeAddress(LockId("front"), "Front", 2, Quirks()),)


def test_supervised_server_has_stick_port_and_keys() -> None:
    options = read_options({"stick": "/dev/x", "supervise": True, "port": 3001, "keys_file": "/k.toml"}, [])
    assert options.server == OwnServer("/dev/x", 3001, "/k.toml")


@pytest.mark.parametrize(
    ("given", "environment", "is_in_utc"),
    [
        ({}, {}, False),
        ({}, {REQUEST: "/run/gateway/zwave-restart"}, True),
        ({"url": "ws://127.0.0.1:3001"}, {REQUEST: "/run/gateway/zwave-restart"}, False),
        ({"server_in_utc": False}, {REQUEST: "/run/gateway/zwave-restart"}, False),
        ({"server_in_utc": True}, {}, True),
        ({"supervise": True, "stick": "/dev/x"}, {}, True),
    ],
)
def test_t5_server_is_in_utc_when_it_is_ours_or_somebody_says_so(
    given: Mapping[str, object], environment: Mapping[str, str], *, is_in_utc: bool
) -> None:
    assert read_options(given, []).is_in_utc(environment) is is_in_utc


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"server_in_utc": "yes"}, "server_in_utc"),
        ({"supervise": True, "stick": "/dev/x", "server_in_utc": True}, "server_in_utc"),
        ({"supervise": True}, "stick"),
        ({"stick": "/dev/x"}, "stick"),
        ({"keys_file": "/k"}, "keys_file"),
        ({"supervise": "yes", "stick": "/dev/x"}, "supervise"),
        ({"supervise": True, "stick": "/dev/x", "port": 80}, "port"),
        ({"supervise": True, "stick": "/dev/x", "port": True}, "port"),
        ({"supervise": True, "stick": "/dev/x", "keys_file": 7}, "keys_file"),
        ({"supervise": True, "stick": "/dev/x", "url": DEFAULT_URL}, "url"),
        ({"url": "http://127.0.0.1:3000"}, "url"),
        ({"url": "ws://192.168.0.9:3000"}, "url"),
        ({"url": 7}, "url"),
        ({"uri": "ws://127.0.0.1:3000"}, "uri"),
    ],
)
def test_wrong_option_is_named(given: Mapping[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=f"option {word}"):
        read_options(given, [])


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ({}, "node"),
        ({"node": "2"}, "node"),
        ({"node": True}, "node"),
        ({"node": 0}, "node"),
        ({"node": 4001}, "node"),
        ({"node": 2, "lengths": [3]}, "lengths"),
        ({"node": 2, "colour": "red"}, "colour"),
    ],
)
def test_wrong_lock_address_is_named_with_its_lock(address: Mapping[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=f"lock front: {word}"):
        read_options({}, [lock("front", address)])


def test_all_mistakes_come_at_once_one_per_line() -> None:
    locks = [lock("front", {"node": 2}), lock("back", {"node": 2}), lock("side", {})]
    with pytest.raises(ValueError, match="option uri") as caught:
        read_options({"uri": "x", "port": 1}, locks)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert any("2 is already lock front" in line for line in lines)
