from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import (
    Ambiguous,
    Disabled,
    Empty,
    Held,
    RefusalReason,
    Refused,
    Sighting,
    SightingSource,
    SlotValue,
    Written,
)
from gateway.model.clock import ClockTrust
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.lock import ReadBack
from gateway.model.pin import Pin
from gateway.model.slot import SlotRecord
from gateway.model.snapshot import Effort, LockSnapshot
from gateway.model.window import Window
from gateway.planner import explain, explain_plan, words
from gateway.planner.backoff import REPEATS_KEPT_FOR_LEAD, REPEATS_PER_DAY
from gateway.planner.plan import plan
from tests.builders import NOON, digest, make_code, make_profile, make_snapshot, reading

UTC = ZoneInfo("UTC")
GUEST = CodeId("guest")


def told(
    code: AccessCode, snapshot: LockSnapshot, now: Instant = NOON, trust: ClockTrust = ClockTrust.TRUSTED
) -> dict[str, str]:
    """The lines of `why` by their title; lines of one title joined."""
    found: dict[str, str] = {}
    moment = reading(now, trust)
    for line in explain.why(code, snapshot, plan(snapshot, moment), moment, UTC):
        title, _, text = line.partition(": ")
        found[title] = f"{found[title]} {text}" if title in found else text
    return found


def plan_lines(snapshot: LockSnapshot, now: Instant = NOON, trust: ClockTrust = ClockTrust.TRUSTED) -> tuple[str, ...]:
    moment = reading(now, trust)
    return explain_plan.describe_plan(snapshot, plan(snapshot, moment), moment, UTC)


def see(record: SlotRecord, value: SlotValue) -> SlotRecord:
    return ledger.sighted(record, Sighting(value, SightingSource.LOCK), NOON, lambda pin: digest(pin.reveal()))


def empty(number: int) -> SlotRecord:
    return see(SlotRecord(Slot(number)), Empty())


def intended(code: AccessCode, number: int = 1) -> SlotRecord:
    return ledger.intend_write(empty(number), code.code_id, code.digest, NOON)


def written(code: AccessCode, evidence: Evidence = Evidence.SUPERVISED) -> SlotRecord:
    return ledger.ended(intended(code), Written(evidence), NOON, code.generation, supervision_is_honest=True)


def named(**changes: object) -> AccessCode:
    return replace(make_code("guest", **changes), name="Ms Adams")  # type: ignore[arg-type]  # make_code's own arguments


def test_a_plan_is_told_in_the_order_in_which_it_happens() -> None:
    over = replace(make_code("old", ends_at=Instant(NOON - 1), accepted_at=Instant(NOON - HOUR_MS)), name="Mr Old")
    held = ledger.ended(intended(over, 2), Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)
    later = replace(make_code("late", "1379", starts_at=Instant(NOON + HOUR_MS)), name="Ms Late")
    snapshot = make_snapshot(over, named(pin="8642"), later, slots=[empty(1), held])
    assert plan_lines(snapshot) == (
        "Now: take “Mr Old” out of slot 2.",
        "Then: put “Ms Adams” into slot 1.",
        "12:30 (in 30 min): “Ms Late” goes onto the lock.",
    )


def test_the_plan_of_a_silent_lock_waits_for_it() -> None:
    lines = plan_lines(replace(make_snapshot(named(), slots=[empty(1)]), is_reachable=False))
    assert lines[0] == "The lock does not answer: everything below waits until it does."
    assert lines[1] == "First: put “Ms Adams” into slot 1."


def test_a_plan_with_nothing_in_it_says_so() -> None:
    assert plan_lines(make_snapshot()) == ("Nothing to do, now or later, until something changes.",)


def test_a_plan_lists_only_the_next_later_steps() -> None:
    codes = [make_code(f"c{n}", f"20{n:02d}", starts_at=Instant(NOON + (n + 1) * HOUR_MS)) for n in range(12)]
    lines = plan_lines(make_snapshot(*codes))
    assert lines[0] == "Nothing to do now."
    assert lines[-1] == "… and 4 more later."
    assert len(lines) == 10


def test_a_plan_without_the_time_says_what_waits_for_it() -> None:
    lines = plan_lines(make_snapshot(), trust=ClockTrust.UNTRUSTED)
    assert lines[0].startswith("The hub does not know the time")


