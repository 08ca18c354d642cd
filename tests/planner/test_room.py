"""Who gets a slot on a full lock, and who hears of the shortage (A16)."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.access_code import AccessCode
from gateway.model.events import EventKind
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, HOUR_MS, Instant
from gateway.model.issues import Issue
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import LockSnapshot
from gateway.planner.actions import RetireBackup
from gateway.planner.plan import plan
from tests.builders import LEAD_MS, NOON, make_code, reading, slot
from tests.planner.pools import (
    END,
    GUEST,
    START,
    pooled,
    spare,
    steps,
    written,
)


def full_lock(*guests: AccessCode, spares: int = 2) -> LockSnapshot:
    """A lock of three slots: an owner and two spares, or fewer spares and codes of others."""
    owner = make_code("owner", "8520")
    rest = [written(1 + number, spare(number)) for number in range(1, spares + 1)]
    foreign = [SlotRecord(slot(number), sighted=SightedAs.MASKED, sighted_at=NOON) for number in range(2 + spares, 4)]
    return pooled(owner, *guests, spares=spares, slots=[written(1, owner), *rest, *foreign], size=3)


def test_a16_a_due_code_pushes_one_spare_out_of_a_full_lock() -> None:
    guest = make_code("guest", "2580", starts_at=START, ends_at=END)
    assert steps(plan(full_lock(guest), reading(Instant(START - LEAD_MS - 1)))) == []
    assert steps(plan(full_lock(guest), reading(Instant(START - LEAD_MS)))) == [RetireBackup(CodeId("spare-1"))]


def test_a16_a_slot_that_is_being_emptied_is_not_pushed_for_twice() -> None:
    guest = make_code("guest", "2580", starts_at=START, ends_at=END)
    found = full_lock(guest)
    going = tuple(replace(code, deleted_at=NOON) if code.code_id == "spare-1" else code for code in found.codes)
    assert steps(plan(replace(found, codes=going), reading(Instant(START - LEAD_MS)))) == []


def test_a16_nothing_but_a_spare_is_pushed_out() -> None:
    guest = make_code("guest", "2580", starts_at=START, ends_at=END)
    found = plan(full_lock(guest, spares=0), reading(Instant(START - LEAD_MS)))
    assert steps(found) == []
    assert found.head is None
    assert Issue.NO_SPACE in found.standings[GUEST].issues


def test_a16_a_spare_never_pushes_a_spare() -> None:
    snapshot = pooled(spares=3, slots=[written(1, spare(1)), written(2, spare(2))], size=2)
    assert steps(plan(snapshot, reading(NOON))) == [RetireBackup(CodeId("spare-3"))]


def test_a16_a_shortage_is_told_as_soon_as_the_orders_show_it_nearest_start_wins() -> None:
    far = Instant(NOON + 9 * DAY_MS)
    stays = [
        make_code(
            f"guest-{number}", f"35{number}1", starts_at=Instant(far + number * HOUR_MS), ends_at=Instant(far + DAY_MS)
        )
        for number in range(3)
    ]
    found = plan(full_lock(*stays), reading(NOON))
    assert {code_id for code_id, now in found.standings.items() if Issue.NO_SPACE in now.issues} == {"guest-2"}
    [news] = [news for news in found.announcements if news.code_id == "guest-2"]
    [event] = [event for event in news.events if event.kind is EventKind.CODE_CHANGED]
    assert event.body["changed_properties"] == [
        {"property": "errors", "from": [], "to": ["no_space_for_access_code_on_device"]}
    ]


def test_a16_a_stay_that_begins_when_another_ends_finds_its_slot() -> None:
    one = make_code("one", "3501", starts_at=START, ends_at=END)
    two = make_code("two", "3511", starts_at=START, ends_at=END)
    three = make_code("three", "3521", starts_at=Instant(END + LEAD_MS), ends_at=Instant(END + DAY_MS))
    found = plan(full_lock(one, two, three), reading(NOON))
    assert not any(Issue.NO_SPACE in now.issues for now in found.standings.values())


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=12), st.integers(1, 4))
def test_a16_the_forecast_agrees_with_a_count_of_every_hour(stays: list[tuple[int, int]], room: int) -> None:
    """Whoever is short found no slot at the beginning, and took the first that was free from then on."""
    codes = [
        make_code(
            f"g{number:02}",
            f"{1000 + number}",
            starts_at=Instant(NOON + LEAD_MS + (1 + begin) * HOUR_MS),
            ends_at=Instant(NOON + LEAD_MS + (1 + begin + length) * HOUR_MS + LEAD_MS),
        )
        for number, (begin, length) in enumerate(stays)
    ]
    found = plan(pooled(*codes, slots=[], size=room, is_on=False), reading(NOON))
    short = {code_id for code_id, now in found.standings.items() if Issue.NO_SPACE in now.issues}
    assert short == without_a_slot_at_once(codes, room)


def without_a_slot_at_once(codes: Sequence[AccessCode], room: int) -> set[CodeId]:
    """Goes through every hour: who has ended leaves, then free slots go to the earliest due."""
    inside: set[CodeId] = set()
    without: set[CodeId] = set()
    edges = {edge for code in codes for edge in (opens_at(code), code.window.ends_at)}
    for at in sorted(edge for edge in edges if edge is not None):
        there = [code for code in codes if opens_at(code) <= at < (code.window.ends_at or 0)]
        inside &= {code.code_id for code in there}
        waiting = sorted((code.window.starts_at or 0, code.code_id) for code in there if code.code_id not in inside)
        inside |= {code_id for _, code_id in waiting[: room - len(inside)]}
        without |= {code.code_id for code in there if opens_at(code) == at and code.code_id not in inside}
    return without


def opens_at(code: AccessCode) -> int:
    return (code.window.starts_at or 0) - LEAD_MS


def test_a16_a_guest_who_waits_takes_the_slot_that_the_next_one_counted_on() -> None:
    """A lock of two slots, a third guest who has waited since yesterday: at the first end it is the waiting one's turn."""
    there = [make_code(f"in-{n}", f"35{n}1", ends_at=Instant(NOON + (2 + n) * HOUR_MS)) for n in range(2)]
    waits = make_code("waits", "3581", starts_at=Instant(NOON - DAY_MS), ends_at=Instant(NOON + 9 * HOUR_MS))
    comes = make_code("comes", "3591", starts_at=Instant(NOON + 2 * HOUR_MS + LEAD_MS), ends_at=Instant(NOON + DAY_MS))
    slots = [written(1 + number, code) for number, code in enumerate(there)]
    found = plan(pooled(*there, waits, comes, slots=slots, size=2, is_on=False), reading(NOON))
    short = {code_id for code_id, now in found.standings.items() if Issue.NO_SPACE in now.issues}
    assert short == {"waits", "comes"}
