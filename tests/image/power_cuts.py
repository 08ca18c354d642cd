"""Power cuts at random moments under a stream of orders, on a card that really loses what was not flushed.

After each cut the card is read as the next start would find it, before anything can repair it: what the hub had acknowledged must be in
the database. At the end the locks must hold exactly what the accepted orders say. The control run plays one life on a card that
ignores flushes; the same look at it must then find losses, or it is blind.
"""

import asyncio
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.cloud.counterpart import Counterpart
from gateway.model.ids import HubId
from gateway.store import journal
from gateway.store.database import Connection, Database
from gateway.store.seal import HubKeys
from tests.image.figures import Figures
from tests.image.hub import Hub, switched_on, wall_ms
from tests.image.machine import Machine
from tests.image.medium import Honesty, Medium
from tests.image.patience import now_s
from tests.image.surroundings import Surroundings
from tests.stack.house import FOREIGN, LOCKS, plain_group, until
from tests.stack.traffic import Traffic

CYCLES = int(os.environ.get("CYCLES", "20"))
SEED = 4711

BORN_S = 900.0
"""Until a hub's birth at the broker after power came: a minute on an idle machine (our measurement)."""

STARTING_S = (4.0, 60.0)
"""When a cut during a start comes: from U-Boot's script to a daemon that has connected."""

WORKING_S = (0.0, 40.0)
"""When a cut of a hub at work comes, after its birth; it reaches its locks on the way."""

STARTING_SHARE = 0.3
FIRST_START_CUTS = 3
SETTLE_S = 600.0
"""A code whose writes were cut several times waits 15 s, 30 s, 1 min, 2 min (A8)."""

LOOK_S = 0.25
KEPT_S = 30.0


@dataclass
class Found:
    """What lay on the card after a cut."""

    commands: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """What the cuts hit."""

    starting: int = 0
    working: int = 0
    acknowledged: int = 0
    births_s: list[float] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    complaints: set[str] = field(default_factory=set)


@dataclass
class Campaign:
    """One card, one machine, many lives."""

    around: Surroundings
    medium: Medium
    machine: Machine
    folder: Path
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    tally: Tally = field(default_factory=Tally)

    def power(self, honesty: Honesty = "writeback") -> None:
        self.machine.switch_on(honesty)
        self.around.plug(self.machine)

    def cut(self) -> None:
        self.around.pull()
        self.machine.cut()

    async def look(self) -> Found:
        """What the next start would find on the card."""
        found = Found()
        with self.medium.read() as tree:
            if not tree.is_sound:
                found.broken.append(tree.words)
                return found
            held = [tree.take(f"/{place}", self.folder) for place in ("gateway", "identity") if tree.has(f"/{place}")]
        database, secret = self.folder / "gateway/gateway.db", self.folder / "identity/gateway.secret"
        if len(held) < 2 or not database.exists() or database.stat().st_size == 0:
            return found
        try:
            async with await Database.open(database, HubKeys.derive(secret.read_bytes()).page_key) as opened:
                found.broken += await opened.read(_damage)
                found.commands = await opened.read(_commands)
        except Exception as error:  # noqa: BLE001 - whatever the database says is what is broken
            found.broken.append(repr(error))
        return found

    def witness(self) -> None:
        """A look at the locks: rules that hold whatever was ordered."""
        for name, _ in LOCKS.values():
            pins = self.around.home.pins(name)
            if pins.get(1) != FOREIGN:
                self.tally.complaints.add(f"{name}: the foreign code in slot 1 was touched (N2)")
            if len(set(pins.values())) != len(pins):
                self.tally.complaints.add(f"{name}: one PIN in two slots (design-I4)")

    async def live(self, cloud: Counterpart, traffic: Traffic, honesty: Honesty = "writeback") -> None:
        """One life, to its cut, and a look at what it left."""
        # What the broker kept of the life before tells one birth from the next.
        await cloud.wait_for(lambda seen: seen.presence is not None, KEPT_S)
        session = 0 if cloud.presence is None else cloud.presence.session
        await asyncio.to_thread(self.power, honesty)
        began_s = now_s()
        if honesty == "writeback" and self.chance.random() < STARTING_SHARE:
            traffic.top_up(at_least=2)
            await self._go_on(traffic, self.chance.uniform(*STARTING_S), is_ordering=False)
            self.tally.starting += 1
        else:
            await cloud.wait_for(
                lambda seen: seen.presence is not None and seen.presence.is_online and seen.presence.session > session,
                BORN_S,
            )
            self.tally.births_s.append(now_s() - began_s)
            await self._go_on(traffic, self.chance.uniform(*WORKING_S), is_ordering=True)
            if honesty == "unsafe":
                await cloud.wait_for(lambda _: bool(_acknowledged(traffic)), BORN_S)
            self.tally.working += 1
        acknowledged = _acknowledged(traffic)
        await asyncio.to_thread(self.cut)
        found = await self.look()
        self.tally.lost |= acknowledged - found.commands
        self.tally.broken += found.broken
        self.tally.acknowledged = len(acknowledged)

    async def _go_on(self, traffic: Traffic, life_s: float, *, is_ordering: bool) -> None:
        ends_s = now_s() + life_s
        while now_s() < ends_s:
            if is_ordering:
                traffic.top_up()
            await asyncio.to_thread(self.witness)
            await asyncio.sleep(LOOK_S)


