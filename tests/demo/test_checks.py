"""Every check can fail: a good stay passes them all, and each kind of harm breaks the check that is there for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.cloud.report import CloudEvent
from tests.demo.checks import RULES
from tests.demo.record import (
    FRONT,
    GARDEN,
    STUDIO,
    Arrival,
    Door,
    Frame,
    Heard,
    Leak,
    Look,
    Moment,
    Outage,
    Record,
    RestartCount,
    Who,
)
from tests.demo.saboteur import SABOTAGES
from tests.demo.staged import BEGAN, END, LEAD, NO_BROKER, PINS, START, good_record


def broken(record: Record) -> set[str]:
    return {check.check_id for check in RULES.judge(record) if check.is_held is False}


def test_a_good_stay_passes_every_check() -> None:
    assert [check for check in RULES.judge(good_record()) if not check.is_held] == []


def test_every_sabotage_names_a_check_that_exists() -> None:
    names = {check.check_id for check in RULES.judge(good_record())}
    assert {sabotage.noticed_by for sabotage in SABOTAGES.values()} <= names


def look_holding(record: Record, door: Door, pin: str) -> Look:
    return next(look for look in record.looks[door] if pin in look.slots.values())


def answer(record: Record, moment: Moment, outcome: str) -> None:
    record.presses = [
        replace(press, outcome=outcome) if press.moment is moment and press.code.who is not Who.OWNER else press
        for press in record.presses
    ]


def write_early(record: Record) -> None:
    look = look_holding(record, FRONT, PINS[Who.GUEST])
    look.first_asked, look.first_answered = LEAD - 900, LEAD - 895
    record.looks[FRONT][1].last_asked = LEAD - 1000


def write_late(record: Record) -> None:
    look = look_holding(record, FRONT, PINS[Who.GUEST])
    look.first_asked = look.first_answered = START + 1200
    record.looks[FRONT][1].last_asked = START + 1100


def remove_early(record: Record) -> None:
    record.looks[STUDIO][2].last_asked = END - 2000
    record.looks[STUDIO][3].first_asked = record.looks[STUDIO][3].first_answered = END - 1900


def remove_late(record: Record) -> None:
    record.looks[FRONT][2].last_asked = END + 10_400
    record.looks[FRONT][3].first_asked = record.looks[FRONT][3].first_answered = END + 10_500


def lose_owner(record: Record) -> None:
    record.looks[GARDEN][2].slots = {}


def never_delete(record: Record) -> None:
    record.looks[GARDEN].pop()


def delete_unasked(record: Record) -> None:
    record.orders = [
        replace(order, at=order.at + 30_000) if order.command_id == "delete" else order for order in record.orders
    ]


def touch_foreign(record: Record) -> None:
    record.looks[FRONT][1].slots = {1: PINS[Who.OWNER]}


def send_to_foreign(record: Record) -> None:
    record.frames.append(Frame(BEGAN, FRONT, is_to_lock=True, label="S2 > User Code Set #1", is_beamed=False))


def stray(record: Record) -> None:
    record.looks[STUDIO][1].slots = {1: PINS[Who.OWNER], 7: "55555555"}


def guest_at_the_wrong_door(record: Record) -> None:
    record.looks[GARDEN][1].slots = {1: PINS[Who.GARDENER], 2: PINS[Who.OWNER], 3: PINS[Who.GUEST]}


def twice_on_a_lock(record: Record) -> None:
    record.looks[STUDIO][1].slots = {1: PINS[Who.OWNER], 2: PINS[Who.OWNER]}


def blink(record: Record) -> None:
    record.longest_blink_ms = 2500


def chatter_at_restart(record: Record) -> None:
    record.restart = RestartCount({"Studio": 40}, {"Studio": 42}, 3.0)


def forget_opening(record: Record) -> None:
    at = next(number for number, heard in enumerate(record.heard) if heard.event.kind == "lock.unlocked")
    del record.heard[at]


def swap_codes(record: Record) -> None:
    record.heard = [
        Heard(heard.at, replace(heard.event, body={**heard.event.body, "access_code_id": "Owner-front-door"}))
        if heard.event.kind == "lock.unlocked"
        else heard
        for heard in record.heard
    ]


def repeat_answer(record: Record) -> None:
    applied = next(heard.event for heard in record.heard if heard.event.kind == "command.applied")
    tail = record.heard[-1].event
    again = CloudEvent("demo-hub:1:999", applied.kind, tail.epoch, tail.seq + 1, tail.issued_at, applied.body)
    record.heard.append(Heard(record.now, again))


def answer_nobody(record: Record) -> None:
    record.orders.pop()


def leave_gap(record: Record) -> None:
    del record.heard[3]


def lose_the_last(record: Record) -> None:
    record.arrivals.append(Arrival(record.now, "demo-hub:1:999"))


def repeat_message(record: Record) -> None:
    record.arrivals.insert(8, record.arrivals[7])


def claim_too_much(record: Record) -> None:
    record.looks[STUDIO] = record.looks[STUDIO][:1]
    record.looks[STUDIO][0].last_asked = record.now


def leak(record: Record) -> None:
    record.leaks = [Leak("guest", "the log of the hub", "as hex")]


def broker_came_back_too_soon(record: Record) -> None:
    record.broker_outage = Outage(NO_BROKER, END - 100)


HARM: list[tuple[str, Callable[[Record], None]]] = [
    ("refused-before-lead", lambda record: answer(record, Moment.BEFORE_LEAD, "opened")),
    ("refused-before-lead", lambda record: answer(record, Moment.BEFORE_LEAD, "locked_out")),
    ("opens-in-window", lambda record: answer(record, Moment.INSIDE, "refused")),
    ("opens-in-window", lambda record: answer(record, Moment.HUB_DEAD, "refused")),
    ("refused-after-end", lambda record: answer(record, Moment.AFTER_END, "opened")),
    ("deleted-is-gone", lambda record: answer(record, Moment.DELETED, "opened")),
    ("deleted-is-gone", never_delete),
    ("deleted-is-gone", delete_unasked),
    ("owner-always", lose_owner),
    ("not-before-lead", write_early),
    ("whole-window", write_late),
    ("whole-window", remove_early),
    ("checkout-on-time", remove_late),
    ("checkout-on-time", broker_came_back_too_soon),
    ("foreign-untouched", touch_foreign),
    ("foreign-untouched", send_to_foreign),
    ("no-stray-pin", stray),
    ("no-stray-pin", guest_at_the_wrong_door),
    ("no-stray-pin", twice_on_a_lock),
    ("watched", blink),
    ("restart-silent", chatter_at_restart),
    ("who-opened", forget_opening),
    ("who-opened", swap_codes),
    ("answered-once", repeat_answer),
    ("answered-once", answer_nobody),
    ("events-gapless", leave_gap),
    ("events-gapless", lose_the_last),
    ("events-once", repeat_message),
    ("word-is-true", claim_too_much),
    ("no-leak", leak),
]


@pytest.mark.parametrize(("check_id", "harm"), HARM, ids=[f"{name}-{number}" for number, (name, _) in enumerate(HARM)])
def test_harm_breaks_its_check(check_id: str, harm: Callable[[Record], None]) -> None:
    record = good_record()
    harm(record)
    assert check_id in broken(record)


def test_every_check_is_broken_by_some_harm() -> None:
    assert {check_id for check_id, _ in HARM} == {check.check_id for check in RULES.judge(good_record())}


def test_an_empty_story_passes_nothing_that_needs_one() -> None:
    empty = Record(BEGAN, lead_ms=7000, hears_ms=5000, checkout_ms=10_000, gap_max_ms=2000, is_over=True)
    assert [check.check_id for check in RULES.judge(empty) if check.is_held] == []


def test_a_repetition_after_the_hubs_patience_is_no_harm() -> None:
    record = good_record()
    last = record.arrivals[-1]
    record.arrivals.append(replace(last, at=last.at + 60_000))
    assert broken(record) == set()


def test_nothing_is_broken_before_its_time() -> None:
    record = good_record()
    record.is_over, record.now, record.leaks, record.restart = False, BEGAN + 500, None, None
    record.presses, record.heard, record.arrivals = [], [], []
    for door, looks in record.looks.items():
        record.looks[door] = looks[:1]
        looks[0].last_asked = BEGAN + 400
    assert broken(record) == set()
