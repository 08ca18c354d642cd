"""The reckoning after the storm: memories exactly as ordered, every order answered once, every event heard once.

Everything here is asked of a world in which nothing has gone wrong for a while. What is not yet as it should be comes back as
sentences, so that the world can wait while it may still become so, and cry when it has not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from gateway.cloud.report import CloudEvent
from gateway.model.events import EventKind
from gateway.model.instant import DAY_MS, MINUTE_MS, Instant
from gateway.planner.backoff import REPEATS_PER_DAY
from gateway.store import journal
from gateway.store.database import Connection
from tests.sim.auditors import Auditors, Scene
from tests.sim.auditors_record import at_rest
from tests.sim.auditors_time import may_be_there
from tests.sim.book import Wish
from tests.sim.doors import Door

SETTLING_MS = 10 * MINUTE_MS
"""How long after its lead a code may still be on its way in a world without trouble."""

ANSWERS = frozenset({EventKind.COMMAND_ACCEPTED.value, EventKind.COMMAND_REJECTED.value})
ENDINGS = frozenset({EventKind.COMMAND_APPLIED.value, EventKind.COMMAND_FAILED.value})


def unsettled(scene: Scene, auditors: Auditors, heard: Sequence[CloudEvent]) -> list[tuple[str, str]]:
    """Everything that is not as it should be, each with the auditor that says so."""
    refused = {
        str(event.body.get("access_code_id")): str(event.body.get("command_id"))
        for event in heard
        if event.kind == EventKind.COMMAND_FAILED and event.body.get("reason") == "refused"
    }
    found = [("memory", line) for door in scene.doors.values() for line in _of_door(scene, auditors, door, refused)]
    found += [("answers", line) for line in _of_orders(scene, auditors, heard)]
    found += [("events", line) for line in _of_events(scene.disk.connection, heard)]
    found += [("record", line) for line in at_rest(scene.disk.connection, scene.true.now())]
    return found


def _of_door(scene: Scene, auditors: Auditors, door: Door, refused: dict[str, str]) -> Iterator[str]:
    """The lock's memory against the book (I3 the other way round: what must be there, is there)."""
    now, lead_ms = scene.true.now(), scene.lead_ms
    pins = door.firmware.pins()
    wishes = {wish.code_id: wish for wish in scene.book.of_lock(door.lock_id)}
    held = {tenant.code_id for (lock_id, _), tenant in auditors.tenants.items() if lock_id == door.lock_id}
    for wish in wishes.values():
        is_due = wish.is_wanted(now, lead_ms) and now >= wish.opens_at(lead_ms) + SETTLING_MS
        if is_due and wish.code_id not in held and not _is_excused(scene, auditors, door, wish, refused):
            yield f"{door.lock_id}: {wish.code_id} should be on the lock and is not"
    for (lock_id, slot), tenant in auditors.tenants.items():
        if lock_id != door.lock_id:
            continue
        wanted = wishes.get(tenant.code_id)
        if slot in door.unheard:
            continue
        is_ahead = wanted is not None and may_be_there(door, slot, wanted, now, now)
        if wanted is None or not (wanted.is_wanted(now, lead_ms) or is_ahead):
            yield f"{door.lock_id}: slot {slot} holds a PIN of {tenant.code_id}, which does not belong there"
        elif wanted.pin not in {None, tenant.pin} and wanted.order_id not in refused.values():
            yield f"{door.lock_id}: slot {slot} holds an earlier PIN of {tenant.code_id}"
        elif pins.get(slot) != tenant.pin:
            yield f"{door.lock_id}: slot {slot} should hold a PIN of {tenant.code_id} and does not"


