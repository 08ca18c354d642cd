"""One server kept running, with a small Python program in the place of Node.js."""

import asyncio
import json
import logging
import os
import random
import signal
import socket
import stat
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.zwave.server.node import NODE_VARIABLE, TETHER, ServerUnusableError, find_node, server_program
from drivers.zwave.server.process import Pace, ServerProcess, ServerSettings, ServerState, ServerStatus, backoff_s

PATIENCE_S = 20.0
QUICK = Pace(first_backoff_s=0.02, longest_backoff_s=0.05, ready_s=10.0, poll_s=0.02, stop_s=5.0)

SERVES = """
    from aiohttp import web

    async def greet(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "version", "serverVersion": "3.10.2", "driverVersion": "15.29.0", "homeId": 1,
                                "minSchemaVersion": SCHEMA_MIN, "maxSchemaVersion": SCHEMA_MAX})
        async for message in socket:
            pass
        return socket

    app = web.Application()
    app.router.add_get("/", greet)
    web.run_app(app, host="127.0.0.1", port=port, print=None, shutdown_timeout=0.1)
"""
SERVES_PINNED = SERVES.replace("SCHEMA_MIN", "0").replace("SCHEMA_MAX", "50")
CRASHES = """
    print("code 4711 was set", flush=True)
    print("Error: Failed to open the serial port: no such device (ZW0100)", file=sys.stderr, flush=True)
    print("Node.js v20.20.2", file=sys.stderr, flush=True)
    sys.exit(3)
"""
HANGS = """
    import time
    time.sleep(3600)
"""
DEAF = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (log.parent / "deaf").touch()
    time.sleep(3600)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_node(folder: Path, *lives: str, version: str = "v20.20.2") -> Path:
    """Write a stand-in for Node.js: run number n of it lives the n-th life, later ones the last; each run is recorded."""
    bodies = "\n".join(
        f"if life == {number}:\n" + textwrap.indent(textwrap.dedent(body), "    ") for number, body in enumerate(lives)
    )
    path = folder / "fake-node"
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        "from pathlib import Path\n"
        f"if sys.argv[1:] == ['--version']:\n    print({version!r})\n    sys.exit()\n"
        f"log = Path({str(folder / 'runs.jsonl')!r})\n"
        f"life = min(len(log.read_text().splitlines()) if log.exists() else 0, {len(lives) - 1})\n"
        "mask = os.umask(0)\n"
        "os.umask(mask)\n"
        "run = {'argv': sys.argv[1:], 'env': sorted(os.environ), 'umask': mask, 'cwd': os.getcwd(),\n"
        "       'leads_group': os.getpgrp() == os.getpid(), 'pid': os.getpid()}\n"
        "with log.open('a') as file:\n    print(json.dumps(run), file=file)\n"
        "port = int(sys.argv[sys.argv.index('--port') + 1])\n"
        f"{bodies}\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def runs(folder: Path) -> list[dict[str, object]]:
    log = folder / "runs.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def make_modules(folder: Path) -> Path:
    modules = folder / "node_modules"
    for name in ("@zwave-js/server/dist-esm/bin/server.js", "zwave-js/package.json"):
        (modules / name).parent.mkdir(parents=True)
        (modules / name).touch()
    return modules


def make_server(
    folder: Path,
    node: Path,
    pace: Pace = QUICK,
    extra: Mapping[str, str] | None = None,
    objection: Callable[[], Awaitable[str | None]] | None = None,
) -> ServerProcess:
    settings = ServerSettings("/dev/stick", folder / "server.json", free_port(), make_modules(folder), pace)
    environment = {NODE_VARIABLE: str(node), "PATH": os.defpath, **(extra or {})}
    return ServerProcess(settings, environment, random.Random(1).randbytes, objection)


@asynccontextmanager
async def running(server: ServerProcess) -> AsyncIterator[None]:
    """Run the server around the body, and stop it at its end."""
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        group.create_task(server.run())
        yield
        server.stop()


async def until(holds: Callable[[], bool]) -> None:
    """Return when a fact about another process holds; `running` bounds the wait."""
    while not holds():  # noqa: ASYNC110 - the fact is a file or a state of another process: nothing to wait on
        await asyncio.sleep(0.01)


