"""The package's life on Debian 13: install, work, hang, upgrade, remove, purge. The tests are one story and run in this order.

Run by `make check-install`, as root: the container's systemd is real, so are sandbox, credentials, watchdog and package; the stick is the
simulator's, on a pseudo-terminal of the host.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.simulator.client import Home
from tests.stack.zwave_stack import running_stack
from tests.systemd.container import ROOT, Container, running_container, until
from tests.systemd.owner import configuration

SCENE = """
[radio]
airtime = false

[[locks]]
name = "Front door"
node = 2
profile = "plain_v2"
codes = { 1 = "902461" }
"""

CONFIG = configuration('url = "mqtt://127.0.0.1:1883"\n', {"front-door": ("Front door", 2)})

PACKAGES = ROOT / "build/deb"
INBOX = "/var/tmp"  # noqa: S108 - of a container that nobody else is in

PIN = "738205"
SEED = "boot/firmware/keypad-gateway"
SOON_S = 60.0
PATIENCE_S = 35.0
"""A daemon that hangs is gone within this."""


@dataclass
class Hub:
    """A hub on its way through life."""

    container: Container
    home: Home
    previous: Path
    current: Path
    keys: str
    files_before: set[str] = field(default_factory=set)

    def apt(self, package: Path) -> None:
        """Install or upgrade from a file alone: the container's network is its own loopback."""
        inside = self.container.folder / INBOX.lstrip("/") / package.name
        inside.write_bytes(package.read_bytes())
        self.container.run("dpkg", "--install", f"{INBOX}/{package.name}")

    def status(self) -> dict[str, object]:
        told = self.container.ask("gatewayctl", "status", "--json").stdout
        found = json.loads(told) if told.strip().startswith("{") else {}
        return found if isinstance(found, dict) else {}

    def is_met(self) -> bool:
        return "1 of 1 locks" in str(self.status().get("drivers"))

    def writes(self) -> list[str]:
        """Every command on the air that changed a code, since the simulator started."""
        return [str(frame["label"]) for frame in self.home.frames(0) if "User Code Set" in str(frame["label"])]


