"""Pure: the driver's part of the configuration, checked as a whole.

[driver.options]                    one of:
url = "ws://127.0.0.1:3000"         a server that somebody else runs (the default)
server_in_utc = true                whether that server's process runs in UTC; known of ours, see `is_in_utc`
stick = "/dev/serial/by-id/…"       a server that we run ourselves on this stick, with supervise = true
supervise = true
port = 3000                         loopback port of that server; a free one when left out
keys_file = "/etc/…/keys.toml"      network keys; made in the storage folder when left out
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from drivers.zwave.quirks import OVERRIDES, Quirks, read_overrides
from drivers.zwave.renewal import REQUEST
from gateway.model.ids import LockId
from gateway.ports import LockAddress

DEFAULT_URL: Final = "ws://127.0.0.1:3000"
"""Where the Z-Wave JS server listens unless told otherwise (@zwave-js/server 3.10)."""

NODE_MAX: Final = 4000
"""Highest node id: 232 on the mesh, 256 to 4000 with Long Range (SDS14242)."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_KNOWN: Final = frozenset({"url", "server_in_utc", "stick", "supervise", "port", "keys_file"})


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server that the driver runs itself. `port` None means any free one."""

    stick: str
    port: int | None
    keys_file: str | None


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where one configured lock is, and what the owner says about it."""

    lock_id: LockId
    name: str
    node_id: int
    overrides: Quirks


@dataclass(frozen=True, slots=True)
class Options:
    """All of it, checked. `server` is None when the server at `url` is somebody else's; `server_in_utc` None when nobody says so."""

    url: str
    server: OwnServer | None
    nodes: tuple[NodeAddress, ...]
    server_in_utc: bool | None = None

    def is_in_utc(self, environment: Mapping[str, str]) -> bool:
        """Whether the server is known to run in UTC, which decides what time it tells most locks (D6, T5).

        Ours does, as our child and as the unit beside the gateway's own, which is where `REQUEST` is set and the address is the usual one.
        """
        if self.server_in_utc is not None:
            return self.server_in_utc
        return self.server is not None or (REQUEST in environment and self.url == DEFAULT_URL)

    def missing_stick(self) -> str | None:
        """The path of our server's stick when nothing is there; None for a network address, or when all is well."""
        if self.server is None or "://" in self.server.stick:
            return None
        return None if Path(self.server.stick).exists() else self.server.stick


def read_options(options: Mapping[str, object], locks: Sequence[LockAddress]) -> Options:
    """Check everything at once. Raises `ValueError` with one line per mistake."""
    mistakes = [f"option {name}: not known; known are {', '.join(sorted(_KNOWN))}" for name in options.keys() - _KNOWN]
    url = options.get("url", DEFAULT_URL)
    if not isinstance(url, str) or urlsplit(url).scheme != "ws" or urlsplit(url).hostname not in _LOOPBACK:
        mistakes.append(
            f"option url: must be a WebSocket on this machine, such as {DEFAULT_URL}: the server has no login"
        )
        url = DEFAULT_URL
    server = _read_server(options, mistakes)
    in_utc = options.get("server_in_utc")
    if in_utc is not None and (not isinstance(in_utc, bool) or options.get("supervise") is True):
        mistakes.append("option server_in_utc: must be true or false, and is left out when supervise = true")
        in_utc = None
    nodes = read_nodes(locks, mistakes)
    if mistakes:
        raise ValueError("\n".join(sorted(mistakes)))
    return Options(url, server, nodes, in_utc)


def _read_server(options: Mapping[str, object], mistakes: list[str]) -> OwnServer | None:
    stick, supervise = options.get("stick"), options.get("supervise", False)
    port, keys_file = options.get("port"), options.get("keys_file")
    if not isinstance(supervise, bool):
        mistakes.append("option supervise: must be true or false")
    if supervise is not True:
        mistakes.extend(
            f"option {name}: has a meaning only together with supervise = true"
            for name in ("stick", "port", "keys_file")
            if name in options
        )
        return None
    if "url" in options:
        mistakes.append("option url: leave it out when supervise = true, the server is then our own")
    if not isinstance(stick, str) or not stick:
        mistakes.append("option stick: the path of the stick is needed when supervise = true")
        stick = ""
    if port is not None and (not isinstance(port, int) or isinstance(port, bool) or not 1024 <= port <= 65535):
        mistakes.append("option port: must be a number from 1024 to 65535")
        port = None
    if keys_file is not None and not (isinstance(keys_file, str) and keys_file):
        mistakes.append("option keys_file: must be a path")
        keys_file = None
    return OwnServer(stick, port, keys_file)


def read_nodes(locks: Sequence[LockAddress], mistakes: list[str]) -> tuple[NodeAddress, ...]:
    """Where the locks are; what is wrong with an address goes to `mistakes`, one line each, and its lock is left out."""
    found: dict[int, NodeAddress] = {}
    for lock in locks:
        place = f"lock {lock.lock_id}"
        node_id = lock.address.get("node")
        unknown = lock.address.keys() - OVERRIDES - {"node"}
        mistakes.extend(f"{place}: {name}: not known" for name in unknown)
        overrides, wrong = read_overrides(lock.address)
        mistakes.extend(f"{place}: {line}" for line in wrong)
        if not isinstance(node_id, int) or isinstance(node_id, bool) or not 1 <= node_id <= NODE_MAX:
            mistakes.append(f"{place}: node: must be the lock's node id, a number from 1 to {NODE_MAX}")
        elif node_id in found:
            mistakes.append(f"{place}: node: {node_id} is already lock {found[node_id].lock_id}")
        else:
            found[node_id] = NodeAddress(lock.lock_id, lock.name, node_id, overrides)
    return tuple(found.values())
