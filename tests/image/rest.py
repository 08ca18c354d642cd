"""A hub with nothing to do: what it writes, and where."""

import asyncio
import os
import re
from collections.abc import Iterator

import pytest

from tests.image.figures import Figures
from tests.image.hub import Hub, switched_on
from tests.image.medium import Medium
from tests.image.patience import now_s, until
from tests.image.record import Secrets
from tests.image.surroundings import Surroundings
from tests.stack.house import applied

REST_S = float(os.environ.get("REST", "30")) * 60
"""How long it is watched, in minutes; thirty were promised."""

LOOK_S = 10.0
SOON_S = 300.0
DAY_S = 24 * 3600
MB = 1_000_000
MB_A_DAY = 150
"""The card's budget for a day (appliance study: endurance of a card of 16 GB over ten years)."""

PINS = ("17462950", "28573061", "39684172", "40795283")

LASTING = re.compile(
    r"/data/(gateway/(gateway\.(db(-wal|-shm)?|lock)|zwave/controller\.json)|zwave/.*|timesync/clock|random-seed"
    r"|settings/(hub-id|gateway\.csr\.pem|gateway\.toml|provisioned|stick\.rules)"
    r"|identity/(gateway\.(secret|key\.pem|ca\.pem|certificate\.pem)|zwave\.keys\.toml)|network/[\w.-]+\.network)"
)
"""Every file that may survive: the declared list of the image."""

PERSISTENT = {"ext4", "vfat", "squashfs", "f2fs", "btrfs"}


@pytest.fixture(scope="module")
def hub(around: Surroundings, card: Medium, secrets: Secrets) -> Iterator[Hub]:
    with switched_on(around.machine(card), around) as running:
        running.meet()
        yield running
        secrets.journals.append(running.journal("--output-fields=MESSAGE,_CMDLINE"))
        running.machine.switch_off()


def test_only_the_data_partition_can_be_written(hub: Hub) -> None:
    rows = [line.split() for line in hub.run("cat /proc/mounts").splitlines()]
    writable = {row[0] for row in rows if row[2] in PERSISTENT and "rw" in row[3].split(",")}
    assert writable == {hub.run("findmnt --noheadings --output SOURCE --nofsroot /data").strip()}


def test_at_rest_it_writes_little_and_only_what_is_declared(hub: Hub, figures: Figures) -> None:
    hub.run("touch /run/rest-began")
    before, began_s = hub.machine.monitor.written(), now_s()
    until(lambda: now_s() >= began_s + REST_S, REST_S + LOOK_S * 2, look_s=LOOK_S)
    wrote = hub.machine.monitor.written().since(before)
    assert hub.is_met(), hub.trouble()
    figures.note("minutes of rest watched", REST_S / 60, "min")
    figures.note("written at rest, a day", wrote.byte_count * DAY_S / REST_S / MB, "MB", MB_A_DAY)
    figures.note("flushes at rest, a day", wrote.flush_count * DAY_S / REST_S, "")
    volatile = "/proc /sys /dev /run /tmp"
    pruned = " -o ".join(f"-path {place}" for place in (*volatile.split(), "/data"))
    stray = hub.run(f"find / \\( {pruned} \\) -prune -o -type f -newer /run/rest-began -print").splitlines()
    bound = (
        "/var/lib/gateway/",
        "/var/lib/zwave/",
        "/etc/gateway/",
        "/etc/credstore/",
        "/var/lib/systemd/timesync/",
        "/var/lib/systemd/random-seed",
    )
    assert [path for path in stray if not path.startswith(bound)] == []
    assert [path for path in hub.run("find /data -type f").splitlines() if not LASTING.fullmatch(path)] == []


async def test_a_code_costs_few_bytes(hub: Hub, figures: Figures, secrets: Secrets) -> None:
    monitor = hub.machine.monitor
    async with hub.around.cloud(hub.hub_id) as cloud:
        before = monitor.written()
        for number, pin in enumerate(PINS):
            code = {"access_code_id": f"cost-{number}", "device_id": "studio", "code": secrets.pin(pin), "name": "Cost"}
            await applied(cloud, "access_code.create", code, SOON_S)
        for number in range(len(PINS)):
            await applied(cloud, "access_code.delete", {"access_code_id": f"cost-{number}", "generation": 2}, SOON_S)
        await asyncio.to_thread(until, lambda: hub.status().get("outbox_count") == 0, SOON_S)
        wrote = monitor.written().since(before)
    figures.note(
        "written for one code, set and removed, file system and all", wrote.byte_count / len(PINS) / 1000, "kB"
    )
    figures.note("flushes for one code, set and removed", wrote.flush_count / len(PINS), "")
