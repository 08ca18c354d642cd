"""What stands around a hub: a broker with TLS, a time server, a simulated home with a stick, the owner's files, and a cloud.

All of it is on the loopback of a network namespace that has nothing else; the machine reaches it at 10.0.2.2 (QEMU's user network), and
nothing beyond. So what a test shows needs no internet, and no server of the host is in the way.
"""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from drivers.simulator.client import Home
from gateway.cloud.broker_settings import BrokerSettings, TlsFiles
from gateway.cloud.counterpart import Counterpart
from gateway.model.ids import HubId
from tests.image.authority import Authority, Signed
from tests.image.machine import Machine
from tests.image.medium import Medium
from tests.image.patience import until
from tests.image.time_server import TimeServer, running_time_server
from tests.image.usb_stick import AEOTEC, Identity
from tests.stack.house import FOREIGN, LOCKS, SCENE, connected_cloud
from tests.stack.zwave_stack import ROOT, Stack, running_stack
from tests.systemd.owner import configuration

IMAGE = Path(os.environ.get("KEYPAD_IMAGE", ROOT / "build/image/qemu-arm64"))
"""The folder where `make image BOARD=qemu-arm64` puts its disk and the boot loader."""

PROGRAMS = {
    "qemu-system-aarch64": "qemu-system-arm", "nbdkit": "nbdkit", "mcopy": "mtools", "debugfs": "e2fsprogs", "sfdisk": "fdisk",
    "unsquashfs": "squashfs-tools", "mosquitto": "mosquitto",
}  # fmt: skip
"""What the chapters run, and the Debian package of each."""

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"

HERE, THERE = "127.0.0.1", "10.0.2.2"
BROKER_PORT = 8883
SEED = "keypad-gateway"
SPARE_BYTES = 512 * 1024 * 1024
"""Cards are larger than the image; at the first start its last partition takes the rest."""

START_S = 15.0
CLOUD_S = 30.0

ASK_TIME = "f /run/systemd/timesyncd.conf.d/50-run.conf 0644 root root - [Time]\\nNTP=10.0.2.2\\nFallbackNTP=\\n\n"
"""tmpfiles.d(5): the site's time server; a real site's router tells it by DHCP, QEMU's does not."""

BROKER = """
url = "mqtts://10.0.2.2:8883"
ca_file = "gateway.ca.pem"
certificate_file = "gateway.certificate.pem"
key_file = "gateway.key.pem"
longest_wait_s = 2.0
""".lstrip()
CONFIG = configuration(BROKER, LOCKS)

_cloud_numbers = itertools.count(1)


