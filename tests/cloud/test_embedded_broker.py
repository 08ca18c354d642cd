"""The embedded broker as a program: its start, its refusals, its bad guests."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cloud import topics
from gateway.runtime.broker import WINDOW, Outbox, Parcel
from tests.brokers import Broker, free_port, start_broker
from tests.cloud.room import HUB, uplink

pytestmark = pytest.mark.broker

BINARY = [sys.executable, "-m", "gateway.runtime.broker"]
CONNACK_REFUSED = bytes.fromhex("20 02 00 01")
WAIT_S = 15.0


@pytest.fixture
def broker() -> Iterator[Broker]:
    with start_broker("embedded") as broker:
        yield broker


def answer_to(broker: Broker, said: bytes) -> bytes:
    """What the broker says before it hangs up."""
    with socket.create_connection((broker.host, broker.port), timeout=WAIT_S) as wire:
        wire.sendall(said)
        heard = b""
        while part := wire.recv(100):
            heard += part
        return heard


def test_it_says_when_it_is_ready_and_stops_when_told(tmp_path: Path) -> None:
    port, ready = free_port(), tmp_path / "ready"
    with subprocess.Popen(
        [*BINARY, "--port", str(port), "--ready-file", str(ready)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S):
            pass
        process.terminate()
        assert process.wait(WAIT_S) == 0
    assert line == ready.read_text() == f"ready 127.0.0.1:{port}\n"


def test_a_taken_port_ends_it_with_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [*BINARY, "--port", str(port)], capture_output=True, text=True, timeout=WAIT_S, check=False
        )
    assert done.returncode == 1
    assert f"cannot serve on port {port}" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_it_listens_on_loopback_only(broker: Broker) -> None:
    assert broker.process is not None
    listening = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{broker.port:04X}")
    ]
    assert listening == [f"0100007F:{broker.port:04X}"]


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        pytest.param(bytes.fromhex("10 0d 00 04 4d 51 54 54 05 02 00 3c 00 00 00"), CONNACK_REFUSED, id="MQTT 5"),
        pytest.param(bytes.fromhex("10 0c 00 04 4d 51 54 54 03 02 00 3c 00 00"), CONNACK_REFUSED, id="level 3"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n" + b"x" * 200, b"", id="HTTP"),
        pytest.param(bytes.fromhex("30 02 00 00"), b"", id="PUBLISH first"),
        pytest.param(bytes.fromhex("10 ff ff ff 7f"), b"", id="a CONNECT of 256 MB"),
    ],
)
def test_a_guest_that_speaks_otherwise_is_sent_away(broker: Broker, said: bytes, heard: bytes) -> None:
    assert answer_to(broker, said) == heard


async def test_bad_guests_harm_nobody_else(broker: Broker) -> None:
    listen = topics.all_up(HUB)
    async with uplink(broker).connect(will=None, listen_to=listen) as hub:
        await hub.ready()
        for said in (
            b"\x10",
            b"\x00" * 50,
            bytes.fromhex("10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00") + b"\xf0\xff\xff",
        ):
            with socket.create_connection((broker.host, broker.port), timeout=WAIT_S) as wire:
                wire.sendall(said)
        await hub.publish(topics.up(HUB, topics.Up.EVT), b"still there")
        async with asyncio.timeout(WAIT_S):
            assert (await anext(hub.messages())).payload == b"still there"


def number(outbox: Outbox) -> int:
    started = outbox.start_next()
    assert started is not None
    return started[0]


def test_an_outbox_keeps_its_window_and_its_order() -> None:
    outbox = Outbox()
    for index in range(WINDOW + 2):
        outbox.put(Parcel("t", b"%d" % index, 1))
    assert [number(outbox) for _ in range(WINDOW)] == list(range(1, WINDOW + 1))
    assert outbox.start_next() is None
    outbox.finish(3)
    outbox.finish(99)
    assert number(outbox) == WINDOW + 1
    assert outbox.start_next() is None
    assert list(outbox.under_way) == [1, 2, *range(4, WINDOW + 2)]


def test_packet_numbers_wrap_and_pass_over_those_under_way() -> None:
    outbox = Outbox(next_id=65_535)
    for _ in range(3):
        outbox.put(Parcel("t", b"", 1))
    outbox.under_way[1] = Parcel("t", b"old", 1)
    assert [number(outbox) for _ in range(3)] == [65_535, 2, 3]


def test_a_full_outbox_refuses_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.runtime.broker.WAITING_MAX", 2)
    outbox = Outbox()
    assert [outbox.put(Parcel("t", b"", 1)) for _ in range(3)] == [True, True, False]
