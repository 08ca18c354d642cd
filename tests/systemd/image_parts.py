"""What an image is made of, as far as it can be looked at without making one: table, lock, units, what survives.

Run by `make check-units`, as root, on a root of Debian 13 that mmdebstrap made.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.systemd.debian import ROOT, UNITS, Debian, laid_out

IMAGE = ROOT / "image"
OVERLAY = IMAGE / "overlay"

SECTOR_BYTES = 512
ALIGNED_SECTORS = 2048
"""1 MiB: a multiple of every card's erase unit that matters to its speed."""

SMALLEST_CARD_BYTES = 4_000_000_000
USB_DISKS = {"usb_storage", "uas", "sd_mod", "scsi_mod", "xhci_pci"}
RULE = 'SUBSYSTEM=="tty", KERNEL=="ttyAMA0", SYMLINK+="zwave", GROUP="zwave", MODE="0660"\n'
UDEVADM = '#!/bin/sh\n[ "$1" != verify ] || exec /usr/bin/udevadm "$@"\necho "udevadm $*"\n'
"""There is no udev to tell anything in a root that is not booted."""

HASH = "$6$salt$Zq8gkXNmtz1yJkzJzs4mB1tLVZyYh2uW1P3Vn0bB8nXoPq7rS9tUvWxYz0123456789abcdefghijklmnopqrs"


@dataclass(frozen=True)
class Partition:
    """One line of the table, in sectors."""

    name: str
    start: int
    size: int
    kind: str


def partitions() -> list[Partition]:
    line = re.compile(r'^start=(\d+), +size=(\d+), +type=([0-9A-F-]+), .*name="(\w+)"', re.MULTILINE)
    found = line.findall((IMAGE / "partitions").read_text())
    return [Partition(name, int(start), int(size), kind) for start, size, kind, name in found]


def test_the_table_has_two_slots_of_the_same_size_and_data_last() -> None:
    made = {part.name: part for part in partitions()}
    assert list(made) == ["firmware", "bootstate", "boot_a", "boot_b", "system_a", "system_b", "data"]
    assert made["boot_a"].size == made["boot_b"].size
    assert made["system_a"].size == made["system_b"].size


def test_partitions_touch_no_other_and_fit_the_smallest_card() -> None:
    table = partitions()
    for before, after in pairwise(table):
        assert before.start + before.size <= after.start, (before, after)
    assert [part.name for part in table if part.start % ALIGNED_SECTORS or part.size % ALIGNED_SECTORS] == []
    assert (table[-1].start + table[-1].size) * SECTOR_BYTES < SMALLEST_CARD_BYTES


def test_no_partition_is_of_a_kind_that_systemd_mounts_on_its_own_and_data_of_its_own_kind_grows() -> None:
    efi_system = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
    table = partitions()
    assert [part.name for part in table if part.kind == efi_system] == []
    # systemd-repart finds the partition by its kind alone.
    data = table[-1].kind
    assert [part.name for part in table if part.kind == data] == ["data"]


def test_the_lock_names_each_package_once_with_its_hash_and_all_that_are_wanted() -> None:
    line = re.compile(r"(root|board) ([a-z0-9][a-z0-9.+-]+) ([\w.+:~-]+) (arm64|all) [0-9a-f]{64}")
    lines = (IMAGE / "packages.lock").read_text().splitlines()
    assert [row for row in lines if not line.fullmatch(row)] == []
    assert lines == sorted(lines)
    locked = [tuple(row.split()[:2]) for row in lines]
    assert len(locked) == len(set(locked))
    wanted = [tuple(row.split()) for row in (IMAGE / "packages.txt").read_text().splitlines() if row and row[0] != "#"]
    assert set(wanted) - set(locked) == set()
    assert "apt" not in {name for _, name in locked}, "nothing is installed on the device"


def test_what_survives_is_mounted_made_and_told() -> None:
    rows = [row.split() for row in (OVERLAY / "etc/fstab").read_text().splitlines() if row.startswith("/data/")]
    sources = {row[0] for row in rows}
    made = (OVERLAY / "usr/share/keypad-gateway/data.tmpfiles").read_text().splitlines()
    directories = {row.split()[1] for row in made if row[0] in "df" and row.count("/") == 2}
    assert sources == directories
    readme = (IMAGE / "README.md").read_text()
    assert [row for row in rows if f"| `{row[0]}` | `{row[1]}` |" not in readme] == []
    # Without the card's data everything else comes up, and each of them waits for its directory.
    assert all(row[3] == "bind,nofail,x-systemd.requires=hub-data.service" for row in rows)


def test_the_initrd_knows_no_disk_that_somebody_plugs_in() -> None:
    modules = {row for row in (IMAGE / "initrd.modules").read_text().splitlines() if row and row[0] != "#"}
    assert modules & USB_DISKS == set()
    # What QEMU's board and a Raspberry Pi boot from.
    assert modules >= {"virtio_blk", "sdhci_iproc", "squashfs"}


KEPT = ("/etc/credstore", "/etc/gateway", "/etc/systemd/network")
"""Mounted from the data partition."""