@dataclass
class Surroundings:
    """All parts in one folder."""

    folder: Path
    stack: Stack
    clock: TimeServer
    authority: Authority
    hub_key: Signed
    _broker: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _cable: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def home(self) -> Home:
        """The simulated home: the truth."""
        return self.stack.home

    @property
    def network_keys(self) -> str:
        """The file with the keys of the home's network."""
        return (self.stack.folder / "keys.toml").read_text()

    def pins(self, lock_id: str) -> dict[int, str]:
        """What is really in a lock's memory besides the foreign code, which must be there."""
        found = self.home.pins(LOCKS[lock_id][0])
        assert found.pop(1) == FOREIGN, "the foreign code was touched (N2)"
        return found

    def writes(self) -> int:
        """How many commands on the air changed a code, as far back as the simulator remembers."""
        return sum("User Code Set" in str(frame["label"]) for frame in self.home.frames())

    def medium(self, name: str) -> Medium:
        """A fresh card with the image, in a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        return Medium(IMAGE / "disk.img", folder, SPARE_BYTES)

    def machine(self, medium: Medium, clock: str = "utc") -> Machine:
        """A machine with that card in it, that asks for the time here."""
        boot = ("-bios", str(IMAGE / "u-boot.bin"))
        return Machine(medium.folder, medium, {"tmpfiles.extra": ASK_TIME}, clock, boot)

    def seed(self, medium: Medium, *, with_keys: bool = True) -> None:
        """Lay the owner's files on the card, as on a PC before the first start."""
        medium.put("firmware", f"{SEED}/gateway.toml", CONFIG.encode())
        medium.put("firmware", f"{SEED}/gateway.ca.pem", self.authority.pem)
        medium.put("firmware", f"{SEED}/gateway.certificate.pem", self.hub_key.certificate)
        medium.put("firmware", f"{SEED}/gateway.key.pem", self.hub_key.key)
        if with_keys:
            medium.put("firmware", f"{SEED}/zwave.keys.toml", self.network_keys.encode())

    def plug(self, machine: Machine, identity: Identity = AEOTEC) -> None:
        """Plug the stick into a machine that is on."""
        assert self._cable is None, "it is plugged in"
        told = {
            "terminal": self.stack.folder / "tty", "machine": machine.cable, "vendor": f"{identity.vendor:x}",
            "product": f"{identity.product:x}", "product-name": identity.product_name, "maker": identity.maker,
            "serial": identity.serial, "kind": identity.kind,
        }  # fmt: skip
        options = [f"--{name}={value}" for name, value in told.items()]
        with (self.folder / "cable.log").open("ab") as errors:
            self._cable = subprocess.Popen(
                [sys.executable, "-m", "tests.image.cable", *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=errors
            )
        assert self._cable.stdout is not None
        assert self._cable.stdout.readline() == b"plugged\n", (self.folder / "cable.log").read_text()

    def pull(self) -> None:
        """Pull the stick out."""
        cable, self._cable = self._cable, None
        if cable is not None:
            cable.send_signal(signal.SIGKILL)
            cable.wait(START_S)
            assert cable.stdout is not None
            cable.stdout.close()

    def start_broker(self) -> None:
        """mosquitto with mutual TLS, with sessions that outlive it."""
        (self.folder / "ca.pem").write_bytes(self.authority.pem)
        certificate, key = self.authority.sign("broker", HERE, THERE).put(self.folder, "broker")
        lines = [
            f"listener {BROKER_PORT} {HERE}", f"cafile {self.folder}/ca.pem", f"certfile {certificate}", f"keyfile {key}",
            "require_certificate true", "use_identity_as_username true", "allow_anonymous false", "persistence true",
            f"persistence_location {self.folder}/", "autosave_on_changes true", "autosave_interval 1", "user root",
        ]  # fmt: skip
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        program = shutil.which("mosquitto", path=PATH)
        assert program is not None
        with (self.folder / "broker.log").open("ab") as output:
            self._broker = subprocess.Popen(
                [program, "-c", self.folder / "mosquitto.conf"], stdout=output, stderr=output
            )
        until(_is_listening, START_S, (self.folder / "broker.log").read_text)

    def close(self) -> None:
        """End all that this started."""
        self.pull()
        if self._broker is not None:
            self._broker.terminate()
            self._broker.wait(START_S)

    @contextlib.asynccontextmanager
    async def cloud(self, hub_id: HubId) -> AsyncIterator[Counterpart]:
        """A cloud of its own, connected; it knows nothing of what was said before it came."""
        name = f"cloud-{next(_cloud_numbers)}"
        certificate, key = self.authority.sign(name).put(self.folder, name)
        tls = TlsFiles(self.folder / "ca.pem", certificate, key)
        settings = BrokerSettings(HERE, BROKER_PORT, client_id=name, tls=tls)
        async with connected_cloud(settings, hub_id, repeat_s=10.0, bound_s=CLOUD_S) as cloud:
            yield cloud


def _is_listening() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HERE, BROKER_PORT)) == 0


@contextlib.contextmanager
def running_surroundings() -> Iterator[Surroundings]:
    """All of it, in a short folder that is swept away afterwards."""
    assert (IMAGE / "disk.img").exists(), f"there is no disk in {IMAGE}: make image BOARD=qemu-arm64"
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path=PATH) is None]
    assert not missing, f"first: apt-get install --no-install-recommends {' '.join(missing)}"
    links = [name for _, name in socket.if_nameindex()]
    assert links == ["lo"], "run it by `make image-test`: it needs a network namespace of its own"
    with (
        tempfile.TemporaryDirectory(prefix="ki", dir=os.environ.get("KEYPAD_RUN")) as name,
        running_time_server() as clock,
    ):
        folder = Path(name)
        stick = folder / "s"
        stick.mkdir()
        authority = Authority()
        with running_stack(stick, SCENE, has_server=False) as stack:
            here = Surroundings(folder, stack, clock, authority, authority.sign("hub"))
            try:
                here.start_broker()
                yield here
            finally:
                here.close()