def build(commit: str, folder: Path) -> Path:
    """The package of a commit; one that is there already is the same to the byte."""
    if made := list(PACKAGES.glob(f"*.{commit[:8]}_amd64.deb")):
        return made[0]
    tree = folder / f"tree-{commit[:8]}"
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, commit], cwd=ROOT, check=True)
    try:
        uv = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
        tools = {"PYTHON": str(ROOT / ".venv/bin/python"), "UV": uv}
        subprocess.run([tree / "systemd/debian/build", "amd64", PACKAGES], check=True, env=os.environ | tools)
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)
    return next(PACKAGES.glob(f"*.{commit[:8]}_amd64.deb"))


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    inputs = (ROOT / "systemd/debian/inputs").read_text().split()
    history = subprocess.run(
        ["git", "rev-list", "-2", "HEAD", "--", *inputs], cwd=ROOT, check=True, capture_output=True, text=True
    )
    current, previous = history.stdout.split()
    with tempfile.TemporaryDirectory(prefix="kg-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        packages = build(previous, folder), build(current, folder)
        stick = folder / "stick"
        stick.mkdir()
        with running_stack(stick, SCENE, has_server=False) as stack, running_container(folder) as container:
            seed = container.folder / SEED
            seed.mkdir(parents=True)
            (seed / "zwave.keys.toml").write_text((stick / "keys.toml").read_text())
            terminal = (stick / "tty").resolve()
            os.chown(terminal, 0, 401)
            terminal.chmod(0o660)
            container.run("ln", "--symbolic", str(terminal), "/dev/zwave")
            container.run("systemctl", "start", "mosquitto")
            yield Hub(container, stack.home, *packages, (stick / "keys.toml").read_text(), container.files())


def test_a_bare_package_makes_its_keys_takes_those_it_finds_and_waits_for_a_configuration(hub: Hub) -> None:
    hub.apt(hub.previous)
    inside = hub.container
    assert inside.show("gateway.service", "ConditionResult") == "no"
    assert "put it at" in inside.journal("--unit=gateway-provision")
    assert inside.run("ls", "/etc/credstore").split() == ["gateway.key.pem", "gateway.secret", "zwave.keys.toml"]
    kept = inside.run("cat", "/etc/credstore/zwave.keys.toml")
    assert [line for line in hub.keys.splitlines() if "=" in line] == [
        line for line in kept.splitlines() if "=" in line
    ]
    until(lambda: inside.is_active("zwave-js-server.service"), SOON_S, lambda: inside.journal("--lines=40"))
    until(lambda: "listening on 127.0.0.1:3000" in inside.journal("--unit=zwave-js-server"), SOON_S)
    assert "index to disk failed" not in inside.journal("--unit=zwave-js-server")
    assert inside.journal("--unit=gateway-provision").count("put it at") <= 3, (
        "it looks once for each start, and not for ever"
    )


def test_a_configuration_makes_it_ready_and_an_unknown_time_is_told(hub: Hub) -> None:
    inside = hub.container
    (inside.folder / "etc/gateway/gateway.toml").write_text(CONFIG)
    # A file that cannot be written for a moment: nobody has to start anything again, neither the provisioning nor what waits for it.
    obstacle = "/etc/gateway/.provisioned.new"
    inside.run("mkdir", obstacle)
    inside.ask("systemctl", "start", "gateway-provision")
    assert obstacle in inside.journal("--unit=gateway-provision")
    assert not inside.is_active("gateway.service")
    inside.run("rmdir", obstacle)
    until(lambda: inside.is_active("gateway.service"), SOON_S, lambda: inside.journal("--unit=gateway-provision"))
    drawn = inside.run("cat", "/etc/gateway/hub-id").strip()
    status = hub.status()
    assert status["hub_id"] == drawn
    # The sandbox hides the kernel's own flag, and nobody serves the time here.
    assert "untrusted" in str(status["clock"])
    until(hub.is_met, SOON_S, lambda: str(hub.status()) + inside.journal("--unit=zwave-js-server"))
    until(lambda: "zwave ready" in inside.show("gateway.service", "StatusText"), PATIENCE_S)


def test_a_code_reaches_the_lock(hub: Hub) -> None:
    inside = hub.container
    (inside.folder / "etc/gateway/gateway.toml").write_text(
        inside.run("cat", "/etc/gateway/gateway.toml") + '\n[clock]\ntrust = "assume"\n'
    )
    inside.run("systemctl", "restart", "gateway")
    inside.run("gatewayctl", "create", "Front door", "--name", "Guest", "--pin", PIN, "--from", "+1m", "--until", "+5h")
    until(lambda: PIN in hub.home.pins("Front door").values(), SOON_S, hub.status)
    assert len(hub.writes()) == 1


def test_the_services_see_only_what_is_theirs(hub: Hub) -> None:
    inside = hub.container
    for unit, user, own in (("gateway", 400, "/var/lib/gateway"), ("zwave-js-server", 401, "/var/lib/zwave")):
        process = inside.show(f"{unit}.service", "MainPID")
        look = (
            "nsenter",
            f"--target={process}",
            "--mount",
            "setpriv",
            f"--reuid={user}",
            f"--regid={user}",
            "--clear-groups",
        )
        inside.run(*look, "sh", "-c", f"touch {own}/probe && rm {own}/probe")
        others = {"/etc", "/usr", "/var/lib", "/boot", "/run", "/var/lib/gateway", "/var/lib/zwave"} - {own}
        for place in sorted(others):
            assert inside.ask(*look, "touch", f"{place}/probe").returncode != 0, (unit, place)
        foreign = {"gateway": "zwave.keys.toml", "zwave-js-server": "gateway.secret"}[unit]
        assert (
            inside.ask(*look, "sh", "-c", f"cat /etc/credstore/{foreign} /run/credentials/*/{foreign}").returncode != 0
        )
        status = inside.run("cat", f"/proc/{process}/status")
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status


def test_the_server_reaches_no_other_device_and_no_other_address(hub: Hub) -> None:
    inside = hub.container
    join = "echo $$ >/sys/fs/cgroup/system.slice/zwave-js-server.service/cgroup.procs"
    inside.run("mknod", "/dev/other", "c", "4", "63")
    device = "import os; os.close(os.open('/dev/other', os.O_RDWR | os.O_NOCTTY))"
    assert "PermissionError" in inside.ask("sh", "-c", f'{join}; python3.13 -c "{device}"').stderr
    inside.run("ip", "address", "add", "10.9.9.9/32", "dev", "lo")
    talk = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('{}', 9))"
    assert inside.ask("sh", "-c", f'{join}; python3.13 -c "{talk.format("127.0.0.1")}"').returncode == 0
    assert "PermissionError" in inside.ask("sh", "-c", f'{join}; python3.13 -c "{talk.format("10.9.9.9")}"').stderr
    assert inside.ask("sh", "-c", f'python3.13 -c "{talk.format("10.9.9.9")}"').returncode == 0


def test_nothing_listens_beyond_loopback_and_the_firewall_keeps_others_from_the_server(hub: Hub) -> None:
    inside = hub.container
    listening = [line.split()[3] for line in inside.run("ss", "-Hltn").splitlines()]
    assert "127.0.0.1:3000" in listening
    assert [address for address in listening if not address.startswith(("127.0.0.1:", "[::1]:"))] == []
    inside.run("systemctl", "start", "gateway-firewall")
    knock = "import socket; socket.create_connection(('127.0.0.1', 3000), 5)"
    as_user = ("setpriv", "--regid=65534", "--clear-groups", "python3.13", "-c", knock)
    assert inside.ask("setpriv", "--reuid=400", *as_user[1:]).returncode == 0
    assert "ConnectionRefusedError" in inside.ask("setpriv", "--reuid=65534", *as_user[1:]).stderr


