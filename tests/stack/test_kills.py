"""Kills of the daemon at every place that matters, and of the Node server, under a stream of orders (issue: done when 4).

The daemon has a fuse inside (`killpoint`) that kills it at a named place; between lives nothing else is touched: home, Z-Wave
server and broker go on. After each death a copy of the database says what was open at that instant, so that the histogram
counts facts and not intentions. At the end the locks must hold exactly what the accepted orders say, and the cloud must have
exactly one answer of each kind per order.

50 kills on the embedded broker, 300 with `--nightly`; 12 on the other brokers, since what differs there is the redelivery only.
"""

import asyncio
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from gateway.cloud.counterpart import Counterpart
from gateway.model.ids import LockId
from gateway.model.link import CALLS_TELLING, UNMEASURED, Link
from gateway.store import journal, lock_time
from gateway.store.database import Connection
from tests.brokers import chosen_kind
from tests.stack.house import READY_S, House, plain_group, running_house, until, wall_ms
from tests.stack.killpoint import Place
from tests.stack.traffic import Asked, Traffic, explained
from tests.stack.witness import Witness

pytestmark = [pytest.mark.stack, pytest.mark.broker]

SEED = 4711
LEAD_MS = 1_000

OUTSIDE = "from outside"
SERVER = "after a server kill"

SHARES: dict[str, int] = {
    Place.AFTER_INTENT: 8,
    Place.IN_CALL: 6,
    Place.AFTER_CALL: 6,
    Place.AFTER_INBOX: 13,
    Place.AFTER_OUTCOME: 3,
    Place.BEFORE_COMMIT: 3,
    Place.AFTER_PUBLISH: 2,
    OUTSIDE: 4,
    SERVER: 5,
}
"""How 50 kills are spread: places inside the daemon, random instants, and lives in which the Node server was killed first."""

LIFE_S = 12.0
"""A fuse that did not burn down in this time is not waited for: the daemon is killed from outside."""

RANDOM_S = 2.0
"""Kills from outside come within this time after the start, which takes about 1.2 s."""

SETTLE_S = 150.0
"""A code whose writes were cut three times waits 15 s, 30 s and 1 min (A8)."""

REMOVAL_MS = 120_000
"""A code is off a reachable lock this long after its end at the latest (A9); the daemon is dead part of the time."""

FAILURES_MAX = 2
"""A call that fails takes its ten seconds, and a life `LIFE_S`."""

TOP_UP_S = 0.05


@dataclass
class Tally:
    """What the kills hit."""

    places: Counter[str] = field(default_factory=Counter)
    between_intent_and_outcome: int = 0
    between_inbox_and_acknowledgement: int = 0
    links: dict[str, Link] = field(default_factory=dict)
    leads_ms: dict[str, int] = field(default_factory=dict)
    """The longest lead that each lock's link can have asked for so far (A4)."""

    def measure(self, links: Mapping[str, Link]) -> None:
        """Bound the leads of a life from the counts at its ends: it was too short for more than `FAILURES_MAX` more."""
        for lock_id, after in links.items():
            before = self.links.get(lock_id, UNMEASURED)
            calls = max(min(before.calls, after.calls), CALLS_TELLING)
            weakest = Link(calls, min(max(before.failures, after.failures) + FAILURES_MAX, calls))
            longest_ms = weakest.lead_ms(LEAD_MS) if after.failures + before.failures else LEAD_MS
            self.leads_ms[lock_id] = max(self.leads_ms.get(lock_id, LEAD_MS), longest_ms)
        self.links |= links

    @property
    def kills(self) -> int:
        return sum(self.places.values())

    def histogram(self) -> str:
        lines = [f"  {place:<15} {'█' * count} {count}" for place, count in self.places.most_common()]
        lines += [f"  between intent and outcome, by the database: {self.between_intent_and_outcome}"]
        lines += [f"  between inbox commit and acknowledgement:    {self.between_inbox_and_acknowledgement}"]
        return "\n".join([f"{self.kills} kills of the daemon, {self.places[SERVER]} of the Z-Wave server", *lines])


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house(lead_s=LEAD_MS / 1000) as running:
        yield running


