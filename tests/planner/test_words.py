"""The words for people: times, distances, names, and one sentence for each action and reason."""

from zoneinfo import ZoneInfo

import pytest

from gateway.model.answers import RefusalReason
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import DAY_MS, HOUR_MS, LAST_INSTANT, MINUTE_MS, SECOND_MS, Instant
from gateway.model.issues import Issue, Status
from gateway.model.slot import Verdict
from gateway.planner import explain, words
from gateway.planner.actions import Action, ClearSlot, ListSlots, ReadSlot, Reason, Urgency, WriteSlot
from tests.builders import NOON, at, digest

BERLIN = ZoneInfo("Europe/Berlin")
GUEST = CodeId("guest")
NAMES = {GUEST: "Ms Adams"}


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (at("2027-01-31 15:30"), "16:30"),
        (at("2027-01-31 23:30"), "Mon 1 Feb 00:30"),
        (at("2026-12-30 12:00"), "Wed 30 Dec 2026 13:00"),
        (at("2027-10-31 00:30"), "Sun 31 Oct 02:30 CEST"),
        (at("2027-10-31 01:30"), "Sun 31 Oct 02:30 CET"),
        (LAST_INSTANT, "Thu 30 Dec 9999 00:59"),
    ],
)
def test_local_times_are_as_short_as_they_can_be_and_never_ambiguous(instant: Instant, shown: str) -> None:
    assert explain.local_time(instant, NOON, BERLIN) == shown


@pytest.mark.parametrize(
    ("away_ms", "shown"),
    [
        (0, "now"),
        (999, "now"),
        (8 * SECOND_MS, "in 8 s"),
        (-119 * SECOND_MS, "119 s ago"),
        (12 * MINUTE_MS + 59_000, "in 12 min"),
        (-119 * MINUTE_MS, "119 min ago"),
        (3 * HOUR_MS, "in 3 h"),
        (3 * HOUR_MS + 12 * MINUTE_MS, "in 3 h 12 min"),
        (-2 * DAY_MS, "2 days ago"),
    ],
)
def test_distances_are_told_in_words(away_ms: int, shown: str) -> None:
    assert explain.relative(Instant(NOON + away_ms), NOON) == shown


def test_a_long_name_is_cut_inside_a_sentence() -> None:
    assert explain.named("x" * 40) == f"“{'x' * 40}”"
    assert explain.named("x" * 41) == f"“{'x' * 39}…”"


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (ListSlots(Reason.FIRST_LISTING, NOON), "look at all slots of the lock for the first time"),
        (WriteSlot(Slot(4), GUEST, digest("2580"), 1, Reason.WRITE, NOON), "put “Ms Adams” into slot 4"),
        (
            WriteSlot(Slot(4), GUEST, digest("2580"), 1, Reason.RESTORE, NOON),
            "put “Ms Adams” back into slot 4, where somebody changed it",
        ),
        (ClearSlot(Slot(4), GUEST, Reason.REMOVE, NOON, Urgency.REMOVE), "take “Ms Adams” out of slot 4"),
        (
            ClearSlot(Slot(4), GUEST, Reason.REFUSED_LEFTOVER, NOON, Urgency.REMOVE),
            "take the old PIN of “Ms Adams” out of slot 4, because the lock refused the new one",
        ),
        (
            ClearSlot(Slot(4), GUEST, Reason.REPLACED, NOON, Urgency.REMOVE),
            "take the old PIN or window of “Ms Adams” out of slot 4, because the new one cannot be written yet",
        ),
        (
            ClearSlot(Slot(4), GUEST, Reason.EARLIER_UNSEEN, NOON, Urgency.WRITE),
            "empty slot 4, which does not answer and may hold an earlier PIN of “Ms Adams”",
        ),
        (
            ClearSlot(Slot(4), GUEST, Reason.BREAK_SWAP, NOON, Urgency.WRITE),
            "empty slot 4 for a moment, because two codes trade their PINs",
        ),
        (
            ClearSlot(Slot(4), GUEST, Reason.MASKED_REWRITE, NOON, Urgency.WRITE),
            "empty slot 4 before writing “Ms Adams”, because this lock hides its PINs",
        ),
        (
            ReadSlot(Slot(4), GUEST, Reason.FIND_FREE, NOON, Urgency.WRITE),
            "ask whether slot 4 is free for “Ms Adams”",
        ),
        (
            ReadSlot(Slot(4), GUEST, Reason.REMOVE_UNSEEN, NOON, Urgency.REMOVE),
            "look into slot 4 before taking “Ms Adams” out of it",
        ),
        (
            ReadSlot(Slot(4), GUEST, Reason.PROVE, NOON, Urgency.PROVE),
            "look into slot 4 to prove that “Ms Adams” is there",
        ),
        (ReadSlot(Slot(4), None, Reason.PROVE, NOON, Urgency.PROVE), "look into slot 4"),
    ],
)
def test_an_action_is_told_with_its_reason(action: Action, sentence: str) -> None:
    assert explain.describe_action(action, NAMES) == sentence


def test_an_action_for_a_code_without_a_known_name_shows_its_id() -> None:
    action = WriteSlot(Slot(4), CodeId("c-7"), digest("2580"), 1, Reason.WRITE, NOON)
    assert explain.describe_action(action, NAMES) == "put “c-7” into slot 4"


def test_every_word_that_can_come_up_has_one_for_people() -> None:
    assert set(words.VERDICT_WORDS) == set(Verdict)
    assert set(words.EVIDENCE_WORDS) == set(Evidence)
    assert set(words.STATUS_WORDS) == set(Status)
    assert set(words.ISSUE_WORDS) == set(Issue)
    assert set(words.REFUSAL_WORDS) == set(RefusalReason)
