"""Mutation stories: each rule broken on purpose, and the auditor that has to cry. And the same story unbroken: silence."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from drivers.simulator.doors.driver import InProcessLock
from drivers.simulator.lock.profiles import Duplicates, shipped_model
from gateway.cloud import pump, report
from gateway.fleet import steps
from gateway.model import ledger
from gateway.model.answers import SightingSource, Written
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.commands import Order, Receipt, Reception
from gateway.model.events import Event, EventKind
from gateway.model.evidence import Evidence
from gateway.model.ids import LockId, Slot
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.pin import Pin
from gateway.model.slot import Outcome, SightedAs, SlotRecord, Verdict, Wanted, judge
from gateway.model.window import Window
from gateway.orders import changes, receive
from gateway.planner import diff, native, plan
from gateway.planner.actions import ReadSlot, Reason, Urgency
from gateway.planner.desired import Desire, desire
from gateway.planner.diff import Candidate, Scene
from gateway.store import journal, slots
from gateway.store.database import Connection as Database
from gateway.store.journal import StoredEvent
from tests.sim.stories.house import HOUR_S, LOCK, create, delete, new_pin, tell
from tests.sim.world import World

ALLOWING = [replace(shipped_model("plain_v1"), duplicates=Duplicates.ALLOW, slots=4)]


async def stay(world: World) -> None:
    """An owner, and a guest who comes and goes; the lock is out of reach for a while."""
    create(world, "owner", "25802580")
    create(world, "guest", "14701470", starts_in_s=2 * HOUR_S, ends_in_s=5 * HOUR_S)
    await world.pass_time(3 * HOUR_S)
    new_pin(world, "owner", "36903690")
    await world.pass_time(HOUR_S)
    world.doors[LOCK].set_deaf(is_deaf=True)
    await world.pass_time(2 * HOUR_S)
    world.doors[LOCK].set_deaf(is_deaf=False)
    await world.pass_time(HOUR_S)


def names(story: Callable[[World], object] = stay, **house: object) -> list[str]:
    return [violation.auditor for violation in tell(story, **house)]  # type: ignore[arg-type] # a story, with its house


def test_nobody_cries_when_nothing_is_broken() -> None:
    assert tell(stay) == []
    assert tell(stay, models=ALLOWING, memory={1: {1: "99999999"}}) == []


def test_i1_a_write_over_a_strangers_code_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge_greedily(record: SlotRecord, wanted: Wanted | None) -> Verdict:
        found = judge(record, wanted)
        return Verdict.FREE if found is Verdict.FOREIGN else found

    def intend(record: SlotRecord, *rest: object) -> SlotRecord:
        seen_empty = replace(record, sighted=SightedAs.EMPTY, sighted_digest=None, sighted_by=SightingSource.LOCK)
        return original(seen_empty, *rest)  # type: ignore[arg-type] # passed on

    original = ledger.intend_write
    monkeypatch.setattr(plan, "judge", judge_greedily)
    monkeypatch.setattr(ledger, "intend_write", intend)

    async def move_in(world: World) -> None:
        create(world, "owner", "25802580")
        await world.pass_time(HOUR_S)

    assert "stranger" in names(move_in, memory={1: {1: "99999999"}})


def test_i2_a_call_without_intent_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    put = slots.put
    forgotten: list[SlotRecord] = []

    def forget(con: Database, lock_id: LockId, record: SlotRecord) -> None:
        if record.outcome is Outcome.PENDING and not forgotten:
            forgotten.append(record)
        else:
            put(con, lock_id, record)

    monkeypatch.setattr(slots, "put", forget)

    async def order(world: World) -> None:
        create(world, "owner", "25802580")
        await world.pass_time(60)

    assert "intent" in names(order)


def test_i3_a_code_that_stays_beyond_its_end_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(code: object, reading: ClockReading, *rest: object, **named: object) -> Desire:
        behind = replace(reading, lo=Instant(reading.lo - 10 * MINUTE_MS))
        return desire(code, behind, *rest, **named)  # type: ignore[arg-type] # passed on

    async def visit(world: World) -> None:
        create(world, "guest", "14701470", ends_in_s=HOUR_S)
        await world.pass_time(2 * HOUR_S)

    assert names(visit) == []
    monkeypatch.setattr(plan, "desire", late)
    assert "removal" in names(visit)


def test_i3_a_deleted_code_that_is_not_removed_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = diff.candidates

    def without_removals(scene: Scene) -> Iterator[Candidate]:
        return (each for each in candidates(scene) if getattr(each.action, "urgency", None) is not Urgency.REMOVE)

    monkeypatch.setattr(plan, "candidates", without_removals)

    async def fire(world: World) -> None:
        create(world, "cleaner", "25802580")
        await world.pass_time(60)
        delete(world, "cleaner")
        await world.pass_time(600)

    assert {"removal", "memory"} <= set(names(fire))


def test_i4_one_code_in_two_slots_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    write = InProcessLock.write_slot

    async def twice(self: InProcessLock, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> object:
        self.firmware.write(slot + 1, pin.reveal(), self.now())
        return await write(self, slot, pin, window=window, old_pin=old_pin)

    monkeypatch.setattr(InProcessLock, "write_slot", twice)

    async def order(world: World) -> None:
        create(world, "owner", "25802580")
        await world.pass_time(60)

    assert "once" in names(order, models=ALLOWING)


def test_i4_one_pin_for_two_codes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "rival", lambda *_: None)
    monkeypatch.setattr(Scene, "other_holder", lambda *_: None)

    async def order(world: World) -> None:
        create(world, "owner", "25802580")
        create(world, "twin", "25802580")
        await world.pass_time(60)

    assert "once" in names(order, models=ALLOWING)


def test_i5_a_needless_look_in_the_calm_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = diff.candidates

    def curious(scene: Scene) -> Iterator[Candidate]:
        yield from candidates(scene)
        for slot, record in scene.snapshot.slots.items():
            if record.lease is not None:
                yield Candidate(
                    ReadSlot(slot, record.lease, Reason.PROVE, scene.reading.lo, Urgency.PROVE),
                    Instant((record.sighted_at or scene.reading.lo) + 10 * MINUTE_MS),
                )

    async def order(world: World) -> None:
        create(world, "owner", "25802580")
        await world.pass_time(60)

    monkeypatch.setattr(plan, "candidates", curious)
    assert "quiet" in names(order)


def test_i5_what_a_hand_did_and_nobody_told_may_be_mended_in_the_calm() -> None:
    """Seed 15: a lock that tells of no reset was reset in the storm, and the rotating audit found it in the calm."""

    async def order(world: World) -> None:
        create(world, "owner", "25802580")
        create(world, "guest", "14701470")
        await world.pass_time(5.5 * HOUR_S)
        world.doors[LOCK].reset(world.loop.time(), is_told=False)

    assert tell(order) == []


def test_i6_an_event_that_is_never_sent_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    send = pump.OutboxPump._send

    async def forgetful(self: pump.OutboxPump, epoch: int, stored: StoredEvent) -> None:
        if stored.seq == 5:
            self._sent = stored.seq
        else:
            await send(self, epoch, stored)

    monkeypatch.setattr(pump.OutboxPump, "_send", forgetful)
    assert "events" in names()


def test_i6_two_contents_under_one_number_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    encode = report.encode_event
    count = iter(range(10**6))

    def restless(*arguments: object) -> bytes:
        return encode(*arguments).replace(b'"v":1', b'"v":1,"again":%d' % next(count))  # type: ignore[arg-type] # passed on

    monkeypatch.setattr("gateway.cloud.pump.encode_event", restless)

    async def silence(world: World) -> None:
        world.counterpart.is_receipting = False
        create(world, "owner", "25802580")
        await world.pass_time(HOUR_S)
        world.counterpart.is_receipting = True
        world.counterpart.receipt()

    assert "events" in names(silence)


def test_n3_an_order_that_is_answered_twice_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(con: Database, order: Order, desk: receive.Desk, at: Instant) -> Receipt:
        found = receive.receive(con, order, desk, at)
        if found.reception is Reception.REPEATED:
            for kind in (EventKind.COMMAND_RECEIVED, EventKind.COMMAND_REJECTED):
                journal.append(con, Event(kind, command_id=order.command_id), at)
        return found

    monkeypatch.setattr("gateway.cloud.reception.receive", careless)

    async def repeat(world: World) -> None:
        world.broker.habits.doubles = 1.0
        create(world, "owner", "25802580")
        await world.pass_time(60)
        world.broker.habits.doubles = 0.0

    assert "answers" in names(repeat)


def test_i7_a_pin_in_a_log_line_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    intend = steps._intend

    def talkative(*arguments: object) -> steps.Intent:
        found = intend(*arguments)  # type: ignore[arg-type] # passed on
        if found.pin is not None:
            logging.getLogger("gateway.fleet.steps").debug("intent", extra={"pin": found.pin.reveal()})
        return found

    monkeypatch.setattr(steps, "_intend", talkative)
    assert "secret" in names()


def test_i7_a_pin_in_an_event_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = changes.shown
    monkeypatch.setattr(receive, "shown", lambda *given: shown(*given) | {"code": "25802580"})
    assert "secret" in names()


def test_i8_a_start_on_an_untrusted_clock_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def arrive_in_doubt(world: World) -> None:
        create(world, "guest", "14701470", starts_in_s=2 * HOUR_S, ends_in_s=20 * HOUR_S)
        await world.pass_time(HOUR_S)
        world.pull_plug()
        await world.pass_time(60)
        life = world.plug_in(is_synced=False)
        await world.pass_time(2 * HOUR_S)
        world.sync(life)

    assert names(arrive_in_doubt) == []

    def believing(code: object, reading: ClockReading, *rest: object, **named: object) -> Desire:
        return desire(code, replace(reading, trust=ClockTrust.TRUSTED), *rest, **named)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(plan, "desire", believing)
    monkeypatch.setattr(diff, "_is_start_in_doubt", lambda *_: False)
    assert "trust" in names(arrive_in_doubt)


def test_a3_a_code_before_its_lead_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "lead_ms", lambda *_: 3 * HOUR_MS - MINUTE_MS)

    async def book(world: World) -> None:
        create(world, "guest", "14701470", starts_in_s=3 * HOUR_S, ends_in_s=5 * HOUR_S)
        await world.pass_time(4 * HOUR_S)

    assert "window" in names(book)


def test_n6_a_claim_without_truth_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pretend(self: InProcessLock, *_: object, **__: object) -> Written:
        return Written(Evidence.SUPERVISED)

    monkeypatch.setattr(InProcessLock, "write_slot", pretend)
    found = names()
    assert {"claim", "memory"} <= set(found)


def test_a_part_of_the_daemon_that_dies_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = diff._write, iter(range(10**6))

    def broken(*arguments: object) -> Candidate:
        if next(calls) == 0:
            raise ZeroDivisionError
        return write(*arguments)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(diff, "_write", broken)
    assert "fault" in names()