def test_next_step_is_short() -> None:
    moment = reading(NOON)
    later = make_snapshot(named(starts_at=Instant(NOON + HOUR_MS)))
    assert (
        explain_plan.next_step(later, plan(later, moment), moment, UTC)
        == "12:30 (in 30 min): “Ms Adams” goes onto the lock"
    )
    idle = make_snapshot()
    assert explain_plan.next_step(idle, plan(idle, moment), moment, UTC) == "nothing to do"
    due = make_snapshot(named(), slots=[empty(1)])
    assert explain_plan.next_step(due, plan(due, moment), moment, UTC) == "now: put “Ms Adams” into slot 1"


def test_why_a_code_is_not_on_the_lock_before_its_lead() -> None:
    code = named(starts_at=Instant(NOON + 2 * HOUR_MS), ends_at=Instant(NOON + DAY_MS))
    lines = told(code, make_snapshot(code))
    assert lines["Wanted"] == (
        "“Ms Adams” (guest) on front-door, from 14:00 (in 2 h), until Mon 1 Feb 12:00 (in 24 h); ordered by the cloud."
    )
    assert lines["Status"] == "unset, not on the lock."
    assert lines["Next"] == "goes onto the lock, 30 min before its start, 13:30 (in 90 min)."
    assert "You could" not in lines


def test_why_a_code_works() -> None:
    code = named(ends_at=Instant(NOON + DAY_MS))
    lines = told(code, make_snapshot(code, slots=[written(code)]), Instant(NOON + MINUTE_MS))
    assert lines["Status"] == "set, works at the keypad."
    assert lines["Believed"] == "its PIN is in slot 1 of the lock."
    assert lines["Evidence"] == (
        "the lock confirmed it, 12:00 (60 s ago); slot 1 was last seen holding a PIN at 12:00 (60 s ago)."
    )
    assert lines["Next"] == "comes off the lock, Mon 1 Feb 12:00 (in 23 h 59 min)."


@pytest.mark.parametrize("evidence", [kind for kind in Evidence if kind is not Evidence.ACKNOWLEDGED])
def test_the_evidence_is_told_by_its_kind(evidence: Evidence) -> None:
    code = named()
    assert (
        words.EVIDENCE_WORDS[evidence] in told(code, make_snapshot(code, slots=[written(code, evidence)]))["Evidence"]
    )


def test_an_acknowledged_write_is_told_as_no_proof() -> None:
    code = named()
    lines = told(code, make_snapshot(code, slots=[written(code, Evidence.ACKNOWLEDGED)]))
    assert lines["Status"].startswith("setting")
    assert lines["Believed"] == "its PIN may be in slot 1, that is not proven."
    assert lines["Evidence"].startswith("no proof; the lock took the message, which alone proves nothing")
    assert lines["Next"] == "at once, look into slot 1 to prove that “Ms Adams” is there."


def test_an_ambiguous_write_is_told_as_such() -> None:
    code = named()
    record = ledger.ended(intended(code), Ambiguous("no answer"), NOON, 1, supervision_is_honest=True)
    lines = told(code, make_snapshot(code, slots=[record]))
    assert "it is not known whether the lock carried out the last try" in lines["Evidence"]
    assert "what is in slot 1 now is not known" in lines["Evidence"]


@pytest.mark.parametrize("reason", [reason for reason in RefusalReason if reason is not RefusalReason.WINDOW])
def test_a_refused_pin_is_told_with_the_lock_s_reason_and_what_to_do(reason: RefusalReason) -> None:
    code = named()
    tried = replace(intended(code), tries=2)
    record = ledger.ended(tried, Refused(reason), NOON, 1, supervision_is_honest=True)
    lines = told(code, make_snapshot(code, slots=[record]))
    assert words.REFUSAL_WORDS[reason] in lines["Believed"]
    assert lines["Next"] == "nothing until it is changed, the lock would refuse it again."
    expected = "delete a code" if reason is RefusalReason.NO_SPACE else "gatewayctl update guest --pin -"
    assert expected in lines["You could"]


