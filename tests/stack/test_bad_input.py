"""Bad input of every kind gets an answer that names field and rule; nothing is lost and the daemon stays up (done when 6)."""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from paho.mqtt import publish
from paho.mqtt.enums import MQTTProtocolVersion

from gateway.cloud.counterpart import Counterpart
from gateway.cloud.report import CloudEvent
from gateway.cloud.strict_json import PAYLOAD_MAX
from gateway.cloud.topics import Down, down
from gateway.cloud.wire import synthetic_id
from gateway.model.events import Fact
from gateway.model.ids import HubId
from gateway.runtime import tryout
from gateway.runtime.main import Exit
from tests.stack.house import HUB, SEEN_S, House, applied, driver_detail, running_house, until, wall_ms
from tests.stack.zwave_stack import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.broker]

CANARY = "730951"
"""The PIN in whatever is wrong; no answer may repeat it (N1)."""


_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house() as running:
        yield running


@contextlib.asynccontextmanager
async def in_front_of(house: House) -> AsyncIterator[Counterpart]:
    """A cloud in front of a daemon that has its locks; afterwards the same process takes a good order."""
    if not house.is_up():
        house.start_daemon()
    await house.met()
    daemon = house.daemon
    async with house.cloud() as cloud:
        yield cloud
        code_id = f"good-{wall_ms()}"
        await applied(cloud, "access_code.create", {"access_code_id": code_id, "device_id": "front", "code": "271828"})
        assert "271828" in house.pins("front").values()
        await applied(cloud, "access_code.delete", {"access_code_id": code_id})
        assert house.is_up()
        assert house.daemon is daemon


@dataclass(frozen=True)
class Wrong:
    """A message that is refused: what the rejection names, and a piece of the rule it tells."""

    payload: bytes
    reason: str
    field: str | None
    rule: str


def order(body: Mapping[str, Fact], kind: str = "access_code.create", **envelope: Fact) -> bytes:
    """A good order for the front door, but for what is told."""
    good: dict[str, Fact] = {"access_code_id": "wrong", "device_id": "front", "code": CANARY}
    told = {key: value for key, value in {**good, **body}.items() if value != "left out"}
    return json.dumps({"v": 1, "id": f"wrong-{next(_numbers)}", "kind": kind, "body": told} | envelope).encode()


