"""The program `gateway`: arguments, signals, exit codes."""

import argparse
import asyncio
import faulthandler
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TextIO

from gateway import __version__
from gateway.keeper import unusable_in
from gateway.ports import DriverUnusable
from gateway.runtime import logs
from gateway.runtime.config import Config, ConfigInvalid, load
from gateway.runtime.notify import STOPPING, ServiceManager, service_manager
from gateway.runtime.watchdog import Watchdog
from gateway.runtime.wiring import Gateway
from gateway.store.database import DatabaseUnusable
from gateway.store.migrate import SchemaTooNew

log = logging.getLogger(__name__)


class Exit(IntEnum):
    """How the daemon ended, for scripts and units."""

    STOPPED = 0
    FAULT = 1
    CONFIGURATION = 2
    ALREADY_RUNNING = 3
    UNUSABLE = 4


class AlreadyRunning(Exception):  # noqa: N818 - says what it means for the caller
    """Another daemon works on the same state."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon until SIGTERM or SIGINT. Returns the exit code; errors are one line each on standard error."""
    parser = argparse.ArgumentParser(prog="gateway", description="Keeps access codes on keypad locks as ordered.")
    parser.add_argument("--config", type=Path, default=Path("/etc/gateway/gateway.toml"), help="the TOML configuration")
    parser.add_argument("--check", action="store_true", help="check the configuration and end")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.add_argument("--version", action="version", version=__version__)
    told = parser.parse_args(arguments)
    logs.set_up(told.log_level)
    os.umask(0o077)
    try:
        config = load(told.config)
        if told.check:
            sys.stdout.write(f"{told.config}: {len(config.locks)} locks on hub {config.hub_id}, no mistakes\n")
            return Exit.STOPPED
        # A watchdog's SIGABRT then leaves in the log where every thread was; it names places, never values.
        faulthandler.enable()
        with sole_owner(config.state):
            asyncio.run(_serve(config))
    except ConfigInvalid as error:
        return _say(error, Exit.CONFIGURATION)
    except AlreadyRunning as error:
        return _say(error, Exit.ALREADY_RUNNING)
    except (DatabaseUnusable, SchemaTooNew, DriverUnusable, ValueError, OSError) as error:
        return _say(error, Exit.UNUSABLE)
    return Exit.STOPPED


@contextmanager
def sole_owner(state: Path) -> Iterator[TextIO]:
    """Hold the state directory for this process alone; two daemons on one schedule would write over each other.

    Raises `AlreadyRunning` when another process holds it. The kernel lets go when the process dies, however it dies.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state / "gateway.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another gateway works on {state}: stop it first, or give this one a state directory of its own"
            raise AlreadyRunning(msg) from error
        yield held


async def _serve(config: Config) -> None:
    async with AsyncExitStack() as stack:
        gateway = await Gateway.build(config, stack)
        me = asyncio.current_task()
        assert me is not None
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, me.cancel)
        log.info("gateway.started", extra={"hub": config.hub_id, "locks": len(config.locks), "version": __version__})
        log.warning(
            "cloud.orders.unsigned",
            extra={"meaning": "this hub takes unsigned orders: whoever can publish on its topics can open its doors"},
        )
        manager = service_manager(os.environ)
        try:
            await _until_unusable(gateway, manager)
        except asyncio.CancelledError:
            manager.tell(STOPPING)
            log.info("gateway.stopped", extra={"hub": config.hub_id})


async def _until_unusable(gateway: Gateway, manager: ServiceManager) -> None:
    watchdog = Watchdog(manager, gateway.database, gateway.fleet.hanging, gateway.summary)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(gateway.run(), name="gateway")
            tasks.create_task(watchdog.run(), name="watchdog")
    except BaseExceptionGroup as faults:
        if (unusable := unusable_in(faults)) is not None:
            raise unusable from None
        raise


def _say(error: Exception, code: Exit) -> Exit:
    sys.stderr.write(f"gateway: {error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
