"""Write the server's config and become the server: `python -m drivers.zwave.server --stick PATH --storage DIR`.

For the device's own unit and for tests. Restarting is the caller's business (systemd); the daemon's child goes through
`process` instead. Exit code 1 with one line per problem when it cannot start.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from drivers.zwave.server.command import UMASK, ServerSettings, server_arguments
from drivers.zwave.server.config import (
    CACHE_NAME,
    KEYS_NAME,
    LOCKS_NAME,
    REPORT_TIMEOUT_MS_MIN,
    server_config,
    write_server_config,
)
from drivers.zwave.server.keys import KeysUnusableError, import_keys, import_or_draw_keys
from drivers.zwave.server.node import ServerUnusableError, child_environment, find_node, server_program

DEFAULT_PORT: Final = 3000
"""The port Z-Wave JS servers listen on by custom. Source: @zwave-js/server's README."""


def main() -> int:
    """Parse arguments, write the config and replace this process; returns only when that failed."""
    parser = argparse.ArgumentParser(prog="python -m drivers.zwave.server", description="Run the Z-Wave JS server.")
    parser.add_argument(
        "--stick", required=True, help="device path of the Z-Wave stick, a link to it, or tcp://host:port"
    )
    parser.add_argument("--storage", required=True, type=Path, help="directory for keys, config and the driver's cache")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument(
        "--keys", type=Path, help="existing keys file (default: keys.toml in the storage, made if missing)"
    )
    parser.add_argument(
        "--node",
        type=Path,
        help="the Node.js to become, known to be new enough: its version is not asked for (default: found and asked)",
    )
    parser.add_argument(
        "--report-timeout",
        type=_report_timeout,
        metavar="MS",
        help="how long a lock may take to answer (default: 1000, of Z-Wave JS); more where this machine is slow itself",
    )
    parser.add_argument(
        "--runtime",
        type=Path,
        help="directory for the config, which holds the keys, and for the marks of a cache in use; best in memory (default: the storage)",
    )
    arguments = parser.parse_args()
    os.umask(UMASK)
    storage: Path = arguments.storage.absolute()
    place: Path = (arguments.runtime or arguments.storage).absolute()
    try:
        program = server_program()
        node = arguments.node or _found_node()
        if arguments.keys is None:
            keys = import_or_draw_keys(storage / KEYS_NAME, storage / CACHE_NAME, os.urandom)
        else:
            keys = import_keys(arguments.keys)
        # Nobody masks what the server prints from here on, so it must not dump frames (rule N1).
        config = server_config(
            keys,
            storage,
            locks_dir=None if arguments.runtime is None else place / LOCKS_NAME,
            log_level="error",
            report_timeout_ms=arguments.report_timeout,
        )
        config_path = write_server_config(config, storage, place)
        os.chdir(storage)
        command = [str(node), *server_arguments(ServerSettings(arguments.stick, config_path, arguments.port), program)]
        # Our own program with our own arguments: no shell in between, nothing from outside but the stick's path.
        os.execve(node, command, child_environment(os.environ))  # noqa: S606
    except (KeysUnusableError, ServerUnusableError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's own words to the person who started it
    except OSError as error:
        print(f"cannot start the Z-Wave JS server: {error}", file=sys.stderr)  # noqa: T201
    return 1


def _found_node() -> Path:
    import asyncio  # noqa: PLC0415 - costs 40 ms (our measurement), and a unit names its Node.js

    return asyncio.run(find_node(os.environ))


def _report_timeout(text: str) -> int:
    milliseconds = int(text)
    if milliseconds < REPORT_TIMEOUT_MS_MIN:
        msg = f"must be at least {REPORT_TIMEOUT_MS_MIN}"
        raise argparse.ArgumentTypeError(msg)
    return milliseconds


if __name__ == "__main__":
    sys.exit(main())
