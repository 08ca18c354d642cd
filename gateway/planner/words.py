"""The words for people: one sentence or half of one for each value of a closed set, used by every screen and document."""

from collections.abc import Mapping

from gateway.model.answers import RefusalReason
from gateway.model.evidence import Evidence
from gateway.model.issues import Issue, Status
from gateway.model.pool import PoolIssue
from gateway.model.slot import Verdict

VERDICT_WORDS: Mapping[Verdict, str] = {
    Verdict.FREE: "free",
    Verdict.FOREIGN: "somebody else's code, never touched",
    Verdict.UNSEEN: "not looked at yet",
    Verdict.RELEASED: "our code is gone from it",
    Verdict.TAKEN_OVER: "taken over by somebody else's code",
    Verdict.ORPHAN: "holds a code that must go",
    Verdict.ORPHAN_UNSEEN: "may hold a code that must go",
    Verdict.GOOD: "on the lock, proven",
    Verdict.REFUSED: "the lock refused the PIN",
    Verdict.REFUSED_LEFTOVER: "the lock refused the new PIN, the old one must go",
    Verdict.UNPROVEN: "written, not proven yet",
    Verdict.UNPROVEN_MASKED: "a hidden PIN that may not be ours",
    Verdict.DRIFT_DELETED: "deleted at the lock by somebody",
    Verdict.DRIFT_CHANGED: "changed at the lock by somebody",
    Verdict.DUE: "about to be written",
}
"""What a slot means, for a person."""

EVIDENCE_WORDS: Mapping[Evidence, str] = {
    Evidence.ACKNOWLEDGED: "the lock took the message, which alone proves nothing",
    Evidence.MASKED: "the slot was empty before the write and is occupied since",
    Evidence.SUPERVISED: "the lock confirmed it",
    Evidence.NOTIFIED: "the lock reported the change by itself",
    Evidence.READ_BACK: "the PIN was read back from the lock and matches",
    Evidence.USED: "the PIN opened the door",
}
"""Kinds of evidence for a person (A7)."""

STATUS_WORDS: Mapping[Status, str] = {
    Status.UNSET: "not on the lock",
    Status.SETTING: "going onto the lock, not proven yet",
    Status.SET: "works at the keypad",
    Status.REMOVING: "coming off the lock, not proven gone yet",
    Status.UNKNOWN: "unknown: what was proven has been lost",
}
"""The documented status values for a person (A6)."""

ISSUE_WORDS: Mapping[Issue, str] = {
    Issue.FAILED_TO_SET: "The PIN should be on the lock by now, and is not proven to be.",
    Issue.FAILED_TO_REMOVE: "The PIN should be off the lock by now, and may still open the door.",
    Issue.CONSTRAINTS: "The PIN breaks a rule of this lock.",
    Issue.DUPLICATE: "The same PIN is already on this lock.",
    Issue.NO_SPACE: "The lock has no free slot.",
    Issue.CONFLICTING_CHANGE: "Somebody changed the code at the lock; the hub puts it back.",
    Issue.DEVICE_DISCONNECTED: "The lock does not answer.",
    Issue.DEVICE_REMOVED: "Another device answers in the lock's place; nothing is written to it.",
    Issue.EVIDENCE_LOST: "The lock lost its codes; what was proven no longer holds.",
    Issue.INACTIVE: "The code is on the lock and was switched off there.",
    Issue.REFUSED: "The lock refused the PIN without saying why.",
    Issue.DELAY_IN_SETTING: "Getting the PIN onto the lock takes longer than usual.",
    Issue.EXTERNAL_CHANGE_IN_EFFECT: "Somebody changed the code at the lock; this code allows that.",
    Issue.USING_BACKUP: "A backup code stands in for this code.",
    Issue.BEING_DELETED: "The code was deleted and is being taken off the lock.",
}
"""What is wrong with a code, for a person; also the message beside the documented name."""

REFUSAL_WORDS: Mapping[RefusalReason, str] = {
    RefusalReason.DUPLICATE: "it already has that PIN",
    RefusalReason.CONSTRAINTS: "the PIN breaks one of its rules",
    RefusalReason.NO_SPACE: "it is full",
    RefusalReason.WINDOW: "it cannot keep that window",
    RefusalReason.UNSPECIFIED: "it gave no reason",
    RefusalReason.SILENT: "it takes it without a word and does not keep it, perhaps because a hidden slot holds the same one",
}
"""Why a lock said no, for a person."""

POOL_WORDS: Mapping[PoolIssue, str] = {
    PoolIssue.EMPTY: "No backup code is ready on this lock.",
    PoolIssue.PARTIAL: "The pool cannot be filled now: the lock is full, or does not answer.",
    PoolIssue.MANY_PULLED: "Many backup codes are in use: look for a fault of the lock.",
}
"""What is wrong with a backup pool, for a person; also the message beside the documented name."""
