"""More removals than the radio can do in two minutes are told ahead, with the latest finish (A9)."""

from dataclasses import replace

from gateway.fleet.backlog import CLEAR_MS, CLEARS_WITHIN_BOUND, Backlog
from gateway.model.events import EventKind
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant, parse_instant
from gateway.planner.actions import ClearSlot, Reason, Urgency
from gateway.planner.plan import Plan, plan
from tests.builders import NOON, make_snapshot, reading, slot

CALM = plan(make_snapshot(), reading(NOON))


def removals(count: int) -> Plan:
    steps = [
        ClearSlot(slot(number), CodeId(f"code-{number}"), Reason.REMOVE, NOON, Urgency.REMOVE)
        for number in range(1, count + 1)
    ]
    return replace(CALM, head=steps[0], rest=tuple(steps[1:]))


def lock(number: int) -> LockId:
    return LockId(f"lock-{number}")


def test_a9_sixty_removals_are_within_the_bound_and_not_worth_a_word() -> None:
    backlog = Backlog()
    assert backlog.note(lock(1), removals(30), NOON) is None
    assert backlog.note(lock(2), removals(CLEARS_WITHIN_BOUND - 30), NOON) is None


def test_a9_one_more_over_all_locks_of_a_stick_is_told_once_with_the_latest_finish() -> None:
    backlog = Backlog()
    backlog.note(lock(1), removals(30), NOON)
    news = backlog.note(lock(2), removals(31), NOON)
    assert news is not None
    assert news.kind is EventKind.HUB_REMOVALS_DELAYED
    assert news.body["due"] == 61
    latest = parse_instant(str(news.body["latest_finish_at"]))
    assert latest >= NOON + 61 * CLEAR_MS
    assert backlog.note(lock(1), removals(29), Instant(NOON + 2_000)) is None


def test_a9_a_forecast_that_turns_out_too_early_is_told_anew() -> None:
    backlog = Backlog()
    first = backlog.note(lock(1), removals(100), NOON)
    for _ in range(20):
        backlog.took(20_000)
    again = backlog.note(lock(1), removals(95), Instant(NOON + MINUTE_MS))
    assert first is not None
    assert again is not None
    assert str(again.body["latest_finish_at"]) > str(first.body["latest_finish_at"])


def test_a9_a_lock_that_is_away_waits_for_itself_and_not_for_the_radio() -> None:
    backlog = Backlog()
    backlog.note(lock(1), removals(60), NOON)
    backlog.note(lock(1), None, NOON)
    assert backlog.note(lock(2), removals(60), NOON) is None


def test_a9_the_next_rush_is_told_again() -> None:
    backlog = Backlog()
    assert backlog.note(lock(1), removals(70), NOON) is not None
    assert backlog.note(lock(1), CALM, Instant(NOON + HOUR_MS)) is None
    assert backlog.note(lock(1), removals(70), Instant(NOON + HOUR_MS)) is not None
