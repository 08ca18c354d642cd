"""`make run`: the hub in the foreground, with a simulated home and an embedded broker where no real ones are given.

Each part is a process of its own, as in life, and dies with this one. Tests and the demo build their stacks from the same
parts. The simulator is started by its module's name and never imported: the daemon knows no driver.
"""

import argparse
import asyncio
import contextlib
import ctypes
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.runtime import logs

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal a child gets when its parent dies."""

READY_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
"""A part that does not come up, or does not go, within these bounds is broken: the slowest, Node.js, needs 4 s."""

OUTPUT_LINE_MAX = 64 * 1024


class PartFailed(Exception):  # noqa: N818 - says what happened
    """A part did not come up; the text has its last words."""


@dataclass(slots=True)
class Part:
    """One process of the house. `ready` is how its ready line begins; an empty one means ready at once.

    Its standard error goes to `log_path`, or to this process's own when that is None.
    """

    name: str
    command: Sequence[str]
    ready: str = ""
    log_path: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises `PartFailed`."""
        errors = None if self.log_path is None else self.log_path.open("ab")
        try:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self.ready else None,
                stderr=errors,
                env={**os.environ, **self.environment},
                limit=OUTPUT_LINE_MAX,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # one call to the kernel, no Python state is touched
            )
        finally:
            if errors is not None:
                errors.close()
        if self.ready:
            await self._await_ready(self.process)

    async def _await_ready(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(READY_LIMIT_S):
                async for line in process.stdout:
                    if line.decode(errors="replace").startswith(self.ready):
                        return
        except TimeoutError:
            await self.kill()
            raise PartFailed(f"{self.name} was not ready within {READY_LIMIT_S:.0f} s{self._last_words()}") from None
        code = await process.wait()
        raise PartFailed(f"{self.name} ended with code {code} before it was ready{self._last_words()}")

    def _last_words(self) -> str:
        if self.log_path is None or not self.log_path.exists():
            return ""
        lines = self.log_path.read_text(errors="replace").splitlines()[-5:]
        return "".join(f"\n  {line}" for line in lines)

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.returncode is None

    async def kill(self) -> None:
        """SIGKILL, as a power cut would; waits until it is gone."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, then SIGKILL when that does not help. Returns the exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, sign: signal.Signals) -> int:
        process = self.process
        if process is None:
            return 0
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(sign)
            try:
                async with asyncio.timeout(STOP_LIMIT_S):
                    await process.wait()
            except TimeoutError:
                log.warning("tryout.part.hangs", extra={"part": self.name})
                process.kill()
        return await process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def simulator(folder: Path, scene: str = "three_doors") -> Part:
    """The simulated home: its stick at `folder/stick`, its control socket at `folder/home.ctl`."""
    command = [
        sys.executable, "-m", "drivers.simulator", "serve", "--scene", scene, "--link", str(folder / "stick"),
        "--control", str(folder / "home.ctl"), "--keys", str(folder / "keys.toml"), "--state", str(folder / "home.json"),
    ]  # fmt: skip
    return Part("simulated home", command, ready="ready", log_path=folder / "home.log")


def broker(folder: Path, port: int) -> Part:
    """The embedded broker on loopback."""
    command = [sys.executable, "-m", "gateway.runtime.broker", "--port", str(port)]
    return Part("broker", command, ready="ready", log_path=folder / "broker.log")


def daemon(config: Path, log_path: Path | None = None, *, level: str = "info") -> Part:
    """The daemon."""
    command = [sys.executable, "-m", "gateway", "--config", str(config), "--log-level", level]
    return Part("gateway", command, log_path=log_path)


@dataclass(frozen=True, slots=True)
class Home:
    """What a configuration file for trying out says. `server_url` names a Z-Wave server that runs by itself."""

    broker_url: str
    stick: str = "stick"
    keys_file: str | None = "keys.toml"
    server_url: str | None = None
    lead_s: float = 1800.0
    zone: str = "Europe/Berlin"
    locks: Mapping[str, tuple[str, int]] = field(
        default_factory=lambda: {
            "front-door": ("Front door", 2),
            "garden-door": ("Garden door", 3),
            "studio": ("Studio", 4),
        }
    )
    hub_id: str = "demo-hub"
    longest_wait_s: float = 5.0

    def toml(self) -> str:
        """The file's text."""
        text = json.dumps  # TOML's basic strings are JSON strings
        lines = [
            "[hub]",
            f"id = {text(self.hub_id)}",
            f"zone = {text(self.zone)}",
            'state = "state"',
            'socket = "maint.sock"',
            "",
            "[clock]",
            "# A development machine without a time service. On a device leave this out: the kernel's word counts.",
            'trust = "assume"',
            "",
            "[leads]",
            f"just_in_time_s = {self.lead_s}",
            "",
            "[broker]",
            f"url = {text(self.broker_url)}",
            f"longest_wait_s = {self.longest_wait_s}",
            "",
            "[drivers.zwave]",
        ]
        if self.server_url is not None:
            # Ours too, in a process of its own, and so in UTC.
            lines += [f"url = {text(self.server_url)}", "server_in_utc = true"]
        else:
            lines += [f"stick = {text(self.stick)}", "supervise = true"]
            if self.keys_file is not None:
                lines.append(f"keys_file = {text(self.keys_file)}")
        for lock_id, (name, node) in self.locks.items():
            lines += ["", "[[locks]]", f"id = {text(lock_id)}", f"name = {text(name)}", f"node = {node}"]
        return "\n".join(lines) + "\n"


async def ask(socket_path: Path, request: Mapping[str, object]) -> Mapping[str, object] | None:
    """One request to a daemon's maintenance socket; None while nobody answers there."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket_path)
    except OSError:
        return None
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        answer = json.loads(await reader.readline())
    except (OSError, ValueError):
        return None
    finally:
        writer.close()
    return answer if isinstance(answer, dict) else None


async def _run(told: argparse.Namespace, folder: Path) -> int:
    parts: list[Part] = []
    config = told.config
    try:
        if config is None:
            broker_url = told.broker
            if broker_url is None:
                port = free_port()
                parts.append(broker(folder, port))
                broker_url = f"mqtt://127.0.0.1:{port}"
            home = Home(broker_url)
            if told.stick is None:
                parts.append(simulator(folder))
            else:
                home = Home(broker_url, stick=told.stick, keys_file=None)
            config = folder / "hub.toml"
            config.write_text(home.toml())
        for part in parts:
            await part.start()
            print(f"started: {part.name}", flush=True)  # noqa: T201 - the program's output for a person
        hub = daemon(config)
        parts.append(hub)
        await hub.start()
        return await _attend(hub, is_simulated=told.config is None and told.stick is None, folder=folder)
    except PartFailed as failure:
        print(f"make run: {failure}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    finally:
        for part in reversed(parts):
            await part.stop()


async def _attend(hub: Part, *, is_simulated: bool, folder: Path) -> int:
    assert hub.process is not None
    async with asyncio.TaskGroup() as tasks:
        greeting = tasks.create_task(_greet(folder, is_simulated=is_simulated))
        try:
            code = await hub.process.wait()
        except asyncio.CancelledError:
            code = await hub.stop()
        greeting.cancel()
    return code


async def _greet(folder: Path, *, is_simulated: bool) -> None:
    """Wait until the locks are there, then say what a newcomer would try next."""
    while True:
        await asyncio.sleep(0.5)
        answer = await ask(folder / "maint.sock", {"verb": "status"})
        if answer is not None and _is_ready(answer):
            break
    say = [
        "",
        "The hub is ready. In another terminal:",
        "  .venv/bin/gatewayctl status",
        '  .venv/bin/gatewayctl create "Front door" --name Guest --pin 2580 --from +1m --until +2h',
        '  .venv/bin/gatewayctl slots "Front door"',
    ]
    if is_simulated:
        say.append('  .venv/bin/python -m drivers.simulator ctl --control build/run/home.ctl press "Front door" 2580')
    print("\n".join([*say, "Ctrl-C stops it. Lock memories and codes are kept in build/run.", ""]), flush=True)  # noqa: T201


def _is_ready(answer: Mapping[str, object]) -> bool:
    """Whether `status` says that every driver is ready and at least one lock is there."""
    value = answer.get("value")
    drivers = value.get("drivers") if isinstance(value, dict) else None
    if not isinstance(drivers, dict) or not drivers:
        return False
    is_up = all(driver.get("state") == "ready" for driver in drivers.values())
    return is_up and not any(" 0 of " in driver.get("detail", "") for driver in drivers.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m gateway.runtime.tryout run`."""
    parser = argparse.ArgumentParser(
        prog="tryout", description="Run the hub with simulated parts where none are given."
    )
    parser.add_argument("verb", choices=["run"])
    parser.add_argument("--stick", type=os.path.abspath, help="a real Z-Wave stick, such as /dev/serial/by-id/…")
    parser.add_argument("--broker", help="a broker, such as mqtt://127.0.0.1:1883")
    parser.add_argument(
        "--config", type=Path, help="a configuration file of your own; the other options are then in it"
    )
    told = parser.parse_args(arguments)
    logs.set_up("info")
    folder = Path("build/run").absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def whole() -> int:
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()
        assert me is not None
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, me.cancel)
        return await _run(told, folder)

    return asyncio.run(whole())


if __name__ == "__main__":
    sys.exit(main())
