"""A hub with a few locks in a real store, in the states that a technician meets, and its shell."""

from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.fleet.timekeeper import is_suspect
from gateway.model import ledger
from gateway.model.access_code import Origin
from gateway.model.answers import Empty, Held, RefusalReason, Refused, Sighting, SightingSource, Written
from gateway.model.commands import CreateAccessCode, Order
from gateway.model.events import Event, EventKind, Fact
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, CommandId, HubId, LockId, Slot
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.pin import Pin
from gateway.model.slot import SlotRecord
from gateway.model.snapshot import LockSettings
from gateway.nudge import Nudges
from gateway.orders.receive import Desk, receive
from gateway.orders.rules import HubRules
from gateway.ports import DriverCondition, DriverState
from gateway.shell.catalogue import CATALOGUE
from gateway.shell.context import CloudCondition, Conditions, LockView, Peer, ShellContext
from gateway.shell.session import Answer, encode_answer, encode_request, parse_answer, request_of_words
from gateway.shell.verbs import Shell
from gateway.store import journal, locks, slots
from gateway.store.database import Connection, Database
from gateway.store.seal import HubKeys, PinSeal
from tests.builders import NOON, FakeClock, SeededEntropy, make_profile
from tests.shell.fake_network import FakeNetwork

ZONE = ZoneInfo("Europe/Berlin")
FRONT, BACK, GARAGE = LockId("front-door"), LockId("back-door"), LockId("garage")
NAMES = {FRONT: "Front door", BACK: "Back door", GARAGE: "Garage"}
LEAD = LockSettings(30 * MINUTE_MS)
PEER = Peer(uid=1000, gid=1000, pid=4242)
KEYS = HubKeys.derive(b"s" * 32)

OWNER_PIN, GUEST_PIN, LATE_PIN, GONE_PIN, REFUSED_PIN = "482915", "739104", "615027", "926480", "307518"
CANARIES = (OWNER_PIN, GUEST_PIN, LATE_PIN, GONE_PIN, REFUSED_PIN)


@dataclass
class House:
    """Everything that a test of the shell touches."""

    db: Database
    clock: FakeClock
    nudges: Nudges
    context: ShellContext
    shell: Shell
    conditions: Conditions

    async def run(self, *words: str) -> Answer:
        """One verb as typed, over the encoding that the socket has."""
        line = encode_request(request_of_words(words, CATALOGUE))
        return parse_answer(encode_answer(await self.shell.answer(line, PEER)))

    def set_conditions(self, **changes: object) -> None:
        """Change how the rest of the daemon is."""
        self.conditions = replace(self.conditions, **changes)  # type: ignore[arg-type]  # tests name real fields


def text_of(answer: Answer) -> str:
    """The whole screen as one text."""
    cells = [*answer.lines, *answer.notes]
    if answer.table is not None:
        cells += [cell for row in answer.table.rows for cell in row]
    failure = answer.failure
    said = "" if failure is None else f"{failure.field}: {failure.message} → {failure.remedy}"
    return "\n".join([*(cell.text for cell in cells), said])


async def rows(house: House, *words: str) -> list[list[str]]:
    """The table that the words bring, cell by cell as text."""
    answer = await house.run(*words)
    assert answer.table is not None
    return [[cell.text for cell in row] for row in answer.table.rows]


async def build(folder: Path) -> House:
    """An empty house: three locks in the configuration, none met."""
    db = await Database.open(folder / "gateway.db", KEYS.page_key)
    clock, nudges, entropy = FakeClock(), Nudges(), SeededEntropy()
    desk = Desk(HubRules(dict.fromkeys(NAMES, LEAD)), PinSeal(KEYS, entropy.token), entropy)
    conditions = Conditions(
        clock="time service in step",
        drivers={"zwave": DriverCondition(DriverState.READY)},
        cloud=CloudCondition("connected", Instant(NOON - 3 * HOUR_MS)),
        versions={"gateway": "0.1.0", "zwave-js": "15.29.0"},
        started_at=Instant(NOON - 3 * HOUR_MS - 12 * MINUTE_MS),
    )
    views = {lock_id: LockView(lock_id, name, LEAD) for lock_id, name in NAMES.items()}
    house: House
    networks = {"zwave": FakeNetwork()}
    context = ShellContext(
        db, HubId("hub-1"), desk, views, ZONE, clock, nudges, lambda: house.conditions, is_suspect, networks
    )
    house = House(db, clock, nudges, context, Shell(context), conditions)
    return house


