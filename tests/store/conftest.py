"""A database of its own per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model.events import Event, EventKind
from gateway.model.ids import CodeId, CommandId
from gateway.model.instant import Instant
from gateway.store import facts, journal
from gateway.store.database import Database, KeepingConnection, _set_up, connect
from gateway.store.inbox import CommandRow
from gateway.store.migrate import schema_files, statements
from tests.builders import FRONT, NOON

PAGE_KEY = b"p" * 32
ABOUT_A_CODE = Event(EventKind.CODE_CREATED, None, CodeId("code-1"))


def make_order(command_id: str, code_id: str = "code-1", received_at: Instant = NOON) -> CommandRow:
    """An accepted order that waits for its final answer."""
    return CommandRow(
        command_id=CommandId(command_id),
        kind="access_code.create",
        origin="cloud",
        body_digest=b"d" * 32,
        received_at=received_at,
        answer="{}",
        code_id=CodeId(code_id),
        lock_id=FRONT,
        generation=1,
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", PAGE_KEY) as opened:
        yield opened


def make_older(path: Path, version: int, *, facts_too: int = 0) -> KeepingConnection:
    """Make the file as a program of that schema would have, with three events about a code. The connection is the caller's."""
    con = connect(path)
    _set_up(con, PAGE_KEY)
    for number, sql in schema_files():
        if number <= version:
            for statement in statements(sql):
                con.execute(statement)
    con.execute(f"PRAGMA user_version = {version}")
    for _ in range(3):
        journal.append(con, ABOUT_A_CODE, NOON)
    for number in range(facts_too):
        facts.write(con, f"fact-{number}", "x" * 300)
    return con
