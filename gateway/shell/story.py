"""Lines of the journal as a person would tell them. Pure."""

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from gateway.model.events import EventKind, Fact
from gateway.model.instant import Instant, parse_instant
from gateway.planner.explain import local_time
from gateway.planner.words import EVIDENCE_WORDS, REFUSAL_WORDS
from gateway.store.journal import Line

VERB_NOTE = "shell.verb"
"""Kind of the journal line that a mutating verb leaves: who asked for what, and what came of it."""

REVEAL_NOTE = "access_code.revealed"
"""Kind of the journal line that showing a PIN leaves: who looked, and why."""

_TOLD: Mapping[str, str] = {
    EventKind.COMMAND_RECEIVED: "order received",
    EventKind.COMMAND_ACCEPTED: "order accepted",
    EventKind.COMMAND_APPLIED: "order carried out",
    EventKind.CODE_CREATED: "ordered",
    EventKind.CODE_CHANGED: "status changed",
    EventKind.CODE_SET: "proven to be on the lock",
    EventKind.CODE_PIN_CHANGED: "new PIN proven to be on the lock",
    EventKind.CODE_REMOVED: "proven to be off the lock",
    EventKind.CODE_DELETED: "deleted for good",
    EventKind.CODE_DELAY_IN_SETTING: "late: not proven on the lock yet",
    EventKind.CODE_FAILED_TO_SET: "failed: not on the lock in time",
    EventKind.CODE_FAILED_TO_REMOVE: "failed: not proven off the lock in time",
    EventKind.CODE_MODIFIED_EXTERNAL: "changed at the lock by somebody",
    EventKind.CODE_DELETED_EXTERNAL: "deleted at the lock by somebody",
    EventKind.CODE_USED_OUTSIDE_WINDOW: "ALARM: used when it should not have been on the lock",
    EventKind.LOCK_UNLOCKED: "opened the door",
    EventKind.LOCK_LOCKED: "locked the door",
    EventKind.LOCK_ACCESS_DENIED: "refused at the keypad",
    EventKind.LOCK_JAMMED: "the bolt is jammed",
    EventKind.DEVICE_ADDED: "the hub met the lock",
    EventKind.DEVICE_REMOVED: "ALARM: the lock left, was reset, or another device answers in its place",
    EventKind.DEVICE_WIPED: "ALARM: the lock lost its codes",
    EventKind.DEVICE_WINDOW_NOT_KEPT: "ALARM: the lock opened outside a window that it confirmed",
    EventKind.DEVICE_CONNECTED: "the lock answers again",
    EventKind.DEVICE_DISCONNECTED: "the lock does not answer",
    EventKind.DEVICE_LOW_BATTERY: "battery low",
    EventKind.DEVICE_TAMPERED: "the lock's cover was opened",
    EventKind.BACKUP_PULLED: "a backup code stands in for it",
    "access_code.backup_parted": "the backup code that stood in for it is gone for good",
    EventKind.DEVICE_POOL_CHANGED: "the state of the backup pool changed",
    EventKind.UNMANAGED_CONVERTED: "taken over: it was somebody else's code",
    EventKind.UNMANAGED_CREATED: "somebody put a code on the lock",
    EventKind.UNMANAGED_REMOVED: "somebody took a code off the lock",
}
"""Events that need no more than a word."""

_MUTATIONS: Mapping[str, str] = {
    "updating_code": "another PIN",
    "updating_name": "another name",
    "updating_time_frame": "other times",
    "deleting": "deletion",
}


def tell(line: Line, zone: ZoneInfo) -> str:
    """What one line says, with its facts, in one sentence without a full stop."""
    teller = _TELLERS.get(line.kind)
    if teller is not None:
        return teller(line, zone)
    return _TOLD.get(line.kind, line.kind.replace("_", " ").replace(".", ", "))


def _created(line: Line, zone: ZoneInfo) -> str:
    return f"ordered, {_times(line.body, line.at, zone)}"


def _requested(line: Line, _: ZoneInfo) -> str:
    asked = _entries(line.body.get("requested_mutations"))
    found = [_MUTATIONS.get(str(entry.get("mutation_code")), "a change") for entry in asked]
    return f"order for {', '.join(found) or 'no change'}"


def _renamed(line: Line, _: ZoneInfo) -> str:
    old, new = line.body.get("from"), line.body.get("to")
    # Erased names read as null (A19); both are erased at once.
    return "renamed (the names are erased)" if old is None or new is None else f"renamed from “{old}” to “{new}”"


def _moved(line: Line, zone: ZoneInfo) -> str:
    times = line.body.get("to")
    return f"now {_times(times, line.at, zone)}" if isinstance(times, dict) else "new times"


def _rejected(line: Line, _: ZoneInfo) -> str:
    return f"order refused: {line.body.get('message') or line.body.get('reason')}"


def _failed(line: Line, _: ZoneInfo) -> str:
    reasons = {
        "superseded": "a newer order took its place",
        "expired": "its time was over",
        "refused": "the lock said no",
        "device_removed": "the lock was taken away",
        "external_change_in_effect": "what somebody changed at the lock stays",
        "failed_to_convert": "the code could not be taken over",
    }
    reason = str(line.body.get("reason"))
    return f"order ended without effect: {reasons.get(reason, reason)}"


