"""Forgetting happens when it is due, in small bites, and not on the word of a clock that is not trusted (A19, T1)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model.clock import ClockTrust
from gateway.model.instant import DAY_MS, Instant
from gateway.runtime.housekeeping import BREATH_S, Housekeeping
from gateway.store import codes
from gateway.store.database import Connection, Database
from tests.builders import NOON, FakeClock, make_code

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


async def test_nothing_is_forgotten_while_time_is_not_trusted(database: Database) -> None:
    clock = FakeClock(Instant(NOON + 400 * DAY_MS))
    clock.trust = ClockTrust.UNTRUSTED
    await database.write(go)
    assert await Housekeeping(database, clock)._tidy() == DAY_S
    assert await sealed(database) == b"sealed"
