"""A hub's life, from the first start of a fresh card. The tests are one story and run in this order."""

import time
from collections.abc import Iterator

import pytest

from gateway.model.events import EventKind
from gateway.model.instant import Instant, format_instant
from tests.image.figures import Figures
from tests.image.hub import READY_S, Hub, switched_on, wall_ms
from tests.image.medium import Medium
from tests.image.patience import now_s, until
from tests.image.record import Secrets
from tests.image.surroundings import Surroundings
from tests.image.usb_stick import KNOWN, STRANGERS
from tests.stack.house import applied

BOOT_S = 90.0
SERVICE_WATCHDOG_S = 35.0
HARDWARE_WATCHDOG_S = 20.0
"""What was promised of the image in emulation; a boot ends when the daemon takes orders, locks need their own time."""

REMOVAL_MS = 120_000
"""A code is off a reachable lock this long after its end at the latest (A9)."""

SOON_S = 300.0
STAY_MS = 90_000
MIB = 1024 * 1024

GUEST_PIN, LASTING_PIN = "61837425", "50429617"

SERVICES = {"gateway": ("gateway", "/var/lib/gateway"), "zwave-js-server": ("zwave", "/var/lib/zwave")}
"""Each service's user, and the only place where it may write."""


@pytest.fixture(scope="module")
def hub(around: Surroundings, card: Medium, secrets: Secrets) -> Iterator[Hub]:
    with switched_on(around.machine(card), around) as running:
        yield running
        secrets.journals.append(running.journal("--output-fields=MESSAGE,_CMDLINE"))
        running.machine.switch_off()


def test_a_fresh_card_boots_to_a_ready_hub_and_no_unit_fails(hub: Hub, figures: Figures) -> None:
    figures.note("first boot to a shell", hub.machine.age_s(), "s")
    until(hub.is_ready, READY_S, hub.trouble)
    figures.note("first boot to a ready hub", hub.ready_s() - hub.machine.started_s, "s", BOOT_S)
    until(hub.is_met, READY_S, hub.trouble)
    figures.note("first boot to three locks interviewed", hub.machine.age_s(), "s")
    hub.meet()
    assert hub.run("systemctl --failed --no-legend").strip() == ""
    assert hub.run("systemctl is-system-running").strip() == "running"


def test_the_data_partition_takes_what_the_card_has(hub: Hub) -> None:
    size, root = hub.run("findmnt --bytes --noheadings --output SIZE /data; findmnt -n -o OPTIONS /").split()
    assert int(size) > 400 * MIB, "the card has 512 MB more than the image"
    assert root.startswith("ro")


def test_the_owners_files_and_the_time_were_taken(hub: Hub) -> None:
    assert hub.hub_id in hub.run("cat /etc/gateway/gateway.toml")
    kept = [line for line in hub.run("cat /etc/credstore/zwave.keys.toml").splitlines() if "=" in line]
    assert kept == [line for line in hub.around.network_keys.splitlines() if "=" in line]
    until(lambda: hub.ask("test -e /run/systemd/timesync/synchronized").returncode == 0, SOON_S)
    until(lambda: "untrusted" not in str(hub.status().get("clock")), SOON_S, lambda: hub.status().get("clock"))


def test_nothing_listens_beyond_loopback(hub: Hub) -> None:
    rows = [
        line.split() for line in hub.run("ss --no-header --listening --numeric --tcp --udp --processes").splitlines()
    ]
    listening = {(row[0], row[4]) for row in rows}
    assert ("tcp", "127.0.0.1:3000") in listening
    own = ("127.", "[::1]:")
    # A client that waits for its DHCP server's answer (RFC 2131, 4.1) is bound to the port that the firewall opens for that alone.
    beyond = {
        (kind, place) for kind, place in listening if not place.startswith(own) and not place.endswith((":68", ":546"))
    }
    assert beyond == set()


async def test_an_order_reaches_the_lock_and_a_stay_ends_on_time(hub: Hub, figures: Figures, secrets: Secrets) -> None:
    around = hub.around
    async with around.cloud(hub.hub_id) as cloud:
        lasting = {"access_code_id": "lasting", "device_id": "front", "code": secrets.pin(LASTING_PIN), "name": "Owner"}
        began_s = now_s()
        await applied(cloud, "access_code.create", lasting, SOON_S)
        figures.note("order over MQTT to proof by the lock", now_s() - began_s, "s")
        assert LASTING_PIN in around.pins("front").values()
        ends_at = wall_ms() + STAY_MS
        stay = {
            "access_code_id": "stay", "device_id": "garden", "code": secrets.pin(GUEST_PIN), "name": "Guest",
            "starts_at": format_instant(Instant(wall_ms())), "ends_at": format_instant(Instant(ends_at)),
        }  # fmt: skip
        await applied(cloud, "access_code.create", stay, SOON_S)
        assert wall_ms() < ends_at, "the order took so long that the stay is over"
        assert around.home.press("Garden door", GUEST_PIN)["is_opened"]
        await cloud.wait_for(
            lambda seen: EventKind.CODE_REMOVED in {event.kind for event in seen.of_code("stay")},
            SOON_S + STAY_MS / 1000,
        )
        late_ms = wall_ms() - ends_at
        assert around.pins("garden") == {}
        assert not around.home.press("Garden door", GUEST_PIN)["is_opened"]
        figures.note("end of a stay to the lock without its code", late_ms / 1000, "s", REMOVAL_MS / 1000)


