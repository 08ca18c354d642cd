"""Brings a database file to the newest schema: forward only, a copy first, never an older program on a newer file."""

import logging
import os
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.store.database import Connection

log = logging.getLogger(__name__)

APPLICATION_ID = 0x4B504757
"""`KPGW` in ASCII: marks the file as ours (SQLite file format, offset 68)."""


class SchemaTooNew(Exception):  # noqa: N818 - says what it means for the caller
    """The file was written by a newer program."""


def schema_files() -> list[tuple[int, str]]:
    """All schema versions with their SQL, in order. The number is the file name's prefix."""
    folder = resources.files("gateway.store") / "schema"
    found = [(int(entry.name[:4]), entry.read_text()) for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return sorted(found)


def migrate(connection: "Connection", path: Path) -> None:
    """Check the file and apply every schema version that it lacks, each in a transaction of its own.

    Before an existing file changes, a copy `<name>.v<old>` is written beside it (through SQLite, so that it is complete
    and encrypted with the same key); `retention.forget_copies` removes it. Raises `SchemaTooNew` for a file of a newer program.
    """
    have = _number(connection, "user_version")
    versions = schema_files()
    newest = versions[-1][0]
    if have > newest:
        msg = f"{path} has schema {have}, this program knows {newest}: install the newer program again"
        raise SchemaTooNew(msg)
    check = connection.execute("PRAGMA quick_check(1)").fetchone()
    if check != ("ok",):
        msg = f"{path} is damaged: {check}"
        raise SchemaTooNew(msg)
    if 0 < have < newest:
        _copy(connection, path.with_name(f"{path.name}.v{have}"))
    for version, sql in versions:
        if version > have:
            _apply(connection, version, sql)
            log.info("store.migrated", extra={"version": version})


def _apply(connection: "Connection", version: int, sql: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements(sql):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version:d}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise


def statements(sql: str) -> list[str]:
    """Split a schema file at its semicolons; comments are dropped. Our files hold no triggers and no quoted semicolons."""
    bare = "\n".join(line.split("--")[0] for line in sql.splitlines())
    return [part.strip() for part in bare.split(";") if part.strip()]


def _copy(connection: "Connection", target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    except BaseException:
        # Half a copy helps nobody, and on a full disk it takes the room that is missing.
        target.unlink(missing_ok=True)
        raise
    target.chmod(0o600)
    # The wall clock may be years off at a start. In 1970 says: no start with the new schema has told a known time yet.
    os.utime(target, ns=(0, 0))


def copies(path: Path) -> Iterator[Path]:
    """The copies beside the file: whole names of this pattern, and real files only."""
    name = re.compile(re.escape(path.name) + r"\.v[0-9]+")
    for entry in path.parent.iterdir():
        if name.fullmatch(entry.name) and entry.is_file() and not entry.is_symlink():
            yield entry


def _number(connection: "Connection", pragma: str) -> int:
    row = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(row[0]) if row and row[0] is not None else 0