def site(debian: Debian, kept: Iterable[str] = KEPT, before: str = ":") -> subprocess.CompletedProcess[str]:
    """Take the owner's files as at a start; its words, and what a login and udev would see."""
    places = "".join(f"mount --bind {place} {place}; " for place in kept)
    look = "/usr/libexec/keypad-gateway/site; code=$?; grep ^service: /etc/shadow; cat /run/udev/rules.d/62-stick.rules; exit $code"
    return debian.ask("sh", "-c", f"mount -t tmpfs none /run; mkdir /run/hub-site; {places}{before}; {look}")


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    with laid_out(tmp_path_factory.mktemp("image"), OVERLAY) as made:
        for place in (*KEPT, "/boot/firmware/keypad-gateway", "/usr/local/bin"):
            (made.folder / place[1:]).mkdir(parents=True, exist_ok=True)
        stand_in = made.folder / "usr/local/bin/udevadm"
        stand_in.write_text(UDEVADM)
        stand_in.chmod(0o755)
        yield made


def test_systemd_understands_the_units_of_an_image_and_what_it_adds_to_others(debian: Debian) -> None:
    names = sorted({path.name for path in (OVERLAY / UNITS).glob("hub-*.service")} | {"gateway-provision.service"})
    done = debian.ask("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *names)
    told = [line for line in (done.stdout + done.stderr).splitlines() if "hub" in line or "gateway" in line]
    assert (done.returncode, told) == (0, [])


def test_nobody_logs_in_until_the_owner_says_how(debian: Debian) -> None:
    assert "service:!" in site(debian).stdout
    seed = debian.folder / "boot/firmware/keypad-gateway"
    (seed / "service.password").write_text(HASH + "\n")
    (seed / "50-site.network").write_text("[Match]\nName=end0\n")
    assert f"service:{HASH}:" in site(debian).stdout
    assert (debian.folder / "etc/systemd/network/50-site.network").read_text() == "[Match]\nName=end0\n"
    shadow = (debian.folder / "etc/shadow").read_text()
    assert HASH not in shadow, "it is laid over the file for as long as the system runs"

    other = HASH.replace("salt", "pepper")
    (seed / "service.password").write_text(other + "\n")
    assert f"service:{other}:" in site(debian).stdout
    (seed / "service.password").unlink()
    assert f"service:{other}:" in site(debian).stdout


def test_without_data_the_owner_gets_in_with_what_the_card_brings(debian: Debian) -> None:
    seed = debian.folder / "boot/firmware/keypad-gateway/service.password"
    seed.write_text(HASH.replace("salt", "sugar") + "\n")
    taken = site(debian, kept=())
    seed.unlink()
    assert taken.returncode == 0, taken.stderr
    assert "service:$6$sugar$" in taken.stdout
    assert "sugar" not in (debian.folder / "etc/credstore/service.password").read_text()


def test_data_that_takes_nothing_keeps_nobody_out(debian: Debian) -> None:
    seed = debian.folder / "boot/firmware/keypad-gateway"
    (seed / "service.password").write_text(HASH.replace("salt", "honey") + "\n")
    (seed / "60-other.network").write_text("[Match]\nName=end1\n")
    (seed / "stick.rules").write_text(RULE)
    taken = site(debian, before="for place in " + " ".join(KEPT) + "; do mount -o remount,bind,ro $place; done")
    for name in ("service.password", "60-other.network", "stick.rules"):
        (seed / name).unlink()
    assert taken.returncode == 1
    assert "service:$6$honey$" in taken.stdout
    assert RULE in taken.stdout


def test_a_rule_for_a_stick_is_kept_and_laid_where_udev_looks_and_an_empty_one_takes_it_back(debian: Debian) -> None:
    seed = debian.folder / "boot/firmware/keypad-gateway/stick.rules"
    assert "udevadm" not in site(debian).stdout
    for rule in (RULE, ""):
        seed.write_text(rule)
        told = site(debian).stdout
        seed.unlink()
        assert "took /boot/firmware/keypad-gateway/stick.rules" in told
        later = site(debian).stdout
        for words in (told, later):
            assert "udevadm control --reload\nudevadm trigger" in words
            assert (RULE in words) == bool(rule)
        assert "took" not in later


def test_a_rule_that_udev_cannot_read_is_told_and_the_last_good_one_stays(debian: Debian) -> None:
    seed = debian.folder / "boot/firmware/keypad-gateway/stick.rules"
    seed.write_text(RULE)
    assert site(debian).returncode == 0
    seed.write_text('SUBSYSTEM="tty", GROUP=="zwave\n')
    refused = site(debian)
    seed.unlink()
    assert refused.returncode == 1
    assert "stick.rules is not what udev(7) reads" in refused.stderr
    assert RULE in refused.stdout
    assert RULE in site(debian).stdout


@pytest.mark.parametrize("line", ["hunter2", "", "$1$salt$abc", "$6$salt$x:0:0", "service:$6$a$b"])
def test_a_password_that_is_no_hash_is_refused_and_not_repeated_and_the_last_good_one_stays(
    debian: Debian, line: str
) -> None:
    seed = debian.folder / "boot/firmware/keypad-gateway/service.password"
    seed.write_text(HASH + "\n")
    assert site(debian).returncode == 0
    seed.write_text(line + "\n")
    refused = site(debian)
    seed.unlink()
    assert refused.returncode == 1
    assert "mkpasswd" in refused.stderr
    assert not line or line not in refused.stdout + refused.stderr
    assert f"service:{HASH}:" in site(debian).stdout
