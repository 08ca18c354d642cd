"""Kills of the daemon at every place that matters, and of the Node server, under a stream of orders (issue: done when 4).

The daemon has a fuse inside (`killpoint`) that kills it at a named place; between lives nothing else is touched: home, Z-Wave
server and broker go on. After each death a copy of the database says what was open at that instant, so that the histogram
counts facts and not intentions. At the end the locks must hold exactly what the accepted orders say, and the cloud must have
exactly one answer of each kind per order.

50 kills on the embedded broker, 300 with `--nightly`; 12 on the other brokers, since what differs there is the redelivery only.
"""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from gateway.cloud.counterpart import Counterpart
from gateway.store import journal
from gateway.store.database import Connection
from tests.brokers import chosen_kind
from tests.stack.house import READY_S, House, running_house, until, wall_ms
from tests.stack.killpoint import BETWEEN_INTENT_AND_OUTCOME, Place
from tests.stack.traffic import Asked, Traffic, explained
from tests.stack.witness import Witness

pytestmark = [pytest.mark.stack, pytest.mark.broker]

SEED = 4711
LEAD_S = 1.0

SHARES: dict[Place | None, int] = {
    Place.AFTER_INTENT: 10,
    Place.IN_CALL: 7,
    Place.AFTER_CALL: 7,
    Place.AFTER_INBOX: 13,
    Place.AFTER_OUTCOME: 3,
    Place.BEFORE_COMMIT: 3,
    Place.AFTER_PUBLISH: 2,
    None: 5,
}
"""How 50 kills are spread; None is a kill from outside at a random instant."""

LIFE_S = 12.0
"""A fuse that did not burn down in this time is not waited for: the daemon is killed from outside."""

RANDOM_S = 2.0
"""Kills from outside come within this time after the start, which takes about 1.2 s."""

SETTLE_S = 150.0
"""A code whose writes were cut three times waits 15 s, 30 s and 1 min (A8)."""

REMOVAL_MS = 120_000
"""A code is off a reachable lock this long after its end at the latest (A9); the daemon is dead part of the time."""

TOP_UP_S = 0.05


@dataclass
class Tally:
    """What the kills hit."""

    places: Counter[str] = field(default_factory=Counter)
    between_intent_and_outcome: int = 0
    between_inbox_and_acknowledgement: int = 0
    servers: int = 0

    @property
    def kills(self) -> int:
        return sum(self.places.values())

    def histogram(self) -> str:
        lines = [f"  {place:<15} {'█' * count} {count}" for place, count in self.places.most_common()]
        lines += [f"  between intent and outcome, by the database: {self.between_intent_and_outcome}"]
        lines += [f"  between inbox commit and acknowledgement:    {self.between_inbox_and_acknowledgement}"]
        return "\n".join([f"{self.kills} kills of the daemon, {self.servers} of the Z-Wave server", *lines])


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house(lead_s=LEAD_S) as running:
        yield running


