"""How the server is started: its command line, and what it comes from.

Apart from `process`, because a unit's start needs this and nothing of the WebSocket: what `process` imports costs 250 ms (our measurement, on
a PC), at a time when the gateway wants the same few cores.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.zwave.server.node import PACKAGE_DIR

HOST: Final = "127.0.0.1"
"""The server has no authentication, so it listens on loopback only (rule N8)."""

UMASK: Final = 0o077
"""The driver writes its value files with mode 0644 less this; they hold PINs in clear text (rule N1)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """All waits, in seconds. The defaults are for a device; tests shorten them."""

    first_backoff_s: float = 1.0
    longest_backoff_s: float = 60.0
    """Source: the server's own reconnect option backs off to the same 60 s."""
    ready_s: float = 60.0
    """How long until the WebSocket must answer. Our measurement: 3 to 4 s on a PC, up to 20 s with a stick
    that leaves one request unanswered."""
    poll_s: float = 0.25
    """Between two tries to connect while starting; a start takes at least 1.25 s of the driver's own waiting."""
    stop_s: float = 10.0
    """From SIGTERM to SIGKILL: the driver flushes its caches, and a stick may hold a command for some seconds."""
    stable_s: float = 60.0
    """A life that was ready for this long ends the doubling: its end is a new trouble, not the old one."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What to run. `config_path` is what `write_server_config` gave."""

    stick: str
    """Device path, a link to one, or tcp://host:port."""
    config_path: Path
    port: int
    modules_dir: Path = PACKAGE_DIR / "node_modules"
    pace: Pace = Pace()


def server_arguments(settings: ServerSettings, program: Path) -> list[str]:
    """Give the program's command line after `node` and its options."""
    return [
        str(program),
        settings.stick,
        "--config",
        str(settings.config_path.absolute()),
        "--host",
        HOST,
        "--port",
        str(settings.port),
        "--disable-dns-sd",
    ]
