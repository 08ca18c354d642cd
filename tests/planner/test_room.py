"""Who gets a slot on a full lock, and who hears of the shortage (A16)."""

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
    """Whoever is not short finds a slot at every hour of the stay; whoever is short met a full lock at the beginning."""
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
    for code in codes:
        opens_at = (code.window.starts_at or 0) - LEAD_MS
        there = [
            other.code_id
            for other in codes
            if other.code_id not in short
            and (other.window.starts_at or 0) - LEAD_MS <= opens_at < (other.window.ends_at or 0)
        ]
        assert len(there) <= room
        assert code.code_id not in short or len(there) == room