async def test_kills_at_every_place_lose_nothing_double_nothing_and_leave_the_locks_as_ordered(
    house: House, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = 12 if chosen_kind() != "embedded" else 300 if request.config.getoption("--nightly") else 50
    chance = random.Random(SEED)
    tally = Tally()
    witness = Witness(house)
    async with house.cloud() as cloud, asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(witness.watch())
        traffic = Traffic(cloud, chance, tuple(house.configuration.locks), refusing_lock="garden")
        for number, place in enumerate(_schedule(kills, chance)):
            is_server_life = number % 10 == 5
            if is_server_life:
                await _live_through_server_kill(house, traffic)
                tally.servers += 1
            elif place is None:
                await _live_for(house, traffic, chance.uniform(0.0, RANDOM_S))
            else:
                await _live_until_fuse(house, traffic, place, chance)
            await _count(house, tally, None if is_server_life else place)
        house.start_daemon()
        await _settle(house, traffic)
        watching.cancel()
    with capsys.disabled():
        sys.stdout.write(f"\n{tally.histogram()}\n{len(traffic.asked)} orders: {dict(traffic.outcomes())}\n")
    _judge(house, cloud, traffic, witness)
    house.stop_daemon()
    await _judge_journal(house, cloud)
    assert tally.kills == kills
    assert tally.servers == kills // 10
    assert tally.between_intent_and_outcome >= kills * 3 // 10
    assert tally.between_inbox_and_acknowledgement >= kills // 5


def _schedule(kills: int, chance: random.Random) -> list[Place | None]:
    """The places of all kills, in random order; at least one of each from twelve kills on."""
    places = [place for place, share in SHARES.items() for _ in range(max(1, share * kills // 50))]
    chance.shuffle(places)
    return (places * 2)[:kills]


async def _live_until_fuse(house: House, traffic: Traffic, place: Place, chance: random.Random) -> None:
    longest = {Place.BEFORE_COMMIT: 25, Place.AFTER_PUBLISH: 15}.get(place, 3)
    passage, delay_ms = chance.randint(1, longest), chance.randrange(30)
    daemon = house.start_daemon(("tests.stack.killpoint", place, str(passage), str(delay_ms)))
    while daemon.poll() is None and house.age_s() < LIFE_S:
        traffic.top_up()
        await asyncio.sleep(TOP_UP_S)
    if daemon.poll() is None:
        house.kill_daemon()


async def _live_for(house: House, traffic: Traffic, life_s: float) -> None:
    house.start_daemon()
    traffic.top_up()
    while house.age_s() < life_s:
        traffic.top_up()
        await asyncio.sleep(TOP_UP_S)
    house.kill_daemon()


async def _live_through_server_kill(house: House, traffic: Traffic) -> None:
    """Kill the Node server while something is on the air, and let the daemon live until it has its locks again."""
    house.start_daemon()
    await house.met()
    before = house.to_locks()
    traffic.order()
    traffic.top_up()
    await until(lambda: house.to_locks() > before, READY_S)
    house.stack.kill_server()
    await asyncio.to_thread(house.stack.start_server)
    await house.met()
    traffic.top_up()
    house.kill_daemon()


async def _count(house: House, tally: Tally, place: Place | None) -> None:
    """Judge by the database what the death interrupted."""
    assert house.daemon is not None
    assert house.daemon.returncode == -9, f"the daemon ended by itself: {house.log()[-3000:]}"
    tally.places[place.value if place is not None else "from outside"] += 1
    born_at = wall_ms() - round(house.age_s() * 1000)

    def opened(con: Connection) -> tuple[int, int]:
        pending = con.execute(
            "SELECT count(*) FROM slot WHERE outcome = 'pending' AND intended_at_ms >= ?", (born_at,)
        ).fetchone()
        orders = con.execute("SELECT count(*) FROM command WHERE received_at_ms >= ?", (born_at,)).fetchone()
        assert pending is not None
        assert orders is not None
        return int(str(pending[0])), int(str(orders[0]))

    pending, orders = await house.ledger(opened) if (house.state / "gateway.db").exists() else (0, 0)
    tally.between_intent_and_outcome += pending > 0
    tally.between_inbox_and_acknowledgement += place is Place.AFTER_INBOX and orders > 0
    assert pending > 0 or place not in BETWEEN_INTENT_AND_OUTCOME - {Place.IN_CALL}, f"the fuse at {place} did not burn"


async def _settle(house: House, traffic: Traffic) -> None:
    """Wait until every order has its end, every window is over and the locks hold what is wanted."""
    await house.met()
    await until(lambda: not traffic.open_orders(), SETTLE_S, explain=lambda: _open(traffic))
    await until(lambda: wall_ms() > traffic.last_end())
    await until(lambda: _held(house) == traffic.wanted(wall_ms()), SETTLE_S, explain=lambda: _difference(house, traffic))


def _open(traffic: Traffic) -> list[Asked]:
    return traffic.open_orders()


def _held(house: House) -> dict[str, set[str]]:
    return {lock_id: set(house.own_pins(lock_id).values()) for lock_id in house.configuration.locks}


def _difference(house: House, traffic: Traffic) -> object:
    return _held(house), traffic.wanted(wall_ms())


def _judge(house: House, cloud: Counterpart, traffic: Traffic, witness: Witness) -> None:
    assert _held(house) == traffic.wanted(wall_ms())
    assert traffic.misanswered() == []
    assert not witness.complaints
    assert list(witness.unexplained(explained(traffic.stages(), round(LEAD_S * 1000)), REMOVAL_MS)) == []
    numbers = [event.seq for event in cloud.events]
    assert numbers == list(range(1, len(numbers) + 1)), "events have gaps or come twice"


async def _judge_journal(house: House, cloud: Counterpart) -> None:
    broken, last = await house.ledger(lambda con: (journal.verify(con), journal.last_seq(con)))
    assert broken is None, "the journal's chain is broken"
    assert last == cloud.events[-1].seq, "the hub has events that the cloud never got"
