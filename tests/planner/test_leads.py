"""A4, A5: how long before its start a code that the hub keeps is written."""

from dataclasses import replace

from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.link import CALLS_KEPT, Link
from gateway.planner.actions import WriteSlot
from tests.builders import LEAD_MS
from tests.planner.stays import START, at, scene, stay, written


def test_a4_a_weak_link_makes_the_lead_longer_and_a_strong_one_does_not() -> None:
    strong, weak, dead = Link(20, 0), Link(20, 5), Link(20, 19)
    assert strong.lead_ms(30 * MINUTE_MS) == 30 * MINUTE_MS
    assert weak.lead_ms(30 * MINUTE_MS) == 75 * MINUTE_MS
    assert dead.lead_ms(30 * MINUTE_MS) == 2 * HOUR_MS
    snapshot = replace(scene(stay(), schedule=None), link=weak)
    assert isinstance(at(snapshot, Instant(START - 75 * MINUTE_MS)).head, WriteSlot)
    assert at(snapshot, Instant(START - 75 * MINUTE_MS - 1)).head is None


def test_a4_the_answer_to_the_first_look_does_not_shorten_the_lead_that_it_was_for() -> None:
    link = Link(60, 9)
    lead_ms = link.lead_ms(30 * MINUTE_MS)
    assert lead_ms == 45 * MINUTE_MS
    assert link.called(failed=False).lead_ms(30 * MINUTE_MS) == lead_ms
    assert Link(60, 1).lead_ms(30 * MINUTE_MS) == 30 * MINUTE_MS, "one failure in an hour is no weak link"


def test_a4_a_link_without_failures_is_not_counted_for_ever() -> None:
    link = Link()
    for _ in range(CALLS_KEPT + 1):
        link = link.called(failed=False)
    assert link == Link(CALLS_KEPT, 0)
    assert link.called(failed=True) == Link(CALLS_KEPT // 2 + 1, 1)


def test_a4_a_link_that_recovers_does_not_take_a_code_off_again() -> None:
    code = stay()
    early = written(code, None, Instant(START - 75 * MINUTE_MS))
    assert at(scene(code, early, schedule=None), Instant(START - 70 * MINUTE_MS)).head is None


def test_a5_a_strict_start_is_written_when_the_lock_needs_it_and_not_at_the_lead() -> None:
    code = replace(stay(), strict_start=True)
    link = Link(20, 0).wrote(1_500)
    needed_ms = link.strict_lead_ms(LEAD_MS)
    assert needed_ms == 1_500 + 4 * 750
    snapshot = replace(scene(code, schedule=None), link=link)
    assert at(snapshot, Instant(START - needed_ms - 1)).head is None
    assert isinstance(at(snapshot, Instant(START - needed_ms)).head, WriteSlot)
