"""The notify protocol of service managers (sd_notify(3)): a datagram of `NAME=value` lines to a Unix socket. No library is needed."""

import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

log = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Who started this process, as its environment says. Without one, nothing is told to nobody.

    `address` is the socket's path, one that begins with "@" being abstract (unix(7)); `patience_s` is after how long without
    `ALIVE` the process is killed, None when nobody watches.
    """

    address: str | None = None
    patience_s: float | None = None

    def tell(self, *lines: str) -> None:
        """Send assignments; what cannot be sent is logged and forgotten, as the next one says more."""
        if self.address is None:
            return
        # An abstract address begins with a zero byte, which no environment can hold.
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as door:
            try:
                door.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), address)
            except OSError as error:
                log.warning("notify.lost", extra={"cause": str(error)})


def service_manager(environment: Mapping[str, str]) -> ServiceManager:
    """Read the environment that systemd gives (sd_notify(3), sd_watchdog_enabled(3))."""
    address = environment.get("NOTIFY_SOCKET")
    if not address or address[0] not in "/@":
        return ServiceManager()
    is_meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    patience_us = environment.get("WATCHDOG_USEC", "")
    is_watched = is_meant and patience_us.isdecimal() and int(patience_us) > 0
    return ServiceManager(address, int(patience_us) / 1_000_000 if is_watched else None)
