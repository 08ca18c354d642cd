"""The card that a machine boots from: a copy of the image, behind a cache that forgets.

Killing a machine proves nothing about power cuts: the host keeps what the machine wrote. So the disk is served by nbdkit with a
cache in front: what the guest did not flush is gone when nbdkit is killed. With `forgets_flushes` the cache ignores flushes, as a bad
card does; a test of power cuts must then report losses.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tests.image.patience import until

START_S = 10.0
SECTOR_BYTES = 512
JOURNAL_INODE = 8
BLOCK_SIZE_AT = 1024 + 24
"""ext4's own layout: a reserved inode, and where the superblock has s_log_block_size (kernel documentation, ext4/ondisk)."""

type Honesty = Literal["writeback", "unsafe"]


class Medium:
    """One card. Nobody may look into it while a machine runs on it."""

    def __init__(self, image: Path, folder: Path, spare_bytes: int = 0) -> None:
        """Copy the image into the folder, onto a card that has so much more room."""
        self.folder = folder
        self.path = folder / "disk.img"
        self.socket = folder / "disk.sock"
        self._server: subprocess.Popen[bytes] | None = None
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", image, self.path], check=True)
        os.truncate(self.path, self.path.stat().st_size + spare_bytes)

    def insert(self, honesty: Honesty = "writeback") -> None:
        """Serve it to a machine."""
        self.socket.unlink(missing_ok=True)
        command = ["nbdkit", "--foreground", "--exit-with-parent", "--unix", str(self.socket), "--filter=cache", "file"]
        with (self.folder / "disk.log").open("ab") as output:
            self._server = subprocess.Popen(
                [*command, str(self.path), f"cache={honesty}"], stdout=output, stderr=output
            )
        until(self.socket.exists, START_S, (self.folder / "disk.log").read_text)

    def cut(self) -> None:
        """Whatever was not flushed is lost."""
        self._end(signal.SIGKILL)

    def eject(self) -> None:
        """As after a clean shutdown: the cache is written back by who flushed last."""
        self._end(signal.SIGTERM)

    def _end(self, sign: signal.Signals) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.send_signal(sign)
            server.wait(START_S)

    def span(self, label: str) -> tuple[int, int]:
        """Where a partition begins and how long it is, in bytes."""
        told = subprocess.run(["sfdisk", "--json", self.path], check=True, capture_output=True, text=True).stdout
        rows = json.loads(told)["partitiontable"]["partitions"]
        row = next(row for row in rows if row.get("name") == label)
        return row["start"] * SECTOR_BYTES, row["size"] * SECTOR_BYTES

    def put(self, label: str, place: str, content: bytes) -> None:
        """Lay a file on a FAT partition, with the directories to it."""
        begin, _ = self.span(label)
        drive = f"{self.path}@@{begin}"
        parents = [str(parent) for parent in reversed(Path(place).parents) if str(parent) != "."]
        for parent in parents:
            subprocess.run(["mmd", "-D", "s", "-i", drive, f"::{parent}"], check=False, capture_output=True)
        subprocess.run(["mcopy", "-o", "-i", drive, "-", f"::{place}"], check=True, input=content)

    @contextlib.contextmanager
    def read(self, label: str = "data") -> Iterator["Tree"]:
        """An ext4 partition as a machine that starts now would find it: its journal replayed, in a copy."""
        begin, size = self.span(label)
        copy = self.folder / f"{label}.ext4"
        mib = 1024 * 1024
        assert begin % mib == 0
        subprocess.run(
            ["dd", f"if={self.path}", f"of={copy}", f"bs={mib}", f"skip={begin // mib}", f"count={-(-size // mib)}",
             "conv=sparse", "status=none"], check=True
        )  # fmt: skip
        try:
            checked = subprocess.run(["e2fsck", "-f", "-p", copy], check=False, capture_output=True, text=True)
            yield Tree(copy, checked.returncode, checked.stdout + checked.stderr)
        finally:
            copy.unlink()


class Tree:
    """An ext4 file system in a file. `is_sound` when its check found nothing but what a power cut may leave."""

    def __init__(self, path: Path, code: int, words: str) -> None:
        self.path = path
        # e2fsck(8): 0 no errors, 1 corrected what a replayed journal leaves, such as files that were open when they were deleted;
        # anything that is not safe to correct is 4.
        self.is_sound = code in {0, 1}
        self.words = words

    def has(self, place: str) -> bool:
        """Whether there is such a file or directory."""
        done = subprocess.run(
            ["debugfs", "-R", f'stat "{place}"', self.path], check=True, capture_output=True, text=True
        )
        return "Inode:" in done.stdout

    def take(self, place: str, into: Path) -> Path:
        """Copy a directory of it into a folder; where it is then."""
        target = into / Path(place).name
        if target.exists():
            shutil.rmtree(target)
        into.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["debugfs", "-R", f'rdump "{place}" "{into}"', self.path], check=True, capture_output=True, text=True
        )
        assert target.exists(), done.stderr
        return target

    def take_all(self, into: Path) -> Path:
        """Copy everything into a folder that must not be there yet."""
        into.mkdir()
        subprocess.run(["debugfs", "-R", f'rdump / "{into}"', self.path], check=True, capture_output=True)
        return into

    def owner(self, offset: int) -> str:
        """Whose a byte is: a path, `journal`, or `free`."""
        with self.path.open("rb") as disk:
            disk.seek(BLOCK_SIZE_AT)
            block_bytes = 1024 << int.from_bytes(disk.read(4), "little")
        inode = self._column(f"icheck {offset // block_bytes}")
        if not inode.isdigit():
            return "free"
        return "journal" if int(inode) == JOURNAL_INODE else self._column(f"ncheck {inode}") or f"inode {inode}"

    def _column(self, request: str) -> str:
        """The second column of debugfs's answer."""
        told = subprocess.run(["debugfs", "-R", request, self.path], check=True, capture_output=True, text=True).stdout
        rows = [line.split("\t", maxsplit=1) for line in told.splitlines()[1:]]
        return rows[0][1].strip() if rows and len(rows[0]) > 1 else ""
