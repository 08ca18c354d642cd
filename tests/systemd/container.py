"""A Debian 13 that runs under its own systemd, as process 1 in namespaces of its own: no virtual machine, no service of the host."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TAR = ROOT / "build/debian13/hub.tar"

UP_S = 60.0
COMMAND_S = 240.0
LOOK_S = 0.2


def until(holds: Callable[[], bool], bound_s: float, explain: Callable[[], object] = str) -> None:
    """Wait for a condition in another process."""
    ends_s = time.monotonic() + bound_s  # noqa: TID251 - processes run in real time
    while not holds():
        assert time.monotonic() < ends_s, f"not so within {bound_s} s: {explain()}"  # noqa: TID251 - as above
        time.sleep(LOOK_S)


@dataclass(frozen=True)
class Container:
    """A running one. `process` is its systemd as the host sees it."""

    folder: Path
    process: int

    def ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program in it, whatever comes of it."""
        enter = ["nsenter", f"--target={self.process}", "--all", "--wd=/"]
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        return subprocess.run(
            [*enter, *command], capture_output=True, text=True, check=False, timeout=COMMAND_S, env=clean
        )

    def run(self, *command: str) -> str:
        """Run a program in it that must succeed; its words."""
        done = self.ask(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def show(self, unit: str, what: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "--property", what, "--value", unit).strip()

    def is_active(self, unit: str) -> bool:
        return self.show(unit, "ActiveState") == "active"

    def journal(self, *options: str) -> str:
        return self.run("journalctl", "--no-pager", "--output=cat", *options)

    def files(self) -> set[str]:
        """Everything that lasts, but for what package tools and the system itself write."""
        pruned = (
            "-path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/log -o -path /var/cache"
        )
        pruned += (
            " -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd -o -path /root -o -path /var/tmp"
        )
        backups = {"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock"}
        return set(self.run("sh", "-c", f"find / \\( {pruned} \\) -prune -o -print").splitlines()) - backups


def _hierarchy() -> Path:
    """Where the host has its unified control groups (cgroups(7))."""
    rows = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return next(Path(row[1]) for row in rows if row[2] == "cgroup2")


@contextlib.contextmanager
def running_container(folder: Path) -> Iterator[Container]:
    """Unpack the root into `folder`, boot it, and stop it at the end."""
    root = folder / "root"
    root.mkdir()
    root.chmod(0o755)
    subprocess.run(["tar", "--extract", "--file", TAR, "--directory", root], check=True)
    group = _hierarchy() / f"keypad-{os.getpid()}"
    group.mkdir()
    spaces = [f"--{name}" for name in ("mount", "pid", "fork", "uts", "ipc", "cgroup", "net", "kill-child")]
    # The shell joins the control group first, so that the container's own one begins there.
    command = f'echo $$ >"{group}/cgroup.procs" && exec unshare {" ".join(spaces)} "{HERE}/boot" "{root}"'
    with (folder / "console.log").open("wb") as console:
        outer = subprocess.Popen(["bash", "-c", command], stdout=console, stderr=console)
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")

    def explain() -> str:
        return (folder / "console.log").read_text(errors="replace")

    try:
        until(lambda: bool(children.read_text().split()), UP_S, explain)
        made = Container(root, int(children.read_text().split()[0]))
        until(lambda: made.ask("systemctl", "is-system-running").stdout.strip() == "running", UP_S, explain)
        yield made
    finally:
        outer.send_signal(signal.SIGKILL)  # its child goes with it
        outer.wait()
        until(lambda: not any((path / "cgroup.procs").read_text() for path in [group, *group.rglob("*/")]), UP_S)
        for path in sorted(group.rglob("*/"), reverse=True):
            path.rmdir()
        group.rmdir()
        shutil.rmtree(root, ignore_errors=True)