def is_alive(pid: object) -> bool:
    assert isinstance(pid, int)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_server_is_ready_when_it_sent_its_version(tmp_path: Path) -> None:
    server = make_server(tmp_path, make_node(tmp_path, SERVES_PINNED))
    async with running(server):
        await server.wait_ready()
        assert server.status == ServerStatus(ServerState.READY, restart_count=0, last_exit=None)
    assert server.status == ServerStatus(ServerState.STOPPED, restart_count=0, last_exit=None)
    assert not is_alive(runs(tmp_path)[0]["pid"])


async def test_child_gets_its_own_group_a_closed_umask_and_few_variables(tmp_path: Path) -> None:
    extra = {"LOGTOFILE": "1", "LOGLEVEL": "silly", "NODE_OPTIONS": "--inspect", "TZ": "Europe/Berlin"}
    server = make_server(tmp_path, make_node(tmp_path, SERVES_PINNED), extra=extra)
    async with running(server):
        await server.wait_ready()
    (run,) = runs(tmp_path)
    assert run["leads_group"] is True
    assert run["umask"] == 0o077
    assert run["cwd"] == str(tmp_path)
    env = run["env"]
    assert isinstance(env, list)
    assert "TZ" in env
    assert not {"LOGTOFILE", "LOGLEVEL", "NODE_OPTIONS", NODE_VARIABLE} & set(env)


async def test_server_does_not_start_while_somebody_objects_and_starts_when_the_objection_is_gone(
    tmp_path: Path,
) -> None:
    objections = ["this stick holds another network", "this stick holds another network"]

    async def object_twice() -> str | None:
        return objections.pop() if objections else None

    server = make_server(tmp_path, make_node(tmp_path, SERVES_PINNED), objection=object_twice)
    async with running(server):
        await server.wait_ready()
        assert server.status.last_exit == "this stick holds another network"
    assert len(runs(tmp_path)) == 1


async def test_ended_server_is_started_again(tmp_path: Path) -> None:
    server = make_server(tmp_path, make_node(tmp_path, CRASHES, CRASHES, SERVES_PINNED))
    async with running(server):
        await server.wait_ready()
        assert server.status.restart_count == 2
        assert server.status.last_exit == "exit code 3: Error: Failed to open the serial port: no such device (ZW0100)"


async def test_killed_server_is_started_again(tmp_path: Path) -> None:
    server = make_server(tmp_path, make_node(tmp_path, SERVES_PINNED))
    async with running(server):
        await server.wait_ready()
        pid = runs(tmp_path)[0]["pid"]
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: server.status.restart_count == 1)
        await server.wait_ready()
        assert server.status.last_exit == "killed by signal 9"


async def test_restart_on_request_takes_no_back_off(tmp_path: Path) -> None:
    slow = Pace(first_backoff_s=3600, longest_backoff_s=3600, poll_s=0.02)
    server = make_server(tmp_path, make_node(tmp_path, SERVES_PINNED), slow)
    async with running(server):
        await server.wait_ready()
        server.restart()
        await until(lambda: len(runs(tmp_path)) == 2)
        await server.wait_ready()
        assert server.status.last_exit == "asked to start again"
    assert not any(is_alive(run["pid"]) for run in runs(tmp_path))


async def test_stop_cuts_a_back_off_short(tmp_path: Path) -> None:
    slow = Pace(first_backoff_s=3600, longest_backoff_s=3600, poll_s=0.02)
    server = make_server(tmp_path, make_node(tmp_path, CRASHES), slow)
    async with running(server):
        await until(lambda: server.status.state is ServerState.BACKING_OFF)
    assert server.status.state is ServerState.STOPPED


async def test_server_that_never_answers_is_ended_at_the_deadline(tmp_path: Path) -> None:
    impatient = Pace(first_backoff_s=0.02, longest_backoff_s=0.05, ready_s=0.3, poll_s=0.02)
    server = make_server(tmp_path, make_node(tmp_path, HANGS, SERVES_PINNED), impatient)
    async with running(server):
        await until(lambda: server.status.restart_count >= 1)
        assert server.status.last_exit is not None
        assert server.status.last_exit.startswith("did not answer within 0.3 s")
    assert not is_alive(runs(tmp_path)[0]["pid"])


