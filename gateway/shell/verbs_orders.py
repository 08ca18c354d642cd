"""Verbs that give orders: `create`, `update` and `delete`. They go through the same desk as the cloud's.

One order is one transaction: what a person named is looked up, the order is received and the line that says who gave it
is written, or nothing at all. The bells are rung even when the session was cut off after the commit.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from gateway.model.access_code import AccessCode, Origin
from gateway.model.commands import (
    KEPT,
    Command,
    CreateAccessCode,
    DeleteAccessCode,
    Kept,
    Order,
    Receipt,
    Reception,
    Rejection,
    RejectionReason,
    UpdateAccessCode,
)
from gateway.model.events import Fact
from gateway.model.ids import CodeId, CommandId, LockId
from gateway.model.instant import Instant
from gateway.model.issues import Status
from gateway.model.pin import Pin
from gateway.nudge import OUTBOX_BELL, lock_bell
from gateway.orders.receive import receive
from gateway.planner import explain_idle
from gateway.planner.explain import named, record_of
from gateway.planner.explain_idle import Idle
from gateway.shell import documents
from gateway.shell.context import Peer, ShellContext
from gateway.shell.scenes import Scene, find_code, find_lock, scene_of, view_of
from gateway.shell.session import Answer, Cell, Failure, FailureKind, NotDone, Request, Tone, usage_failure
from gateway.shell.story import VERB_NOTE
from gateway.shell.times import Edge, NowUnknownError, Understood, known_now, parse_time
from gateway.store import codes, journal
from gateway.store.database import Connection

NAME_CHARS_MAX = 80
"""The bound that the wire has for names."""

ID_BYTES = 16
"""Drawn ids have the form and the size of a UUID version 4 (RFC 9562 5.4)."""

ID_RULE = "1 to 64 of the characters A-Z a-z 0-9 . _ : -"
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

_FIELDS = {
    "code": "--pin",
    "starts_at": "--from",
    "ends_at": "--until",
    "device_id": "LOCK",
    "access_code_id": "--id",
    "use_backup_access_code_pool": "--pool",
    "force": "--force",
    "slot": "SLOT",
}
"""Fields of the order as people write them here."""

_REMEDIES = {
    "code": "type another PIN; for a new code, leave --pin out and the hub draws one",
    "starts_at": "give another --from",
    "ends_at": "give a later --until",
    "device_id": "gatewayctl locks lists the locks",
    "access_code_id": "gatewayctl codes --all lists the codes",
    "force": "to hand it out now: pull CODE --force",
    "slot": "gatewayctl unmanaged LOCK lists the slots",
    "use_backup_access_code_pool": "give --until",
}

_REMEDIES_OF_REASONS = {
    RejectionReason.NO_BACKUP: "gatewayctl pool LOCK tells how many backups there are, and why none is ready",
    RejectionReason.NOT_TIME_BOUND: "gatewayctl update CODE --pin PIN, or --until TIME",
}
"""What helps where the field says less than the reason."""


@dataclass(frozen=True, slots=True)
class Times:
    """Both ends of a stay as far as they were given."""

    start: Understood | None
    end: Understood | None

    def told(self, context: ShellContext) -> Iterator[Cell]:
        """Which instants were understood, one line each."""
        now = known_now(context.clock.reading())
        for title, understood in (("from", self.start), ("until", self.end)):
            if understood is not None:
                yield Cell(f"  {title:<6}{understood.told(now, context.zone)}")


async def create(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Order a new access code. The PIN that the hub draws is in this one answer and nowhere else (A6)."""
    view = find_lock(context, request.arguments["lock"])
    pin = pin_of(request)
    times = times_of(request, context)
    if times.start is not None and times.end is not None and times.end.at <= times.start.at:
        raise _refused("the code would end at or before its start", "give a later --until", "--until")
    command = CreateAccessCode(
        code_id=code_id_of(request, context),
        lock_id=view.lock_id,
        name=name_of(request.arguments["name"]),
        pin=pin,
        starts_at=None if times.start is None else times.start.at,
        ends_at=None if times.end is None else times.end.at,
        use_backup_pool=request.get("pool") is not None,
    )
    receipt = await give(context, peer, request, "access_code.create", lambda _: command, view.lock_id)
    code = await _stored(context, receipt)
    drawn = None if receipt.drawn_pin is None else receipt.drawn_pin.reveal()
    lines = [Cell(f"{named(code.name)} is ordered for {view.name}.", Tone.GOOD), Cell(f"  id    {code.code_id}")]
    lines += times.told(context)
    if drawn is not None:
        lines.append(Cell(f"  PIN   {drawn}", Tone.HEAD))
        lines.append(Cell("  The PIN is shown this once: write it down for the guest.", Tone.WARN))
    lines.append(_follow(code))
    value = _value(code, receipt, await scene_of(context, view))
    return Answer(tuple(lines), value=value if drawn is None else value | {"drawn_pin": drawn})


