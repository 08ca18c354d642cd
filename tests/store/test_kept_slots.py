"""What the store keeps of a lock's slots is what their rows say, whatever was changed and whatever was rolled back."""

from collections.abc import Callable
from contextlib import suppress

import sqlcipher3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.slot import SlotRecord
from gateway.store import slots
from gateway.store.database import Connection, Database
from tests.builders import FRONT, slot
from tests.store.test_slots import prepare, records

type Change = Callable[[Connection], None]


class Undone(Exception):  # noqa: N818 - says what happened
    """Rolls a transaction back."""


def _putting(record: SlotRecord) -> Change:
    return lambda con: slots.put(con, FRONT, record)


changes = st.one_of(
    records().map(_putting),
    records().map(_putting),
    st.just(lambda con: slots.forget_waits(con, FRONT)),
    st.just(lambda con: slots.doubt_empty(con, FRONT)),
    st.just(lambda con: slots.forget_lock(con, FRONT)),
)
transactions = st.lists(st.tuples(st.lists(changes, max_size=4), st.booleans()), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(played=transactions)
async def test_what_is_kept_of_a_lock_is_what_its_rows_say(
    database: Database, played: list[tuple[list[Change], bool]]
) -> None:
    def is_true(con: Connection) -> bool:
        kept = slots.of_lock(con, FRONT)
        return [*kept.items()] == [*slots.read_all(con, FRONT).items()]

    await database.write(prepare)
    for steps, is_undone in played:

        def play(con: Connection, steps: list[Change] = steps, is_undone: bool = is_undone) -> None:
            for step in steps:
                step(con)
                assert is_true(con)
            if is_undone:
                raise Undone

        # One code in two slots is refused by the database, which rolls back too (I4).
        with suppress(Undone, sqlcipher3.IntegrityError):
            await database.write(play)
        assert await database.read(is_true)


async def test_who_changes_what_was_given_changes_nothing_of_what_is_kept(database: Database) -> None:
    await database.write(prepare)
    await database.write(lambda con: slots.put(con, FRONT, SlotRecord(slot(1))))
    given_out = await database.read(lambda con: slots.of_lock(con, FRONT))
    given_out.clear()
    assert await database.read(lambda con: len(slots.of_lock(con, FRONT))) == 1