async def test_server_deaf_to_sigterm_is_killed(tmp_path: Path) -> None:
    hasty = Pace(poll_s=0.02, stop_s=0.2)
    server = make_server(tmp_path, make_node(tmp_path, DEAF), hasty)
    async with running(server):
        await until((tmp_path / "deaf").exists)
    assert not is_alive(runs(tmp_path)[0]["pid"])


async def test_cancelled_run_leaves_no_child(tmp_path: Path) -> None:
    server = make_server(tmp_path, make_node(tmp_path, SERVES_PINNED))
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        task = group.create_task(server.run())
        await server.wait_ready()
        task.cancel()
    assert server.status.state is ServerState.STOPPED
    assert not is_alive(runs(tmp_path)[0]["pid"])


async def test_schemas_that_do_not_meet_end_the_run_with_one_line(tmp_path: Path) -> None:
    newer = SERVES.replace("SCHEMA_MIN", "98").replace("SCHEMA_MAX", "99")
    server = make_server(tmp_path, make_node(tmp_path, newer))
    with pytest.raises(ServerUnusableError, match="speaks schema 98 to 99") as refused:
        async with asyncio.timeout(PATIENCE_S):
            await server.run()
    assert "\n" not in str(refused.value)
    assert len(runs(tmp_path)) == 1
    assert not is_alive(runs(tmp_path)[0]["pid"])


async def test_port_of_somebody_else_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    server = make_server(tmp_path, make_node(tmp_path, SERVES_PINNED))
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", server._settings.port))
        stranger.listen()
        async with running(server):
            await until(lambda: server.status.restart_count >= 1)
            assert server.status.last_exit is not None
            assert f"port {server._settings.port} on 127.0.0.1 is not free" in server.status.last_exit
            assert runs(tmp_path) == []
            stranger.close()
            await server.wait_ready()


async def test_printed_lines_reach_the_log_without_digits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = make_server(tmp_path, make_node(tmp_path, CRASHES))
    with caplog.at_level(logging.DEBUG):
        async with running(server):
            await until(lambda: server.status.restart_count >= 1)
    lines = [str(vars(record).get("line")) for record in caplog.records if record.message == "zwave.server.line"]
    assert "code •••• was set" in lines
    assert not any("4711" in str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize(
    ("failures", "chance", "expected_s"),
    [(1, 0.0, 1.0), (2, 0.0, 2.0), (6, 0.0, 32.0), (7, 0.0, 60.0), (1000, 0.0, 60.0), (1, 0.5, 1.125), (7, 0.8, 72.0)],
)
def test_back_off_doubles_to_a_minute_and_a_quarter(failures: int, chance: float, expected_s: float) -> None:
    assert backoff_s(failures, chance, Pace()) == pytest.approx(expected_s)


@pytest.mark.parametrize("version", ["v18.19.1", "not a version"])
async def test_node_that_is_too_old_or_no_node_is_refused_in_one_line(tmp_path: Path, version: str) -> None:
    node = make_node(tmp_path, HANGS, version=version)
    with pytest.raises(ServerUnusableError, match="make setup") as refused:
        await find_node({NODE_VARIABLE: str(node)})
    assert "\n" not in str(refused.value)


async def test_node_that_is_missing_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ServerUnusableError, match="not a working Node"):
        await find_node({NODE_VARIABLE: str(tmp_path / "nowhere")})


async def test_node_on_the_path_is_found(tmp_path: Path) -> None:
    make_node(tmp_path, HANGS).rename(tmp_path / "node")
    assert await find_node({"PATH": str(tmp_path)}) == tmp_path / "node"


def test_missing_packages_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ServerUnusableError, match="run `make setup`") as refused:
        server_program(tmp_path)
    assert "\n" not in str(refused.value)


async def test_tether_ends_the_real_node_when_its_holder_is_gone() -> None:
    node = await find_node(os.environ)
    child = await asyncio.create_subprocess_exec(
        node,
        "--import",
        TETHER,
        "--eval",
        "process.on('SIGTERM', () => { console.log('bye'); process.exit(0); }); setInterval(() => {}, 1000); console.log('up');",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert await child.stdout.readline() == b"up\n"
            child.stdin.close()  # what the kernel does for a holder that was killed
            assert await child.stdout.readline() == b"bye\n"
            assert await child.wait() == 0
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
