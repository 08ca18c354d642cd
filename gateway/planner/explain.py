"""A code and its plan in sentences, for the technician at the door and the support engineer.

Nothing is decided here: every sentence is read off the same snapshot, plan and reading that the worker acts on, so the
explanation cannot disagree with what happens. Times are the property's own, with how far away they are beside them,
because at a door "in 12 min" is what counts and on the phone "14:30" is.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from gateway.model.access_code import AccessCode
from gateway.model.answers import RefusalReason, SightingSource
from gateway.model.clock import ClockReading
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, HOUR_MS, LAST_INSTANT, MINUTE_MS, SECOND_MS, Instant
from gateway.model.issues import Issue, Status
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord, Verdict, is_refused_silently, possible_pins
from gateway.model.snapshot import LockSnapshot
from gateway.planner import explain_idle
from gateway.planner.actions import Action, CheckClock, ClearSlot, ListSlots, ReadSlot, Reason, WriteSlot
from gateway.planner.backoff import open_again_at
from gateway.planner.desired import Desire, Phase, lets_stand
from gateway.planner.explain_idle import PROMISES, Idle
from gateway.planner.plan import Plan
from gateway.planner.status import Standing
from gateway.planner.words import EVIDENCE_WORDS, ISSUE_WORDS, REFUSAL_WORDS, STATUS_WORDS

NAME_SHOWN_MAX = 40
"""Characters of a name inside a sentence; half a line of an 80-column terminal."""

_OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.NONE: "not tried yet",
    Outcome.PENDING: "a try was begun and its end is not known",
    Outcome.NOT_SENT: "the last try did not reach the lock",
    Outcome.ACKNOWLEDGED: EVIDENCE_WORDS[Evidence.ACKNOWLEDGED],
    Outcome.AMBIGUOUS: "it is not known whether the lock carried out the last try",
    Outcome.REFUSED: "the lock said no",
    Outcome.CONFIRMED: "the last try was confirmed",
}

_SIGHTED_WORDS: Mapping[SightedAs, str] = {
    SightedAs.UNKNOWN: "not known",
    SightedAs.EMPTY: "empty",
    SightedAs.HELD: "holding a PIN",
    SightedAs.MASKED: "holding a PIN that it hides",
    SightedAs.DISABLED: "holding a PIN that is switched off",
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_LOCAL = Instant(LAST_INSTANT - 2 * DAY_MS)


def local_time(at: Instant, now: Instant, zone: ZoneInfo) -> str:
    """The property's own time, no longer than needed: day and year only where they differ from `now`'s.

    An hour that the clocks pass twice carries the zone's short name, such as "02:30 CET" (T5).
    """
    moment = (_EPOCH + timedelta(milliseconds=min(at, _LAST_LOCAL))).astimezone(zone)
    today = (_EPOCH + timedelta(milliseconds=min(now, _LAST_LOCAL))).astimezone(zone)
    text = f"{moment:%H:%M}"
    if moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset():
        text += f" {moment.tzname()}"
    if moment.date() == today.date():
        return text
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{moment:%a} {moment.day} {moment:%b}{year} {text}"


def span(length_ms: int) -> str:
    """A length of time in one or two units, rounded down: "8 s", "12 min", "3 h 12 min", "4 days"."""
    if length_ms < 2 * MINUTE_MS:
        return f"{length_ms // SECOND_MS} s"
    if length_ms < 2 * HOUR_MS:
        return f"{length_ms // MINUTE_MS} min"
    if length_ms < 2 * DAY_MS:
        minutes = length_ms % HOUR_MS // MINUTE_MS
        return f"{length_ms // HOUR_MS} h" + (f" {minutes} min" if minutes else "")
    return f"{length_ms // DAY_MS} days"


def relative(at: Instant, now: Instant) -> str:
    """How far away: "in 12 min", "12 min ago", "now" within a second."""
    if abs(at - now) < SECOND_MS:
        return "now"
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def when(at: Instant, now: Instant, zone: ZoneInfo) -> str:
    """Both: "14:30 (in 12 min)"."""
    return f"{local_time(at, now, zone)} ({relative(at, now)})"


def named(name: str) -> str:
    """A name inside a sentence, quoted, cut to `NAME_SHOWN_MAX` characters; an empty one was erased after the stay (A19)."""
    if not name:
        return "a code whose name is erased"
    return f"“{name if len(name) <= NAME_SHOWN_MAX else name[: NAME_SHOWN_MAX - 1] + '…'}”"


def describe_action(action: Action, names: Mapping[CodeId, str]) -> str:
    """What one action does and why, as the end of a sentence that begins with a time."""
    if isinstance(action, CheckClock):
        is_asking = action.right_at is not None
        return "ask the lock what time it is" if is_asking else "check the lock's clock, and set it where it is off"
    if isinstance(action, ListSlots):
        return "look at all slots of the lock for the first time"
    name = f"slot {action.slot}" if action.code_id is None else named(names.get(action.code_id, action.code_id))
    match action:
        case ReadSlot():
            return _of_read(action, name)
        case WriteSlot(reason=Reason.RESTORE):
            return f"put {name} back into slot {action.slot}, where somebody changed it"
        case WriteSlot():
            return f"put {name} into slot {action.slot}"
        case ClearSlot():
            return _of_clear(action, name)
    assert_never(action)


def _of_clear(action: ClearSlot, name: str) -> str:
    slot = action.slot
    match action.reason:
        case Reason.REFUSED_LEFTOVER:
            return f"take the old PIN of {name} out of slot {slot}, because the lock refused the new one"
        case Reason.REPLACED:
            return f"take the old PIN or window of {name} out of slot {slot}, because the new one cannot be written yet"
        case Reason.EARLIER_UNSEEN:
            return f"empty slot {slot}, which does not answer and may hold an earlier PIN of {name}"
        case Reason.BREAK_SWAP:
            return f"empty slot {slot} for a moment, because two codes trade their PINs"
        case Reason.MASKED_REWRITE:
            return f"empty slot {slot} before writing {name}, because this lock hides its PINs"
        case _:
            return f"take {name} out of slot {slot}"


def why(
    code: AccessCode,
    snapshot: LockSnapshot,
    plan: Plan,
    reading: ClockReading,
    zone: ZoneInfo,
    *,
    is_ours: bool = True,
) -> tuple[str, ...]:
    """One code explained: what is wanted, what is believed on what evidence (A7), what is next, what a person can do.

    `is_ours`: the lock is one of this hub's; else nobody acts on the plan.
    """
    now = reading.lo
    wish = plan.wishes.get(code.code_id)
    standing = plan.standings.get(code.code_id)
    lines = [f"Wanted: {_wanted(code, now, zone)}."]
    idle = explain_idle.idle(snapshot, is_ours=is_ours)
    if wish is None or standing is None:
        status = "finished" if idle is Idle.FORGOTTEN else STATUS_WORDS[Status.UNSET]
        return (*lines, f"Status: unset, {status}.", "Next: nothing, this code is finished.")
    record = record_of(code.code_id, snapshot, plan)
    is_off = record is None and wish.phase is Phase.OVER and idle is not Idle.FORGOTTEN
    if idle is not None and not is_off:
        return (*lines, *_why_idle(wish, standing, record, snapshot, plan, idle, now, zone))
    lines.append(f"Status: {standing.status.value}, {STATUS_WORDS[standing.status]}.")
    lines.append(f"Believed: {_believed(code, record, plan, standing.issues)}.")
    lines.append(f"Evidence: {evidence_of(record, now, zone)}.")
    issues = sorted(standing.issues) + ([] if snapshot.is_reachable or not is_ours else [Issue.DEVICE_DISCONNECTED])
    lines += [f"Problem: {ISSUE_WORDS[issue]}" for issue in issues]
    lines.append(f"Next: {_next_of(wish, record, snapshot, plan, reading, zone)}.")
    lines += [f"You could: {advice}" for advice in advice_for(wish, record, snapshot, plan, reading)]
    return tuple(lines)


def _why_idle(
    wish: Desire,
    standing: Standing,
    record: SlotRecord | None,
    snapshot: LockSnapshot,
    plan: Plan,
    idle: Idle,
    now: Instant,
    zone: ZoneInfo,
) -> Iterator[str]:
    """The rest of `why` on a lock that nobody works on: the plan is not what happens, so nothing of it is told."""
    yield f"Status: {standing.status.value}, {explain_idle.status_words(standing.status, idle)}."
    told = _believed(wish.code, record, plan, standing.issues)
    yield f"Believed: {explain_idle.believed(told, record, idle)}."
    yield f"Evidence: {explain_idle.evidence(evidence_of(record, now, zone), record, idle)}."
    if idle is not Idle.QUARANTINED:
        yield f"Problem: {explain_idle.not_ours(snapshot.lock_id)}"
    for issue in sorted(standing.issues - PROMISES):
        yield f"Problem: {ISSUE_WORDS[issue]}"
    if idle is Idle.QUARANTINED and not snapshot.is_reachable:
        yield f"Problem: {ISSUE_WORDS[Issue.DEVICE_DISCONNECTED]}"
    yield f"Next: {explain_idle.next_step(snapshot.lock_id, idle)}."
    for advice in explain_idle.advice(snapshot.lock_id, record, idle, is_over=wish.phase is Phase.OVER):
        yield f"You could: {advice}"


def record_of(code_id: CodeId, snapshot: LockSnapshot, plan: Plan) -> SlotRecord | None:
    """The slot that a code holds, or None; a slot that is about to be given back counts as given back."""
    held = (record for slot, record in snapshot.slots.items() if slot not in plan.releases)
    return next((record for record in held if record.lease == code_id), None)


def evidence_of(record: SlotRecord | None, now: Instant, zone: ZoneInfo) -> str:
    """What we know about a slot and since when; an absence of proof is said as such."""
    if record is None:
        return "none is needed, it has no slot on the lock"
    seen = "" if record.sighted_at is None else f" at {when(record.sighted_at, now, zone)}"
    if record.sighted_by is SightingSource.MIDDLEMAN:
        seen += ", by hearsay only"
    look = f"slot {record.slot} was last seen {_SIGHTED_WORDS[record.sighted]}{seen}"
    if record.sighted is SightedAs.UNKNOWN:
        look = f"what is in slot {record.slot} now is not known"
    if record.operation is Operation.WRITE and record.proof is not None:
        return f"{EVIDENCE_WORDS[record.proof.evidence]}, {when(record.proof.at, now, zone)}; {look}"
    tries = f", {record.tries} tries in a row led nowhere" if record.tries > 1 else ""
    return f"no proof; {_OUTCOME_WORDS[record.outcome]}{tries}; {look}"


def advice_for(
    wish: Desire, record: SlotRecord | None, snapshot: LockSnapshot, plan: Plan, reading: ClockReading
) -> Iterator[str]:
    """What a person could do about a code that is not as it should be; nothing when the hub only needs time."""
    issues = plan.standings[wish.code.code_id].issues
    is_at_rest = record is None and wish.phase is not Phase.WANTED
    if not snapshot.is_reachable and not is_at_rest:
        yield "check the lock's batteries and its distance to the hub; the hub goes on by itself when it answers"
    if waits_for_the_time(wish, reading):
        yield "give the hub the network, or the time, so that it can start time-bound codes"
    if Issue.NO_SPACE in issues:
        yield "delete a code that nobody needs, on the hub or at the lock"
    elif issues & {Issue.DUPLICATE, Issue.CONSTRAINTS, Issue.REFUSED}:
        yield f"give it another PIN, with: gatewayctl update {wish.code.code_id} --pin -"
    has_end, is_late = wish.code.window.ends_at is not None, issues & {Issue.FAILED_TO_SET, Issue.DELAY_IN_SETTING}
    if has_end and is_late and plan.pool.ready and Issue.USING_BACKUP not in issues:
        yield f"hand out a backup code that is on the lock already, with: gatewayctl pull {wish.code.code_id}"
    if Issue.FAILED_TO_REMOVE in issues and record is not None:
        yield explain_idle.delete_by_hand(record)
    if Issue.CONFLICTING_CHANGE in issues:
        yield "ask who programs this lock at the keypad or with another app"


def waits_for_the_time(wish: Desire, reading: ClockReading) -> bool:
    """Whether the code would be on the lock already if the hub trusted its clock (T2)."""
    return wish.phase is Phase.BEFORE and (wish.opens_on_lock_at is None or wish.opens_on_lock_at <= reading.lo)


def _of_read(action: ReadSlot, name: str) -> str:
    if action.code_id is None:
        return f"look into slot {action.slot}"
    match action.reason:
        case Reason.FIND_FREE:
            return f"ask whether slot {action.slot} is free for {name}"
        case Reason.REMOVE_UNSEEN:
            return f"look into slot {action.slot} before taking {name} out of it"
        case _:
            return f"look into slot {action.slot} to prove that {name} is there"


def _wanted(code: AccessCode, now: Instant, zone: ZoneInfo) -> str:
    start = "at once" if code.window.starts_at is None else f"from {when(code.window.starts_at, now, zone)}"
    end = "until deleted" if code.window.ends_at is None else f"until {when(code.window.ends_at, now, zone)}"
    wanted = f"{named(code.name)} ({code.code_id}) on {code.lock_id}, {start}, {end}"
    if code.deleted_at is None:
        return f"{wanted}; ordered by the {code.origin.value}"
    return f"{wanted}; deleted {when(code.deleted_at, now, zone)} by the {code.origin.value}"


def _believed(code: AccessCode, record: SlotRecord | None, plan: Plan, issues: frozenset[Issue]) -> str:
    if record is None:
        if Issue.NO_SPACE in issues:
            return "it is not on the lock, and no slot is free for it"
        return "it is not on the lock"
    match plan.verdicts[record.slot]:
        case Verdict.GOOD:
            return f"its PIN is in slot {record.slot} of the lock"
        case Verdict.DUE:
            return _of_due(code, record)
        case Verdict.UNPROVEN | Verdict.UNPROVEN_MASKED:
            return f"its PIN may be in slot {record.slot}, that is not proven"
        case Verdict.REFUSED | Verdict.REFUSED_LEFTOVER as verdict:
            reason = REFUSAL_WORDS[record.refusal or RefusalReason.UNSPECIFIED]
            old = ", and its earlier PIN may still be there" if verdict is Verdict.REFUSED_LEFTOVER else ""
            return f"the lock refused its PIN for slot {record.slot}: {reason}{old}"
        case Verdict.DRIFT_DELETED:
            return f"somebody deleted it from slot {record.slot} at the lock"
        case Verdict.DRIFT_CHANGED:
            return f"somebody changed slot {record.slot} at the lock"
        case _:
            return f"a PIN of {named(code.name)} may still be in slot {record.slot}"


def _of_due(code: AccessCode, record: SlotRecord) -> str:
    """What is on the lock instead of what is to be written."""
    there = possible_pins(record)
    if code.digest in there and not record.barrier.is_confirmed:
        return f"its PIN is in slot {record.slot}, and nobody knows under which window"
    if code.digest in there:
        return f"its PIN is in slot {record.slot}, under another window than is wanted now"
    if there:
        return f"its PIN is not on the lock yet, and the one before it may still open: it is in slot {record.slot}"
    silent = REFUSAL_WORDS[RefusalReason.SILENT]
    why = f", and the lock refuses it: {silent}" if is_refused_silently(record, code.digest) else ""
    return f"its PIN is not on the lock, slot {record.slot} is kept for it{why}"


def _next_of(
    wish: Desire, record: SlotRecord | None, snapshot: LockSnapshot, plan: Plan, reading: ClockReading, zone: ZoneInfo
) -> str:
    now = reading.lo
    steps = () if plan.head is None else (plan.head, *plan.rest)
    mine = (number for number, step in enumerate(steps) if _code_of(step) == wish.code.code_id)
    number = next(mine, None)
    if number is not None:
        what = describe_action(steps[number], names_of(snapshot))
        if not snapshot.is_reachable:
            return f"when the lock answers, {what}"
        before = f"after {number} more urgent step{'' if number == 1 else 's'} on this lock"
        return f"at once, {what}" if number == 0 else f"{before}, {what}"
    if wish.phase is Phase.WANTED and record is None and snapshot.listed_at is None:
        return "once the hub has looked at all slots of the lock, it gets one"
    if record is not None and record.next_try_at is not None and record.next_try_at > now:
        return f"tried again at {when(record.next_try_at, now, zone)}"
    verdict = None if record is None else plan.verdicts[record.slot]
    if wish.phase is Phase.WANTED and verdict is not Verdict.GOOD:
        return _obstacle(wish, record, snapshot, reading, zone)
    if waits_for_the_time(wish, reading):
        return "goes onto the lock when the hub knows the time"
    if wish.changes_at is not None:
        lead_ms = (wish.code.window.starts_at or now) - wish.changes_at
        early = f", {span(lead_ms)} before its start" if lead_ms > 0 else ""
        turn = f"goes onto the lock{early}" if wish.phase is Phase.BEFORE else "comes off the lock"
        return f"{turn}, {when(wish.changes_at, now, zone)}"
    return "stays on the lock until it is deleted" if wish.phase is Phase.WANTED else "nothing, it is off the lock"


def _obstacle(
    wish: Desire, record: SlotRecord | None, snapshot: LockSnapshot, reading: ClockReading, zone: ZoneInfo
) -> str:
    """Why a code that should be on the lock, and is not, has no step in the plan."""
    if record is None:
        return "it gets a slot as soon as one is free"
    if record.refused_generation == wish.code.generation:
        return "nothing until it is changed, the lock would refuse it again"
    if lets_stand(wish.code, record):
        return "nothing, this code allows changes at the lock"
    others = (other for other in snapshot.slots.values() if other.slot != record.slot)
    holder = next((other for other in others if wish.code.digest in possible_pins(other)), None)
    if holder is not None:
        return f"waits until slot {holder.slot}, which may hold the same PIN, is empty"
    effort = snapshot.efforts.get(wish.code.code_id)
    open_at = open_again_at(effort, reading.lo, is_inside_lead=reading.lo < wish.due)
    if open_at is not None:
        return f"too many tries today, tried again at {when(open_at, reading.lo, zone)}"
    return "the hub looks again within seconds"


def _code_of(action: Action) -> CodeId | None:
    return None if isinstance(action, ListSlots | CheckClock) else action.code_id


def names_of(snapshot: LockSnapshot) -> Mapping[CodeId, str]:
    """The names of a lock's codes."""
    return {code.code_id: code.name for code in snapshot.codes}
