"""The units, rules and tables as Debian 13's own tools see them: no word unknown, little exposed, nobody let in.

Run by `make check-units`, as root, on a root of Debian 13 that mmdebstrap made.
"""

import json
from collections.abc import Iterator

import pytest

from gateway.runtime.clock import BOOT_VARIABLE
from tests.systemd.debian import ROOT, UNITS, Debian, laid_out

EXPOSURE_MAX = 15
"""Tenths of systemd's own measure; what remains is explained in systemd/README.md."""


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    with laid_out(tmp_path_factory.mktemp("debian13")) as made:
        made.run("systemd-tmpfiles", "--create", "keypad-gateway.conf")
        yield made


def names() -> list[str]:
    return sorted(path.name for path in (ROOT / "systemd").glob("*.service"))


def test_all_units_are_laid_out(debian: Debian) -> None:
    assert names() == [name for name in names() if (debian.folder / UNITS / name).is_file()]


def test_systemd_understands_every_line(debian: Debian) -> None:
    paths = [f"/{UNITS}/{name}" for name in names()]
    said = debian.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths)
    assert [line for line in said.splitlines() if "gateway" in line or "zwave" in line] == []


@pytest.mark.parametrize("name", names())
def test_little_is_exposed(debian: Debian, name: str) -> None:
    limit = EXPOSURE_MAX if name != "gateway-firewall.service" else 2 * EXPOSURE_MAX
    debian.run("systemd-analyze", "security", "--offline=yes", f"--threshold={limit}", f"/{UNITS}/{name}")


def test_what_is_left_open_is_what_the_readme_explains(debian: Debian) -> None:
    readme = (ROOT / "systemd/README.md").read_text().replace("\\|", "|")
    for name in ("gateway.service", "zwave-js-server.service"):
        told = debian.run("systemd-analyze", "security", "--offline=yes", "--json=short", f"/{UNITS}/{name}")
        rows = json.loads(told)
        left = [row["name"] for row in rows if row["set"] is False and row["exposure"]]
        assert left
        assert [word for word in left if f"`{word}`" not in readme] == []


def test_udev_understands_the_table_of_sticks(debian: Debian) -> None:
    told = debian.run("udevadm", "verify", "/usr/lib/udev/rules.d/61-keypad-gateway.rules")
    assert "Fail:    0" in told


def test_the_users_have_their_numbers(debian: Debian) -> None:
    assert debian.run("getent", "passwd", "gateway", "zwave").count("nologin") == 2
    assert debian.run("id", "gateway").strip() == "uid=400(gateway) gid=400(gateway) groups=400(gateway),402(maint)"
    assert debian.run("id", "zwave").strip() == "uid=401(zwave) gid=401(zwave) groups=401(zwave)"


def test_nftables_takes_the_firewall_twice_and_drops_by_default(debian: Debian) -> None:
    rules = "/usr/share/keypad-gateway/firewall.nft"
    listed = debian.run("sh", "-c", f"nft -f {rules} && nft -f {rules} && nft list table inet keypad")
    assert listed.count("policy drop") == 2
    assert "tcp dport" not in listed.partition("chain output")[0]


def test_an_installation_can_open_a_port(debian: Debian) -> None:
    rule = debian.folder / "etc/gateway/firewall.d/ssh.nft"
    rule.write_text("tcp dport 22 accept\n")
    rules = "/usr/share/keypad-gateway/firewall.nft"
    try:
        listed = debian.run("sh", "-c", f"nft -f {rules} && nft list chain inet keypad extra")
    finally:
        rule.unlink()
    assert "tcp dport 22 accept" in listed


def test_the_daemon_is_told_which_boot_this_is() -> None:
    unit = (ROOT / "systemd/gateway.service").read_text()
    assert f"Environment={BOOT_VARIABLE}=%b" in unit.splitlines()
    assert "ProcSubset=pid" in unit.splitlines(), "then the kernel tells, and the variable is not needed"
