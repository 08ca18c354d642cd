"""When the hub asks for the time, and what becomes of the answer (T2)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model.clock import ClockTrust
from gateway.model.events import EventKind
from gateway.model.instant import DAY_MS, Instant
from gateway.model.lock_clock import TimeTold
from gateway.nudge import CLOCK_BELL, Nudges
from gateway.store import journal
from gateway.store.database import Database
from gateway.tlstime.service import TimeSeeker
from tests.builders import NOON, FakeClock, SeededEntropy


class Witness:
    """Says what the test gave it, and counts who asks."""

    def __init__(self, *answers: TimeTold | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def tell(self) -> TimeTold | None:
        self.asked += 1
        return self.answers.pop(0) if self.answers else None


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", b"p" * 32) as opened:
        yield opened


def seeker(database: Database, witness: Witness, clock: FakeClock, nudges: Nudges) -> TimeSeeker:
    return TimeSeeker(witness, clock, database, nudges, SeededEntropy())


async def run_until_rung(work: TimeSeeker, nudges: Nudges) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(work.run())
        await nudges.wait(CLOCK_BELL, None)
        running.cancel()


async def test_t2_a_hub_in_doubt_asks_and_time_is_bounded_by_the_answer(database: Database) -> None:
    clock, nudges = FakeClock(), Nudges()
    clock.trust = ClockTrust.UNTRUSTED
    witness = Witness(TimeTold(Instant(NOON + DAY_MS), 11_000))
    await run_until_rung(seeker(database, witness, clock, nudges), nudges)
    assert (clock.trust, clock.now) == (ClockTrust.BOUNDED, NOON + DAY_MS - 11_000)
    (stored,) = await database.read(lambda con: journal.outbox(con, 0, 10))
    assert stored.event.kind is EventKind.HUB_TIME_SET
    assert dict(stored.event.body) == {"source": "tls", "at": "2027-02-01T12:00:00.000Z", "slack_ms": 11_000}


async def test_t2_nobody_is_asked_while_time_is_known(database: Database) -> None:
    for trust in (ClockTrust.TRUSTED, ClockTrust.BOUNDED):
        clock, witness = FakeClock(), Witness()
        clock.trust = trust
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(seeker(database, witness, clock, Nudges()).run(), 0.05)
        assert witness.asked == 0


async def test_t2_an_answer_from_before_what_has_surely_passed_is_of_no_use(database: Database) -> None:
    clock, witness = FakeClock(), Witness(TimeTold(Instant(NOON - DAY_MS), 11_000))
    clock.trust = ClockTrust.UNTRUSTED
    assert not await seeker(database, witness, clock, Nudges())._seek()
    assert (witness.asked, clock.trust, clock.now) == (1, ClockTrust.UNTRUSTED, NOON)
    assert await database.read(lambda con: journal.outbox(con, 0, 10)) == ()
