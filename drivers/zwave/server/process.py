"""Runs the Z-Wave JS server as a child: starts it, waits until it answers, starts it again when it ends, stops it.

Theory. One life after the other, each through the same stations:

    starting      the program runs; its WebSocket is not open, or we did not agree with it yet
    ready         it sent its version message and the schemas meet
    backing_off   the life ended by itself; the next begins after a delay that doubles from 1 s to 60 s
    stopped       we were asked to stop, or the reason is one that another try cannot mend

`run` is a task for a TaskGroup. It returns after `stop`, and raises ServerUnusableError when a person must act. The
child has its own process group (a Ctrl-C at the terminal reaches only us) and is tethered: when we die without a word
it sees its standard input end and shuts down, so that the next daemon finds stick and port free.
"""

import asyncio
import logging
import os
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from drivers.zwave.server.command import HOST, UMASK, Pace, ServerSettings, server_arguments
from drivers.zwave.server.handshake import ask_version, schema_conflict
from drivers.zwave.server.node import (
    TETHER,
    ServerUnusableError,
    child_environment,
    find_node,
    server_program,
)
from drivers.zwave.server.output import LineCutter

__all__ = [
    "HOST",
    "UMASK",
    "Pace",
    "ServerProcess",
    "ServerSettings",
    "ServerState",
    "ServerStatus",
    "backoff_s",
    "free_port",
    "server_arguments",
]

log = logging.getLogger(__name__)

_READ_BYTES: Final = 4096
_CHANCE_BYTES: Final = 2


