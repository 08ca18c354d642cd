"""The database: a transaction is a function, all of it or nothing, and the file cannot be read or changed by others."""

import asyncio
import inspect
from pathlib import Path

import aiosqlite
import pytest

from gateway.model.events import Event, EventKind
from gateway.model.ids import CodeId
from gateway.store import facts, journal, rows
from gateway.store.database import Connection, Database, DatabaseUnusable, _set_up, connect
from gateway.store.migrate import SchemaTooNew, schema_files, statements
from tests.builders import NOON
from tests.store.conftest import PAGE_KEY


async def test_what_write_returned_from_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    async with await Database.open(path, PAGE_KEY) as database:
        await database.write(lambda con: facts.write(con, "a", "1"))
    async with await Database.open(path, PAGE_KEY) as database:
        assert await database.read(lambda con: facts.read(con, "a")) == "1"


async def test_an_exception_rolls_everything_back(database: Database) -> None:
    def change(con: Connection) -> None:
        facts.write(con, "a", "1")
        raise LookupError("in the middle")

    with pytest.raises(LookupError):
        await database.write(change)
    assert await database.read(lambda con: facts.read(con, "a")) is None


async def test_transactions_of_many_tasks_do_not_mix(database: Database) -> None:
    def count_up(con: Connection) -> None:
        facts.write(con, "n", str(int(facts.read(con, "n") or 0) + 1))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(database.write(count_up))
    assert await database.read(lambda con: facts.read(con, "n")) == "50"


async def test_a_cancelled_caller_leaves_no_transaction_open(database: Database) -> None:
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def change(con: Connection) -> None:
        loop.call_soon_threadsafe(began.set)
        facts.write(con, "a", "1")

    task = loop.create_task(database.write(change))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.write(lambda con: facts.write(con, "b", "2"))
    assert await database.read(lambda con: (facts.read(con, "a"), facts.read(con, "b"))) == ("1", "2")


async def test_reading_does_not_write(database: Database) -> None:
    await database.read(lambda con: facts.write(con, "a", "1"))
    assert await database.read(lambda con: facts.read(con, "a")) is None


async def test_the_settings_that_durability_rests_on(database: Database) -> None:
    def pragmas(con: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [(con.execute(f"PRAGMA {name}").fetchone() or [None])[0] for name in names]

    assert await database.read(pragmas) == ["wal", 2, 1]


async def test_another_key_does_not_open_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    async with await Database.open(path, PAGE_KEY) as database:
        await database.write(lambda con: facts.write(con, "secret-name", "secret-value"))
    with pytest.raises(DatabaseUnusable, match="wrong key or damaged"):
        await Database.open(path, b"x" * 32)
    assert b"secret-value" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("offset", [200, 5_000, 9_000])
async def test_one_flipped_bit_is_noticed(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "hub.db"
    async with await Database.open(path, PAGE_KEY) as database:
        await database.write(lambda con: facts.write(con, "a", "1"))
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1
    path.write_bytes(raw)

    async def use() -> None:
        async with await Database.open(path, PAGE_KEY) as database:
            await database.read(lambda con: con.execute("SELECT * FROM fact, journal, slot, access_code").fetchall())

    with pytest.raises(
        (DatabaseUnusable, SchemaTooNew, Exception), match=r"damaged|malformed|disk image|corrupt|not a database"
    ):
        await use()


async def test_a_file_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    async with await Database.open(path, PAGE_KEY) as database:
        newest = schema_files()[-1][0]
        await database._run(lambda con: con.execute(f"PRAGMA user_version = {newest + 1}"))
    with pytest.raises(SchemaTooNew, match="install the newer program"):
        await Database.open(path, PAGE_KEY)


def test_each_schema_file_has_a_number_of_its_own() -> None:
    numbers = [number for number, _ in schema_files()]
    assert len(set(numbers)) == len(numbers)
    assert all(statements(sql) for _, sql in schema_files())


def test_the_hook_of_aiosqlite_that_we_use_is_still_there() -> None:
    assert list(inspect.signature(aiosqlite.Connection._execute).parameters) == ["self", "fn", "args", "kwargs"]
    assert isinstance(inspect.getattr_static(aiosqlite.Connection, "_conn"), property)


async def test_a_row_that_is_kept_again_writes_what_changed_and_nothing_else(database: Database) -> None:
    def writes(con: Connection, value: str) -> list[str]:
        told: list[str] = []
        con.set_trace_callback(told.append)  # type: ignore[attr-defined] # the real connection has it
        rows.keep(con, "pool", {"lock_id": "front"}, {"is_on": 1, "announced_issues": value})
        con.set_trace_callback(None)  # type: ignore[attr-defined] # as above
        return [line.split(" ", 1)[0] + line.partition(" SET ")[2] for line in told if not line.startswith("SELECT")]

    assert (await database.write(lambda con: writes(con, "")))[0].startswith("INSERT")
    assert await database.write(lambda con: writes(con, "")) == []
    assert await database.write(lambda con: writes(con, "x")) == [
        "UPDATEannounced_issues = 'x' WHERE lock_id = 'front'"
    ]


async def test_a_file_of_an_older_program_keeps_its_journal_and_its_chain(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    _older(path, 5)
    async with await Database.open(path, PAGE_KEY) as database:
        assert await database.read(journal.verify) is None
        assert [stored.seq for stored in await database.read(lambda con: journal.outbox(con, 1, 10))] == [2, 3]
        assert len(await database.read(lambda con: journal.timeline(con, CodeId("code-1")))) == 3
        assert await database.write(lambda con: journal.append(con, _EVENT, NOON)) == 4
        assert await database.read(journal.verify) is None


_EVENT = Event(EventKind.CODE_CREATED, None, CodeId("code-1"))


def _older(path: Path, version: int) -> None:
    """Make the file as a program of that schema would have, with a code and three events about it."""
    con = connect(path)
    _set_up(con, PAGE_KEY)
    for number, sql in schema_files():
        if number <= version:
            for statement in statements(sql):
                con.execute(statement)
    con.execute(f"PRAGMA user_version = {version}")
    for _ in range(3):
        journal.append(con, _EVENT, NOON)
    con.close()