def _proven(line: Line, _: ZoneInfo) -> str:
    slot = f", slot {line.body['slot']}" if "slot" in line.body else ""
    because = _evidence(line.body.get("evidence"))
    return f"{_TOLD[line.kind]}{slot}" + (f": {because}" if because else "")


def _changed(line: Line, _: ZoneInfo) -> str:
    changes = _entries(line.body.get("changed_properties"))
    told = [f"{entry.get('property')} {entry.get('from')} → {entry.get('to')}" for entry in changes]
    return ", ".join(told) or _TOLD[line.kind]


def _bolt(line: Line, _: ZoneInfo) -> str:
    when = ", before its start" if line.body.get("is_early_use") else ""
    if not when and line.body.get("is_in_window") is False:
        when = ", outside its window"
    return f"{_TOLD[line.kind]}{when}"


def _came(line: Line, _: ZoneInfo) -> str:
    return f"proof for slot {line.body.get('slot')}: {_evidence(line.body.get('evidence'))}"


def _dropped(line: Line, _: ZoneInfo) -> str:
    return f"the proof for slot {line.body.get('slot')} no longer holds: somebody else's hand was there"


def _disproved(line: Line, _: ZoneInfo) -> str:
    return f"it was proven gone from slot {line.body.get('slot')}, and opened the door: to be removed again"


def _intended(line: Line, _: ZoneInfo) -> str:
    what = "write" if ".write." in line.kind else "clear"
    number = line.body.get("try")
    again = f", try {number}" if isinstance(number, int) and number > 1 else ""
    return f"about to {what} slot {line.body.get('slot')}{again}"


def _ended(line: Line, _: ZoneInfo) -> str:
    body = line.body
    refusal, cause = body.get("refusal"), body.get("cause")
    if because := _evidence(body.get("evidence")):
        came = because
    elif refusal is not None:
        known = {reason.value: words for reason, words in REFUSAL_WORDS.items()}
        came = f"the lock said no, {known.get(str(refusal), str(refusal))}"
    elif cause:
        came = f"no answer, {cause}"
    else:
        came = f"seen {body.get('sighted')}"
    return f"{line.kind.split('.')[1]} of slot {body.get('slot')}: {came}"


def _verb(line: Line, _: ZoneInfo) -> str:
    options = line.body.get("options")
    given = f" {' '.join(str(option) for option in options)}" if isinstance(options, list) and options else ""
    return f"gatewayctl {line.body.get('verb')}{given} by user {line.body.get('uid')}: {line.body.get('outcome')}"


def _pulled(line: Line, _: ZoneInfo) -> str:
    return f"{_TOLD[line.kind]}: {line.body.get('backup_access_code_id')}"


def _not_converted(line: Line, _: ZoneInfo) -> str:
    return f"slot {line.body.get('slot')} is not taken over: {line.body.get('cause')}"


def _revealed(line: Line, _: ZoneInfo) -> str:
    why = line.body.get("why")
    return f"PIN shown to user {line.body.get('uid')}" + (f": “{why}”" if why else "")


def _times(body: Mapping[str, Fact], at: Instant, zone: ZoneInfo) -> str:
    start, end = body.get("starts_at"), body.get("ends_at")
    begins = f"from {local_time(parse_instant(start), at, zone)}" if isinstance(start, str) else "at once"
    ends = f"until {local_time(parse_instant(end), at, zone)}" if isinstance(end, str) else "until deleted"
    return f"{begins}, {ends}"


def _evidence(kind: Fact) -> str:
    return next((words for evidence, words in EVIDENCE_WORDS.items() if evidence.value == kind), "")


def _entries(value: Fact) -> list[dict[str, Fact]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


_TELLERS: Mapping[str, Callable[[Line, ZoneInfo], str]] = {
    EventKind.CODE_CREATED: _created,
    EventKind.CODE_MUTATIONS_REQUESTED: _requested,
    EventKind.CODE_NAME_CHANGED: _renamed,
    EventKind.CODE_TIME_FRAME_CHANGED: _moved,
    EventKind.CODE_CHANGED: _changed,
    EventKind.CODE_SET: _proven,
    EventKind.CODE_PIN_CHANGED: _proven,
    EventKind.COMMAND_REJECTED: _rejected,
    EventKind.COMMAND_FAILED: _failed,
    EventKind.LOCK_UNLOCKED: _bolt,
    EventKind.LOCK_LOCKED: _bolt,
    "slot.write.intended": _intended,
    "slot.clear.intended": _intended,
    "slot.write.ended": _ended,
    "slot.clear.ended": _ended,
    "slot.read.ended": _ended,
    "slot.evidence.came": _came,
    "slot.evidence.dropped": _dropped,
    "slot.removal.disproved": _disproved,
    VERB_NOTE: _verb,
    REVEAL_NOTE: _revealed,
    EventKind.BACKUP_PULLED: _pulled,
    EventKind.UNMANAGED_NOT_CONVERTED: _not_converted,
}
"""Lines whose facts belong into the sentence."""
