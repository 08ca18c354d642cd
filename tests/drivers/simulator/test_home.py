"""A running home: its port with a host's bytes, its control socket, its client and its command line."""

import asyncio
import json
import os
import random
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.simulator.__main__ import main
from drivers.simulator.client import Home as Client
from drivers.simulator.client import HomeRefused, HomeUnreachable
from drivers.simulator.control import LINE_BYTES_MAX, answer, serve_control, verbs_of
from drivers.simulator.home import Home
from drivers.simulator.keys import fresh_keys
from drivers.simulator.scene import read_scene

SCENE = """
[radio]
airtime = false
[[locks]]
name = "Front door"
node = 2
profile = "plain_v1"
codes = { 1 = "4711" }
[[locks]]
name = "Studio"
node = 3
profile = "no_supervision"
"""

CAPABILITIES_REQUEST = bytes.fromhex("01 03 00 07 FB")


@asynccontextmanager
async def living(folder: Path) -> AsyncIterator[Home]:
    """Let a home live for a test, with port, socket and state in `folder`."""
    entropy = random.Random(3).randbytes
    home = Home(
        read_scene(SCENE),
        fresh_keys(entropy),
        link_path=folder / "tty",
        state_path=folder / "state.json",
        entropy=entropy,
    )
    has_port, has_socket = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(home.run(has_port)),
            tasks.create_task(serve_control(home, folder / "ctl", has_socket)),
        ]
        await has_port.wait()
        await has_socket.wait()
        yield home
        for task in running:
            task.cancel()


class Host:
    """A program that has opened the stick's port."""

    def __init__(self, port: Path) -> None:
        self.descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.descriptor)
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(self.descriptor, self.read)
        self.buffer = b""

    def read(self) -> None:
        self.arrived.put_nowait(os.read(self.descriptor, 4096))

    def write(self, chunk: bytes) -> None:
        assert os.write(self.descriptor, chunk) == len(chunk)

    async def expect(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        async with asyncio.timeout(5):
            while len(self.buffer) < count:
                self.buffer += await self.arrived.get()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.descriptor)
        os.close(self.descriptor)


@asynccontextmanager
async def hosted(home: Home, folder: Path) -> AsyncIterator[Host]:
    """Open the port of a home."""
    assert home.door.is_plugged
    host = Host(folder / "tty")
    yield host
    host.close()


