"""Finds what the server needs on this machine: Node.js, and the packages pinned beside this file."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

NODE_VARIABLE: Final = "KEYPAD_NODE"
"""Environment variable that names the Node.js program to use, before any other."""

NODE_MAJOR_MIN: Final = 20
"""Oldest Node.js that runs the pinned server. Source: `engines` of zwave-js 15.29.0."""

VERSION_TIMEOUT_S: Final = 10.0
"""How long `node --version` may take. Our measurement: below 0.01 s on a PC; the bound is for a cold, slow card."""

PACKAGE_DIR: Final = Path(__file__).parent
TETHER: Final = PACKAGE_DIR / "tether.mjs"
_SERVER_PROGRAM: Final = Path("@zwave-js", "server", "dist-esm", "bin", "server.js")
_DRIVER_PACKAGE: Final = Path("zwave-js", "package.json")


class ServerUnusableError(Exception):
    """The server cannot run here until a person does something; the text is one line and says what."""


def server_program(modules_dir: Path = PACKAGE_DIR / "node_modules") -> Path:
    """Give the server's program file. Raises ServerUnusableError when its packages are not installed."""
    program = modules_dir / _SERVER_PROGRAM
    if not program.is_file() or not (modules_dir / _DRIVER_PACKAGE).is_file():
        msg = f"the Z-Wave JS server is not installed in {modules_dir}: run `make setup`"
        raise ServerUnusableError(msg)
    return program


async def find_node(environment: Mapping[str, str]) -> Path:
    """Give a Node.js program that is new enough.

    A program named by `KEYPAD_NODE` is the only one looked at; else the PATH's, then one installed beside Python.
    Raises ServerUnusableError with one line when there is none.
    """
    chosen = environment.get(NODE_VARIABLE)
    if chosen:
        version = await _version(Path(chosen))
        if version is None or version[0] < NODE_MAJOR_MIN:
            msg = (
                f"{NODE_VARIABLE}={chosen} is {_say(version)}: name a Node.js >= {NODE_MAJOR_MIN}, or run `make setup`"
            )
            raise ServerUnusableError(msg)
        return Path(chosen)
    seen: list[str] = []
    on_path = shutil.which("node", path=environment.get("PATH", os.defpath))
    beside_python = shutil.which("node", path=str(Path(sys.executable).parent))
    for candidate in (on_path, beside_python):
        if candidate is None:
            continue
        version = await _version(Path(candidate))
        if version is not None and version[0] >= NODE_MAJOR_MIN:
            return Path(candidate)
        seen.append(f"{candidate} is {_say(version)}")
    found = "; ".join(seen) or "none was found"
    msg = f"Node.js >= {NODE_MAJOR_MIN} is needed ({found}): run `make setup`, or set {NODE_VARIABLE}"
    raise ServerUnusableError(msg)


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the few variables the server gets.

    Everything else stays out: the driver reads variables that turn on log files (LOGTOFILE) and verbose logs (LOGLEVEL),
    and NODE_OPTIONS loads code. The server runs in UTC, because it tells locks its own zone at their interview, and a
    schedule in a lock must not move with daylight saving.
    """
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")
    return {name: environment[name] for name in kept if name in environment} | {"TZ": "UTC"}


async def _version(program: Path) -> tuple[int, ...] | None:
    """Ask a program for its version; None when it does not run or does not answer like Node.js."""
    import asyncio  # noqa: PLC0415 - costs 40 ms (our measurement), and a unit that names its Node.js does not ask

    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(VERSION_TIMEOUT_S):
            printed, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    words = printed.decode("ascii", errors="replace").strip().removeprefix("v").split(".")
    return tuple(int(word) for word in words) if words and all(word.isdecimal() for word in words) else None


def _say(version: tuple[int, ...] | None) -> str:
    return "not a working Node.js" if version is None else f"Node.js {'.'.join(map(str, version))}"
