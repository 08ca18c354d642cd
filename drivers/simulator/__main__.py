"""`python -m drivers.simulator serve` runs a simulated home; `… ctl` talks to it; `… server-config` says what a Z-Wave server needs for it."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from drivers.simulator.control import serve_control
from drivers.simulator.ctl import add_verbs, run_verb
from drivers.simulator.home import Home
from drivers.simulator.keys import KeysError, fresh_keys, load_or_create, server_config
from drivers.simulator.scene import SceneError, load_scene
from drivers.simulator.state import StateError

FAILED = 2

SCENES = Path(__file__).with_name("scenes")
"""Scenes that ship with the simulator; `--scene NAME` finds them by name."""


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m drivers.simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run a simulated home until SIGTERM or Ctrl-C")
    serve.add_argument("--scene", required=True, metavar="FILE.toml", help="scene file, or the name of a shipped scene")
    serve.add_argument("--link", required=True, type=Path, metavar="PATH", help="where the serial port appears")
    serve.add_argument("--control", required=True, type=Path, metavar="SOCKET", help="where the control socket appears")
    serve.add_argument("--keys", type=Path, metavar="FILE", help="network keys; made with fresh keys when missing")
    serve.add_argument("--state", type=Path, metavar="FILE", help="keeps the locks' memory over a restart")
    serve.add_argument("--verbose", action="store_true", help="log debug lines to standard error")
    config = commands.add_parser("server-config", help="print the configuration of a Z-Wave JS server for this home")
    config.add_argument(
        "--keys", required=True, type=Path, metavar="FILE", help="network keys; made with fresh keys when missing"
    )
    add_verbs(commands.add_parser("ctl", help="ask a running home, or act in it"))
    arguments = parser.parse_args(words)
    if arguments.command == "ctl":
        return run_verb(arguments)
    logging.basicConfig(
        level=logging.DEBUG if arguments.command == "serve" and arguments.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        if arguments.command == "server-config":
            keys = load_or_create(arguments.keys, os.urandom)
            sys.stdout.write(json.dumps(server_config(keys), indent=2) + "\n")
        else:
            asyncio.run(_serve(arguments))
    except (SceneError, KeysError, StateError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    except OSError as error:
        sys.stderr.write(
            f"{error.filename2 or error.filename}: {error.strerror}; choose a path in a folder that exists and is yours\n"
        )
        return FAILED
    return 0


def _scene_path(given: str) -> Path:
    shipped = SCENES / f"{given}.toml"
    return shipped if shipped.exists() else Path(given)


async def _serve(arguments: argparse.Namespace) -> None:
    scene = load_scene(_scene_path(arguments.scene))
    keys = load_or_create(arguments.keys, os.urandom) if arguments.keys is not None else fresh_keys(os.urandom)
    home = Home(scene, keys, link_path=arguments.link, state_path=arguments.state, entropy=os.urandom)
    stop, has_port, has_socket = asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(home.run(has_port), name="home"),
                tasks.create_task(serve_control(home, arguments.control, has_socket), name="control"),
            ]
            await has_port.wait()
            await has_socket.wait()
            names = ", ".join(
                f"{resident.name} (node {resident.node.node_id or 'none'})" for resident in home.residents
            )
            sys.stdout.write(f"ready {arguments.link}: {names}\n")
            sys.stdout.flush()
            await stop.wait()
            for task in running:
                task.cancel()
    except* OSError as group:
        raise group.exceptions[0] from None


if __name__ == "__main__":
    sys.exit(main())
