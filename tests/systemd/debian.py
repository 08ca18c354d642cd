"""A root of Debian 13 that mmdebstrap made, with our units laid out in it; for root, by `make check-units`."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TAR = ROOT / "build/debian13/units.tar"
UNITS = "usr/lib/systemd/system"

STOOD_IN = ("usr/bin/python3.13", "usr/bin/node")
"""What a unit only has to find."""


class Debian:
    """The root, and the programs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program in it, with mounts and a network of its own."""
        enter = ["unshare", "--mount", "--net", "--pid", "--fork", f"--root={self.folder}", "--mount-proc"]
        return subprocess.run([*enter, *command], capture_output=True, text=True, check=False)

    def run(self, *command: str) -> str:
        """Run a program that has to succeed; its words, with whatever it complained of."""
        done = self.ask(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@contextlib.contextmanager
def laid_out(folder: Path, *overlays: Path) -> Iterator[Debian]:
    """Unpack the root into an empty folder, lay the units and the overlays out, make their users; all is swept away at the end."""
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    subprocess.run(["tar", "--extract", "--file", TAR, "--directory", folder], check=True)
    subprocess.run([ROOT / "systemd/debian/lay-out", folder], check=True)
    for overlay in overlays:
        shutil.copytree(overlay, folder, dirs_exist_ok=True)
    for program in STOOD_IN:
        (folder / program).symlink_to("true")
    made = Debian(folder)
    made.run("systemd-sysusers")
    yield made
    subprocess.run(["rm", "-rf", folder], check=True)
