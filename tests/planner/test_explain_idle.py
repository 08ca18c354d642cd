"""What is told of locks that nobody works on: quarantined ones, and those that are not this hub's any more (A17)."""

from dataclasses import replace

from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import Ambiguous, Held
from gateway.model.clock import ClockTrust
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.pin import Pin
from gateway.model.snapshot import LockSnapshot
from gateway.planner import explain, explain_plan
from gateway.planner.plan import plan
from tests.builders import NOON, make_code, make_snapshot, reading
from tests.planner.test_explain import UTC, empty, intended, named, plan_lines, see, told, written


def quarantined(snapshot: LockSnapshot) -> LockSnapshot:
    return replace(snapshot, is_quarantined=True)


ACCEPT = "nothing until somebody accepts the device: gatewayctl accept-lock front-door."


def test_a17_a_code_on_a_quarantined_lock_waits_for_a_person_and_its_slot_is_told_as_the_paired_device_s() -> None:
    code = named()
    lines = told(code, quarantined(make_snapshot(code, slots=[written(code)])))
    assert lines["Believed"] == (
        "on the device that was paired, its PIN is in slot 1 of the lock; nothing is known of the one in its place."
    )
    assert lines["Next"] == ACCEPT
    assert lines["You could"] == "bring back the lock that was paired, if the other device does not belong there"


def test_a17_a_code_that_waits_for_a_quarantined_lock_is_promised_no_slot_and_no_hour() -> None:
    now, later = named(), named(starts_at=Instant(NOON + 2 * HOUR_MS))
    for code, status in ((now, "setting, held up, for nobody works on this lock."), (later, "unset, not on the lock.")):
        lines = told(code, quarantined(make_snapshot(code, slots=[empty(1)])))
        assert (lines["Status"], lines["Next"]) == (status, ACCEPT)
    first = told(now, quarantined(make_snapshot(now, listed_at=None)))
    assert (first["Believed"], first["Next"]) == ("it is not on the lock.", ACCEPT)


def test_a17_an_ended_code_is_off_a_quarantined_lock_only_when_it_has_no_slot() -> None:
    code = named(ends_at=Instant(NOON - 10 * MINUTE_MS), accepted_at=Instant(NOON - HOUR_MS))
    held = told(code, quarantined(make_snapshot(code, slots=[written(code)])))
    assert held["Status"] == "removing, held up, for nobody works on this lock."
    assert held["Next"] == ACCEPT
    assert "keypad" not in held["You could"], "what is in that slot of the other device is a stranger's"
    gone = told(code, quarantined(make_snapshot(code)))
    assert gone["Next"] == "nothing, it is off the lock."
    assert "You could" not in gone


def test_a17_what_the_hub_would_do_is_no_problem_s_text_on_a_lock_that_nobody_works_on() -> None:
    gone = named(deleted_at=Instant(NOON - MINUTE_MS), accepted_at=Instant(NOON - HOUR_MS))
    assert "is being taken off" not in told(gone, quarantined(make_snapshot(gone, slots=[written(gone)])))["Problem"]
    code = named()
    changed = quarantined(make_snapshot(code, slots=[see(written(code), Held(Pin("1111")))]))
    assert "puts it back" not in told(code, changed)["Problem"]
    silent = told(code, replace(quarantined(make_snapshot(code)), is_reachable=False))
    assert silent["Problem"].endswith("The lock does not answer.")
    assert "the hub goes on by itself" not in silent["You could"]


def test_a17_plan_and_next_step_of_a_quarantined_lock_promise_nothing() -> None:
    later = named(starts_at=Instant(NOON + HOUR_MS))
    over = make_code("old", "8642", ends_at=Instant(NOON - 1), accepted_at=Instant(NOON - HOUR_MS))
    retried = replace(ledger.ended(intended(over, 2), Ambiguous("lost"), NOON, 1, supervision_is_honest=True),
                      next_try_at=Instant(NOON + MINUTE_MS))  # fmt: skip
    snapshot = quarantined(make_snapshot(later, over, slots=[empty(1), retried]))
    for trust in ClockTrust:
        assert plan_lines(snapshot, trust=trust) == (
            "Another device answers in the lock's place: nothing is written to it until somebody accepts it, with: "
            "gatewayctl accept-lock front-door",
        )
    moment = reading(NOON)
    assert (
        explain_plan.next_step(snapshot, plan(snapshot, moment), moment, UTC) == "nothing until the device is accepted"
    )
    assert list(explain_plan.upcoming(snapshot, plan(snapshot, moment), moment)) == []


def told_gone(code: AccessCode, snapshot: LockSnapshot) -> dict[str, str]:
    """The same for a lock that is not this hub's any more."""
    moment = reading(NOON)
    lines = explain.why(code, snapshot, plan(snapshot, moment), moment, UTC, is_ours=False)
    found: dict[str, str] = {}
    for line in lines:
        title, _, text = line.partition(": ")
        found[title] = f"{found[title]} {text}" if title in found else text
    return found


def test_nobody_works_on_a_lock_that_is_not_this_hub_s_and_why_says_what_to_do() -> None:
    code = named()
    lines = told_gone(code, make_snapshot(code, slots=[written(code)]))
    assert lines["Status"] == "set, as far as the hub last knew."
    assert lines["Believed"] == "its PIN is in slot 1 of the lock."
    assert lines["Problem"] == (
        "front-door is none of this hub's locks: it is not in the configuration, or has left the network."
    )
    assert lines["Next"] == "nothing, nobody works on this lock."
    assert lines["You could"] == (
        "put front-door back into the configuration; if it has left the network, let a lock join under its name, with: "
        "gatewayctl include --name front-door"
    )


def test_a_lock_that_is_not_this_hub_s_is_promised_nothing_and_an_old_pin_in_it_is_named() -> None:
    soon = named(starts_at=Instant(NOON + HOUR_MS))
    assert told_gone(soon, make_snapshot(soon))["Next"] == "nothing, nobody works on this lock."
    due = told_gone(named(), replace(make_snapshot(named(), slots=[empty(1)]), is_reachable=False))
    assert due["Status"] == "setting, held up, for nobody works on this lock."
    assert "does not answer" not in due["Problem"], "nobody asks it"
    over = named(ends_at=Instant(NOON - 10 * MINUTE_MS), accepted_at=Instant(NOON - HOUR_MS))
    lines = told_gone(over, make_snapshot(over, slots=[written(over)]))
    assert "delete slot 1 at the keypad of the lock, if the door must be safe now" in lines["You could"]
    assert told_gone(over, make_snapshot(over))["Next"] == "nothing, it is off the lock."
    assert told_gone(over, make_snapshot())["Next"] == "nothing, this code is finished."


def test_what_a_lock_holds_that_left_is_not_known_any_more() -> None:
    """Its slots are forgotten, and nobody has seen that it forgot its codes (A7, N6)."""
    over = named(ends_at=Instant(NOON - 10 * MINUTE_MS), accepted_at=Instant(NOON - HOUR_MS))
    for code in (named(), over):
        lines = told_gone(code, make_snapshot(code, listed_at=None))
        assert lines["Believed"] == "nobody knows any more what this lock holds."
        assert lines["Evidence"] == "none, what was seen of its slots is forgotten."
        assert lines["Next"] == "nothing, nobody works on this lock."
        assert "not on the lock" not in lines["Status"]
        assert "reset the lock, if it still hangs on a door: its codes may still open it" in lines["You could"]
    assert told_gone(over, make_snapshot(listed_at=None))["Status"] == "unset, finished."