def _is_excused(scene: Scene, auditors: Auditors, door: Door, wish: Wish, refused: dict[str, str]) -> bool:
    """Whether the lock itself, or a person who may, keeps the code away."""
    pins = door.firmware.pins()
    # A code that a person may take off keeps its slot until its end, so that it can be put back by an order.
    taken = set(pins) | {slot for (lock_id, slot) in auditors.claims if lock_id == door.lock_id}
    # A spare makes room for whoever is due (A16).
    taken -= {
        slot
        for (lock_id, slot), who in auditors.tenants.items()
        if lock_id == door.lock_id and scene.is_spare(who.code_id)
    }
    if wish.is_change_allowed or len(taken) >= door.model.slots or refused.get(wish.code_id) == wish.order_id:
        return True
    # Behind asterisks a PIN that a hand put in the place of ours unheard is taken for ours.
    is_lost_unheard = any(slot not in pins or door.model.is_masked for slot in door.unheard)
    has_twin = any(pin == wish.pin for (lock_id, _), pin in auditors.strangers.items() if lock_id == door.lock_id)
    return is_lost_unheard or has_twin


def _of_orders(scene: Scene, auditors: Auditors, heard: Sequence[CloudEvent]) -> Iterator[str]:
    """Each order: one `received`, one `accepted` or `rejected`, then at most one ending, and none missing (C2, N3)."""
    answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for event in heard:
        if event.kind.startswith("command."):
            answers[str(event.body.get("command_id"))][event.kind] += 1
    now = scene.true.now()
    for order_id, sent in scene.book.sent.items():
        told = answers[order_id]
        firsts, endings = sum(told[kind] for kind in ANSWERS), sum(told[kind] for kind in ENDINGS)
        if told[EventKind.COMMAND_RECEIVED] != 1 or firsts != 1:
            yield f"order {order_id} ({sent.kind} {sent.code_id}) has the answers {dict(told)}"
        elif endings > told[EventKind.COMMAND_ACCEPTED]:
            yield f"order {order_id} ({sent.kind} {sent.code_id}) has {endings} endings"
        elif endings == 0 and told[EventKind.COMMAND_ACCEPTED] and not _may_be_open(scene, auditors, order_id, now):
            yield f"order {order_id} ({sent.kind} {sent.code_id}) is still open"


def _may_be_open(scene: Scene, auditors: Auditors, order_id: str, now: Instant) -> bool:
    """Whether an accepted order still waits for its time, or for something that never comes."""
    if not scene.book.sent[order_id].is_changing:
        return False
    code_id = scene.book.sent[order_id].code_id
    if scene.book.last_order[code_id] != order_id:
        return False
    wish = scene.book.wishes[code_id]
    if wish.is_deleted or wish.is_over(now):
        return False
    is_on_lock = any(tenant.code_id == code_id for tenant in auditors.tenants.values())
    return not is_on_lock or now < wish.opens_at(scene.lead_ms) + SETTLING_MS


def _of_events(con: Connection, heard: Sequence[CloudEvent]) -> Iterator[str]:
    """The cloud has what the journal has: in order, gapless, each once (design-I6)."""
    rows = [row[0] for row in con.execute("SELECT kind FROM journal WHERE seq IS NOT NULL ORDER BY seq")]
    if [event.seq for event in heard] != list(range(1, len(rows) + 1)):
        yield f"the cloud has {len(heard)} events, the last with number {heard[-1].seq if heard else 0}, of {len(rows)}"
    elif [event.kind for event in heard] != rows:
        yield "the cloud has other events than the journal"
    if journal.acknowledged(con) != len(rows):
        yield f"the hub has receipts for {journal.acknowledged(con)} of {len(rows)} events"
    if (line := journal.verify(con)) is not None:
        yield f"the journal's chain breaks at line {line}"


def is_budget_spent(con: Connection, now: Instant) -> bool:
    """Whether a code has used up its tries of today and may wait for tomorrow (A8)."""
    row = con.execute(
        "SELECT count(*) FROM effort WHERE day = ? AND repeats >= ?", (now // DAY_MS, REPEATS_PER_DAY)
    ).fetchone()
    return row is not None and row[0] != 0
