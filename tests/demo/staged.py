"""A stay as it should be, made up: for tests of checks, table and picture that need no house."""

from gateway.cloud.report import CloudEvent
from gateway.model.events import Fact
from gateway.model.instant import Instant, format_instant
from tests.demo.record import (
    DOORS,
    FOREIGN_PIN,
    FOREIGN_SLOT,
    FRONT,
    GARDEN,
    STUDIO,
    Arrival,
    Code,
    Door,
    Frame,
    Heard,
    Look,
    Moment,
    Ordered,
    Outage,
    Press,
    Record,
    RestartCount,
    Who,
)

BEGAN = 1_800_000_000_000
LEAD, START, KILL, BACK, NO_BROKER, END, BROKER, LAST = (
    BEGAN + second * 1000 for second in (10, 17, 20, 24, 30, 38, 44, 50)
)
PINS = {Who.OWNER: "31415926", Who.GUEST: "27182818", Who.GARDENER: "16180339"}


def good_record() -> Record:
    """Everything went well."""
    record = Record(BEGAN, lead_ms=START - LEAD, hears_ms=5000, checkout_ms=10_000, gap_max_ms=2000)
    for who, door in ((Who.OWNER, FRONT), (Who.OWNER, GARDEN), (Who.OWNER, STUDIO), (Who.GARDENER, GARDEN)):
        record.codes.append(Code(f"{who}-{door.lock_id}", who, door, PINS[who]))
    for door in (FRONT, STUDIO):
        record.codes.append(Code(f"Guest-{door.lock_id}", Who.GUEST, door, PINS[Who.GUEST], START, END))
    record.orders = [Ordered(BEGAN, f"create {c.code_id}", "access_code.create", c, True) for c in record.codes]
    record.orders.append(
        Ordered(BROKER - 8000, "delete", "access_code.delete", code(record, Who.GARDENER, GARDEN), False)
    )
    _fill_memory(record)
    _type(record)
    _hear(record)
    record.hub_outage, record.broker_outage = Outage(KILL, BACK), Outage(NO_BROKER, BROKER)
    record.healed_by = BROKER + 75_000
    counts = {door.name: 40 for door in DOORS}
    record.restart = RestartCount(counts, dict(counts), 3.0)
    record.frames = [Frame(BEGAN + 1000, FRONT, True, "S2 > Supervision > Extended User Code Set #2", True)]
    record.leaks, record.searched = [], "4 PINs in 6 logs"
    record.look_count, record.longest_blink_ms = 500, 130
    record.is_over, record.now = True, LAST
    return record


def code(record: Record, who: Who, door: Door) -> Code:
    """Somebody's code on a door."""
    return next(found for found in record.codes if found.who is who and found.door == door)


def look(door: Door, slots: dict[int, str], since: int, to: int) -> Look:
    """What a lock showed from one instant to another."""
    return Look(door, slots, since, since + 5, to, to + 5)


def _fill_memory(record: Record) -> None:
    owner, guest, gardener = PINS[Who.OWNER], PINS[Who.GUEST], PINS[Who.GARDENER]
    foreign = {FOREIGN_SLOT: FOREIGN_PIN}
    stages: dict[Door, list[tuple[int, dict[int, str]]]] = {
        FRONT: [
            (BEGAN, foreign),
            (BEGAN + 1500, foreign | {2: owner}),
            (LEAD + 1200, foreign | {2: owner, 3: guest}),
            (END + 1200, foreign | {2: owner}),
        ],
        GARDEN: [(BEGAN, {}), (BEGAN + 2700, {1: gardener, 2: owner}), (BROKER + 2000, {2: owner})],
        STUDIO: [
            (BEGAN, {}),
            (BEGAN + 4000, {1: owner}),
            (LEAD + 2400, {1: owner, 2: guest}),
            (END + 2300, {1: owner}),
        ],
    }
    for door, steps in stages.items():
        ends = [at - 100 for at, _ in steps[1:]] + [LAST]
        record.looks[door] = [look(door, slots, at, end) for (at, slots), end in zip(steps, ends, strict=True)]


def _type(record: Record) -> None:
    def typed(who: Who, door: Door, at: int, moment: Moment, outcome: str = "opened") -> None:
        record.presses.append(Press(at, code(record, who, door), moment, outcome, moment is not Moment.HUB_DEAD))

    for number, door in enumerate((FRONT, STUDIO)):
        typed(Who.GUEST, door, BEGAN + 300 + number * 800, Moment.BEFORE_LEAD, "refused")
    for number, door in enumerate(DOORS):
        typed(Who.OWNER, door, BEGAN + 6000 + number * 800, Moment.SETTLED)
    typed(Who.GARDENER, GARDEN, BEGAN + 8400, Moment.SETTLED)
    for number, door in enumerate((FRONT, STUDIO)):
        typed(Who.GUEST, door, START + 100 + number * 800, Moment.INSIDE)
    typed(Who.GUEST, FRONT, KILL + 800, Moment.HUB_DEAD)
    typed(Who.OWNER, STUDIO, KILL + 1600, Moment.HUB_DEAD)
    for number, door in enumerate((FRONT, STUDIO)):
        typed(Who.GUEST, door, BACK + 3000 + number * 800, Moment.AFTER_RESTART)
    typed(Who.OWNER, GARDEN, NO_BROKER + 800, Moment.BROKER_DOWN)
    typed(Who.GUEST, STUDIO, NO_BROKER + 1600, Moment.BROKER_DOWN)
    for number, door in enumerate((FRONT, STUDIO)):
        typed(Who.GUEST, door, END + 4000 + number * 800, Moment.AFTER_END, "refused")
    typed(Who.GARDENER, GARDEN, BROKER + 3000, Moment.DELETED, "refused")
    for number, door in enumerate(DOORS):
        typed(Who.OWNER, door, BROKER + 3800 + number * 800, Moment.AT_LAST)


def _hear(record: Record) -> None:
    news: list[tuple[int, str, Code, dict[str, Fact]]] = []
    for order in record.orders:
        answered_at = max(order.at + 50, BROKER if not order.is_broker_up else 0)
        came = record.presences(order.code.door, order.code.pin)[0]
        done_at = (came.gone_by if order.kind == "access_code.delete" else came.came_by) or 0
        for kind, at in (("received", answered_at), ("accepted", answered_at), ("applied", done_at)):
            news.append((at, f"command.{kind}", order.code, {"command_id": order.command_id}))
    for owned in record.codes:
        for stay in record.presences(owned.door, owned.pin):
            news.append((stay.came_by, "access_code.set_on_device", owned, {"evidence": "read_back"}))
            if stay.gone_by is not None:
                news.append((stay.gone_by, "access_code.removed_from_device", owned, {}))
    news += [
        (press.at, "lock.unlocked", press.code, {}) for press in record.presses if press.is_opened and press.is_hub_up
    ]
    news.sort(key=lambda entry: entry[0])
    for seq, (at, kind, about, facts) in enumerate(news, start=1):
        heard_at = BROKER + 500 if NO_BROKER <= at < BROKER else at + 30
        body = facts | {
            "occurred_at": format_instant(Instant(at)),
            "device_id": about.door.lock_id,
            "access_code_id": about.code_id,
        }
        event = CloudEvent(f"demo-hub:1:{seq}", kind, 1, seq, format_instant(Instant(at)), body)
        record.heard.append(Heard(heard_at, event))
        record.arrivals.append(Arrival(heard_at, event.id))
