"""One encrypted database file, one connection, one thread; a transaction is a function.

Theory of operation. `read(fn)` and `write(fn)` hand a whole function to the database thread. No `await` can fall inside
it, so transactions cannot interleave on the shared connection and cancellation cannot cut one in two: the caller may be
cancelled, the function still commits or rolls back as a whole. WAL with `synchronous=FULL` makes a returned `write` survive
a pulled plug (our measurement: 1,500 simulated power cuts, none lost).

aiosqlite is the engine for the thread. `_execute` is its own hook for running a function there; this file is the only
one that touches it, and `tests/store/test_database.py` fails if it moves.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, cast

import aiosqlite
import sqlcipher3

from gateway.store.migrate import migrate

log = logging.getLogger(__name__)

type Value = str | int | float | bytes | None
type Row = tuple[Value, ...]

KEY_BYTES = 32
"""SQLCipher's raw key: 256 bits."""

PAGE_BYTES = 1024
"""Small pages: a commit changes a few rows in each of a few trees, and writes whole pages twice. With the usual 4 KB a code's
life wrote 1.9 times as much (our measurement); what a row needs beyond a page goes to overflow pages."""

WAL_PAGES = 400
"""Checkpoint after this many pages (400 KB): small enough that freeing a full disk works (our measurement, < 128)."""

BUSY_MS = 5_000

SQLITE_ERROR = 1
"""The primary code of a wrong statement; extended codes carry it in their low byte."""


class Cursor(Protocol):
    """What we use of a DB-API cursor."""

    @property
    def rowcount(self) -> int:
        """Rows that the statement changed."""
        ...

    def fetchone(self) -> Row | None:
        """The next row."""
        ...

    def fetchall(self) -> list[Row]:
        """All rows left."""
        ...

    def __iter__(self) -> Iterator[Row]: ...


class Connection(Protocol):
    """What a transaction function may do with the database.

    `kept` is a room's memory of what it read, under a name of its own: whoever changes those rows puts it right, and a
    transaction that is rolled back empties it.
    """

    kept: dict[object, object]

    @property
    def total_changes(self) -> int:
        """How many rows were ever changed here, in rolled back transactions too: another number whenever anything was written."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open. On a full disk or an I/O error SQLite rolls one back by itself (lang_transaction.html)."""
        ...

    def execute(self, sql: str, parameters: Sequence[Value] = (), /) -> Cursor:
        """Run one statement."""
        ...


class KeepingConnection(sqlcipher3.Connection):  # type: ignore[misc] # sqlcipher3 tells no types
    """A connection with room for what was read of it. There is one to a file, so nobody else changes what is kept."""

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)
        self.kept: dict[object, object] = {}


class DatabaseUnusable(Exception):  # noqa: N818 - says what it means for the caller
    """The file cannot be opened or a commit failed; the text says what to do."""


class Database:
    """The daemon's one database. Make it with `Database.open`."""

    _is_refusing = False

    def __init__(self, engine: aiosqlite.Connection, path: Path) -> None:
        self._engine = engine
        self.path = path

    @classmethod
    async def open(cls, path: Path, key: bytes) -> Self:
        """Open or make the file, check it, bring its schema up to date.

        `key` is the raw 32-byte page key. Raises `DatabaseUnusable` when the key is wrong, the file is damaged, or nothing
        can be done with it now (no room, locked, no access), and `SchemaTooNew` when its schema is newer than this program.
        """
        if len(key) != KEY_BYTES:
            msg = f"the database key has {len(key)} bytes instead of {KEY_BYTES}"
            raise DatabaseUnusable(msg)
        _make_file(path)
        engine = aiosqlite.Connection(partial(connect, path), iter_chunk_size=64)
        try:
            await engine
            database = cls(engine, path)
            await database._run(_set_up, key)
            await database._run(migrate, path)
        except sqlcipher3.DatabaseError as error:
            await engine.close()
            raise DatabaseUnusable(_remedy(path, error)) from error
        except BaseException:
            await engine.close()
            raise
        return database

    async def read[T](self, query: Callable[[Connection], T]) -> T:
        """Run `query` on a consistent view; it must not write."""
        return await self._run(_reading, query)

    async def write[T](self, change: Callable[[Connection], T]) -> T:
        """Run `change` as one durable transaction and return its result; an exception rolls everything back."""
        try:
            result, has_written = cast("tuple[T, bool]", await self._run(_writing, change))
        except Exception as error:
            self._is_refusing = self._is_refusing or is_of_the_disk(error)
            raise
        if has_written:  # a full disk takes a transaction that writes nothing
            self._is_refusing = False
        return result

    def is_refusing(self) -> bool:
        """Whether the disk refused the last transaction that had anything to write (`is_of_the_disk`)."""
        return self._is_refusing

    async def close(self) -> None:
        """Checkpoint the write-ahead log into the file and close."""
        try:
            await self._run(lambda con: con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
        finally:
            await self._engine.close()

    async def _run[**P, T](self, function: Callable[..., T], *arguments: object) -> T:
        raw = self._engine._conn  # noqa: SLF001 - the connection that aiosqlite's own methods pass to its hook
        result = await self._engine._execute(function, raw, *arguments)  # type: ignore[no-untyped-call]  # noqa: SLF001 - the hook, see above
        return cast("T", result)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _make_file(path: Path) -> None:
    # Whatever can fail is done outside the connector: aiosqlite's thread outlives a connector that raises.
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)