def test_the_services_see_only_what_is_theirs(hub: Hub) -> None:
    for unit, (user, own) in SERVICES.items():
        process = hub.show(f"{unit}.service", "MainPID")
        look = f"nsenter --target={process} --mount setpriv --reuid={user} --regid={user} --clear-groups"
        hub.run(f"{look} sh -c 'touch {own}/probe && rm {own}/probe'")
        others = {
            "/",
            "/etc",
            "/usr",
            "/var",
            "/var/lib",
            "/data",
            "/boot/firmware",
            "/run",
            "/etc/gateway",
            "/etc/credstore",
        }
        others |= {place for _, place in SERVICES.values()} - {own}
        said = hub.run(
            "".join(f"{look} touch {place}/probe 2>&1 && echo WROTE {place}; " for place in sorted(others)) + ":"
        )
        assert "WROTE" not in said, (unit, said)
        foreign = {"gateway": "zwave.keys.toml", "zwave-js-server": "gateway.secret"}[unit]
        asked = hub.ask(
            f"{look} sh -c 'cat /etc/credstore/{foreign} || cat /run/credentials/*/{foreign} || cat /data/identity/{foreign}'"
        )
        assert asked.returncode != 0, (unit, foreign)
        status = hub.run(f"cat /proc/{process}/status")
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status


def test_each_service_opens_no_device_but_its_own(hub: Hub) -> None:
    # Inside the control group of a service, as root: what refuses then is the kernel's list of devices, not a file's mode.
    opens = "import os, sys; os.close(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))"
    hub.run(f"echo '{opens}' >/run/opens.py")
    for unit, allowed in (("gateway", set()), ("zwave-js-server", {"/dev/zwave"})):
        join = f"echo $$ >/sys/fs/cgroup/system.slice/{unit}.service/cgroup.procs"
        for device in ("/dev/zwave", "/dev/ttyAMA0", "/dev/vda", "/dev/watchdog0", "/dev/rtc0"):
            said = hub.ask(f"sh -c '{join}; exec python3.13 /run/opens.py {device}'").stdout
            assert ("Operation not permitted" not in said) == (device in allowed), (unit, device, said)
    process = hub.show("gateway.service", "MainPID")
    assert (
        hub.ask(f"nsenter --target={process} --mount ls /dev/zwave /dev/vda /dev/ttyAMA0").stdout.count("cannot access")
        == 3
    )


def test_the_server_reaches_no_address_but_loopback_and_nobody_else_the_server(hub: Hub) -> None:
    talk = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()"
    hub.run(f"echo '{talk}' >/run/talk.py; chmod 644 /run/talk.py")
    join = "echo $$ >/sys/fs/cgroup/system.slice/zwave-js-server.service/cgroup.procs"
    assert hub.ask("python3.13 /run/talk.py 10.0.2.2 8883").returncode == 0
    assert hub.ask(f"sh -c '{join}; exec python3.13 /run/talk.py 127.0.0.1 3000'").returncode == 0
    assert hub.ask(f"sh -c '{join}; exec python3.13 /run/talk.py 10.0.2.2 8883'").returncode != 0
    as_user = "setpriv --reuid={} --regid=65534 --clear-groups python3.13 /run/talk.py 127.0.0.1 3000"
    assert hub.ask(as_user.format("gateway")).returncode == 0
    assert "ConnectionRefusedError" in hub.ask(as_user.format("65534")).stdout


def test_memory_is_capped_and_who_takes_more_is_ended_and_comes_back(hub: Hub, figures: Figures) -> None:
    for unit, cap_mb in (("gateway", 256), ("zwave-js-server", 320)):
        group = f"/sys/fs/cgroup/system.slice/{unit}.service"
        cap, peak, swap = hub.run(
            f"cat {group}/memory.max {group}/memory.peak; cat {group}/memory.swap.max || echo 0"
        ).split()
        assert int(cap) == cap_mb * MIB
        assert swap in {"0", "max"}
        figures.note(f"memory of {unit}, peak", int(peak) / MIB, "MiB", cap_mb)
    before = hub.show("zwave-js-server.service", "NRestarts")
    eat = "import mmap; x = mmap.mmap(-1, 400 << 20); [x.__setitem__(i, 1) for i in range(0, 400 << 20, 4096)]"
    join = "echo $$ >/sys/fs/cgroup/system.slice/zwave-js-server.service/cgroup.procs"
    assert hub.ask(f"sh -c '{join}; exec python3.13 -c \"{eat}\"'").returncode == 137
    until(lambda: int(hub.show("zwave-js-server.service", "NRestarts")) > int(before), SOON_S, hub.trouble)
    until(hub.is_met, SOON_S, hub.trouble)