async def test_host_is_acknowledged_and_answered_over_the_port(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        for byte in CAPABILITIES_REQUEST:
            host.write(bytes([byte]))
        assert await host.expect(1) == b"\x06"
        assert (await host.expect(4))[2:] == bytes.fromhex("01 07")


async def test_broken_host_frame_is_answered_with_nak(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        host.write(CAPABILITIES_REQUEST[:-1] + b"\x00")
        assert await host.expect(1) == b"\x15"
        assert home.door.counts["host_frames_broken"] == 1


@pytest.mark.parametrize(("fault", "first"), [("nak_host", b"\x15"), ("can_host", b"\x18")])
async def test_refused_host_frame_is_taken_when_it_is_repeated(tmp_path: Path, fault: str, first: bytes) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        home.inject(fault)
        host.write(CAPABILITIES_REQUEST)
        assert await host.expect(1) == first
        host.write(CAPABILITIES_REQUEST)
        assert await host.expect(1) == b"\x06"


async def test_collision_is_a_frame_of_the_sticks_own_and_a_can(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        home.inject("collide")
        host.write(CAPABILITIES_REQUEST)
        # Application command of node 232, then the answer to the frame that it met.
        assert (await host.expect(16)).hex(" ") == "01 0d 00 a8 00 01 e8 03 20 03 ff 00 c4 00 a8 18"
        host.write(b"\x06")
        host.write(CAPABILITIES_REQUEST)
        assert await host.expect(1) == b"\x06"


async def test_lost_frame_and_lost_acknowledgement_leave_the_wire_as_named(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        home.inject("drop_host_frame")
        host.write(CAPABILITIES_REQUEST)
        home.inject("lose_ack_to_host")
        host.write(CAPABILITIES_REQUEST)
        # Only the second is executed, and its response comes without an acknowledgement before it.
        assert (await host.expect(4))[2:] == bytes.fromhex("01 07")


async def test_corrupted_frame_is_repeated_after_the_hosts_nak(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        home.inject("corrupt_to_host")
        host.write(CAPABILITIES_REQUEST)
        first = (await host.expect(46))[1:]
        host.write(b"\x15")
        again = await host.expect(45)
        assert first != again
        assert first[:-2] == again[:-2]
        host.write(b"\x06")


async def test_unplugged_port_vanishes_and_comes_back_with_a_reset(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        home.unplug()
        assert not (tmp_path / "tty").is_symlink()
        home.plug()
        async with hosted(home, tmp_path) as host:
            # SerialAPIStarted is announced by the stick that was plugged in.
            assert (await host.expect(4))[2:] == bytes.fromhex("00 0A")
            host.write(b"\x06")


async def test_stopped_home_leaves_no_port_and_no_socket(tmp_path: Path) -> None:
    async with living(tmp_path):
        assert (tmp_path / "ctl").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json"]


async def test_locks_keep_their_codes_over_a_restart(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        assert home.program("Studio", 4, "808080")["is_stored"]
        home.erase("Front door", 1)
        before = [lock["slots"] for lock in home.truth()]
    async with living(tmp_path) as home:
        assert [lock["slots"] for lock in home.truth()] == before
        assert home.press("Studio", "808080")["slot"] == 4


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"3", "a request is an object"),
        (b'{"verb": "dance"}', "there is no such verb"),
        (b'{"verb": ["truth"]}', "there is no such verb"),
        (b'{"verb": "press", "args": {"lock": "2"}}', "missing a required argument"),
        (b'{"verb": "press", "args": {"lock": 2, "digits": "1"}}', "lock has the wrong type"),
        (
            b'{"verb": "press", "args": {"lock": "9", "digits": "1"}}',
            "there is no lock '9'; there are 'Front door' (2)",
        ),
        (b'{"verb": "battery", "args": {"lock": "2", "percent": true}}', "percent has the wrong type"),
        (b'{"verb": "truth", "args": 3}', "args is an object"),
        (b'{"verb": "turn", "args": {"lock": "2", "direction": "round"}}', "lock or unlock"),
        (b'{"verb": "fault", "args": {"name": "luck"}}', "there is no fault 'luck'"),
        (b'{"verb": "fault", "args": {"name": "wipe"}}', "say which"),
        (b'{"verb": "fault", "args": {"name": "nak_host", "times": 0}}', "times must be"),
    ],
)
async def test_senseless_request_is_answered_with_a_reason(tmp_path: Path, line: bytes, reason: str) -> None:
    async with living(tmp_path) as home:
        said = answer(verbs_of(home), line)
        assert said["ok"] is False
        assert reason in str(said["error"])


async def test_overlong_line_ends_the_conversation_and_not_the_home(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "ctl")
        writer.write(b"x" * (LINE_BYTES_MAX + 2) + b"\n")
        assert b"too long" in await reader.readline()
        writer.close()
        assert home.truth()


async def off_loop[**P, R](act: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a blocking client beside the home."""
    return await asyncio.to_thread(act, *args, **kwargs)


async def test_client_sees_and_does_what_people_do(tmp_path: Path) -> None:
    async with living(tmp_path):
        client = Client(tmp_path / "ctl")
        assert await off_loop(client.pins, 2) == {1: "4711"}
        assert (await off_loop(client.press, "front DOOR", "4711"))["slot"] == 1
        assert (await off_loop(client.press, 2, "9999"))["outcome"] == "refused"
        assert (await off_loop(client.program, 3, 4, "4711"))["is_stored"]
        assert (await off_loop(client.erase, 3, 4))["is_stored"]
        assert (await off_loop(client.turn, 2, "lock"))["bolt"] == "locked"
        assert (await off_loop(client.jam, 2))["bolt"] == "jammed"
        assert (await off_loop(client.battery, 2, 30))["battery"] == 30
        await off_loop(client.fault, "lose_to_node", lock=2, rate=1)
        assert (await off_loop(client.calm))["cancelled"] == 1
        await off_loop(client.fault, "wipe", lock=2)
        assert await off_loop(client.pins, 2) == {}
        struck = {row["fault"]: row["struck"] for row in await off_loop(client.faults)}
        assert struck["wipe"] == 1
        await off_loop(client.reset, 3)
        assert (await off_loop(client.unplug))["is_plugged"] is False
        assert (await off_loop(client.plug))["is_plugged"] is True
        with pytest.raises(HomeRefused, match="there is no lock"):
            await off_loop(client.pins, "cellar")


async def test_trace_and_counters_name_the_frames_of_a_lock(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        client = Client(tmp_path / "ctl")
        before = await off_loop(client.last_frame)
        # SendData to node 2: Z-Wave Plus Info Get, callback 1
        body = bytes.fromhex("09 00 13 02 02 5E 01 25 01")
        check = 0xFF
        for byte in body:
            check ^= byte
        host.write(b"\x01" + body + bytes([check]))
        # ACK, response, callback; the answer of the lock follows once the callback is acknowledged.
        await host.expect(1 + 6)
        host.write(b"\x06")
        await host.expect(26)
        host.write(b"\x06")
        await host.expect(4)
        frames = await off_loop(client.frames, before, "Front door")
        assert [(frame["direction"], frame["label"]) for frame in frames] == [
            ("to_lock", "Z-Wave Plus Info Get"),
            ("from_lock", "Z-Wave Plus Info Report"),
        ]
        counts = await off_loop(client.lock_counts, 2)
        assert (counts["to_lock"], counts["from_lock"], counts["beams"]) == (1, 1, 1)


async def test_command_line_answers_people_and_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with living(tmp_path):

        def ctl(*words: str) -> tuple[int, str]:
            code = main(["ctl", "--control", str(tmp_path / "ctl"), *words])
            said = capsys.readouterr()
            return code, said.out + said.err

        code, said = await off_loop(ctl, "truth")
        assert code == 0
        assert "Front door (node 2, plain_v1): locked, battery 100 %" in said
        assert "1     enabled  4711" in said
        code, said = await off_loop(ctl, "press", "2", "4711", "--json")
        assert (code, json.loads(said)["slot"]) == (0, 1)
        code, said = await off_loop(ctl, "press", "2", "0000")
        assert (code, "refused" in said) == (1, True)
        code, said = await off_loop(ctl, "program", "2", "2", "4711")
        assert (code, "duplicate" in said) == (1, True)
        for words in (("frames",), ("counts",), ("faults",), ("fault", "lose_to_node", "--node", "2"), ("calm",)):
            assert (await off_loop(ctl, *words))[0] == 0
        code, said = await off_loop(ctl, "jam", "cellar")
        assert (code, "there is no lock 'cellar'" in said) == (1, True)


def test_command_line_says_when_nobody_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ctl", "--control", str(tmp_path / "none"), "truth"]) == 2
    assert "is `python -m drivers.simulator serve` running?" in capsys.readouterr().err
    with pytest.raises(HomeUnreachable):
        Client(tmp_path / "none").truth()


def test_bad_scene_stops_the_start_with_every_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_text('[[locks]]\nname = "A"\nnode = 900\nprofile = "plain"\n')
    words = ["serve", "--scene", str(tmp_path / "bad.toml"), "--link", str(tmp_path / "t"), "--control", "c"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "locks[1].node: is not a node id; write 2 to 232" in said
    assert "locks[1].profile" in said
