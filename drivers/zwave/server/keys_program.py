"""Make or take over the network keys, for a hub whose keys a service manager hands out: `… --keys FILE --cache DIR [--seed DIR]`.

Run before the server's first start, as often as one likes: a keys file that is there is checked and kept, but for one case. An owner may
bring the keys of an existing network when others were made already; as long as no network is known to have been made with those, his are
taken. Exit code 1 with one line per problem, EX_CONFIG when a person has to put it right.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from drivers.zwave.server.keys import (
    KeysUnusableError,
    NetworkKeys,
    format_keys,
    import_keys,
    import_or_draw_keys,
    knows_a_network,
)
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
        _tell(str(error))
        return os.EX_CONFIG
    except OSError as error:
        _tell(f"cannot keep the network keys: {error}")
        return 1
    return 0


def provide_keys(keys: Path, cache: Path, seed: Path | None) -> None:
    """See to it that `keys` holds good keys. Raises KeysUnusableError and OSError."""
    if seed is not None and (brought := seed / SEED_NAME).is_file():
        _take(brought, keys, cache)
    import_or_draw_keys(keys, cache, os.urandom)


def _take(brought: Path, keys: Path, cache: Path) -> None:
    """Take what the owner brought unless that would lose a network, and say what he has to do."""
    kept = _usable(keys)
    if not keys.exists() or not knows_a_network(cache):
        wanted = import_keys(brought)
        if wanted != kept:
            put_file(keys, format_keys(wanted).encode())
    elif _usable(brought) != kept:
        _tell(
            f"{brought} is not taken: {cache} knows a network already, which was met with the other keys in {keys}. If yours are the right "
            f"ones, put that file in the place of {keys}, remove {cache} and start again: locks that were included since are included anew"
        )
    _tell(f"{brought} can open the locks, and lies open: remove it from there")


def _usable(path: Path) -> NetworkKeys | None:
    try:
        return import_keys(path)
    except KeysUnusableError:
        return None


def _tell(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - a program's own words to the person who started it


if __name__ == "__main__":
    sys.exit(main())