def test_a_refused_edit_tells_that_the_old_pin_must_go() -> None:
    old = named()
    new = replace(old, digest=digest("8642"), generation=2)
    again = ledger.intend_write(written(old), GUEST, new.digest, NOON)
    record = see(
        ledger.ended(again, Refused(RefusalReason.CONSTRAINTS), NOON, 2, supervision_is_honest=True), Held(Pin("2580"))
    )
    lines = told(new, make_snapshot(new, slots=[record]))
    assert "its earlier PIN may still be there" in lines["Believed"]
    assert lines["Next"].startswith("at once, take the old PIN of “Ms Adams” out of slot 1")


def test_a_full_lock_is_told_with_what_to_do() -> None:
    code = named()
    stranger = see(SlotRecord(Slot(1)), Held(Pin("9999")))
    lines = told(code, make_snapshot(code, slots=[stranger], profile=make_profile(slots=1)))
    assert lines["Believed"] == "it is not on the lock, and no slot is free for it."
    assert lines["Next"] == "it gets a slot as soon as one is free."
    assert "delete a code that nobody needs" in lines["You could"]


def test_a_code_on_a_lock_that_was_never_listed_waits_for_that() -> None:
    code = named()
    assert "once the hub has looked at all slots" in told(code, make_snapshot(code, listed_at=None))["Next"]


def test_a_silent_lock_is_told_with_what_to_do_and_what_comes_when_it_answers() -> None:
    code = named()
    lines = told(code, replace(make_snapshot(code, slots=[empty(1)]), is_reachable=False))
    assert lines["Problem"] == "The lock does not answer."
    assert lines["Next"] == "when the lock answers, put “Ms Adams” into slot 1."
    assert "batteries" in lines["You could"]


def test_a_code_that_needs_nothing_from_a_silent_lock_asks_nothing_of_a_person() -> None:
    code = named(starts_at=Instant(NOON + 2 * HOUR_MS))
    assert "You could" not in told(code, replace(make_snapshot(code), is_reachable=False))


def test_a_code_that_cannot_start_for_want_of_the_time_says_what_to_give() -> None:
    code = named(ends_at=Instant(NOON + DAY_MS - 1))
    lines = told(code, make_snapshot(code, slots=[empty(1)]), trust=ClockTrust.UNTRUSTED)
    assert lines["Next"] == "goes onto the lock when the hub knows the time."
    assert "give the hub the network" in lines["You could"]


def test_a_retry_tells_its_time() -> None:
    code = named()
    record = replace(see(intended(code), Empty()), tries=3, next_try_at=Instant(NOON + MINUTE_MS))
    lines = told(code, make_snapshot(code, slots=[record]))
    assert lines["Next"] == "tried again at 12:01 (in 60 s)."
    assert "3 tries in a row led nowhere" in lines["Evidence"]


