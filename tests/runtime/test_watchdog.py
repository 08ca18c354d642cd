"""A beat is sent only while loop, store and workers move, in the words of sd_notify(3)."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.model.ids import LockId
from gateway.runtime.notify import ServiceManager, service_manager
from gateway.runtime.watchdog import BEATS_IN_PATIENCE, Watchdog
from gateway.store.database import Database

PATIENCE_S = 0.3


class Ear:
    """The service manager's end of the socket."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._door.bind(path)
        self._door.setblocking(False)

    async def heard(self) -> list[str]:
        return (await asyncio.get_running_loop().sock_recv(self._door, 4096)).decode().splitlines()

    async def heard_until(self, line: str) -> list[str]:
        """Everything up to the first message that begins a line so."""
        lines: list[str] = []
        async with asyncio.timeout(30):
            while not any(told.startswith(line) for told in lines):
                lines += await self.heard()
        return lines

    def close(self) -> None:
        self._door.close()


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    made = Ear(str(tmp_path / "notify"))
    yield made
    made.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", b"k" * 32) as opened:
        yield opened


async def test_ready_is_told_once_and_beats_follow(ear: Ear, database: Database) -> None:
    dog = Watchdog(ServiceManager(ear.path, PATIENCE_S), database, tuple, lambda: "cloud connected\nand more")
    running = asyncio.get_running_loop().create_task(dog.run())
    first, second = await ear.heard(), await ear.heard()
    running.cancel()
    assert first == ["READY=1", "WATCHDOG=1", "STATUS=cloud connected and more"]
    assert second == first[1:]


async def test_a_store_that_hangs_gets_no_beat_and_one_that_comes_back_does(ear: Ear, database: Database) -> None:
    dog = Watchdog(ServiceManager(ear.path, PATIENCE_S), database, tuple, lambda: "fine")
    release = threading.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(database.write(lambda _: release.wait(30)))
        running = tasks.create_task(dog.run())
        withheld = await ear.heard_until("STATUS=the store")
        release.set()
        after = await ear.heard_until("STATUS=fine")
        running.cancel()
    assert "WATCHDOG=1" not in withheld
    assert "READY=1" not in withheld
    assert "READY=1" in after


async def test_a_worker_that_hangs_gets_no_beat_and_is_named(ear: Ear, database: Database) -> None:
    dog = Watchdog(ServiceManager(ear.path, PATIENCE_S), database, lambda: [LockId("front")], lambda: "fine")
    running = asyncio.get_running_loop().create_task(dog.run())
    assert await ear.heard() == ["STATUS=these locks' workers hang: front"]
    running.cancel()


async def test_a_beat_writes_nothing_to_the_disk(ear: Ear, database: Database, tmp_path: Path) -> None:
    def footprint() -> list[tuple[str, int, int]]:
        files = sorted(tmp_path.glob("hub.db*"))
        return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.suffix != ".db-shm"]

    dog = Watchdog(ServiceManager(ear.path, PATIENCE_S / 10), database, tuple, lambda: "fine")
    before = footprint()
    running = asyncio.get_running_loop().create_task(dog.run())
    for _ in range(2 * BEATS_IN_PATIENCE):
        await ear.heard()
    running.cancel()
    assert footprint() == before


async def test_nobody_watches_so_ready_is_all_there_is_to_tell(ear: Ear, database: Database) -> None:
    await Watchdog(ServiceManager(ear.path), database, tuple, lambda: "fine").run()
    assert (await ear.heard())[0] == "READY=1"
    await Watchdog(ServiceManager(), database, tuple, lambda: "fine").run()


def test_the_environment_says_who_watches_and_how_patiently() -> None:
    me, other = str(os.getpid()), str(os.getpid() + 1)
    address = {"NOTIFY_SOCKET": "/run/notify"}
    assert service_manager({}) == ServiceManager()
    assert service_manager({"NOTIFY_SOCKET": "vsock:2:1234"}) == ServiceManager()
    assert service_manager(address) == ServiceManager("/run/notify")
    assert service_manager(address | {"WATCHDOG_USEC": "30000000"}) == ServiceManager("/run/notify", 30.0)
    assert service_manager(address | {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": me}).patience_s == 30.0
    assert service_manager(address | {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": other}).patience_s is None
    assert service_manager(address | {"WATCHDOG_USEC": "soon"}).patience_s is None


async def test_an_abstract_socket_is_reached_and_a_lost_one_harms_nobody(tmp_path: Path) -> None:
    name = f"keypad-{os.getpid()}"
    ear = Ear(f"\0{name}")
    ServiceManager(f"@{name}").tell("READY=1")
    assert await ear.heard() == ["READY=1"]
    ear.close()
    ServiceManager(str(tmp_path / "gone")).tell("READY=1")