class ServerState(StrEnum):
    """Where the server is in its life."""

    STARTING = "starting"
    READY = "ready"
    BACKING_OFF = "backing_off"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What status displays show."""

    state: ServerState
    restart_count: int
    last_exit: str | None
    """Why the latest life ended, in one cleaned line; None while the first one lasts."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """How one life ended."""

    text: str
    is_final: bool = False
    """True when another try would end the same way."""


def backoff_s(failures: int, chance: float, pace: Pace) -> float:
    """Give the wait before the next start, in seconds, after `failures` ends in a row (at least 1).

    `chance` in [0, 1) adds up to a quarter, so that hubs that lost power together do not come back in step.
    """
    doubled = pace.first_backoff_s * 2.0 ** min(failures - 1, 16)
    return min(doubled, pace.longest_backoff_s) * (1.0 + chance / 4.0)


class ServerProcess:
    """Keeps one Z-Wave JS server running. `entropy(n)` gives n bytes for the jitter of the back-off."""

    def __init__(
        self,
        settings: ServerSettings,
        environment: Mapping[str, str],
        entropy: Callable[[int], bytes],
        objection: Callable[[], Awaitable[str | None]] | None = None,
    ) -> None:
        """Note what to run; nothing is started before `run`.

        `objection` is asked before each life, while nobody has the stick open: a text keeps the server from starting and is
        how that life ended.
        """
        self._objection = objection
        self._settings = settings
        self._environment = environment
        self._entropy = entropy
        self._state = ServerState.STOPPED
        self._restart_count = 0
        self._last_exit: str | None = None
        self._last_line = ""
        self._is_stopping = False
        self._end_life = asyncio.Event()
        self._ready = asyncio.Event()

    @property
    def status(self) -> ServerStatus:
        """The state now, how often the server was started again, and why it last ended."""
        return ServerStatus(self._state, self._restart_count, self._last_exit)

    async def wait_ready(self) -> None:
        """Return when the server answers. Unbounded: the caller sets the deadline."""
        await self._ready.wait()

    def stop(self) -> None:
        """Ask `run` to stop the server and return; it takes at most `Pace.stop_s`."""
        self._is_stopping = True
        self._end_life.set()

    def restart(self) -> None:
        """Ask for a new life now, for a server that answers but no longer works; any back-off is cut short."""
        self._end_life.set()

    async def run(self) -> None:
        """Keep the server running until `stop`.

        Raises ServerUnusableError when Node.js or the packages are missing or the schemas do not meet. Cancelling stops
        the server too.
        """
        program = server_program(self._settings.modules_dir)
        node = await find_node(self._environment)
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while not self._was_told_to_stop():
                self._end_life.clear()
                self._enter(ServerState.STARTING)
                begun_at = loop.time()
                ending, was_asked = await self._live(node, program)
                if self._was_told_to_stop():
                    break
                self._last_exit = ending.text
                if ending.is_final:
                    raise ServerUnusableError(ending.text)
                self._restart_count += 1
                if was_asked:
                    failures = 0
                    continue
                failures = 1 if loop.time() - begun_at >= self._settings.pace.stable_s else failures + 1
                await self._back_off(failures)
        finally:
            self._enter(ServerState.STOPPED)

    def _was_told_to_stop(self) -> bool:
        # A call, because the answer changes while `run` waits.
        return self._is_stopping

    async def _back_off(self, failures: int) -> None:
        chance = int.from_bytes(self._entropy(_CHANCE_BYTES), "big") / (1 << (8 * _CHANCE_BYTES))
        delay_s = backoff_s(failures, chance, self._settings.pace)
        self._enter(ServerState.BACKING_OFF)
        log.warning(
            "zwave.server.backing_off",
            extra={"reason": self._last_exit, "delay_s": round(delay_s, 1), "failures": failures},
        )
        try:
            async with asyncio.timeout(delay_s):
                await self._end_life.wait()
        except TimeoutError:
            return

    async def _live(self, node: Path, program: Path) -> tuple[_Ending, bool]:
        """Live one life to its end; the second value says whether we ended it by request."""
        taken = _port_taken(self._settings.port)
        if taken is not None:
            return _Ending(taken), False
        if self._objection is not None and (objection := await self._objection()) is not None:
            return _Ending(objection), False
        self._last_line = ""
        try:
            process = await self._spawn(node, program)
        except OSError as error:
            return _Ending(f"cannot be started ({error})"), False
        log.info("zwave.server.started", extra={"pid": process.pid, "stick": self._settings.stick})
        try:
            async with asyncio.TaskGroup() as group:
                assert process.stdout is not None
                assert process.stderr is not None
                group.create_task(self._listen(process.stdout, logging.INFO), name="zwave-server-stdout")
                group.create_task(self._listen(process.stderr, logging.WARNING), name="zwave-server-stderr")
                ending = await self._follow(process, group)
                await self._end(process)
        finally:
            await self._end(process)
        if ending is None:
            return _Ending("asked to start again"), True
        if not ending.text:
            ending = _Ending(_say_exit(process.returncode, self._last_line))
        return ending, False

    async def _spawn(self, node: Path, program: Path) -> Process:
        return await asyncio.create_subprocess_exec(
            node,
            "--import",
            TETHER,
            *server_arguments(self._settings, program),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self._settings.config_path.parent,
            env=child_environment(self._environment),
            start_new_session=True,
            umask=UMASK,
        )

    async def _follow(self, process: Process, group: asyncio.TaskGroup) -> _Ending | None:
        """Watch a life: None when we were asked to end it, an empty text when the program ended by itself."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.pace.ready_s
        exited = group.create_task(process.wait(), name="zwave-server-exit")
        asked = group.create_task(self._end_life.wait(), name="zwave-server-asked")
        try:
            while True:
                wait_s = None if self._ready.is_set() else self._settings.pace.poll_s
                done, _ = await asyncio.wait({exited, asked}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                if asked in done:
                    return None
                if exited in done:
                    return _Ending("")
                version = await ask_version(self._settings.port)
                if version is not None:
                    conflict = schema_conflict(version)
                    if conflict is not None:
                        return _Ending(conflict, is_final=True)
                    self._enter(ServerState.READY)
                    log.info("zwave.server.ready", extra={"server": version.server, "driver": version.driver})
                elif loop.time() >= deadline:
                    return _Ending(f"did not answer within {self._settings.pace.ready_s:g} s; {self._last_line}")
        finally:
            self._ready.clear()
            asked.cancel()

    async def _end(self, process: Process) -> None:
        """Bring the child down: SIGTERM to its group, SIGKILL when it does not follow or we are cancelled meanwhile."""
        if process.returncode is not None:
            return
        try:
            _signal_group(process.pid, signal.SIGTERM)
            async with asyncio.timeout(self._settings.pace.stop_s):
                await process.wait()
        except TimeoutError:
            log.warning("zwave.server.killed", extra={"pid": process.pid, "after_s": self._settings.pace.stop_s})
        finally:
            if process.returncode is None:
                _signal_group(process.pid, signal.SIGKILL)
                await process.wait()

    async def _listen(self, stream: asyncio.StreamReader, level: int) -> None:
        """Pass what the server prints to our log, cleaned, until it closes the stream."""
        cutter = LineCutter()
        while chunk := await stream.read(_READ_BYTES):
            self._pass_on(cutter.feed(chunk), level)
        self._pass_on(cutter.finish(), level)

    def _pass_on(self, lines: list[str], level: int) -> None:
        for line in lines:
            log.log(level, "zwave.server.line", extra={"line": line})
            # Node ends a crash with its own version, and a stack trace follows the sentence that matters.
            if "Error" in line or "ZW0" in line or not self._last_line:
                self._last_line = line

    def _enter(self, state: ServerState) -> None:
        self._state = state
        if state is ServerState.READY:
            self._ready.set()
        else:
            self._ready.clear()


def free_port() -> int:
    """A port on loopback that nobody has now; the system gives it to the next who asks."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _port_taken(port: int) -> str | None:
    """Say who stands in the way: a stranger on the port would pass for our server, or keep it from listening."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the last life may linger
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return f"port {port} on {HOST} is not free ({error.strerror}): another server may still run"
    return None


def _signal_group(pid: int, what: signal.Signals) -> None:
    try:
        os.killpg(pid, what)
    except ProcessLookupError:
        log.debug("zwave.server.already_gone", extra={"pid": pid})


def _say_exit(code: int | None, last_line: str) -> str:
    how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return f"{how}: {last_line}" if last_line else how
