"""Figures of the daemon's inside: planner and store, in process."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.fleet.looks import Bench
from gateway.fleet.steps import advance
from gateway.model import ledger
from gateway.model.access_code import Origin
from gateway.model.answers import Written
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.commands import Command, CreateAccessCode, DeleteAccessCode, Order
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, CommandId, LockId
from gateway.model.instant import DAY_MS, Instant
from gateway.model.issues import Status
from gateway.model.pin import Pin
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import Announced, LockSettings, LockSnapshot
from gateway.orders.receive import Desk, receive
from gateway.orders.rules import HubRules
from gateway.planner.plan import plan
from gateway.store import facts, locks, slots
from gateway.store.database import Connection, Database
from gateway.store.seal import HubKeys, PinSeal
from tests.bench.figure import Figure, at_most, quantile, timed
from tests.builders import LEAD_MS, NOON, SeededEntropy, make_code, make_profile, make_snapshot, reading, slot

CODES = 250
PLANNED_LOCKS = 200
ORDERS = 9_000
LOCKS = 40


def planner() -> Iterator[Figure]:
    """One decision each for 200 locks with 250 codes on 250 slots, nothing due; each is made up just before, as by the store."""
    unit = min(timed(_python_work) for _ in range(20))
    now, spent = reading(NOON), []
    for _ in range(PLANNED_LOCKS):
        at_rest = _lock_at_rest()
        spent.append(timed(lambda at_rest=at_rest: plan(at_rest, now)))  # type: ignore[misc]
    assert plan(at_rest, now).head is None
    seconds = quantile(spent, 0.5)
    how = f"median of one plan() for each of {PLANNED_LOCKS} locks with {CODES} codes; ratio to {_UNIT_TEXT} in the same run"
    name = f"planner decision at {PLANNED_LOCKS} locks x {CODES} codes"
    yield at_most(name, "ms", 1.0, seconds * 1000, how, ratio=seconds / unit)


def _lock_at_rest() -> LockSnapshot:
    """A lock whose codes are all there, proven and told."""
    codes, records, told = [], [], {}
    for number in range(1, CODES + 1):
        code = make_code(f"code-{number}", f"{100_000 + number}", ends_at=Instant(NOON + number * DAY_MS))
        record = ledger.intend_write(
            SlotRecord(slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON), code.code_id, code.digest, NOON
        )
        records.append(ledger.ended(record, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True))
        told[code.code_id] = Announced(Status.SET, code.digest)
        codes.append(code)
    return replace(make_snapshot(*codes, slots=records, profile=make_profile(slots=CODES)), announced=told)


_UNIT_TEXT = "100,000 additions in a Python loop"


def _python_work() -> int:
    total = 0
    for number in range(100_000):
        total += number
    return total


@asynccontextmanager
async def room(folder: Path, name: str, locks_count: int) -> AsyncIterator[tuple[Database, Desk, list[LockId]]]:
    keys = HubKeys.derive(b"b" * 32)
    entropy = SeededEntropy()
    names = [LockId(f"lock-{number}") for number in range(locks_count)]
    desk = Desk(HubRules(dict.fromkeys(names, LockSettings(LEAD_MS))), PinSeal(keys, entropy.token), entropy)
    async with await Database.open(folder / name, keys.page_key) as database:

        def prepare(con: Connection) -> None:
            for lock_id in names:
                locks.put_profile(con, lock_id, make_profile(slots=250))
                locks.set_listed(con, lock_id, NOON)
                for number in range(1, 251):
                    slots.put(con, lock_id, SlotRecord(slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON))

        await database.write(prepare)
        yield database, desk, names


def order(number: int, command: Command, kind: str) -> Order:
    return Order(CommandId(f"order-{number}-{kind}"), kind, Origin.CLOUD, number.to_bytes(4, "big"), command)


async def order_to_intent(folder: Path) -> Iterator[Figure]:
    """From an order in hand to the committed intent of its write: the two transactions between broker and radio."""
    times: list[float] = []
    commits: list[float] = []
    async with room(folder, "intent.db", 1) as (database, desk, names):
        bench = Bench(names[0], LockSettings(LEAD_MS), desk.seal, desk.entropy)
        now = ClockReading(NOON, NOON, ClockTrust.TRUSTED)
        for number in range(200):
            wish = CreateAccessCode(CodeId(f"c{number}"), names[0], "x", Pin(f"{100_000 + number}"))
            order_now = order(number, wish, "access_code.create")
            began = time.perf_counter()
            await database.write(lambda con, order_now=order_now: receive(con, order_now, desk, NOON))  # type: ignore[misc]
            step = await database.write(
                lambda con: advance(con, bench, now, done=None, may_act=lambda _: True, chance=0.0)
            )
            times.append(time.perf_counter() - began)
            assert step is not None
            assert step.intent is not None
            began = time.perf_counter()
            await database.write(lambda con, number=number: facts.write(con, "bench", str(number)))  # type: ignore[misc]
            commits.append(time.perf_counter() - began)
    how = "200 orders for one lock, receive() and advance() on the real store; ratio of medians to one commit of one small row"
    ratio = quantile(times, 0.5) / quantile(commits, 0.5)
    return iter(
        [at_most("order in hand to intent committed, p99", "ms", 20.0, quantile(times, 0.99) * 1000, how, ratio=ratio)]
    )


async def queued_orders(folder: Path) -> Iterator[Figure]:
    """What 9,000 orders cost that queued for a month: creations and deletions over 40 locks, 20 to a transaction."""
    async with room(folder, "queued.db", LOCKS) as (database, desk, names):
        orders: list[Order] = []
        for number in range(ORDERS // 2):
            code_id, lock_id = CodeId(f"c{number}"), names[number % LOCKS]
            wish = CreateAccessCode(
                code_id, lock_id, "x", Pin(f"{1_000 + number % 9_000:04d}"), None, Instant(NOON + DAY_MS)
            )
            orders.append(order(number, wish, "access_code.create"))
            orders.append(order(number, DeleteAccessCode(code_id), "access_code.delete"))
        began = time.process_time()
        for start in range(0, len(orders), 20):
            batch = orders[start : start + 20]
            await database.write(lambda con, batch=batch: [receive(con, one, desk, NOON) for one in batch])  # type: ignore[misc]
        spent = time.process_time() - began
    how = f"CPU of this process for receive() of {ORDERS} orders over {LOCKS} locks, 20 to a transaction, without MQTT and radio"
    return iter([at_most("9,000 queued orders taken", "s CPU", 5.0, spent, how)])