def test_a_spent_budget_tells_when_the_next_try_is() -> None:
    code = named()
    record = see(intended(code), Empty())
    spent = Effort(NOON // DAY_MS, REPEATS_PER_DAY + REPEATS_KEPT_FOR_LEAD)
    snapshot = replace(make_snapshot(code, slots=[record]), efforts={GUEST: spent})
    assert told(code, snapshot)["Next"] == "too many tries today, tried again at Mon 1 Feb 00:00 (in 12 h)."


def test_a_pin_that_another_slot_may_still_hold_is_waited_for() -> None:
    code = named()
    old = make_code("old", "2580", ends_at=Instant(NOON - 1), accepted_at=Instant(NOON - HOUR_MS))
    held = replace(written(old), slot=Slot(2), next_try_at=Instant(NOON + MINUTE_MS))
    mine = see(intended(code), Empty())
    lines = told(code, make_snapshot(code, old, slots=[mine, held]))
    assert lines["Next"] == "waits until slot 2, which may hold the same PIN, is empty."


def test_a_less_urgent_step_tells_how_many_go_before() -> None:
    code = named(pin="8642")
    old = make_code("old", ends_at=Instant(NOON - 1), accepted_at=Instant(NOON - HOUR_MS))
    held = replace(written(old), slot=Slot(2))
    lines = told(code, make_snapshot(code, old, slots=[empty(1), held]))
    assert lines["Next"] == "after 1 more urgent step on this lock, put “Ms Adams” into slot 1."


def test_a_change_at_the_lock_is_told_and_restored() -> None:
    code = named()
    changed = see(written(code), Held(Pin("1111")))
    lines = told(code, make_snapshot(code, slots=[changed]))
    assert lines["Believed"] == "somebody changed slot 1 at the lock."
    assert lines["Next"] == "at once, put “Ms Adams” back into slot 1, where somebody changed it."
    assert "ask who programs this lock" in lines["You could"]
    gone = told(code, make_snapshot(code, slots=[see(written(code), Empty())]))
    assert gone["Believed"] == "somebody deleted it from slot 1 at the lock."


def test_a_change_at_the_lock_that_the_code_allows_is_left() -> None:
    code = named(is_external_modification_allowed=True)
    lines = told(code, make_snapshot(code, slots=[see(written(code), Held(Pin("1111")))]))
    assert lines["Next"] == "nothing, this code allows changes at the lock."


def test_a_pin_that_is_switched_off_is_told_as_such() -> None:
    code = named()
    assert "switched off" in told(code, make_snapshot(code, slots=[see(written(code), Disabled())]))["Evidence"]


def test_a_masked_slot_that_may_not_be_ours_is_emptied_first() -> None:
    code = named()
    record = replace(see(intended(code), Held(None)), was_empty=False, proof=None, proven=None)
    lines = told(code, make_snapshot(code, slots=[record], profile=make_profile(read_back=ReadBack.MASKED)))
    assert lines["Next"] == "at once, empty slot 1 before writing “Ms Adams”, because this lock hides its PINs."


def test_a_deleted_code_that_is_still_on_the_lock_tells_who_deleted_it_and_when() -> None:
    code = named(deleted_at=Instant(NOON - 10 * MINUTE_MS), accepted_at=Instant(NOON - HOUR_MS))
    record = replace(written(code), next_try_at=Instant(NOON + MINUTE_MS))
    lines = told(code, make_snapshot(code, slots=[record]))
    assert "deleted 11:50 (10 min ago) by the cloud" in lines["Wanted"]
    assert lines["Status"].startswith("removing")
    assert lines["Believed"] == "a PIN of “Ms Adams” may still be in slot 1."
    assert "delete slot 1 at the keypad" in lines["You could"]


def test_a_code_that_is_gone_needs_nothing() -> None:
    code = named(ends_at=Instant(NOON - 1), accepted_at=Instant(NOON - HOUR_MS))
    lines = told(code, make_snapshot(code))
    assert (lines["Status"], lines["Next"]) == ("unset, not on the lock.", "nothing, it is off the lock.")


def test_a_finished_code_is_told_as_such() -> None:
    code = named(ends_at=Instant(NOON - 1), accepted_at=Instant(NOON - HOUR_MS))
    assert told(code, make_snapshot())["Next"] == "nothing, this code is finished."


def test_a_slot_known_by_hearsay_only_is_told_as_such() -> None:
    record = replace(empty(1), sighted_by=SightingSource.MIDDLEMAN)
    assert "by hearsay only" in explain.evidence_of(record, NOON, UTC)


def test_no_explanation_holds_a_pin() -> None:
    code = named(pin="482915")
    for record in (empty(1), written(code), intended(code)):
        snapshot = make_snapshot(code, slots=[record])
        assert "482915" not in str((told(code, snapshot), plan_lines(snapshot)))


def test_what_opens_instead_of_what_is_wanted_is_told() -> None:
    code = named()
    edited = replace(named(pin="1470"), generation=2)
    old = told(edited, make_snapshot(edited, slots=[written(code)]))
    assert old["Believed"].endswith("the one before it may still open: it is in slot 1.")
    stay = Window(Instant(NOON - HOUR_MS), Instant(NOON + HOUR_MS))
    lost = ledger.ended(
        ledger.intend_write(empty(1), code.code_id, code.digest, NOON, stay),
        Ambiguous("lost"),
        NOON,
        1,
        supervision_is_honest=True,
    )
    unsure = told(code, make_snapshot(code, slots=[see(lost, Held(Pin("2580")))]))
    assert unsure["Believed"].endswith("its PIN is in slot 1, and nobody knows under which window.")
    bound = ledger.ended(lost, Written(Evidence.SUPERVISED, stay), NOON, 1, supervision_is_honest=True)
    other = told(code, make_snapshot(code, slots=[bound]))
    assert other["Believed"].endswith("its PIN is in slot 1, under another window than is wanted now.")
