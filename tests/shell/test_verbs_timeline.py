"""`timeline` and `verify`: what the hub wrote down (A19)."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, MINUTE_MS, Instant, parse_instant
from gateway.shell.session import FailureKind
from gateway.store import codes, journal, retention
from gateway.store.database import Connection
from tests.builders import NOON
from tests.shell.house import FRONT, House, rows, text_of

GUEST = "guest-2f9c71aa04"


async def test_the_timeline_of_a_code_is_told_in_words(house: House) -> None:
    def happen(con: Connection) -> None:
        guest = CodeId("owner-1")
        at = Instant(NOON - MINUTE_MS)
        body: dict[str, Fact] = {"slot": 1, "evidence": "supervised", "generation": 1}
        journal.append(con, Event(EventKind.CODE_SET, FRONT, guest, body=body), at)
        journal.append(con, Event(EventKind.LOCK_UNLOCKED, FRONT, guest, body={"is_early_use": True}), at)

    await house.db.write(happen)
    told = [row[2] for row in await rows(house, "timeline", "owner-1")]
    assert told == [
        "order received",
        "order accepted",
        "ordered, at once, until deleted",
        "about to write slot 1",
        "proven to be on the lock, slot 1: the lock confirmed it",
        "opened the door, before its start",
    ]
    assert len(await rows(house, "timeline", "owner-1", "--last", "2")) == 2


async def test_a19_names_that_were_erased_are_told_as_erased(house: House) -> None:
    await house.run("update", GUEST, "--name", "Ms Nakamura", "--pin", "640281", "--until", "2027-02-02 12:00")
    told = [row[2] for row in await rows(house, "timeline", GUEST)]
    assert "renamed from “Ms Adams” to “Ms Nakamura”" in told
    await house.run("reveal", GUEST, "--reason", "Ms Nakamura asked")
    await house.run("delete", GUEST)

    def leave_and_forget(con: Connection) -> None:
        codes.finish(con, CodeId(GUEST), NOON)
        journal.acknowledge(con, journal.last_seq(con))
        retention.erase(con, Instant(NOON + 30 * DAY_MS))

    await house.db.write(leave_and_forget)
    screens = [await house.run(*line.split()) for line in (f"timeline {GUEST}", f"why {GUEST}", "codes --all")]
    for screen in map(text_of, screens):
        assert "Nakamura" not in screen
        assert "None" not in screen
        assert "“”" not in screen
    told = [row[2] for row in await rows(house, "timeline", GUEST)]
    assert "renamed (the names are erased)" in told
    assert "PIN shown to user 1000" in told
    assert "order for another PIN, another name, other times" in told
    assert screens[0].lines[0].text == f"a code whose name is erased ({GUEST}) on front-door"
    assert ["guest-2f", "(erased)", "Front door", "finished", "from 16:00 until Tue 2 Feb 12:00"] in await rows(
        house, "codes", "--all"
    )


async def test_a_wrong_count_of_timeline_lines_is_refused(house: House) -> None:
    for text in ("0", "501", "many", "-1", "٣"):
        answer = await house.run("timeline", "owner-1", f"--last={text}")
        assert answer.failure is not None
        assert answer.failure.kind is FailureKind.USAGE


async def test_verify_says_whether_the_journal_is_whole(house: House) -> None:
    whole = await house.run("verify")
    assert "is whole" in whole.lines[0].text
    await house.db.write(lambda con: con.execute("UPDATE journal SET body = '{}' WHERE line = 5"))
    broken = (await house.run("verify")).failure
    assert broken is not None
    assert "line 5 of" in broken.message


async def test_verify_lets_others_at_the_store_between_its_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It held the only thread for the whole journal: 12 s for 1.4 million lines here, and the watchdog's patience on a small board."""
    monkeypatch.setattr(journal, "WALK_LINES", 3)
    pages = -(-await house.db.read(journal.last_line) // 3)
    assert pages > 5
    turn, read = asyncio.Event(), house.db.read

    async def told_read[T](query: Callable[[Connection], T]) -> T:
        turn.set()
        return await read(query)

    async def come_between(count: int) -> None:
        for _ in range(count):
            await turn.wait()
            turn.clear()
            await house.db.write(lambda _: None)

    monkeypatch.setattr(house.db, "read", told_read)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(come_between(pages))
        assert "is whole" in (await house.run("verify")).lines[0].text


async def test_seconds_of_a_timeline_stand_behind_the_minutes_in_an_hour_that_comes_twice(house: House) -> None:
    twice = parse_instant("2027-10-31T00:30:05Z")
    house.clock.now = twice
    await house.run("update", "owner-1", "--name", "Owner II")
    assert (await rows(house, "timeline", "owner-1"))[-1][0] == "02:30:05 CEST"
