"""A whole house on virtual time: the real gateway, simulated locks, broker and cloud, people, and auditors who watch.

The gateway is the one that runs on a device (`hub.py`). Four things are put in place of its edges: the clock, chance, the
broker's link and the driver; its database is real SQLite that works in place.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, override

from drivers.simulator.lock.firmware import Refusal
from drivers.simulator.lock.profiles import LockModel, shipped_model
from gateway.cloud.backoff import Pace
from gateway.cloud.counterpart import Counterpart
from gateway.cloud.link import LinkDown
from gateway.cloud.report import EventReceipt
from gateway.model.events import EventKind, Fact
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import DAY_MS, MINUTE_MS, Instant
from gateway.model.pin import Pin
from gateway.runtime.wiring import SECRET_NAME
from gateway.store import codes, journal
from gateway.store.journal import StoredEvent
from gateway.store.seal import HubKeys, PinSeal, load_secret
from tests.builders import SeededEntropy
from tests.sim.auditors import LOOK_S, Auditors
from tests.sim.auditors_time import lead_of
from tests.sim.book import Book, Wish
from tests.sim.broker import Habits, SimBroker, SimLink
from tests.sim.clock import TrueTime
from tests.sim.cloud import PIN_DIGITS, Manager, wish_text
from tests.sim.doors import Change, Door, Verb
from tests.sim.hub import HUB, Hub, Place
from tests.sim.reckoning import is_budget_spent, unsettled
from tests.sim.secrets_watch import Ear, without_answer
from tests.sim.trace import Trace

SETTLED_LOOK_S = 300.0
SETTLED_WITHIN_S = 4 * 3600.0
"""How long a world without trouble may take until everything is as ordered: the longest back-off, twice, and the longest
patience of both sides of the cloud link."""

DAY_S = 86_400.0


@dataclass(slots=True)
class Tally:
    """What a world counted."""

    orders: int = 0
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    lives: int = 0
    commits: int = 0


class Witness(Protocol):
    """Who follows a world beside its auditors."""

    def on_accepted(self, wish: Wish, at: Instant) -> None:
        """The hub took an order, and this is what is wanted now."""
        ...

    def on_event(self, stored: StoredEvent) -> None:
        """The hub committed an event."""
        ...

    def on_refusal(self, door: Door, slot: int, pin: str, why: Refusal) -> None:
        """A lock did not take a PIN of the hub's."""
        ...

    def on_trouble(self, what: str, lock_id: str | None) -> None:
        """Something went wrong, or has just ended, at one lock or everywhere."""
        ...


