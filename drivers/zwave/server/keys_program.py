"""Make or take over the network keys, for a hub whose keys a service manager hands out: `… --keys FILE --cache DIR [--seed DIR]`.

Run before the server's first start, as often as one likes: a keys file that is there is checked and kept. Exit code 1 with one line per
problem.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from drivers.zwave.server.keys import KeysUnusableError, format_keys, import_keys, import_or_draw_keys
from gateway.durable import put_file

SEED_NAME: Final = "zwave.keys.toml"
"""The keys of an existing network, as an owner brings them."""


def main() -> int:
    """Parse arguments and see to the keys; returns the exit code: EX_CONFIG for what a person has to put right."""
    parser = argparse.ArgumentParser(
        prog="python -m drivers.zwave.server.keys_program", description="Make or take over the network keys."
    )
    parser.add_argument("--keys", required=True, type=Path, help="the keys file to make")
    parser.add_argument(
        "--cache",
        required=True,
        type=Path,
        help="the driver's memory; new keys are never made for a network that it knows",
    )
    parser.add_argument("--seed", type=Path, help=f"a directory that may hold {SEED_NAME}")
    told = parser.parse_args()
    try:
        provide_keys(told.keys, told.cache, told.seed)
    except KeysUnusableError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's own words to the person who started it
        return os.EX_CONFIG
    except OSError as error:
        print(f"cannot keep the network keys: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def provide_keys(keys: Path, cache: Path, seed: Path | None) -> None:
    """See to it that `keys` holds good keys. Raises KeysUnusableError and OSError."""
    if not keys.exists() and seed is not None and (brought := seed / SEED_NAME).is_file():
        put_file(keys, format_keys(import_keys(brought)).encode())
    import_or_draw_keys(keys, cache, os.urandom)


if __name__ == "__main__":
    sys.exit(main())
