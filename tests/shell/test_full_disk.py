"""What people are told while the disk takes nothing: a real SQLITE_FULL."""

import itertools
from collections.abc import Callable

import pytest
import sqlcipher3

from gateway.model.clock import ClockStep
from gateway.model.instant import DAY_MS, HOUR_MS, Instant
from gateway.shell.session import FailureKind
from gateway.store import codes, facts
from gateway.store.database import Connection
from tests.builders import NOON
from tests.shell.house import House, text_of

ROOM_PAGES = 1_000_000


def page_limit(pages: int) -> Callable[[Connection], None]:
    def change(con: Connection) -> None:
        con.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    return change


async def fill_up(house: House) -> None:
    """Leave no page free; 1 is below what there is, and means no more than that."""
    await house.db.read(page_limit(1))
    for size in (100_000, 1_000, 100, 10):
        with pytest.raises(sqlcipher3.OperationalError, match="full"):
            await write_for_ever(house, size)


async def write_for_ever(house: House, size: int) -> None:
    for number in itertools.count():
        name = f"filling.{size}.{number}"
        await house.db.write(lambda con, name=name: facts.write(con, name, "x" * size))  # type: ignore[misc]  # bound


ORDERS = [
    "create front-door --name X",
    "update owner-1 --name Y",
    "delete owner-1",
    "pool front-door --on",
    "reveal owner-1 --reason lost",
]


@pytest.mark.parametrize("words", ORDERS)
async def test_a_full_disk_is_told_as_that_and_that_nothing_was_changed(house: House, words: str) -> None:
    before = await house.db.read(lambda con: codes.all_codes(con, limit=100))
    await fill_up(house)
    failure = (await house.run(*words.split())).failure
    assert failure is not None
    assert failure.kind is FailureKind.FAILED
    assert failure.message == "the hub's disk cannot be written; nothing was changed"
    assert failure.remedy == "free space on it, then try again"
    assert await house.db.read(lambda con: codes.all_codes(con, limit=100)) == before
    assert house.shell.failures == 0, "no bug of the hub's"


@pytest.mark.parametrize("words", ["exclude", "confirm-time"])
async def test_what_was_done_before_it_could_be_written_is_not_denied(house: House, words: str) -> None:
    """A network that was opened, or a step of time that was taken, is not undone by the full disk."""
    house.clock.held = ClockStep(NOON, Instant(NOON + DAY_MS), Instant(NOON + HOUR_MS))
    await fill_up(house)
    failure = (await house.run(*words.split())).failure
    assert failure is not None
    assert failure.message == "the hub's disk cannot be written; look whether anything changed before you try again"


async def test_status_tells_of_the_full_disk_while_it_lasts(house: House) -> None:
    told = "The hub's disk cannot be written"
    assert told not in text_of(await house.run("status"))
    await fill_up(house)
    for _ in range(2):
        text = text_of(await house.run("status"))
        assert told in text
        assert "free space on it" in text
    await house.db.read(page_limit(ROOM_PAGES))
    assert told not in text_of(await house.run("status"))