def test_a_pulled_stick_is_a_state_and_a_plugged_one_goes_on(hub: Hub) -> None:
    daemon, writes = hub.show("gateway.service", "MainPID"), hub.around.writes()
    hub.around.pull()
    until(lambda: not hub.is_active("zwave-js-server.service"), SOON_S, hub.trouble)
    until(lambda: not hub.is_met(), SOON_S, hub.trouble)
    assert hub.is_active("gateway.service")
    hub.around.plug(hub.machine)
    until(hub.is_met, SOON_S, hub.trouble)
    assert hub.show("gateway.service", "MainPID") == daemon
    assert hub.around.writes() == writes
    assert hub.run("systemctl --failed --no-legend").strip() == ""


@pytest.mark.parametrize("gap_s", [0.3, 1.0])
def test_a_stick_that_is_back_before_its_server_has_stopped_gets_it_again(hub: Hub, gap_s: float) -> None:
    before = hub.show("zwave-js-server.service", "MainPID")
    hub.around.pull()
    time.sleep(gap_s)  # how long it is out; nothing to wait for
    hub.around.plug(hub.machine)
    until(lambda: hub.show("zwave-js-server.service", "MainPID") not in {before, "0"}, SOON_S, hub.trouble)
    until(hub.is_met, SOON_S, hub.trouble)


def test_each_known_stick_is_taken_and_a_stranger_with_its_ids_is_not(hub: Hub) -> None:
    hub.around.pull()
    until(lambda: hub.ask("test -e /dev/zwave").returncode != 0, SOON_S)
    for identity in KNOWN:
        hub.around.plug(hub.machine, identity)
        until(lambda: hub.ask("test -e /dev/zwave").returncode == 0, SOON_S, lambda: hub.ask("dmesg | tail").stdout)
        assert hub.run("stat --dereference --format '%G %a' /dev/zwave").strip() == "zwave 660", identity
        until(
            lambda: hub.show("zwave-js-server.service", "ActiveState") in {"active", "activating"}, SOON_S, hub.trouble
        )
        hub.around.pull()
        until(lambda: hub.ask("test -e /dev/zwave").returncode != 0, SOON_S)
    for identity in STRANGERS:
        hub.around.plug(hub.machine, identity)
        until(lambda: hub.ask("ls /dev/ttyACM* /dev/ttyUSB* | grep tty").returncode == 0, SOON_S)
        hub.run("udevadm settle")
        assert hub.ask("test -e /dev/zwave").returncode != 0, identity
        hub.around.pull()
        until(lambda: hub.ask("ls /dev/ttyACM* /dev/ttyUSB* | grep tty").returncode != 0, SOON_S)
    hub.around.plug(hub.machine)
    until(hub.is_met, SOON_S, hub.trouble)


def test_a_daemon_that_hangs_is_ended_and_goes_on(hub: Hub, figures: Figures) -> None:
    hung, writes = hub.show("gateway.service", "MainPID"), hub.around.writes()
    hub.run(f"kill -STOP {hung}")
    took_s = until(lambda: hub.show("gateway.service", "MainPID") != hung, SERVICE_WATCHDOG_S * 3)
    figures.note("service watchdog", took_s, "s", SERVICE_WATCHDOG_S)
    assert "Aborted" in hub.journal("--unit=gateway")
    until(hub.is_met, SOON_S, hub.trouble)
    assert hub.around.writes() == writes


def test_a_machine_that_hangs_is_reset_by_its_watchdog_and_goes_on(hub: Hub, figures: Figures) -> None:
    writes, boot, monitor = hub.around.writes(), hub.boot_number(), hub.machine.monitor
    here = hub.machine.console.mark()
    # A panic reboots by itself after ten seconds (panic=10); here it hangs instead, so that only the watchdog is left.
    hub.run("echo 0 >/proc/sys/kernel/panic")
    hub.machine.console.leave("echo c >/proc/sysrq-trigger")
    took_s = until(lambda: monitor.saw("WATCHDOG"), HARDWARE_WATCHDOG_S * 5)
    figures.note("hardware watchdog", took_s, "s", HARDWARE_WATCHDOG_S)
    began_s = monitor.last_s("WATCHDOG")
    hub.machine.log_in(here)
    until(hub.is_ready, SOON_S * 3, hub.trouble)
    figures.note("later boot to a ready hub", hub.ready_s() - began_s, "s", BOOT_S)
    until(hub.is_met, SOON_S * 3, hub.trouble)
    figures.note("later boot to three locks", now_s() - began_s, "s")
    assert hub.boot_number() != boot
    assert hub.around.writes() == writes
    assert set(hub.around.pins("front").values()) == {LASTING_PIN}


def test_no_unit_has_failed_after_all_that(hub: Hub) -> None:
    assert hub.run("systemctl --failed --no-legend").strip() == ""