async def test_kills_at_every_place_lose_nothing_double_nothing_and_leave_the_locks_as_ordered(
    house: House, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = 12 if chosen_kind() != "embedded" else 300 if request.config.getoption("--nightly") else 50
    chance = random.Random(SEED)
    tally = Tally()
    witness = Witness(house)
    async with house.cloud() as cloud, plain_group() as tasks:
        watching = tasks.create_task(witness.watch())
        traffic = Traffic(cloud, chance, tuple(house.configuration.locks), refusing_lock="garden")
        for planned in _schedule(kills, chance):
            hit = await _live(house, traffic, planned, chance)
            await _count(house, tally, hit)
        house.start_daemon()
        await _settle(house, traffic)
        watching.cancel()
    with capsys.disabled():
        late_s = witness.latest_ms(explained(traffic.stages(), tally.leads_ms)) / 1000
        sys.stdout.write(f"\n{tally.histogram()}\n{len(traffic.asked)} orders: {dict(traffic.outcomes())}\n")
        sys.stdout.write(f"{witness.looks} looks at the locks; longest stay of a PIN beyond its end: {late_s:.1f} s\n")
    house.stop_daemon()
    tally.measure(await house.ledger(_links_of(house)))
    _judge(house, cloud, traffic, witness, tally)
    await _judge_journal(house, cloud)
    assert tally.kills == kills
    assert tally.places[SERVER] == max(1, kills // 10)
    assert tally.between_intent_and_outcome >= kills * 3 // 10
    assert tally.between_inbox_and_acknowledgement >= kills // 5


def _schedule(kills: int, chance: random.Random) -> list[str]:
    """What happens in each life, in random order; from twelve on every place is hit at least once."""
    whole = [place for place, share in SHARES.items() for _ in range(max(1, share * kills // 50))]
    rest = [Place.AFTER_INBOX] * (kills - len(whole))
    lives: list[str] = [*whole, *rest]
    chance.shuffle(lives)
    return lives


async def _live(house: House, traffic: Traffic, planned: str, chance: random.Random) -> str:
    """One life of the daemon to its death; what killed it."""
    if planned == SERVER:
        await _live_through_server_kill(house, traffic)
        return SERVER
    if planned == OUTSIDE:
        house.start_daemon()
        await _keep_ordering(house, traffic, chance.uniform(0.0, RANDOM_S))
        house.kill_daemon()
        return OUTSIDE
    longest = {Place.BEFORE_COMMIT: 25, Place.AFTER_PUBLISH: 15}.get(Place(planned), 3)
    passage, delay_ms = chance.randint(1, longest), chance.randrange(30)
    daemon = house.start_daemon(("tests.stack.killpoint", planned, str(passage), str(delay_ms)))
    await _keep_ordering(house, traffic, LIFE_S)
    if daemon.poll() is not None:
        return planned
    house.kill_daemon()
    return OUTSIDE


async def _keep_ordering(house: House, traffic: Traffic, life_s: float) -> None:
    """Give orders until the daemon is dead or `life_s` old."""
    traffic.top_up(at_least=2)
    while house.is_up() and house.age_s() < life_s:
        traffic.top_up()
        await asyncio.sleep(TOP_UP_S)


async def _live_through_server_kill(house: House, traffic: Traffic) -> None:
    """Kill the Node server while something is on the air, and let the daemon live until it has its locks again."""
    house.start_daemon()
    await house.met()
    before = house.to_locks()
    traffic.top_up(at_least=2)
    await until(lambda: house.to_locks() > before, READY_S)
    house.stack.kill_server()
    await asyncio.to_thread(house.stack.start_server)
    await house.met()
    traffic.top_up()
    house.kill_daemon()


async def _count(house: House, tally: Tally, hit: str) -> None:
    """Judge by the database what the death interrupted."""
    assert house.daemon is not None
    assert house.daemon.returncode == -signal.SIGKILL, f"the daemon ended by itself: {house.log()[-3000:]}"
    tally.places[hit] += 1
    born_at = wall_ms() - round(house.age_s() * 1000)

    def interrupted(con: Connection) -> tuple[bool, bool]:
        pending = con.execute(
            "SELECT 1 FROM slot WHERE outcome = 'pending' AND intended_at_ms >= ?", (born_at,)
        ).fetchone()
        order = con.execute("SELECT 1 FROM command WHERE received_at_ms >= ?", (born_at,)).fetchone()
        return pending is not None, order is not None

    if not (house.state / "gateway.db").exists():
        return
    is_pending, has_order = await house.ledger(interrupted)
    tally.measure(await house.ledger(_links_of(house)))
    tally.between_intent_and_outcome += is_pending
    tally.between_inbox_and_acknowledgement += hit == Place.AFTER_INBOX and has_order
    assert is_pending or hit not in {Place.AFTER_INTENT, Place.AFTER_CALL}, f"the fuse at {hit} burnt elsewhere"
    assert has_order or hit != Place.AFTER_INBOX, f"the fuse at {hit} burnt elsewhere"


async def _settle(house: House, traffic: Traffic) -> None:
    """Wait until every order has its end, every window is over and the locks hold what is wanted."""
    await house.met()
    await until(lambda: not traffic.open_orders(), SETTLE_S, explain=lambda: _open(traffic))
    await until(lambda: wall_ms() > traffic.last_end())
    await until(
        lambda: _held(house) == traffic.wanted(wall_ms()), SETTLE_S, explain=lambda: _difference(house, traffic)
    )
    await house.receipted()  # the last events tell of what the locks hold already


def _links_of(house: House) -> Callable[[Connection], dict[str, Link]]:
    return lambda con: {name: lock_time.get(con, LockId(name)).link for name in house.configuration.locks}


def _open(traffic: Traffic) -> list[Asked]:
    return traffic.open_orders()


def _held(house: House) -> dict[str, set[str]]:
    return {lock_id: set(house.own_pins(lock_id).values()) for lock_id in house.configuration.locks}


def _difference(house: House, traffic: Traffic) -> object:
    return _held(house), traffic.wanted(wall_ms())


def _judge(house: House, cloud: Counterpart, traffic: Traffic, witness: Witness, tally: Tally) -> None:
    assert _held(house) == traffic.wanted(wall_ms())
    assert traffic.misanswered() == []
    assert not witness.complaints
    assert list(witness.unexplained(explained(traffic.stages(), tally.leads_ms), REMOVAL_MS)) == []
    numbers = [event.seq for event in cloud.events]
    assert numbers == list(range(1, len(numbers) + 1)), "events have gaps or come twice"


async def _judge_journal(house: House, cloud: Counterpart) -> None:
    broken, last = await house.ledger(lambda con: (journal.verify(con), journal.last_seq(con)))
    assert broken is None, "the journal's chain is broken"
    assert last == cloud.events[-1].seq, "the hub has events that the cloud never got"