async def furnish(house: House) -> None:
    """Locks in every state that matters, and codes on them."""
    await house.db.write(lambda con: _furnish(con, house.context.desk))


def _furnish(con: Connection, desk: Desk) -> None:
    hour_ago = Instant(NOON - HOUR_MS)
    for lock_id in (FRONT, BACK):
        locks.put_profile(con, lock_id, make_profile(slots=30))
        locks.set_reachable(con, lock_id, hour_ago, is_reachable=True)
        locks.set_listed(con, lock_id, hour_ago)
        journal.append(con, Event(EventKind.DEVICE_ADDED, lock_id), hour_ago)
    locks.set_battery(con, FRONT, 80)
    locks.set_battery(con, BACK, 12)
    order(con, desk, "owner-1", FRONT, "Owner", OWNER_PIN)
    order(con, desk, "guest-2f9c71aa04", FRONT, "Ms Adams", GUEST_PIN, NOON + 3 * HOUR_MS, NOON + 2 * DAY_MS)
    order(con, desk, "cleaner-7", FRONT, "Cleaning company", REFUSED_PIN)
    order(con, desk, "back-late", BACK, "Mr Brown", LATE_PIN)
    order(con, desk, "back-gone", BACK, "Last week's guest", GONE_PIN, None, NOON - 10 * MINUTE_MS)
    empty = Sighting(Empty(), SightingSource.LOCK)
    for lock_id in (FRONT, BACK):
        for number in range(1, 31):
            slots.put(con, lock_id, ledger.sighted(SlotRecord(Slot(number)), empty, hour_ago, desk.seal.digest))
    stranger = ledger.sighted(
        SlotRecord(Slot(2)), Sighting(Held(Pin("9753")), SightingSource.LOCK), hour_ago, desk.seal.digest
    )
    slots.put(con, FRONT, stranger)
    written(con, desk, FRONT, 1, "owner-1", OWNER_PIN, hour_ago)
    written(con, desk, BACK, 1, "back-gone", GONE_PIN, hour_ago)
    refused(con, desk, FRONT, 3, "cleaner-7", REFUSED_PIN, Instant(NOON - 2 * MINUTE_MS))
    locks.set_reachable(con, BACK, Instant(NOON - 12 * MINUTE_MS), is_reachable=False)


def end_all(con: Connection, lock_id: LockId) -> None:
    """All codes of a lock are deleted and proven gone."""
    con.execute(
        "UPDATE access_code SET deleted_at_ms = ?, finished_at_ms = ? WHERE lock_id = ? AND finished_at_ms IS NULL",
        (NOON, NOON, lock_id),
    )


def order(
    con: Connection,
    desk: Desk,
    code_id: str,
    lock_id: LockId,
    name: str,
    pin: str,
    starts_at: int | None = None,
    ends_at: int | None = None,
) -> None:
    """An order of the cloud, received an hour and a half ago."""
    command = CreateAccessCode(
        CodeId(code_id),
        lock_id,
        name,
        Pin(pin),
        None if starts_at is None else Instant(starts_at),
        None if ends_at is None else Instant(ends_at),
    )
    at = Instant(NOON - HOUR_MS - 30 * MINUTE_MS)
    taken = receive(
        con,
        Order(CommandId(f"order-{code_id}"), "access_code.create", Origin.CLOUD, code_id.encode(), command),
        desk,
        at,
    )
    assert taken.rejection is None, taken.rejection


def written(con: Connection, desk: Desk, lock_id: LockId, number: int, code_id: str, pin: str, at: Instant) -> None:
    """A write that the lock confirmed."""
    record = slots.get(con, lock_id, Slot(number))
    intended = ledger.intend_write(record, CodeId(code_id), desk.seal.digest(Pin(pin)), at)
    slots.put(con, lock_id, ledger.ended(intended, Written(Evidence.SUPERVISED), at, 1, supervision_is_honest=True))
    body: dict[str, Fact] = {"slot": number, "reason": "write", "try": 1}
    journal.note(con, "slot.write.intended", at, lock_id=lock_id, code_id=CodeId(code_id), body=body)


def refused(con: Connection, desk: Desk, lock_id: LockId, number: int, code_id: str, pin: str, at: Instant) -> None:
    """A write that the lock refused for good."""
    record = slots.get(con, lock_id, Slot(number))
    intended = ledger.intend_write(record, CodeId(code_id), desk.seal.digest(Pin(pin)), at)
    answer = Refused(RefusalReason.DUPLICATE)
    slots.put(con, lock_id, ledger.ended(intended, answer, at, 1, supervision_is_honest=True))