class World(Hub):
    """Everything there is. Make it with `opened`."""

    def __init__(
        self,
        seed: object,
        folder: Path,
        tasks: asyncio.TaskGroup,
        models: Sequence[LockModel],
        memory: Mapping[int, Mapping[int, str]],
        show: Callable[[str], None] | None,
    ) -> None:
        self.seed = seed
        self.loop = asyncio.get_running_loop()
        self.true = TrueTime(self.loop.time)
        self.trace = Trace(self.true, show)
        self.witnesses: list[Witness] = []
        self.book = Book()
        self.broker = SimBroker(self.chance("broker"), Habits())
        self.broker.on_taken = self._on_taken
        self.doors = {
            f"lock-{number}": Door(f"lock-{number}", model, self, self.chance(f"door {number}"), memory.get(number, {}))
            for number, model in enumerate(models, 1)
        }
        life_entropy = self._entropy("hub")
        super().__init__(Place(folder, tasks, self.true, self.broker, self.doors, life_entropy))
        self.auditors = Auditors(self)
        self.counterpart = Counterpart(
            link=SimLink(self.broker, "cloud"),
            hub_id=HUB,
            entropy=self._entropy("cloud"),
            pace=Pace(longest_s=60),
            repeat_s=300,
            # The world's first life begins the one epoch there is; a cloud that waited for the birth to learn it would
            # miss what overtakes the birth on a broker without order.
            received_up_to=EventReceipt(self.true.now(), 0),
        )
        digits = {name: min(PIN_DIGITS, door.model.pin_length_max) for name, door in self.doors.items()}
        self.manager = Manager(self.book, self.counterpart, digits, self.chance("manager"), self._send_raw)
        self.ear = Ear(self._is_pin, self.auditors.cry)
        self._tasks = tasks
        secret = load_secret(folder / SECRET_NAME, life_entropy.token)
        self._keys = HubKeys.derive(secret)
        self._seal = PinSeal(self._keys, self._entropy("judge").token)
        self._disturbed_at: Instant = self.true.now()
        self._last_line = 0
        self._sent_bytes: dict[str, bytes] = {}
        self._quiet_since: Instant | None = None
        self._looks: Counter[str] = Counter()
        self._discovered: dict[str, Instant] = {}
        self._barred: dict[tuple[str, int], Instant] = {}
        self._leads: dict[str, int] = {}

    def chance(self, name: str) -> random.Random:
        """Chance of its own for every purpose, so that one fault more does not change all others."""
        return random.Random(f"{self.seed} {name}")

    def _entropy(self, name: str) -> SeededEntropy:
        return SeededEntropy(self.chance(f"entropy {name}").getrandbits(64))

    # What goes wrong.

    @override
    def disturbed(self, what: str, /, **facts_: object) -> None:
        """Something went wrong, or has just ended: bounds count anew."""
        self._disturbed_at = self.true.now()
        self.trace.note(what.replace(" ", "_"), **facts_)
        lock = facts_.get("lock")
        for witness in self.witnesses:
            witness.on_trouble(what, None if lock is None else str(lock))

    # What auditors ask.

    def digest(self, pin: str) -> bytes:
        return Pin(pin).digest(self._keys.digest_key)

    def is_spare(self, code_id: str) -> bool:
        return code_id in self.auditors.pools.spares

    def calm_since(self) -> Instant | None:
        if self.life is None or self.driver_gone or any(door.is_deaf for door in self.doors.values()):
            return None
        return self._disturbed_at

    # What the world hears.

    def on_call(self, door: Door, verb: Verb, slot: int | None, pin: str | None) -> None:
        self.trace.note("call", lock=door.lock_id, verb=verb.value, slot=slot, pin=pin)
        self.auditors.on_call(door, verb, slot, pin)
        now, since = self.true.now(), self._quiet_since
        self._looks[door.lock_id] += verb is Verb.READ
        is_audit = verb is Verb.READ and self._looks[door.lock_id] == 1  # one in an hour is the rotating audit (N5)
        if slot in door.unheard:
            self._discovered[door.lock_id] = now  # what a hand did and nobody told comes to light: the hub may mend it
        is_mending = now - self._discovered.get(door.lock_id, Instant(-DAY_MS)) < 10 * MINUTE_MS
        is_barred, leads = self._is_barred(door, slot, pin), self._leads_in_force(door.lock_id)
        if since is None or is_audit or is_mending or is_barred:
            return
        if not self._is_edge_near(door.lock_id, leads, now):
            self.auditors.cry("quiet", f"{door.lock_id}: {verb} of slot {slot} though nothing has changed")

    def on_change(self, door: Door, change: Change) -> None:
        self.trace.note("memory", lock=door.lock_id, slot=change.slot, to=change.after, by=change.actor.value)
        self.auditors.on_change(door, change)

    def on_refusal(self, door: Door, slot: int, pin: str, why: Refusal) -> None:
        for witness in self.witnesses:
            witness.on_refusal(door, slot, pin, why)

    def on_disturbance(self, door: Door, what: str) -> None:
        self.disturbed(what, lock=door.lock_id)

    def _is_barred(self, door: Door, slot: int | None, pin: str | None) -> bool:
        """Whether this is a try, or the look after it, to write a PIN that a stranger's slot has: it is told as failed and tried on (A8)."""
        if slot is None:
            return False
        if any(pin == theirs for (lock_id, _), theirs in self.auditors.strangers.items() if lock_id == door.lock_id):
            self._barred[door.lock_id, slot] = self.true.now()
        return self.true.now() - self._barred.get((door.lock_id, slot), Instant(-DAY_MS)) < MINUTE_MS

    def _leads_in_force(self, lock_id: str) -> set[int]:
        """Milliseconds before a start. A call that went well makes a weak link's lead shorter: what follows it still belongs to the
        lead that began it.
        """
        lead_ms = lead_of(self.disk.connection, lock_id, self.lead_ms)
        before_ms, self._leads[lock_id] = self._leads.get(lock_id, lead_ms), lead_ms
        return {lead_ms, before_ms}

    def _is_edge_near(self, lock_id: str, leads: set[int], now: Instant) -> bool:
        wishes = list(self.book.of_lock(lock_id))
        edges = [wish.ends_at for wish in wishes] + [wish.opens_at(lead) for wish in wishes for lead in leads]
        return any(edge is not None and edge <= now <= edge + 10 * MINUTE_MS for edge in edges)

    @override
    def on_commit(self) -> None:
        con = self.disk.connection
        last = journal.last_seq(con)
        if last == self._last_line:
            return
        for stored in journal.outbox(con, self._last_line, last - self._last_line):
            event = stored.event
            self.trace.note("event", seq=stored.seq, kind=event.kind.value, code=event.code_id, of=event.command_id)
            if event.kind is EventKind.COMMAND_ACCEPTED:
                self._accept(str(event.command_id), event.body)
            self.auditors.pools.on_event(event)
            self.auditors.on_event(stored)
            for witness in self.witnesses:
                witness.on_event(stored)
        self._last_line = last

    def _accept(self, order_id: str, answer: Mapping[str, Fact]) -> None:
        generation, sent = answer.get("generation"), self.book.sent[order_id]
        if not sent.is_changing:
            return
        assert isinstance(generation, int)
        wish = self.book.accept(order_id, generation)
        self.trace.note("wish", told=wish_text(wish))
        if wish.pin is None and not wish.is_deleted:
            self.book.learn_pin(wish.code_id, self.open_pin(CodeId(wish.code_id), LockId(wish.lock_id)))
        self.auditors.pools.accepted(sent, self.book.wishes[wish.code_id], self.true.now())
        for witness in self.witnesses:
            witness.on_accepted(self.book.wishes[wish.code_id], self.true.now())

    def open_pin(self, code_id: CodeId, lock_id: LockId) -> str:
        """The digits of a code as the hub keeps them; from then on nobody may say them."""
        sealed = codes.sealed_pin(self.disk.connection, code_id)
        assert sealed is not None
        pin = self._seal.open(sealed, lock_id, code_id).reveal()
        self.manager.pins.add(pin)
        return pin

    def _on_taken(self, sender: str, topic: str, payload: bytes) -> None:
        if sender != HUB:
            return
        text = payload.decode()
        self.ear.check(topic, without_answer(text))
        if topic.endswith("/evt"):
            name = text.split('"id":"', 1)[1].split('"', 1)[0]
            if self._sent_bytes.setdefault(name, payload) != payload:
                self.auditors.cry("events", f"event {name} was sent with two contents")

    def _is_pin(self, digits: str) -> bool:
        return digits in self.manager.pins

    def _send_raw(self, payload: bytes) -> None:
        async def send() -> None:
            with suppress(LinkDown):
                await self.counterpart.send(payload)

        self._tasks.create_task(send(), name="order sent again")

    # Acts of a play.

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def settle(self, within_s: float = SETTLED_WITHIN_S) -> list[tuple[str, str]]:
        """Wait until everything is as it should be, or time is up; what is not, is left over."""
        began = self.loop.time()
        while True:
            left = unsettled(self, self.auditors, self.counterpart.events)
            if not left:
                return []
            if self.loop.time() - began > within_s and not is_budget_spent(self.disk.connection, self.true.now()):
                return left
            if self.loop.time() - began > within_s + DAY_S:
                return left
            await asyncio.sleep(SETTLED_LOOK_S)

    async def reckon(self, quiet_s: float = 3600.0) -> None:
        """The calm: everything settles, and then nothing happens for an hour (design-I5)."""
        # A hub that has just got its power back still has to look; no question of the settling shows that.
        await asyncio.sleep(SETTLED_LOOK_S)
        for auditor, told in await self.settle():
            self.auditors.cry(auditor, told)
        self._quiet_since = self.true.now()
        self._looks.clear()
        await asyncio.sleep(quiet_s)
        self._quiet_since = None

    def tally(self) -> Tally:
        found = Tally(
            orders=len(self.book.sent),
            events=len(self.counterpart.events),
            lives=self.lives,
            commits=self.disk.commits,
        )
        found.faults = self.faults + self.broker.counts
        for door in self.doors.values():
            found.faults += door.struck
            found.calls.update({verb.value: count for verb, count in door.calls.items()})
        return found

    async def watch(self) -> None:
        """The slow auditors' rounds."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.auditors.look()


@asynccontextmanager
async def opened(
    seed: object,
    models: Sequence[LockModel] | None = None,
    *,
    memory: Mapping[int, Mapping[int, str]] = {},
    show: Callable[[str], None] | None = None,
) -> AsyncIterator[World]:
    """A world with the hub running, the cloud connected and the auditors watching; `memory` by number of the lock from 1."""
    with TemporaryDirectory(prefix="keypad-world-") as folder:
        async with asyncio.TaskGroup() as tasks:
            world = World(seed, Path(folder), tasks, models or [shipped_model("plain_v1")], memory, show)
            asyncio.get_running_loop().set_exception_handler(
                lambda _, context: world.auditors.cry("fault", str(context.get("exception") or context["message"]))
            )
            with world.ear.listening():
                background = [tasks.create_task(world.counterpart.run(), name="cloud")]
                background.append(tasks.create_task(world.watch(), name="auditors"))
                world.plug_in()
                yield world
                if world.life is not None:
                    await world.stop()
                for task in background:
                    task.cancel()
                await asyncio.sleep(1)