def test_a_daemon_that_hangs_is_ended_and_goes_on(hub: Hub) -> None:
    inside = hub.container
    hung = inside.show("gateway.service", "MainPID")
    inside.run("sh", "-c", f"kill -STOP {hung}")
    until(lambda: inside.show("gateway.service", "MainPID") not in {hung, "0"}, PATIENCE_S + SOON_S)
    # The watchdog's signal, and where the threads were then.
    assert "Fatal Python error: Aborted" in inside.journal("--unit=gateway")
    assert inside.show("gateway.service", "NRestarts") == "1"
    until(hub.is_met, SOON_S, hub.status)
    assert len(hub.writes()) == 1


def test_an_upgrade_keeps_the_code_and_writes_nothing_on_the_radio(hub: Hub) -> None:
    inside = hub.container
    kept = {name: inside.run("sha256sum", f"/etc/credstore/{name}") for name in ("gateway.secret", "zwave.keys.toml")}
    hub.apt(hub.current)
    until(hub.is_met, SOON_S, hub.status)
    assert PIN in hub.home.pins("Front door").values()
    assert "Guest" in inside.run("gatewayctl", "codes")
    assert len(hub.writes()) == 1
    assert kept == {name: inside.run("sha256sum", f"/etc/credstore/{name}") for name in kept}


def test_the_daemon_may_ask_for_a_new_start_of_the_server_again_and_again(hub: Hub) -> None:
    inside = hub.container
    ask = (
        "cd /run/gateway && echo the stick takes no command >.zwave-restart.new && mv .zwave-restart.new zwave-restart"
    )
    for _time in range(2):
        before = inside.show("zwave-js-server.service", "MainPID")
        inside.run("setpriv", "--reuid=400", "--regid=402", "--clear-groups", "sh", "-c", ask)
        until(lambda before=before: inside.show("zwave-js-server.service", "MainPID") not in {before, "0"}, SOON_S)  # type: ignore[misc]
        until(hub.is_met, SOON_S, hub.status)
    assert len(hub.writes()) == 1


def test_no_pin_and_no_key_lies_about(hub: Hub) -> None:
    inside = hub.container
    keys = [line.split('"')[1] for line in hub.keys.splitlines() if "=" in line]
    said = inside.journal()
    assert "gateway.started" in said
    assert [word for word in (PIN, *keys) if word.casefold() in said.casefold()] == []
    found = inside.ask("grep", "--recursive", "--ignore-case", "--files-with-matches", "--text", "--regexp", "|".join([PIN]),
        "/etc", "/var", "/run/gateway", "/root").stdout.splitlines()  # fmt: skip
    # The driver's own memory holds PINs in clear, for its user alone (N1).
    assert [path for path in found if not path.startswith("/var/lib/zwave/cache/")] == []
    found = inside.ask("grep", "-rilaF", keys[0], "/etc", "/var", "/root").stdout.splitlines()
    assert found == ["/etc/credstore/zwave.keys.toml"]


def test_no_unit_has_failed(hub: Hub) -> None:
    assert hub.container.run("systemctl", "--failed", "--no-legend").strip() == ""


def test_removed_it_leaves_the_data_alone_and_comes_back_to_it(hub: Hub) -> None:
    inside = hub.container
    inside.run("systemctl", "disable", "--now", "gateway-firewall")
    inside.run("dpkg", "--remove", "keypad-gateway")
    assert inside.run("systemctl", "list-units", "--no-legend", "gateway*", "zwave*", "--state=active").strip() == ""
    left = inside.files() - hub.files_before
    data = ("/etc/gateway", "/etc/credstore/", "/var/lib/gateway", "/var/lib/zwave")
    assert [path for path in sorted(left) if not path.startswith(data)] == []
    assert {"/var/lib/gateway/gateway.db", "/etc/gateway/gateway.toml"} <= left
    hub.apt(hub.current)
    until(hub.is_met, SOON_S, hub.status)
    assert "Guest" in inside.run("gatewayctl", "codes")
    assert len(hub.writes()) == 1


def test_purged_it_leaves_nothing(hub: Hub) -> None:
    inside = hub.container
    inside.run("dpkg", "--purge", "keypad-gateway")
    assert sorted(inside.files() - hub.files_before) == []
    users = inside.run("cat", "/etc/passwd", "/etc/group")
    assert [name for name in ("gateway", "zwave", "maint") if f"\n{name}:" in users] == []
    assert PIN in hub.home.pins("Front door").values()
