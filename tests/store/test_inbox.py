"""Open orders are kept with the connection: what is remembered is what is in the file, whatever happens to a transaction (C2, N3)."""

from collections.abc import Callable

import pytest

from gateway.model.ids import CodeId, CommandId
from gateway.store import inbox
from gateway.store.database import Connection, Database
from gateway.store.inbox import Final
from tests.builders import FRONT
from tests.store.conftest import make_order

CODE = CodeId("code-1")
FIRST = CommandId("first")


def waiting(con: Connection) -> list[CommandId]:
    """What is remembered, the same by lock and by code, and what the file says."""
    of_lock = [order.command_id for order in inbox.open_orders(con, FRONT)]
    of_code = [order.command_id for order in inbox.open_orders_of_code(con, CODE)]
    in_file = con.execute("SELECT command_id FROM command WHERE final IS NULL ORDER BY command_id").fetchall()
    assert of_lock == of_code == [name for (name,) in in_file]
    return of_lock


async def undone(database: Database, change: Callable[[Connection], None]) -> None:
    """Run a transaction that sees its own change and then fails."""

    def fail(con: Connection) -> None:
        before = waiting(con)
        change(con)
        assert waiting(con) != before
        raise LookupError("after it")

    with pytest.raises(LookupError, match="after it"):
        await database.write(fail)


async def test_n3_an_order_whose_transaction_is_rolled_back_is_not_remembered(database: Database) -> None:
    await database.write(lambda con: inbox.add(con, make_order("first")))
    await undone(database, lambda con: inbox.add(con, make_order("second")))
    assert await database.read(waiting) == [FIRST]
    assert await database.read(lambda con: inbox.get(con, CommandId("second"))) is None
    await database.write(lambda con: inbox.add(con, make_order("second")))
    assert await database.read(waiting) == [FIRST, "second"]


async def test_c2_an_answer_whose_transaction_is_rolled_back_is_still_owed_and_given_once(database: Database) -> None:
    await database.write(lambda con: inbox.add(con, make_order("first")))
    await undone(database, lambda con: inbox.close(con, FIRST, Final.APPLIED))
    assert await database.read(waiting) == [FIRST]
    await database.write(lambda con: inbox.close(con, FIRST, Final.FAILED))
    assert await database.read(waiting) == []
    with pytest.raises(AssertionError, match="already has its final answer"):
        await database.write(lambda con: inbox.close(con, FIRST, Final.APPLIED))
    row = await database.read(lambda con: inbox.get(con, FIRST))
    assert row is not None
    assert row.final is Final.FAILED


async def test_n3_an_order_that_is_known_already_changes_nothing_that_is_remembered(database: Database) -> None:
    await database.write(lambda con: inbox.add(con, make_order("first")))
    with pytest.raises(Exception, match="UNIQUE"):
        await database.write(lambda con: inbox.add(con, make_order("first")))
    assert await database.read(waiting) == [FIRST]


async def test_what_a_reader_changed_by_mistake_is_not_remembered(database: Database) -> None:
    await database.write(lambda con: inbox.add(con, make_order("first")))
    await database.read(lambda con: inbox.close(con, FIRST, Final.APPLIED))
    assert await database.read(waiting) == [FIRST]