def _acknowledged(traffic: Traffic) -> set[str]:
    """Orders that the hub said it has: from then on nobody else repeats them."""
    traffic.answers.refresh()
    return {asked.command_id for asked in traffic.asked if traffic.answers.was("command.received", asked.command_id)}


def _commands(con: Connection) -> set[str]:
    return {str(row[0]) for row in con.execute("SELECT command_id FROM command")}


def _damage(con: Connection) -> list[str]:
    damage = [str(row[0]) for row in con.execute("PRAGMA cipher_integrity_check")]
    damage += [str(row[0]) for row in con.execute("PRAGMA integrity_check") if row[0] != "ok"]
    line = journal.verify(con)
    return damage if line is None else [*damage, f"the journal's chain is broken at line {line}"]


@pytest.fixture(scope="module")
def campaign(around: Surroundings) -> Campaign:
    medium = around.medium("cuts")
    around.seed(medium)
    folder = medium.folder / "found"
    folder.mkdir()
    return Campaign(around, medium, around.machine(medium), folder)


async def test_cuts_during_the_first_start_leave_a_hub_that_begins_and_makes_nothing_twice(campaign: Campaign) -> None:
    made: dict[str, bytes] = {}
    for number in range(FIRST_START_CUTS):
        campaign.power()
        await asyncio.sleep(campaign.chance.uniform(15.0, 25.0) * (1 + number / 2))
        campaign.cut()
        found = _identity(campaign)
        assert {name: found.get(name) for name in made} == made, "what was made once was made anew, or is gone"
        made = found
        campaign.tally.starting += 1


def _identity(campaign: Campaign) -> dict[str, bytes]:
    """Files of the hub's identity on the card that are more than begun."""
    with campaign.medium.read() as tree:
        assert tree.is_sound, tree.words
        places = [tree.take(place, campaign.folder) for place in ("/identity", "/settings") if tree.has(place)]
    return {
        path.name: path.read_bytes()
        for place in places
        for path in place.iterdir()
        if path.is_file() and path.suffix != ".new"
    }


async def test_cuts_under_orders_lose_nothing_and_leave_the_locks_as_ordered(
    campaign: Campaign, figures: Figures
) -> None:
    hub_id = await asyncio.to_thread(_first_meeting, campaign)
    tally = campaign.tally
    async with campaign.around.cloud(hub_id) as cloud:
        traffic = Traffic(cloud, campaign.chance, tuple(LOCKS), refusing_lock="garden")
        while tally.starting + tally.working < CYCLES:
            await campaign.live(cloud, traffic)
            assert tally.broken == []
        await _settle(campaign, cloud, traffic)
    figures.note("power cuts during a start", tally.starting, "")
    figures.note("power cuts of a hub at work", tally.working, "")
    figures.note("orders acknowledged before a cut", tally.acknowledged, "")
    figures.note("orders lost", len(tally.lost), "", 0)
    figures.note("power to the hub's birth at the broker, longest", max(tally.births_s, default=0.0), "s")
    assert tally.lost == set()
    assert tally.complaints == set()
    assert _held(campaign) == traffic.wanted(wall_ms())
    assert traffic.misanswered() == []
    numbers = [event.seq for event in cloud.events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "events have gaps or come twice"


def _first_meeting(campaign: Campaign) -> HubId:
    with switched_on(campaign.machine, campaign.around) as hub:
        hub.meet()
        return hub.hub_id


async def _settle(campaign: Campaign, cloud: Counterpart, traffic: Traffic) -> None:
    """A last life without a cut, until every order has its end and the locks hold what is wanted."""
    await asyncio.to_thread(campaign.power)
    try:
        await until(lambda: not traffic.open_orders(), BORN_S + SETTLE_S, explain=traffic.open_orders)
        await until(lambda: wall_ms() > traffic.last_end(), SETTLE_S)
        await until(
            lambda: _held(campaign) == traffic.wanted(wall_ms()),
            SETTLE_S,
            explain=lambda: _difference(campaign, traffic),
        )
        await asyncio.to_thread(campaign.machine.log_in)
        hub = Hub(campaign.machine, campaign.around)
        await until(lambda: hub.status().get("outbox_count") == 0, SETTLE_S)
        await asyncio.to_thread(campaign.machine.switch_off)
    finally:
        await asyncio.to_thread(campaign.cut)


def _held(campaign: Campaign) -> dict[str, set[str]]:
    return {lock_id: set(campaign.around.pins(lock_id).values()) for lock_id in LOCKS}


def _difference(campaign: Campaign, traffic: Traffic) -> object:
    return _held(campaign), traffic.wanted(wall_ms())


async def test_a_card_that_ignores_flushes_is_found_out(campaign: Campaign, figures: Figures) -> None:
    hub_id = HubId(_identity(campaign)["hub-id"].decode().strip())
    control = Campaign(campaign.around, campaign.medium, campaign.machine, campaign.folder)
    async with plain_group(), campaign.around.cloud(hub_id) as cloud:
        await control.live(cloud, Traffic(cloud, control.chance, tuple(LOCKS), refusing_lock="garden"), "unsafe")
    figures.note(
        "orders lost by a card that ignores flushes, of those acknowledged",
        len(control.tally.lost),
        f"of {control.tally.acknowledged}",
    )
    assert control.tally.lost, "the look at the card is blind: nothing was flushed, and nothing is missed"