WRONG: Mapping[str, Wrong] = {
    "malformed JSON": Wrong(b'{"id": "1", "code": "730951"', "malformed", None, "not JSON, at character"),
    "nothing": Wrong(b"", "malformed", None, "not JSON"),
    "no object": Wrong(b'["730951"]', "malformed", None, "not a JSON object"),
    "invalid UTF-8": Wrong(b'{"id": "1", "name": "\xff\xfe730951"}', "malformed", None, "not UTF-8"),
    "one key twice": Wrong(b'{"id": "1", "id": "730951"}', "malformed", None, "one key twice"),
    "deep nesting": Wrong(b'{"id":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "malformed", None, "deeper than 8"),
    "oversized": Wrong(order({"name": CANARY * 9_000}), "too_large", None, "the limit is 49152"),
    "no id": Wrong(
        json.dumps({"kind": "access_code.delete", "body": {}}).encode(), "malformed", "id", "must be 1 to 64"
    ),
    "unknown kind": Wrong(order({}, kind="access_code.explode"), "unsupported", "kind", "access_code.create"),
    "other version": Wrong(order({}, v=2), "unsupported", "v", "version 1"),
    "wrong audience": Wrong(order({}, audience="next-door"), "wrong_audience", "audience", "another hub"),
    "PIN as a number": Wrong(order({"code": 730951}), "invalid_input", "code", "must be a string"),
    "name as a list": Wrong(order({"name": [CANARY]}), "invalid_input", "name", "must be a string"),
    "generation as a text": Wrong(order({"generation": CANARY}), "invalid_input", "generation", "whole number"),
    "time as a number": Wrong(order({"starts_at": 730951}), "invalid_input", "starts_at", "must be a string"),
    "no RFC 3339": Wrong(order({"ends_at": "tomorrow 730951"}), "invalid_input", "ends_at", "RFC 3339"),
    "lock left out": Wrong(order({"device_id": "left out"}), "invalid_input", "device_id", "is required"),
    "misspelt field": Wrong(order({"ends_att": "730951"}), "unsupported", "ends_att", "correct the name"),
    "PIN of 3 digits": Wrong(order({"code": "730"}), "invalid_input", "code", "4 to 10 digits"),
    "PIN of 30 digits": Wrong(order({"code": CANARY * 5}), "invalid_input", "code", "4 to 10 digits"),
    "PIN of letters": Wrong(order({"code": "73o951"}), "invalid_input", "code", "digits"),
    "end before start": Wrong(
        order({"starts_at": "2099-01-02T00:00:00Z", "ends_at": "2099-01-01T00:00:00Z"}),
        "invalid_input",
        "ends_at",
        "later than starts_at",
    ),
    "end in the past": Wrong(order({"ends_at": "2001-01-01T00:00:00Z"}), "invalid_input", "ends_at", "in the future"),
    "unknown lock": Wrong(order({"device_id": "cellar"}), "device_not_found", "device_id", "front, garden, studio"),
    "PIN that the lock has already": Wrong(order({"code": "902461"}), "duplicate_access_code", "code", "slot 1"),
    "unknown code": Wrong(
        order({"device_id": "left out", "access_code_id": "nobody"}, kind="access_code.update"),
        "access_code_not_found",
        "access_code_id",
        "no such access code",
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_wrong_order_is_refused_with_field_and_rule_and_changes_nothing(house: House, name: str) -> None:
    async with in_front_of(house) as cloud:
        wrong = WRONG[name]
        pins = {lock_id: house.pins(lock_id) for lock_id in house.configuration.locks}
        if len(wrong.payload) > PAYLOAD_MAX:
            await asyncio.to_thread(_send_oversized, house, wrong.payload)
        else:
            await cloud.send(wrong.payload)
        answer = await _rejection(cloud, _id_of(wrong.payload))
        assert (answer.body["reason"], answer.body["field"]) == (wrong.reason, wrong.field)
        message = str(answer.body["message"])
        assert wrong.rule in message
        assert not any(digits in json.dumps(dict(answer.body)) for digits in (CANARY, "73o951", "902461"))
        assert {lock_id: house.pins(lock_id) for lock_id in house.configuration.locks} == pins


def _send_oversized(house: House, payload: bytes) -> None:
    """By a client without our contract's bounds."""
    broker, topic = house.broker, down(HUB, Down.CMD)
    version = MQTTProtocolVersion.MQTTv5 if broker.protocol == "5" else MQTTProtocolVersion.MQTTv311
    publish.single(topic, payload, qos=1, hostname=broker.host, port=broker.port, protocol=version)


def _id_of(payload: bytes) -> str:
    """The id under which the hub answers: the order's own, or one made from its bytes."""
    try:
        found = json.loads(payload)
    except ValueError:
        return synthetic_id(payload)
    is_readable = isinstance(found, dict) and found.keys() >= {"id", "kind"} and len(payload) <= PAYLOAD_MAX
    return str(found["id"]) if is_readable else synthetic_id(payload)


async def _rejection(cloud: Counterpart, command_id: str) -> CloudEvent:
    """The one rejection of an order, right after the one receipt."""
    await cloud.wait_for(lambda seen: len(seen.answers(command_id)) >= 2, SEEN_S)
    answers = cloud.answers(command_id)
    assert [event.kind for event in answers] == ["command.received", "command.rejected"]
    return answers[1]


async def test_repeated_order_is_answered_by_what_was_answered_and_done_once(house: House) -> None:
    async with in_front_of(house) as cloud:
        code_id = f"twice-{wall_ms()}"
        payload = order({"access_code_id": code_id}, id=code_id)
        await cloud.send(payload)
        await cloud.ended(code_id, SEEN_S)
        answers, frames = cloud.answers(code_id), house.home.last_frame()
        for _ in range(3):
            await cloud.send(payload)
        await applied(
            cloud, "access_code.update", {"access_code_id": code_id, "name": "a fence behind the repetitions"}
        )
        assert cloud.answers(code_id) == answers
        assert house.home.last_frame() == frames
        await applied(cloud, "access_code.delete", {"access_code_id": code_id})


async def test_other_order_under_a_used_id_is_refused_and_leaves_the_first_as_it_is(house: House) -> None:
    async with in_front_of(house) as cloud:
        code_id = f"used-{wall_ms()}"
        await cloud.send(order({"access_code_id": code_id}, id=code_id))
        await cloud.ended(code_id, SEEN_S)
        answers, known = cloud.answers(code_id), len(cloud.events)
        await cloud.send(order({"access_code_id": code_id, "code": "314159"}, id=code_id))
        await cloud.wait_for(
            lambda seen: any(event.kind == "command.rejected" for event in seen.events[known:]), SEEN_S
        )
        (refusal,) = [event for event in cloud.events[known:] if event.kind == "command.rejected"]
        assert refusal.body["field"] == "id"
        assert code_id in str(refusal.body["message"])
        assert cloud.answers(code_id) == answers
        assert CANARY in house.pins("front").values()
        assert "314159" not in house.pins("front").values()
        await applied(cloud, "access_code.delete", {"access_code_id": code_id})


@pytest.mark.parametrize("channel", [Down.SNAP, Down.LIVE])
async def test_order_on_a_channel_that_is_not_served_yet_is_refused(house: House, channel: Down) -> None:
    async with in_front_of(house) as cloud:
        payload = order({})
        await cloud.send(payload, channel)
        assert (await _rejection(cloud, _id_of(payload))).body["reason"] == "unsupported"


async def test_retained_order_is_not_taken_and_the_same_order_unretained_is(house: House, tmp_path: Path) -> None:
    """A hub that never connected before finds an order retained on its topic: a replay, whoever made it."""
    other = HubId("second")
    config = tmp_path / "hub.toml"
    protocol = "auto" if house.broker.kind == "embedded" else house.broker.protocol
    text = replace(house.configuration, hub_id=other, server_url="ws://127.0.0.1:9").toml()
    config.write_text(text.replace("[broker]", f'[broker]\nprotocol = "{protocol}"'))
    payload = order({}, id="kept")
    async with house.cloud(hub_id=other) as cloud:
        await cloud.send(payload, is_retained=True)
        with (tmp_path / "log").open("wb") as output:
            second = subprocess.Popen(
                [sys.executable, "-m", "gateway", "--config", str(config)], cwd=ROOT, stdout=output, stderr=output
            )
        try:
            log = tmp_path / "log"
            await until(lambda: "publish without the retain flag" in log.read_text(), explain=log.read_text)
            assert cloud.answers("kept") == ()
            await cloud.send(payload)
            await cloud.wait_for(lambda seen: len(seen.answers("kept")) == 2, SEEN_S)
            assert [event.kind for event in cloud.answers("kept")] == ["command.received", "command.accepted"]
        finally:
            second.terminate()
            assert second.wait(SEEN_S) == Exit.STOPPED
            await cloud.send(b"", is_retained=True)


BAD_CONFIG = """
[hub]
id = "two words"
zone = "Mars/Olympus"
state = "state"
colour = "blue"

[leads]
just_in_time_s = 9000

[broker]
url = "http://nowhere"
ca_file = "missing.pem"

[drivers.zwave]
url = "ws://example.org:3000"
baud = 9600

[[locks]]
id = "front"
name = "Front door"
node = 2

[[locks]]
id = "front"
name = ""
driver = "carrier-pigeon"

[[locks]]
id = "cellar"
name = "Cellar"
node = 0
"""
BAD_PLACES = (
    "hub.id:", "hub.zone:", "hub.colour:", "leads.just_in_time_s:", "broker.url:", "broker.ca_file:", "locks[1].name:",
    "locks[1].driver:", "locks: 2 locks have the id front", "drivers.zwave: option url", "drivers.zwave: option baud",
    "drivers.zwave: lock cellar: node",
)  # fmt: skip


def test_bad_configuration_tells_every_mistake_at_once_and_ends_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text(BAD_CONFIG)
    ended = _daemon_once(tmp_path)
    assert ended.returncode == Exit.CONFIGURATION
    assert [place for place in BAD_PLACES if place not in ended.stderr] == []
    assert f"{len(BAD_PLACES)} mistakes" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "state").exists()


def test_configuration_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    missing = _daemon_once(tmp_path)
    (tmp_path / "hub.toml").write_text("[hub\n")
    broken = _daemon_once(tmp_path)
    assert (missing.returncode, broken.returncode) == (Exit.CONFIGURATION, Exit.CONFIGURATION)
    assert "No such file" in missing.stderr
    assert "is not TOML" in broken.stderr
    assert "Traceback" not in missing.stderr + broken.stderr


def _daemon_once(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "--config", str(folder / "hub.toml")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SEEN_S, check=False)


async def test_second_daemon_on_the_same_state_ends_at_once_and_leaves_the_first_alone(house: House) -> None:
    async with in_front_of(house) as cloud:
        assert cloud.is_connected
        ended = _daemon_once(house.folder)
        assert ended.returncode == Exit.ALREADY_RUNNING
        assert "another gateway works on" in ended.stderr


async def test_missing_broker_is_told_and_all_works_when_it_comes(house: House) -> None:
    if house.is_up():
        house.stop_daemon()
    house.broker.stop()
    house.start_daemon()
    await house.met()
    told = await house.until_status(lambda status: "127.0.0.1" in str(status["cloud"]))
    assert isinstance(told["cloud"], dict)
    assert told["cloud"]["state"] == "connecting"
    assert any("No link to the cloud" in json.dumps(concern) for concern in _list(told["to_do"]))
    code_id = f"offline-{wall_ms()}"
    made = await tryout.ask(house.socket, {"verb": "create", "arguments": _shell_order(code_id)})
    assert made is not None
    assert made["ok"] is True
    await until(lambda: "577215" in house.pins("front").values())
    house.broker.start()
    async with house.cloud() as cloud:
        # What happened without a broker arrives, and the cloud's own orders are taken.
        await cloud.wait_for(
            lambda seen: any(event.kind == "access_code.set_on_device" for event in seen.of_code(code_id)), SEEN_S
        )
        await applied(cloud, "access_code.delete", {"access_code_id": code_id})
    assert "577215" not in house.pins("front").values()


def _shell_order(code_id: str) -> dict[str, str]:
    return {"lock": "front", "name": "Offline", "pin": "577215", "id": code_id}


def _list(value: Fact) -> list[Fact]:
    assert isinstance(value, list)
    return value


async def test_missing_stick_is_told_and_all_works_when_it_is_plugged_in(house: House) -> None:
    """The daemon that runs the Z-Wave server itself, on a stick that is not there."""
    with running_house(has_server=False) as bare:
        bare.home.unplug()
        await until(lambda: not (bare.folder / "tty").is_symlink())
        daemon = bare.start_daemon()
        told = await bare.until_status(lambda status: driver_detail(status).startswith("down"))
        assert "plug it in" in driver_detail(told)
        assert any("cannot be reached" in json.dumps(concern) for concern in _list(told["to_do"]))
        async with bare.cloud() as cloud:
            waiting = cloud.order(
                "access_code.create", {"access_code_id": "early", "device_id": "front", "code": "577215"}
            )
            await cloud.wait_for(lambda seen: len(seen.answers(waiting)) == 2, SEEN_S)
            bare.home.plug()
            ended = await cloud.ended(waiting, 90.0)
        assert ended.kind == "command.applied"
        assert "577215" in bare.pins("front").values()
        assert bare.daemon is daemon
        assert bare.is_up()
        assert house.broker.port != bare.broker.port