async def update(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Change an access code."""
    if not any(request.get(name) for name in ("name", "pin", "from", "until")):
        remedy = "give at least one of --name, --pin, --from, --until"
        raise usage_failure("nothing to change was given", remedy)
    name, pin = request.get("name"), pin_of(request)
    times = times_of(request, context)

    def command(code: AccessCode | None) -> Command:
        assert code is not None
        return UpdateAccessCode(
            code_id=code.code_id,
            name=KEPT if name is None else name_of(name),
            pin=KEPT if pin is None else pin,
            starts_at=_kept(request.get("from"), times.start),
            ends_at=_kept(request.get("until"), times.end),
        )

    receipt = await give(context, peer, request, "access_code.update", command, None)
    code = await _stored(context, receipt)
    scene = await scene_of(context, view_of(context, code.lock_id))
    told = f"The change of {named(code.name)} on {scene.view.name} is accepted."
    lines = (Cell(told, Tone.GOOD), *times.told(context), _follow(code))
    return Answer(lines, value=_value(code, receipt, scene))


async def delete(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Take an access code off its lock for good."""
    receipt = await give(context, peer, request, "access_code.delete", _deletion, None)
    code = await _stored(context, receipt)
    scene = await scene_of(context, view_of(context, code.lock_id))
    idle = explain_idle.idle(scene.snapshot, is_ours=scene.is_ours)
    if idle in {Idle.NOT_OURS, Idle.FORGOTTEN}:
        lines = tuple(_left_behind(code, scene, idle))
    else:
        then = comes_off(scene) if _is_there(code, scene) else f"was not on {scene.view.name}"
        lines = (Cell(f"{named(code.name)} is deleted and {then}.", Tone.GOOD),)
    return Answer((*lines, _follow(code)), value=_value(code, receipt, scene))


def _is_there(code: AccessCode, scene: Scene) -> bool:
    standing = scene.plan.standings.get(code.code_id)
    return standing is not None and standing.status is Status.REMOVING


def _left_behind(code: AccessCode, scene: Scene, idle: Idle) -> Iterator[Cell]:
    """What becomes of a deleted code on a lock that is not this hub's any more."""
    name, lock = named(code.name), scene.view.name
    if _is_there(code, scene):
        yield Cell(f"{name} is deleted, but nobody takes it off {lock}.", Tone.BAD)
    elif idle is Idle.FORGOTTEN:
        yield Cell(f"{name} is deleted; nobody knows whether {lock} still holds it.", Tone.WARN)
    else:
        yield Cell(f"{name} is deleted and was not on {lock}.", Tone.GOOD)
        return
    yield Cell(explain_idle.not_ours(code.lock_id), Tone.WARN)
    record = record_of(code.code_id, scene.snapshot, scene.plan)
    for advice in explain_idle.advice(code.lock_id, record, idle, is_over=True):
        yield Cell(f"You could: {advice}", Tone.WARN)


def comes_off(scene: Scene) -> str:
    """When what must go leaves a lock of this hub, as the end of a sentence."""
    moment = "now" if scene.snapshot.is_reachable else "as soon as it answers"
    if scene.snapshot.is_quarantined:
        moment = "once the device in its place is accepted"
    return f"comes off {scene.view.name} {moment}"


def _deletion(code: AccessCode | None) -> Command:
    assert code is not None
    return DeleteAccessCode(code.code_id)


async def give(
    context: ShellContext,
    peer: Peer,
    request: Request,
    kind: str,
    command_for: Callable[[AccessCode | None], Command],
    lock_id: LockId | None,
) -> Receipt:
    """Receive one order in one transaction. `lock_id` is given for an order about a lock; else CODE is looked up.

    Raises `NotDone` when nothing fits what was typed, or when the order is refused.
    """
    at = context.clock.reading().lo
    command_id = CommandId(f"shell-{context.desk.entropy.token(ID_BYTES).hex()}")
    touched: set[LockId] = set() if lock_id is None else {lock_id}

    def change(con: Connection) -> Receipt:
        code = None if lock_id is not None else find_code(con, request.arguments["code"])
        command = command_for(code)
        where = lock_id if code is None else code.lock_id
        # The id is drawn anew for each order, so the digest needs to tell nothing apart, and no PIN takes part in it.
        digest = hashlib.sha256(json.dumps([kind, command_id]).encode()).digest()
        receipt = receive(con, Order(command_id, kind, Origin.SHELL, digest, command), context.desk, at)
        body: dict[str, Fact] = {
            "verb": request.verb.name,
            "uid": peer.uid,
            "options": [f"--{name}" for name in sorted(request.arguments) if name not in {"lock", "code", "slot"}],
            "outcome": receipt.reception.value,
        }
        if receipt.rejection is not None:
            body["reason"] = receipt.rejection.reason.value
        known = receipt.code_id if code is None else code.code_id
        journal.note(con, VERB_NOTE, at, lock_id=where, code_id=known, body=body, actor=Origin.SHELL)
        if where is not None:
            touched.add(where)
        return receipt

    try:
        receipt = await context.db.write(change)
    finally:
        for touched_id in touched:
            context.nudges.ring(lock_bell(touched_id))
        context.nudges.ring(OUTBOX_BELL)
    if receipt.reception is not Reception.ACCEPTED:
        raise NotDone(_of_rejection(receipt.rejection, request))
    return receipt


async def _stored(context: ShellContext, receipt: Receipt) -> AccessCode:
    code_id = receipt.code_id
    assert code_id is not None, "an accepted order names its code"
    code = await context.db.read(lambda con: codes.get(con, code_id))
    assert code is not None, "an accepted order leaves its code in the store"
    return code


def _value(code: AccessCode, receipt: Receipt, scene: Scene) -> dict[str, Fact]:
    return {"access_code": documents.access_code(code, scene), "generation": receipt.generation}


def _follow(code: AccessCode) -> Cell:
    return Cell(f"  How it goes: gatewayctl why {code.code_id}", Tone.DIM)


def _of_rejection(rejection: Rejection | None, request: Request) -> Failure:
    assert rejection is not None, "what is not accepted is rejected: the id is new"
    field = rejection.field or ""
    remedy = _REMEDIES_OF_REASONS.get(rejection.reason, _REMEDIES.get(field, ""))
    # Only a new code's id is an option; an old one was named by the first word.
    typed = "CODE" if field == "access_code_id" and "code" in request.arguments else _FIELDS.get(field, field)
    return Failure(FailureKind.REFUSED, rejection.message, remedy, typed or None)


def _refused(message: str, remedy: str, field: str) -> NotDone:
    return NotDone(Failure(FailureKind.REFUSED, message, remedy, field))


def pin_of(request: Request) -> Pin | None:
    """The PIN that was given, if one was. Raises `NotDone` when it is none."""
    text = request.get("pin")
    if text is None:
        return None
    try:
        return Pin(text)
    except ValueError as error:
        raise _refused(str(error), _REMEDIES["code"], "--pin") from None


def name_of(text: str) -> str:
    """A name for a code. Raises `NotDone` when it is too long or empty."""
    name = text.strip()
    if not 1 <= len(name) <= NAME_CHARS_MAX:
        raise _refused(f"a name has 1 to {NAME_CHARS_MAX} characters", "give a shorter --name", "--name")
    return name


def code_id_of(request: Request, context: ShellContext) -> CodeId:
    """The id that was given, or a drawn one. Raises `NotDone` when it is none."""
    text = request.get("id")
    if text is None:
        return CodeId(str(UUID(bytes=context.desk.entropy.token(ID_BYTES), version=4)))
    if not _ID.fullmatch(text):
        raise _refused(f"an id has {ID_RULE}", "give another --id, or leave it out", "--id")
    return CodeId(text)


def times_of(request: Request, context: ShellContext) -> Times:
    """Start and end as far as they were given. Raises `NotDone` when one is not understood, or counted from a time nobody knows."""
    start, end = request.get("from"), request.get("until")
    now = known_now(context.clock.reading())
    return Times(
        None if start in {None, "now"} else _time(start, Edge.START, now, context),
        None if end in {None, "never"} else _time(end, Edge.END, now, context),
    )


def _time(text: str | None, edge: Edge, now: Instant | None, context: ShellContext) -> Understood:
    assert text is not None
    field = "--from" if edge is Edge.START else "--until"
    try:
        return parse_time(text, edge, now, context.zone)
    except NowUnknownError as error:
        told = "the hub does not know what time it is, so it cannot count from now"
        raise _refused(told, f"{error}, or tell the hub the time first: gatewayctl set-time TIME", field) from None
    except ValueError as error:
        raise _refused("this is not understood as a time", str(error), field) from None


def _kept(text: str | None, understood: Understood | None) -> Instant | Kept | None:
    if text is None:
        return KEPT
    return None if understood is None else understood.at
