"""A machine made by QEMU: arm64, U-Boot, two cores, 1 GB, like the smallest board that the image is for. Nothing but emulation (TCG).

What the test needs inside comes by `fw_cfg`: credentials that open a shell on the serial console, and where the time is served. A board
has no `fw_cfg`, so this is no door there, and the image holds nothing for tests.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.image.console import Console
from tests.image.medium import Honesty, Medium
from tests.image.monitor import Monitor
from tests.image.patience import now_s

U_BOOT = Path("/usr/lib/u-boot/qemu_arm64/u-boot.bin")
MEMORY_MB = 1024
CORES = 2
STOP_S = 60.0

SHELL_S = 900.0
"""Until the console's shell: 48 s on an idle machine of two cores (our measurement)."""

PACES: Mapping[str, Sequence[str]] = {
    "real": ("-accel", "tcg,thread=multi"),
    "steady": ("-accel", "tcg,thread=single", "-icount", "shift=2,sleep=on"),
}
"""How time passes inside. `real`: as outside. `steady`: 4 ns for each instruction, so that a machine that the host starves is slow for
us and not for itself, and no time-out strikes that would not strike on an idle host; its clock falls behind while it is busy."""

PACE = os.environ.get("PACE", "real")

LOG_IN: Mapping[str, str] = {"agetty.autologin": "root", "login.noauth": "yes"}
"""systemd-getty and login(1) take these credentials; they open a shell although root has no password."""


@dataclass
class Machine:
    """A board with a medium in it. `switch_on`, then `console`; `cut` takes the power away."""

    folder: Path
    medium: Medium
    credentials: Mapping[str, str] = field(default_factory=dict)
    clock: str = "utc"
    """What its clock without battery says at the start: `utc` is the truth, else a date."""
    boot: Sequence[str] = ("-bios", str(U_BOOT))
    is_open: bool = True
    """Whether the serial line is a root's shell, or asks for a name and a password as a board's does."""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _console: Console | None = field(default=None, repr=False)
    _monitor: Monitor | None = field(default=None, repr=False)
    started_s: float = 0.0

    @property
    def console(self) -> Console:
        """The serial line of a machine that is on."""
        assert self._console is not None, "it is off"
        return self._console

    @property
    def monitor(self) -> Monitor:
        """The view from outside of a machine that is on."""
        assert self._monitor is not None, "it is off"
        return self._monitor

    @property
    def cable(self) -> Path:
        """The socket where a USB device can be plugged in."""
        return self.folder / "usb.sock"

    @property
    def console_log(self) -> Path:
        """Everything that the serial line ever said."""
        return self.folder / "console.log"

    def switch_on(self, honesty: Honesty = "writeback") -> None:
        """Give it power; waits for nothing but the emulator."""
        assert self._process is None, "it is on"
        self.medium.insert(honesty)
        for name in ("console.sock", "monitor.sock", "usb.sock"):
            (self.folder / name).unlink(missing_ok=True)
        self.started_s = now_s()
        with (self.folder / "qemu.log").open("ab") as output:
            self._process = subprocess.Popen(
                ["nice", "-n", "10", *self._command()], stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )
        try:
            self._console = Console(self.folder / "console.sock", self.console_log)
            self._monitor = Monitor(self.folder / "monitor.sock")
        except AssertionError as error:
            words = (self.folder / "qemu.log").read_text(errors="replace")[-2000:]
            self.cut()
            raise AssertionError(f"{error}: {words}") from None

    def _command(self) -> list[str]:
        credentials = self.folder / "credentials"
        credentials.mkdir(exist_ok=True)
        given = []
        for name, value in {**(LOG_IN if self.is_open else {}), **self.credentials}.items():
            (credentials / name).write_text(value)
            given += ["-fw_cfg", f"name=opt/io.systemd.credentials/{name},file={credentials / name}"]
        here = self.folder
        return [
            "qemu-system-aarch64", "-machine", "virt", *PACES[PACE], "-cpu", "cortex-a72",
            "-smp", str(CORES), "-m", str(MEMORY_MB), *self.boot, "-nodefaults", "-display", "none",
            "-chardev", f"socket,id=console,path={here}/console.sock,server=on,wait=off", "-serial", "chardev:console",
            "-qmp", f"unix:{here}/monitor.sock,server=on,wait=off",
            "-drive", f"if=none,id=disk,format=raw,cache=writeback,file=nbd+unix:///?socket={self.medium.socket}",
            "-device", "virtio-blk-pci,drive=disk,romfile=",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
            "-device", "virtio-rng-pci,romfile=",
            "-device", "qemu-xhci,id=usb", "-chardev", f"socket,id=cable,path={self.cable},server=on,wait=off",
            "-device", "usb-redir,chardev=cable,bus=usb.0",
            "-device", "i6300esb", "-action", "watchdog=reset", "-rtc", f"base={self.clock},clock=host", *given,
        ]  # fmt: skip

    def log_in(self, since: int = 0) -> None:
        """Wait for the shell of the maintenance console."""
        self.console.log_in(SHELL_S, since)

    def age_s(self) -> float:
        """Seconds since it got power."""
        return now_s() - self.started_s

    def cut(self) -> None:
        """Take the power away: first from the disk, so that nothing more gets there."""
        self.medium.cut()
        self._drop()

    def switch_off(self) -> None:
        """Shut down as one should, then take the power away; nothing to do for one that is off."""
        if self._process is None:
            return
        with contextlib.suppress(Exception):
            self.console.ask("systemctl poweroff", 5.0)
        self._process.wait(STOP_S)
        self.medium.eject()
        self._drop()

    def _drop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(STOP_S)
        for end in (self._monitor, self._console):
            if end is not None:
                end.close()
        self._process = self._console = self._monitor = None
