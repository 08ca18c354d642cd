"""Real MQTT brokers for tests, each a process of its own on loopback.

`KEYPAD_TEST_BROKER` chooses the kind: `embedded` (default), `mosquitto5` or `mosquitto311`. A missing mosquitto is a failure
with a clear line, never a skip. mosquitto keeps sessions on disk over `stop()` and `kill()`; the embedded broker forgets them,
as it says.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, cast

type Kind = Literal["embedded", "mosquitto5", "mosquitto311"]

VARIABLE = "KEYPAD_TEST_BROKER"
LOOK_S = 0.02
START_LOOKS = 750
STOP_S = 10.0
HOST = "127.0.0.1"


def chosen_kind() -> Kind:
    """The kind that the environment asks for."""
    kind = os.environ.get(VARIABLE, "embedded")
    if kind not in ("embedded", "mosquitto5", "mosquitto311"):
        msg = f"{VARIABLE}={kind}: use embedded, mosquitto5 or mosquitto311"
        raise RuntimeError(msg)
    return cast("Kind", kind)


@dataclass
class Broker:
    """A broker that can be stopped, killed and started again on the same port."""

    kind: Kind
    port: int
    folder: Path
    host: str = HOST
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def protocol(self) -> Literal["3.1.1", "5"]:
        """The MQTT version that a client is to be tied to in this run: what the broker itself would accept may be more."""
        return "5" if self.kind == "mosquitto5" else "3.1.1"

    @property
    def keeps_sessions_over_restart(self) -> bool:
        """Whether queued messages and subscriptions survive `stop()` and `start()`."""
        return self.kind != "embedded"

    def start(self) -> None:
        """Start and wait until connections are taken. Raises `RuntimeError` with the broker's own words."""
        assert self.process is None, "already running"
        with (self.folder / "broker.log").open("ab") as out:
            self.process = subprocess.Popen(self._command(), stdout=out, stderr=subprocess.STDOUT)
        for _ in range(START_LOOKS):
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
                return
            time.sleep(LOOK_S)
        words = (self.folder / "broker.log").read_text(errors="replace")[-2000:]
        self.kill()
        msg = f"the {self.kind} broker did not start on port {self.port}: {words}"
        raise RuntimeError(msg)

    def stop(self) -> None:
        """Stop it as a service manager would."""
        self._end(is_clean=True)

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self._end(is_clean=False)

    def _end(self, *, is_clean: bool) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate() if is_clean else process.kill()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)

    def _command(self) -> list[str]:
        if self.kind == "embedded":
            return [sys.executable, "-m", "gateway.runtime.broker", "--port", str(self.port)]
        binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if binary is None:
            msg = f"mosquitto is not installed and {VARIABLE}={self.kind} needs it: apt-get install mosquitto"
            raise RuntimeError(msg)
        configuration = self.folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} {self.host}",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {self.folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            "max_queued_messages 50000",
            "max_inflight_messages 20",
            "max_packet_size 131072",
        ]
        if os.geteuid() == 0:
            lines.append("user root")
        configuration.write_text("\n".join(lines) + "\n")
        return [binary, "-c", str(configuration)]


def free_port() -> int:
    """A TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def start_broker(kind: Kind | None = None) -> Iterator[Broker]:
    """A running broker of the kind, by default the one that the environment chose; stopped and swept away afterwards."""
    with TemporaryDirectory(prefix="keypad-broker-") as folder:
        broker = Broker(kind or chosen_kind(), free_port(), Path(folder))
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()
