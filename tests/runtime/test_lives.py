"""A database that is put back is noticed before it tells anything, and nothing else is taken for one (C4)."""

import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlcipher3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.events import Event, EventKind
from gateway.model.instant import Instant
from gateway.runtime import lives
from gateway.store import facts, journal
from gateway.store.database import Connection, Database
from tests.builders import NOON
from tests.cloud.room import KEYS

EPOCH = 7


class Home:
    """A folder with a database and its file; every start has another name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path, self.file = folder / "gateway.db", folder / lives.FILE_NAME
        self._names: Iterator[int] = itertools.count(1)

    @asynccontextmanager
    async def started(self, *, is_cut: bool = False) -> AsyncIterator[Database]:
        """One life; with `is_cut` the power went between the database and the file."""
        before = self.file.read_bytes() if is_cut and self.file.exists() else None
        async with await Database.open(self.path, KEYS.page_key) as db:
            await lives.begin(db, self.file, f"life-{next(self._names)}", EPOCH, NOON)
            if is_cut:
                self.file.unlink(missing_ok=True)
                if before is not None:
                    self.file.write_bytes(before)
            yield db

    async def epoch_of_next_life(self, *, is_cut: bool = False) -> int:
        async with self.started(is_cut=is_cut) as db:
            return await db.read(facts.epoch)

    def copy(self) -> Path:
        return Path(shutil.copy(self.path, self.folder / f"copy-{next(self._names)}.db"))

    def put_back(self, copy: Path) -> None:
        shutil.copy(copy, self.path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


async def test_c4_a_database_that_is_put_back_begins_an_epoch_however_many_events_it_tells(home: Home) -> None:
    await home.epoch_of_next_life()
    copy = home.copy()
    assert await home.epoch_of_next_life() == EPOCH
    seen = [EPOCH]
    for _ in range(3):  # within one hour of the hub's time
        home.put_back(copy)
        seen.append(await home.epoch_of_next_life())
        assert await home.epoch_of_next_life() == seen[-1], "once for each time that it is put back"
    assert seen == [EPOCH, EPOCH + 1, EPOCH + 1, EPOCH + 1], (
        "the candidate stands still here: a copy knows of no other epoch"
    )


async def test_c4_each_epoch_is_another_one_as_time_goes_on(home: Home) -> None:
    await home.epoch_of_next_life()
    copy = home.copy()
    await home.epoch_of_next_life()
    for now in (NOON, NOON + 1):
        home.put_back(copy)
        async with await Database.open(home.path, KEYS.page_key) as db:
            await lives.begin(db, home.file, f"at {now}", now, Instant(now))
            assert await db.read(facts.epoch) == now


async def test_c4_the_epoch_is_there_before_the_first_event_and_numbers_go_on(home: Home) -> None:
    async with home.started() as db:
        await db.write(lambda con: journal.append(con, Event(EventKind.HUB_CLOCK_KNOWN), NOON))
    copy = home.copy()
    await home.epoch_of_next_life()
    home.put_back(copy)
    async with home.started() as db:
        assert await db.read(facts.epoch) > EPOCH
        assert await db.read(journal.last_seq) == 1


async def test_c4_a_copy_from_before_the_upgrade_is_one_too_and_the_upgrade_is_none(home: Home) -> None:
    async with await Database.open(home.path, KEYS.page_key) as db:
        await db.write(lambda con: facts.begin_epoch(con, EPOCH))
    copy = home.copy()
    assert [await home.epoch_of_next_life() for _ in range(2)] == [EPOCH, EPOCH]
    home.put_back(copy)
    assert await home.epoch_of_next_life() > EPOCH


async def test_c4_a_database_that_comes_without_its_file_was_put_back_from_elsewhere(home: Home) -> None:
    for _ in range(2):
        await home.epoch_of_next_life()
    home.file.unlink()
    begun = await home.epoch_of_next_life()
    assert begun > EPOCH
    assert await home.epoch_of_next_life() == begun


async def test_c4_a_new_database_beside_an_old_file_has_the_epoch_of_a_new_one(home: Home) -> None:
    await home.epoch_of_next_life()
    home.path.unlink()
    assert [await home.epoch_of_next_life() for _ in range(2)] == [EPOCH, EPOCH]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None)
@given(cuts=st.lists(st.booleans(), min_size=1, max_size=6))
async def test_c4_power_cuts_begin_no_epoch_and_hide_no_copy(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[bool]
) -> None:
    """Whichever starts were cut before the file was written; a copy is noticed if one start since it was taken was whole."""
    home = Home(tmp_path_factory.mktemp("home"))
    await home.epoch_of_next_life(is_cut=True)
    assert [await home.epoch_of_next_life(is_cut=is_cut) for is_cut in cuts] == [EPOCH] * len(cuts)
    copy = home.copy()
    assert [await home.epoch_of_next_life(is_cut=is_cut) for is_cut in cuts] == [EPOCH] * len(cuts)
    home.put_back(copy)
    assert await home.epoch_of_next_life() == (EPOCH if all(cuts) else EPOCH + 1)


async def test_c4_a_folder_that_takes_no_file_begins_no_epoch(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, _: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    await home.epoch_of_next_life()
    with monkeypatch.context() as closed:
        closed.setattr(lives, "put_file", refuse)
        assert [await home.epoch_of_next_life() for _ in range(3)] == [EPOCH] * 3
    assert [await home.epoch_of_next_life() for _ in range(2)] == [EPOCH] * 2


async def test_c4_a_file_that_cannot_be_read_says_nothing(home: Home) -> None:
    await home.epoch_of_next_life()
    home.file.unlink()
    home.file.mkdir()
    assert await home.epoch_of_next_life() == EPOCH


async def write_for_ever(db: Database) -> None:
    for number in itertools.count():
        await db.write(lambda con, name=f"x{number}": facts.write(con, name, "x" * 200))  # type: ignore[misc]  # bound


async def test_c4_a_full_disk_keeps_no_hub_from_starting(home: Home) -> None:
    await home.epoch_of_next_life()

    def fill(con: Connection) -> None:
        con.execute("PRAGMA max_page_count = 1").fetchall()

    async with await Database.open(home.path, KEYS.page_key) as db:
        await db.read(fill)
        with pytest.raises(sqlcipher3.OperationalError, match="full"):
            await write_for_ever(db)
        told = home.file.read_bytes()
        await lives.begin(db, home.file, "a name far longer than any before " * 20, EPOCH, NOON)
        assert await db.read(facts.epoch) == EPOCH
        assert home.file.read_bytes() == told
    assert await home.epoch_of_next_life() == EPOCH
