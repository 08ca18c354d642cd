"""Forgetting happens when it is due, in small bites, and not on the word of a clock that is not trusted (A19, T1)."""

import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model.clock import ClockTrust
from gateway.model.instant import DAY_MS, HOUR_MS, Instant
from gateway.runtime.housekeeping import BREATH_S, Housekeeping
from gateway.store import codes
from gateway.store.database import Connection, Database
from tests.builders import NOON, FakeClock, make_code
from tests.store.conftest import PAGE_KEY, make_older

DAY_S = DAY_MS / 1000


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", b"k" * 32) as opened:
        yield opened


def go(con: Connection) -> None:
    code = make_code(deleted_at=NOON)
    codes.put(con, code, b"sealed")
    codes.finish(con, code.code_id, NOON)


async def sealed(database: Database) -> bytes | None:
    return await database.read(lambda con: codes.sealed_pin(con, make_code().code_id))


async def test_it_sleeps_until_the_next_thing_is_due_and_never_beyond_a_day(database: Database) -> None:
    clock = FakeClock()
    keeping = Housekeeping(database, clock)
    assert await keeping._tidy() == DAY_S
    await database.write(go)
    assert await keeping._tidy() == DAY_S
    clock.now = Instant(NOON + 7 * DAY_MS - 5_000)
    assert await keeping._tidy() == 5.0
    assert await sealed(database) == b"sealed"
    clock.move(5_000)
    assert await keeping._tidy() == BREATH_S
    assert await sealed(database) is None
    assert await keeping._tidy() == DAY_S


async def test_a19_nothing_is_forgotten_while_time_is_not_trusted_and_soon_after(database: Database) -> None:
    """Every start begins without trust: a hub that was restarted each day slept through its chores (seed 219 of thirty days)."""
    clock = FakeClock(Instant(NOON + 400 * DAY_MS))
    clock.trust = ClockTrust.UNTRUSTED
    await database.write(go)
    keeping = Housekeeping(database, clock)
    assert await keeping._tidy() == 600
    assert await sealed(database) == b"sealed"
    clock.trust = ClockTrust.BOUNDED
    assert await keeping._tidy() == BREATH_S
    assert await sealed(database) is None


async def test_a19_a_removal_in_1970_is_not_erased_at_once_when_the_time_becomes_known(database: Database) -> None:
    await database.write(go)
    await database.write(lambda con: codes.finish(con, make_code().code_id, Instant(HOUR_MS)))
    clock = FakeClock()
    keeping = Housekeeping(database, clock)
    assert await keeping._tidy() == BREATH_S
    assert await keeping._tidy() == DAY_S, "nothing is due again and again"
    assert await sealed(database) == b"sealed"
    clock.move(7 * DAY_MS)
    assert await keeping._tidy() == BREATH_S
    assert await sealed(database) is None
    assert await keeping._tidy() == DAY_S


def put_copy(database: Database, name: str, made_at: Instant) -> Path:
    path = database.path.with_name(name)
    path.write_bytes(b"sealed PINs of that day")
    os.utime(path, (made_at / 1000, made_at / 1000))
    return path


async def test_a19_copies_of_older_schemas_are_removed_seven_days_after_and_nothing_else_is(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    copies = [put_copy(database, f"hub.db.v{number}", NOON) for number in (3, 6, 12)]
    names = ("hub.db.v6.kept", "hub.db.v", "hub.db.vx", "my-hub.db.v6", "other.db.v6", "hub_db.v6", "hub.db.v6-wal")
    others = [put_copy(database, name, NOON) for name in names]
    (database.path.parent / "hub.db.v9").mkdir()
    (database.path.parent / "hub.db.v10").symlink_to("hub.db.v6.kept")
    (database.path.parent / "older").mkdir()
    elsewhere = database.path.parent / "older" / put_copy(database, "hub.db.v5", NOON).name
    (database.path.parent / "hub.db.v5").rename(elsewhere)
    keeping = Housekeeping(database, clock)

    assert await keeping._tidy() == DAY_S
    clock.now = Instant(NOON + 7 * DAY_MS - 5_000)
    assert await keeping._tidy() == 5.0
    assert all(path.exists() for path in copies)
    clock.move(5_000)
    assert await keeping._tidy() == DAY_S
    assert not any(path.exists() for path in copies)
    assert all(path.exists() for path in (*others, elsewhere, database.path))
    assert (database.path.parent / "hub.db.v9").is_dir()
    assert (database.path.parent / "hub.db.v10").is_symlink()
    assert "stays" not in caplog.text, "what is no copy is not even tried"


async def test_a19_no_copy_is_removed_while_time_is_not_trusted_and_a_bound_is_enough(database: Database) -> None:
    copy = put_copy(database, "hub.db.v6", NOON)
    clock = FakeClock(Instant(NOON + 400 * DAY_MS))
    clock.trust = ClockTrust.UNTRUSTED
    keeping = Housekeeping(database, clock)
    assert await keeping._tidy() == 600
    assert copy.exists()
    clock.trust = ClockTrust.BOUNDED
    await keeping._tidy()
    assert not copy.exists()


@pytest.mark.parametrize("made_at", [Instant(HOUR_MS), Instant(NOON + 3_000 * DAY_MS)], ids=["1970", "2035"])
async def test_a19_a_copy_that_was_made_by_a_wrong_clock_counts_from_the_first_look_in_known_time(
    database: Database, made_at: Instant
) -> None:
    copy = put_copy(database, "hub.db.v6", made_at)
    clock = FakeClock()
    keeping = Housekeeping(database, clock)
    await keeping._tidy()
    clock.now = Instant(NOON + 7 * DAY_MS - 1_000)
    assert await keeping._tidy() == 1.0
    assert copy.exists()
    clock.move(1_000)
    await keeping._tidy()
    assert not copy.exists()


async def test_a19_the_copy_of_a_migration_is_kept_seven_days_from_the_first_look_in_known_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "hub.db"
    make_older(path, 6).close()
    async with await Database.open(path, PAGE_KEY) as migrated:
        copy = tmp_path / "hub.db.v6"
        clock = FakeClock()
        keeping = Housekeeping(migrated, clock)
        await keeping._tidy()
        clock.move(7 * DAY_MS - 1_000)
        await keeping._tidy()
        assert copy.exists()
        clock.move(1_000)
        await keeping._tidy()
        assert not copy.exists()


async def test_a19_a_copy_that_cannot_be_removed_keeps_nothing_else_from_being_forgotten(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path), missing_ok)

    copy = put_copy(database, "hub.db.v6", NOON)
    await database.write(go)
    monkeypatch.setattr(Path, "unlink", refused)
    clock = FakeClock(Instant(NOON + 7 * DAY_MS))
    keeping = Housekeeping(database, clock)
    with caplog.at_level(logging.WARNING):
        assert await keeping._tidy() == BREATH_S
        assert await keeping._tidy() == DAY_S
    assert await sealed(database) is None
    assert copy.exists()
    assert "copy" in caplog.text
