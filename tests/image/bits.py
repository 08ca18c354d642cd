"""What lies in the image before any start: nothing that is secret, nothing that two hubs could share."""

import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.medium import Medium
from tests.image.surroundings import Surroundings

PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64,}")
"""A private key in PEM with a body; programs that only know how one begins have no body."""

DISKS = ("scsi/", "ata/", "nvme/", "memstick/", "usb/storage/", "mmc/host/ushc", "mmc/host/vub300", "mmc/host/rtsx_usb")
"""Drivers of disks that somebody could plug in beside the card, below kernel/drivers."""

SUPERBLOCK_AT = 1024
DATA_BYTES_PER_INODE = 65536
INODES_MIN = 1000
"""A hub in use has some sixty files and directories on `data`."""

FILE_BYTES_MAX = 64 * 1024 * 1024


@pytest.fixture(scope="module")
def medium(around: Surroundings) -> Medium:
    return around.medium("bits")


@pytest.fixture(scope="module")
def root(medium: Medium) -> Path:
    begin, _ = medium.span("system_a")
    where = medium.folder / "root"
    command = ["unsquashfs", "-quiet", "-no-progress", "-offset", str(begin), "-dest", str(where), str(medium.path)]
    subprocess.run(command, check=True, capture_output=True)
    return where


def _files(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= FILE_BYTES_MAX:
            yield path


def test_the_root_holds_no_private_key_and_no_identity(root: Path) -> None:
    found = [str(path.relative_to(root)) for path in _files(root) if PRIVATE_KEY.search(path.read_bytes())]
    assert found == []
    assert (root / "etc/machine-id").read_bytes() == b""
    made = [path for place in ("etc/gateway", "etc/credstore", "etc/ssh") for path in (root / place).rglob("*")]
    assert [path for path in made if path.is_file()] == []


def test_nobody_has_a_password(root: Path) -> None:
    rows = [line.split(":") for line in (root / "etc/shadow").read_text().splitlines()]
    assert rows
    assert [row[0] for row in rows if not row[1].startswith(("!", "*"))] == []


def test_data_and_firmware_hold_no_file_of_a_hub(medium: Medium) -> None:
    with medium.read() as tree:
        assert tree.is_sound, tree.words
        taken = tree.take_all(medium.folder / "data")
        assert [path.name for path in taken.rglob("*") if path.is_file()] == []
    begin, _ = medium.span("firmware")
    listed = subprocess.run(
        ["mdir", "-b", "-/", "-i", f"{medium.path}@@{begin}", "::"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    secret = ("gateway.toml", ".key.pem", "password", "zwave.keys.toml")
    assert [line for line in listed if line.casefold().endswith(secret)] == []


def test_no_driver_makes_a_disk_of_what_is_plugged_in(root: Path) -> None:
    (drivers,) = root.glob("usr/lib/modules/*/kernel/drivers")
    assert (drivers / "mmc/host/sdhci-iproc.ko.xz").exists()
    modules = [str(path.relative_to(drivers)) for path in drivers.rglob("*.ko*")]
    assert [module for module in modules if module.startswith(DISKS)] == []


def test_a_card_of_any_size_gets_few_inodes_to_write_at_its_first_start(medium: Medium) -> None:
    begin, size = medium.span("data")
    with medium.path.open("rb") as disk:
        disk.seek(begin + SUPERBLOCK_AT)
        (count,) = struct.unpack("<I", disk.read(4))
    assert INODES_MIN < count <= size // DATA_BYTES_PER_INODE


def test_slot_b_is_empty(medium: Medium) -> None:
    for label in ("boot_b", "system_b"):
        begin, size = medium.span(label)
        with medium.path.open("rb") as disk:
            disk.seek(begin)
            assert not any(disk.read(min(size, FILE_BYTES_MAX))), label