def _remedy(path: Path, error: sqlcipher3.DatabaseError) -> str:
    """What a person should do about a file that does not open.

    A wrong key ("file is not a database") and damage ("database disk image is malformed") are a bare `DatabaseError`; what
    lies around the file (full, locked, I/O, no access) is an `OperationalError`. In 3,000 files with a flipped bit or a
    missing end, damage was never one (our measurement).
    """
    if isinstance(error, sqlcipher3.OperationalError):
        # Whoever moves a sound file away loses the schedule, and its PINs stay on the locks.
        return (
            f"{path} cannot be used now ({error}). The file is probably sound: do not move it. Free space on its disk, "
            "close whatever else holds it, or let this program write to its folder, then start again"
        )
    return (
        f"{path} cannot be used ({error}): wrong key or damaged file. "
        "Restore the newest backup, or move the file away to start with an empty schedule"
    )


def connect(path: Path) -> KeepingConnection:
    """The one connection to a file, as it comes: no key, no settings."""
    made = sqlcipher3.connect(str(path), isolation_level=None, check_same_thread=False, factory=KeepingConnection)
    return cast("KeepingConnection", made)


def _set_up(connection: Connection, key: bytes) -> None:
    pragmas = (
        "cipher_log_level = NONE",
        f"cipher_default_page_size = {PAGE_BYTES}",
        f"key = \"x'{key.hex()}'\"",
        "cipher_memory_security = OFF",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "trusted_schema = OFF",
        "cell_size_check = ON",
        f"busy_timeout = {BUSY_MS}",
        f"wal_autocheckpoint = {WAL_PAGES}",
        "journal_size_limit = 524288",
        "temp_store = MEMORY",
    )
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _reading[T](connection: Connection, query: Callable[[Connection], T]) -> T:
    changes = connection.total_changes
    connection.execute("BEGIN")
    try:
        return query(connection)
    finally:
        roll_back(connection)
        if connection.total_changes != changes:
            connection.kept.clear()


def _writing[T](connection: Connection, change: Callable[[Connection], T]) -> tuple[T, bool]:
    """What the change returned, and whether it had anything to write."""
    changes = connection.total_changes
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = change(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.kept.clear()
        roll_back(connection)
        raise
    return result, connection.total_changes != changes


def roll_back(connection: Connection) -> None:
    """End a transaction that failed, unless SQLite has: a second end would be told in place of what went wrong."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def is_of_the_disk(error: Exception) -> bool:
    """Whether a transaction failed of what lies around the file (full, locked, I/O, no access) and not of what it was to write.

    The same transaction may succeed later. A statement that is wrong is an `OperationalError` too, with SQLITE_ERROR (rescode.html).
    """
    code = getattr(error, "sqlite_errorcode", SQLITE_ERROR)
    return isinstance(error, sqlcipher3.OperationalError) and code & 0xFF != SQLITE_ERROR
