"""The units, rules and tables as Debian 13's own tools see them: no word unknown, little exposed, nobody let in.

Run by `make check-units`, as root, on a root of Debian 13 that mmdebstrap made.
"""

import json
import re
from collections.abc import Iterator

import pytest

from gateway.runtime.clock import BOOT_VARIABLE
from tests.systemd.debian import ROOT, UNITS, Debian, laid_out

FIREWALL = "/usr/libexec/keypad-gateway/firewall"

LONGEST_WAIT_S = 15
"""A guest at the door waits for it (our choice)."""

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
    listed = debian.run("sh", "-c", f"{FIREWALL} && {FIREWALL} && nft list table inet keypad")
    assert listed.count("policy drop") == 2
    assert "tcp dport" not in listed.partition("chain output")[0]


def test_an_installation_can_open_a_port(debian: Debian) -> None:
    rule = debian.folder / "etc/gateway/firewall.d/ssh.nft"
    rule.write_text("tcp dport 22 accept\n")
    try:
        listed = debian.run("sh", "-c", f"{FIREWALL} && {FIREWALL} && nft list chain inet keypad extra")
    finally:
        rule.unlink()
    assert listed.count("tcp dport 22 accept") == 1


def test_a_mistake_in_an_installations_rule_is_told_and_opens_nothing_and_leaves_out_that_file_alone(
    debian: Debian,
) -> None:
    folder = debian.folder / "etc/gateway/firewall.d"
    rules = {"broken.nft": "tcp dport twenty-two accept\n", "ssh.nft": "tcp dport 22 accept\n"}
    for name, text in rules.items():
        (folder / name).write_text(text)
    try:
        listed = debian.run("sh", "-c", f"{FIREWALL} && nft list table inet keypad")
    finally:
        for name in rules:
            (folder / name).unlink()
    assert "firewall.d/broken.nft:1:" in listed
    assert "broken.nft is not in force" in listed
    assert listed.count("policy drop") == 2
    assert "tcp dport 22 accept" in listed


def test_the_firewall_of_the_unit_is_the_one_looked_at_here() -> None:
    lines = (ROOT / "systemd/gateway-firewall.service").read_text().splitlines()
    assert {f"ExecStart={FIREWALL}", f"ExecReload={FIREWALL}"} <= set(lines)


def test_a_switch_that_listens_in_gets_an_answer(debian: Debian) -> None:
    """Of what must not be dropped (RFC 4890, 4.4.1), the one word about groups that is for a host."""
    listed = debian.run("sh", "-c", f"{FIREWALL} && nft list chain inet keypad input")
    assert "ip6 saddr fe80::/10 icmpv6 type mld-listener-query accept" in listed


def seconds(unit: str, word: str) -> int:
    found = re.search(rf"^{word}=(\d+)s$", (ROOT / "systemd" / unit).read_text(), re.MULTILINE)
    assert found is not None, (unit, word)
    return int(found[1])


@pytest.mark.parametrize("unit", ["gateway.service", "zwave-js-server.service"])
def test_a_crash_long_after_others_costs_little(unit: str) -> None:
    """systemd never forgets a restart while the unit is up: after five of them in a year each waits for the longest."""
    assert seconds(unit, "RestartMaxDelaySec") <= LONGEST_WAIT_S


def test_the_parts_of_the_first_start_share_one_python() -> None:
    text = (ROOT / "systemd/gateway-provision.service").read_text().replace("\\\n", " ")
    started = [line.split() for line in text.splitlines() if line.startswith("ExecStart=")]
    assert len(started) == 1
    _, keys, *words = started[0]
    assert keys == "drivers.zwave.server.keys_program"
    assert words[words.index("--then") + 1] == "gateway.runtime.provision"


def test_the_daemon_is_told_which_boot_this_is() -> None:
    unit = (ROOT / "systemd/gateway.service").read_text()
    assert f"Environment={BOOT_VARIABLE}=%b" in unit.splitlines()
    assert "ProcSubset=pid" in unit.splitlines(), "then the kernel tells, and the variable is not needed"
