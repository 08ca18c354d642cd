"""A hub that booted from the image: the machine, what stands around it, and questions to it over the maintenance console."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.model.events import Fact
from gateway.model.ids import HubId
from tests.image.console import ConsoleGone
from tests.image.machine import SHELL_S, Machine
from tests.image.patience import now_s, until
from tests.image.surroundings import Surroundings
from tests.stack.house import LOCKS

READY_S = 900.0
"""The bound of waiting on a busy machine, not of the product: the product's own is among the figures."""

CLOCK_LOOKS = 4

WHOLE = f"{len(LOCKS)} of {len(LOCKS)} locks"


@dataclass
class Hub:
    """A machine that is on, as who can log in sees it."""

    machine: Machine
    around: Surroundings

    def ask(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as root, whatever comes of it. Raises `ConsoleGone` with what QEMU knows about it."""
        try:
            return self.machine.console.ask(script)
        except ConsoleGone as gone:
            self.machine.monitor.ask("query-status")
            told = "; ".join(self.machine.monitor.told[-6:])
            msg = f"{self.machine.age_s():.0f} s after power, QEMU told: {told or 'nothing'}; last on the line: {gone}"
            raise ConsoleGone(msg) from gone

    def run(self, script: str) -> str:
        """Run a script as root that must succeed; its words."""
        return self.machine.console.run(script)

    def show(self, unit: str, what: str) -> str:
        """One property of a unit."""
        return self.run(f"systemctl show --property {what} --value {unit}").strip()

    def is_active(self, unit: str) -> bool:
        return self.show(unit, "ActiveState") == "active"

    def journal(self, *options: str) -> str:
        return self.run(f"journalctl --no-pager --output=cat {' '.join(options)}")

    def status(self) -> dict[str, Fact]:
        """What `gatewayctl status` says; empty while no daemon answers."""
        told = self.ask("gatewayctl --json status").stdout
        found = json.loads(told) if told.strip().startswith("{") else {}
        return found if isinstance(found, dict) else {}

    def is_ready(self) -> bool:
        """Whether the daemon has told systemd that it takes orders (`READY=1`), and the Z-Wave server runs."""
        return self.is_active("gateway.service") and self.is_active("zwave-js-server.service")

    def ready_s(self) -> float:
        """When the later of the two became active, by the clock of `now_s`; for a hub that is ready.

        The machine's own clock says how long after its kernel's start that was: a look from here every two seconds would say it too late,
        by the console's answers too. When the kernel started, the best of some answers tells; each takes its time, so it is never too early.
        """
        units = "gateway.service zwave-js-server.service"
        stamps = self.run(f"systemctl show --property ActiveEnterTimestampMonotonic --value {units}").split()
        kernel_s = min(self._kernel_s() for _ in range(CLOCK_LOOKS))
        return kernel_s + max(int(stamp) for stamp in stamps) / 1e6

    def _kernel_s(self) -> float:
        up_s = float(self.run("cat /proc/uptime").split()[0])
        return now_s() - up_s

    def is_met(self) -> bool:
        """Whether all locks are reached, by the daemon's own word to systemd."""
        told = self.ask("systemctl show --property ActiveState,StatusText gateway.service").stdout
        return "ActiveState=active" in told and "zwave ready" in told and WHOLE in told

    def is_settled(self) -> bool:
        """Whether systemd has started all it means to start."""
        return self.ask("systemctl is-system-running").stdout.strip() in {"running", "degraded"}

    def trouble(self) -> str:
        """What to look at when it does not become ready."""
        return self.ask(
            "systemctl --failed --no-legend; systemctl status --no-pager gateway zwave-js-server | head -40; "
            "journalctl --no-pager --output=cat -u gateway -u gateway-provision -u zwave-js-server | tail -30"
        ).stdout

    def meet(self) -> None:
        """Wait until it is ready."""
        until(lambda: self.is_met() and self.is_settled(), READY_S, self.trouble)
        assert WHOLE in str(self.status().get("drivers")), self.trouble()

    @property
    def hub_id(self) -> HubId:
        """The id that it drew."""
        return HubId(self.run("cat /etc/gateway/hub-id").strip())

    def boot_number(self) -> str:
        return self.run("cat /proc/sys/kernel/random/boot_id").strip()


@contextlib.contextmanager
def switched_on(machine: Machine, around: Surroundings, *, has_stick: bool = True) -> Iterator[Hub]:
    """Give it power and wait for the shell; whatever happens, it is off at the end."""
    machine.switch_on()
    try:
        if has_stick:
            around.plug(machine)
        machine.log_in()
        yield Hub(machine, around)
    finally:
        around.pull()
        machine.cut()


def wall_ms() -> int:
    """UTC milliseconds of the host."""
    return time.time_ns() // 1_000_000


__all__ = ["READY_S", "SHELL_S", "Hub", "switched_on", "wall_ms"]
