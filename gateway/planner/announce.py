"""What to tell: the difference between what was announced and what holds now, as events, each exactly once (I6, C2).

Level-based like everything else: after a crash the same difference is found again, and the transaction that stores the
events also stores what was announced.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.model.access_code import AccessCode
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId, CommandId
from gateway.model.instant import Instant, format_instant
from gateway.model.issues import Issue, Status
from gateway.model.slot import SlotRecord, Verdict
from gateway.model.snapshot import Announced, OpenOrder
from gateway.planner.desired import Desire, Phase
from gateway.planner.status import Circumstances, Standing


class Ending(StrEnum):
    """How an open order ends (C2)."""

    APPLIED = "applied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Announcement:
    """Everything to be stored in one transaction about one code."""

    code_id: CodeId
    told: Announced
    events: tuple[Event, ...]
    endings: Mapping[CommandId, Ending]
    is_finished: bool


_ISSUE_EVENTS = {
    Issue.DELAY_IN_SETTING: EventKind.CODE_DELAY_IN_SETTING,
    Issue.FAILED_TO_SET: EventKind.CODE_FAILED_TO_SET,
    Issue.FAILED_TO_REMOVE: EventKind.CODE_FAILED_TO_REMOVE,
}
"""Issues with an event of their own; a drift event is chosen by what was found."""


AT_REST = Standing(Status.SET, frozenset(), None)
"""How a code stands that is on the lock, proven and told, with nothing in its way."""


def is_at_rest(wish: Desire, verdict: Verdict | None, told: Announced) -> bool:
    """Whether there is surely nothing to say of a code that nobody asks about: it stands as `AT_REST`, and that is known.

    Most codes of a lock do, most of the time, so they are passed over at once. Codes with a window on the lock are not: their
    standing changes with the hour.
    """
    is_good = verdict is Verdict.GOOD and wish.phase is Phase.WANTED and wish.window is None
    is_told = told.status is Status.SET and told.digest == wish.code.digest
    return is_good and is_told and not told.issues and told.scheduled is None


def announcement(
    wish: Desire, now: Circumstances, standing: Standing, told: Announced, orders: tuple[OpenOrder, ...]
) -> Announcement | None:
    """What to tell about one code, or None when the cloud knows it all."""
    code = wish.code
    is_gone = now.record is None
    is_finished = wish.phase is Phase.OVER and is_gone
    digest = told.digest
    is_on_lock = standing.status is Status.SET or standing.scheduled is not None
    if is_on_lock and now.verdict is Verdict.GOOD:
        digest = code.digest
    elif is_gone and wish.phase is not Phase.WANTED:
        digest = None
    # The window stays announced after its start: the lock goes on keeping it.
    scheduled = standing.scheduled or (told.scheduled if digest is not None and wish.window is not None else None)
    new = Announced(standing.status, digest, standing.issues, scheduled)
    events = [
        *_of_schedule(code, now, standing, told, new),
        *_of_status(code, now, told, new),
        *_of_issues(code, now, told, new),
    ]
    if is_finished and code.is_deleted:
        events.append(_event(EventKind.CODE_DELETED, code, {}))
    endings: dict[CommandId, Ending] = {}
    for order in orders:
        ended = _ending(order, wish, now, standing)
        if ended is not None:
            ending, event = ended
            endings[order.command_id] = ending
            events.append(event)
    if new == told and not events and not is_finished:
        return None
    return Announcement(code.code_id, new, tuple(events), endings, is_finished)


def _of_schedule(
    code: AccessCode, now: Circumstances, standing: Standing, told: Announced, new: Announced
) -> Iterator[Event]:
    """The lock has taken the code with its window, or with another PIN or window than was told (A2)."""
    window = standing.scheduled
    if window is None or (told.scheduled, told.digest) == (new.scheduled, new.digest):
        return
    kept: dict[str, Fact] = {
        "starts_at": None if window.starts_at is None else format_instant(window.starts_at),
        "ends_at": None if window.ends_at is None else format_instant(window.ends_at),
    }
    yield _event(EventKind.CODE_SCHEDULED, code, kept | _evidence(now.record))


def _of_status(code: AccessCode, now: Circumstances, told: Announced, new: Announced) -> Iterator[Event]:
    is_set_anew = (
        new.status is Status.SET
        and now.verdict is Verdict.GOOD  # a change that somebody else may make is in effect, and not our PIN (A15)
        and new.digest is not None
        and (told.status is not Status.SET or told.digest != new.digest)
    )
    if is_set_anew:
        is_other_pin = told.digest is not None and told.digest != new.digest
        yield _event(EventKind.CODE_PIN_CHANGED if is_other_pin else EventKind.CODE_SET, code, _evidence(now.record))
    elif told.digest is not None and new.digest is None:
        yield _event(EventKind.CODE_REMOVED, code, {})
    elif told.status is not new.status:
        change: Fact = [{"property": "status", "from": told.status.value, "to": new.status.value}]
        yield _event(EventKind.CODE_CHANGED, code, {"changed_properties": change})


def _of_issues(code: AccessCode, now: Circumstances, told: Announced, new: Announced) -> Iterator[Event]:
    fresh = new.issues - told.issues
    for issue, kind in _ISSUE_EVENTS.items():
        if issue in fresh:
            yield _event(kind, code, _shown_issues(new, now))
    if Issue.NO_SPACE in new.issues ^ told.issues:
        # No event of its own is documented for a lock without room; the guest's host has to hear of it all the same (A16).
        change: Fact = [{"property": "errors", "from": _errors(told.issues), "to": _errors(new.issues)}]
        yield _event(EventKind.CODE_CHANGED, code, {"changed_properties": change})
    if fresh & {Issue.CONFLICTING_CHANGE, Issue.EXTERNAL_CHANGE_IN_EFFECT}:
        was_deleted = now.verdict is Verdict.DRIFT_DELETED
        kind = EventKind.CODE_DELETED_EXTERNAL if was_deleted else EventKind.CODE_MODIFIED_EXTERNAL
        yield _event(kind, code, _shown_issues(new, now))


def _shown_issues(new: Announced, now: Circumstances) -> dict[str, Fact]:
    """The code's own issues, and a copy of the lock's when it does not answer (A6)."""
    away = frozenset[Issue]() if now.is_reachable else frozenset({Issue.DEVICE_DISCONNECTED})
    return issue_lists(new.issues | away)


def _errors(issues: frozenset[Issue]) -> list[Fact]:
    return [issue.value for issue in sorted(issues) if not issue.is_warning]


def issue_lists(issues: frozenset[Issue]) -> dict[str, Fact]:
    """The two documented lists, sorted by name."""
    errors = _errors(issues)
    warnings: list[Fact] = [issue.value for issue in sorted(issues) if issue.is_warning]
    return {"access_code_errors": errors, "access_code_warnings": warnings}


def _ending(order: OpenOrder, wish: Desire, now: Circumstances, standing: Standing) -> tuple[Ending, Event] | None:
    code = wish.code
    if order.is_delete:
        return _applied(order, code, {}) if now.record is None else None
    if order.generation < code.generation or code.is_deleted:
        return _failed(order, code, "superseded")
    is_there = standing.status is Status.SET or standing.scheduled is not None
    if is_there and now.verdict is Verdict.GOOD:
        return _applied(order, code, _evidence(now.record))
    if wish.phase is Phase.OVER:
        return _failed(order, code, "expired")
    if Issue.EXTERNAL_CHANGE_IN_EFFECT in standing.issues:
        # What somebody changed at the lock may stay (A15), so nothing more becomes of this order; it put nothing on the lock.
        return _failed(order, code, "external_change_in_effect")
    if wish.phase is Phase.WANTED and now.verdict is Verdict.REFUSED:
        reason = None if now.record is None or now.record.refusal is None else now.record.refusal.value
        return _failed(order, code, "refused", refusal=reason)
    return None


def _applied(order: OpenOrder, code: AccessCode, body: dict[str, Fact]) -> tuple[Ending, Event]:
    event = _event(EventKind.COMMAND_APPLIED, code, body | {"generation": order.generation})
    return Ending.APPLIED, replace(event, command_id=order.command_id)


def _failed(order: OpenOrder, code: AccessCode, reason: str, refusal: str | None = None) -> tuple[Ending, Event]:
    body: dict[str, Fact] = {"reason": reason, "generation": order.generation}
    if refusal is not None:
        body["refusal"] = refusal
    return Ending.FAILED, replace(_event(EventKind.COMMAND_FAILED, code, body), command_id=order.command_id)


def _evidence(record: SlotRecord | None) -> dict[str, Fact]:
    if record is None or record.proof is None:
        return {}
    proof = record.proof
    at: Instant = proof.at
    return {"slot": int(record.slot), "evidence": proof.evidence.value, "proven_at": format_instant(at)}


def _event(kind: EventKind, code: AccessCode, body: dict[str, Fact]) -> Event:
    return Event(kind, lock_id=code.lock_id, code_id=code.code_id, body={"generation": code.generation} | body)
