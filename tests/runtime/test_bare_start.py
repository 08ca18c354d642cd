"""A hub with nothing around it: no stick, no Z-Wave server, no broker, no time. All of that is reported; the daemon runs."""

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from gateway.runtime import tryout

BOUND_S = 30.0


async def told(ear: socket.socket, line: str) -> None:
    """Wait for a line to the service manager."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(BOUND_S):
        while line not in (await loop.sock_recv(ear, 4096)).decode().splitlines():
            pass


async def test_everything_absent_is_a_state_to_report_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # socket paths of at most 107 bytes
    home = tryout.Home(f"mqtt://127.0.0.1:{tryout.free_port()}", server_url=f"ws://127.0.0.1:{tryout.free_port()}")
    (tmp_path / "hub.toml").write_text(home.toml().replace('trust = "assume"', 'trust = "kernel"'))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind("notify")
        ear.setblocking(False)
        daemon = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "--config", "hub.toml",
            env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"},
        )  # fmt: skip
        try:
            await told(ear, "READY=1")
            answer = await tryout.ask(Path("maint.sock"), {"verb": "status"})
            assert answer is not None
            status = json.loads(json.dumps(answer["value"]))
            assert status["drivers"]["zwave"]["state"] in {"starting", "down"}
            assert status["cloud"]["state"] == "connecting"
            assert len(status["locks"]) == len(home.locks)
            await told(ear, "WATCHDOG=1")
        finally:
            daemon.send_signal(signal.SIGTERM)
            code = await daemon.wait()
        await told(ear, "STOPPING=1")
    assert code == 0
