"""Starts the Z-Wave server anew when the stick stays silent although the server is up: by our own hand, or by who runs it here."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from drivers.zwave.server.process import ServerProcess
from gateway.durable import put_file

log = logging.getLogger(__name__)

REQUEST: Final = "KEYPAD_ZWAVE_RESTART"
"""Environment variable with the path of a file that we write; a path unit of systemd's watches it and restarts the server's unit."""

CAUSE: Final = "the stick takes no command"


def renew(server: ServerProcess | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody was asked to. A server of which nobody here knows more than its address is left to a person."""
    if server is not None:
        server.restart()
    elif REQUEST not in environment:
        return False
    else:
        try:
            put_file(Path(environment[REQUEST]), f"{CAUSE}\n".encode())
        except OSError as error:
            log.warning("driver.server.restart_refused", extra={"file": environment[REQUEST], "cause": error.strerror})
            return False
    log.warning("driver.server.restart", extra={"cause": CAUSE})
    return True
