"""The database: a transaction is a function, all of it or nothing, and the file cannot be read or changed by others."""

import asyncio
import contextlib
import inspect
import resource
from collections.abc import Iterator
from pathlib import Path

import aiosqlite
import pytest
import sqlcipher3

from gateway.model.ids import CodeId
from gateway.model.instant import Instant
from gateway.store import database as opening
from gateway.store import facts, inbox, journal, rows
from gateway.store.database import Connection, Database, DatabaseUnusable, _set_up, connect, is_of_the_disk
from gateway.store.inbox import Final
from gateway.store.migrate import SchemaTooNew, schema_files, statements
from tests.builders import FRONT, NOON
from tests.store.conftest import ABOUT_A_CODE, PAGE_KEY, make_older, make_order


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


async def test_n3_a_full_disk_is_told_as_that_and_a_wrong_statement_as_ours(database: Database) -> None:
    """SQLite rolls back by itself when its disk is full: our own ROLLBACK failed, and told of itself instead."""

    def fill(con: Connection) -> None:
        con.execute("PRAGMA max_page_count = 1").fetchall()
        for number in range(100):
            facts.write(con, f"fact {number}", "x" * 1000)

    with pytest.raises(sqlcipher3.OperationalError, match="disk is full") as full:
        await database.write(fill)
    assert is_of_the_disk(full.value)
    await database.write(lambda _: None)
    assert database.is_refusing(), "what writes nothing proves nothing"
    await database.read(lambda con: con.execute("PRAGMA max_page_count = 1000000").fetchall())
    await database.write(lambda con: facts.write(con, "a", "1"))
    assert not database.is_refusing()
    assert await database.read(lambda con: facts.read(con, "fact 0")) is None

    with pytest.raises(sqlcipher3.OperationalError, match="no such table") as wrong:
        await database.write(lambda con: con.execute("UPDATE no_table SET x = 1"))
    assert not is_of_the_disk(wrong.value)
    assert not database.is_refusing()


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


async def test_a_full_disk_is_not_told_as_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hub.db"
    make_older(path, 5).close()
    # SQLite's own words for a full disk, at the first page that a migration would add.
    monkeypatch.setattr(opening, "_set_up", _without_room)
    with pytest.raises(DatabaseUnusable, match="database or disk is full") as told:
        await Database.open(path, PAGE_KEY)
    _says_to_leave_the_file(told.value)


async def test_a_locked_file_is_not_told_as_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hub.db"
    make_older(path, 5).close()
    monkeypatch.setattr(opening, "BUSY_MS", 10)
    holder = connect(path)
    _set_up(holder, PAGE_KEY)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(DatabaseUnusable, match="database is locked") as told:
            await Database.open(path, PAGE_KEY)
    finally:
        holder.close()
    _says_to_leave_the_file(told.value)


async def test_what_cannot_be_opened_beside_the_file_is_not_told_as_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    make_older(path, 5).close()
    (tmp_path / "hub.db-wal").mkdir()
    with pytest.raises(DatabaseUnusable, match="unable to open") as told:
        await Database.open(path, PAGE_KEY)
    _says_to_leave_the_file(told.value)


async def test_a_copy_that_finds_no_room_is_not_left_half_written_and_the_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    make_older(path, 5, facts_too=300).close()
    with _files_no_longer_than(64 * 1024), pytest.raises(DatabaseUnusable, match=r"I/O error|full") as told:
        await Database.open(path, PAGE_KEY)
    _says_to_leave_the_file(told.value)
    assert not list(tmp_path.glob("*.v*"))
    async with await Database.open(path, PAGE_KEY) as database:
        assert await database.read(journal.verify) is None
        assert (tmp_path / "hub.db.v5").exists()


def _says_to_leave_the_file(told: DatabaseUnusable) -> None:
    assert "do not move it" in str(told)
    assert "wrong key" not in str(told)
    assert "empty schedule" not in str(told)


def _without_room(con: Connection, key: bytes) -> None:
    _set_up(con, key)
    con.execute("PRAGMA max_page_count = 1").fetchall()


@contextlib.contextmanager
def _files_no_longer_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


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
    make_older(path, 5).close()
    async with await Database.open(path, PAGE_KEY) as database:
        assert await database.read(journal.verify) is None
        assert [stored.seq for stored in await database.read(lambda con: journal.outbox(con, 1, 10))] == [2, 3]
        assert len(await database.read(lambda con: journal.timeline(con, CodeId("code-1")))) == 3
        assert await database.write(lambda con: journal.append(con, ABOUT_A_CODE, NOON)) == 4
        assert await database.read(journal.verify) is None


async def test_n3_open_orders_of_an_older_program_are_still_found_and_answered_once(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    con = make_older(path, 6)
    orders = [make_order(f"order-{number}", received_at=Instant(NOON + number)) for number in range(3)]
    for order in orders:
        inbox.add(con, order)
    inbox.close(con, orders[1].command_id, Final.APPLIED)
    assert "command_open" in _indexes(con)
    con.close()

    async with await Database.open(path, PAGE_KEY) as database:
        assert "command_open" not in await database.read(_indexes)
        waiting = await database.read(lambda con: inbox.open_orders(con, FRONT))
        assert [order.command_id for order in waiting] == ["order-0", "order-2"]
        await database.write(lambda con: inbox.close(con, orders[0].command_id, Final.FAILED))
        with pytest.raises(AssertionError, match="already has its final answer"):
            await database.write(lambda con: inbox.close(con, orders[0].command_id, Final.APPLIED))
        with pytest.raises(AssertionError, match="already has its final answer"):
            await database.write(lambda con: inbox.close(con, orders[1].command_id, Final.FAILED))
    async with await Database.open(path, PAGE_KEY) as database:
        waiting = await database.read(lambda con: inbox.open_orders(con, FRONT))
        assert [order.command_id for order in waiting] == ["order-2"]
        found = await database.read(lambda con: [inbox.get(con, order.command_id) for order in orders])
        assert [None if row is None else row.final for row in found] == [Final.FAILED, Final.APPLIED, None]


async def test_the_copy_before_a_migration_is_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    make_older(path, 6).close()
    async with await Database.open(path, PAGE_KEY):
        pass
    copy = connect(tmp_path / "hub.db.v6")
    _set_up(copy, PAGE_KEY)
    assert copy.execute("PRAGMA user_version").fetchone() == (6,)
    assert "command_open" in _indexes(copy)
    assert journal.last_seq(copy) == 3
    copy.close()


def _indexes(con: Connection) -> set[str]:
    return {str(name) for (name,) in con.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
