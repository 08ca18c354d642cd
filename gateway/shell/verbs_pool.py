"""Verbs about backup codes, PINs and codes of others; none of them needs the cloud.

A PIN is shown by `pull`, `generate` and `reveal` only, in that one answer, and never written anywhere (N1).
"""

import re
from collections.abc import Iterator

from gateway.model.access_code import AccessCode, Origin
from gateway.model.commands import Command
from gateway.model.events import Fact
from gateway.model.ids import CodeId, Slot
from gateway.model.pin import Pin
from gateway.model.pool_commands import (
    ConvertUnmanaged,
    DeleteUnmanaged,
    GenerateCode,
    PullBackupCode,
    UpdateDevice,
)
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.unmanaged import unmanaged as unmanaged_slots
from gateway.planner import explain_idle
from gateway.planner.explain import named, record_of, relative
from gateway.planner.words import POOL_WORDS, STATUS_WORDS
from gateway.shell import documents
from gateway.shell.context import Peer, ShellContext
from gateway.shell.scenes import Scene, find_code, find_lock, scene_of, view_of
from gateway.shell.session import (
    Answer,
    Cell,
    Column,
    Failure,
    FailureKind,
    NotDone,
    Request,
    Table,
    Tone,
    usage_failure,
)
from gateway.shell.story import REVEAL_NOTE
from gateway.shell.verbs_codes import stay
from gateway.shell.verbs_orders import code_id_of, comes_off, give, name_of, pin_of, times_of
from gateway.store import codes, journal
from gateway.store.database import Connection

REASON_CHARS_MAX = 200
"""A reason is one sentence in a timeline."""

_MAY_BE_PIN = re.compile(r"\d{4}")
"""A run of digits that a reason may not hold: it stays in the journal (N1)."""

_HIDDEN = {SightedAs.HELD: "shown by the lock", SightedAs.MASKED: "hidden", SightedAs.DISABLED: "switched off"}


async def pool(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """The backup pool of a lock; with --on or --off it is turned."""
    view = find_lock(context, request.arguments["lock"])
    is_on, is_off = (request.get(name) is not None for name in ("on", "off"))
    if is_on and is_off:
        raise usage_failure("--on and --off exclude each other", "give one of them", "--on")
    if is_on or is_off:
        command = UpdateDevice(view.lock_id, is_pool_on=is_on)
        await give(context, peer, request, "device.update", lambda _: command, view.lock_id)
    scene = await scene_of(context, view)
    rows = tuple(_pool_rows(scene, context))
    columns = (Column("CODE", wraps=True), Column("FOR", wraps=True), Column("STATUS"), Column("SLOT", is_right=True))
    table = Table(columns, rows) if rows else None
    return Answer(tuple(_pool_lines(scene)), table, value=documents.pool(scene))


async def pull(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Give a proven backup to the guest of a code. Its PIN is in this one answer."""
    is_forced = request.get("force") is not None

    def command(code: AccessCode | None) -> Command:
        assert code is not None
        return PullBackupCode(code.code_id, is_forced=is_forced)

    receipt = await give(context, peer, request, "access_code.pull_backup_access_code", command, None)
    backup_id = CodeId(str(receipt.answer["backup_access_code_id"]))
    pin = receipt.drawn_pin
    assert pin is not None, "an accepted pull gives a PIN"
    original, backup = await context.db.read(
        lambda con: (codes.get(con, receipt.code_id or backup_id), codes.get(con, backup_id))
    )
    assert original is not None, "a pull has an original"
    assert backup is not None, "a pull has a backup"
    scene = await scene_of(context, view_of(context, backup.lock_id))
    lines = (
        Cell(f"{named(backup.name)} stands in for {named(original.name)} on {scene.view.name}.", Tone.GOOD),
        Cell(f"  PIN    {pin.reveal()}", Tone.HEAD),
        Cell("  It works now. Asked again, pull shows the same one.", Tone.WARN),
        Cell(f"  works  {stay(backup, scene.now, context.zone)}"),
    )
    value: dict[str, Fact] = {"backup_access_code": documents.access_code(backup, scene), "code": pin.reveal()}
    return Answer(lines, value=value)


async def reveal(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Show the PIN of a code to whoever gives a reason; the timeline keeps who and why."""
    reason = request.arguments["reason"].strip()
    if not reason or len(reason) > REASON_CHARS_MAX or not reason.isprintable():
        raise _refused(f"a reason has 1 to {REASON_CHARS_MAX} characters", "say why in one sentence", "--reason")
    if _MAY_BE_PIN.search(reason):
        raise _refused("a reason holds no long numbers: it is kept, and could be a PIN", "say it in words", "--reason")
    at = context.clock.reading().lo

    def look(con: Connection) -> tuple[AccessCode, Pin | None]:
        code = find_code(con, request.arguments["code"])
        sealed = codes.sealed_pin(con, code.code_id)
        if sealed is None:
            return code, None
        body: dict[str, Fact] = {"uid": peer.uid, "why": context.desk.personal(reason)}
        journal.note(con, REVEAL_NOTE, at, lock_id=code.lock_id, code_id=code.code_id, body=body, actor=Origin.SHELL)
        return code, context.desk.seal.open(sealed, code.lock_id, code.code_id)

    code, pin = await context.db.write(look)
    if pin is None:
        raise _refused("the hub does not have the PIN of this code any more", "order a new code", "CODE")
    lines = (
        Cell(f"{named(code.name)} ({code.code_id}) on {code.lock_id}", Tone.HEAD),
        Cell(f"  PIN   {pin.reveal()}", Tone.HEAD),
        Cell("  That you looked, and why, is in the code's timeline.", Tone.DIM),
    )
    return Answer(lines, value={"access_code_id": code.code_id, "code": pin.reveal()})


async def generate(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Draw a PIN that the lock would take. Nothing is reserved."""
    view = find_lock(context, request.arguments["lock"])
    command = GenerateCode(view.lock_id)
    receipt = await give(context, peer, request, "access_code.generate_code", lambda _: command, view.lock_id)
    assert receipt.drawn_pin is not None, "an accepted request for a PIN gives one"
    digits = receipt.drawn_pin.reveal()
    lines = (
        Cell(f"PIN   {digits}", Tone.HEAD),
        Cell(f"  {view.name} would take it. Nothing is reserved: use it with create --pin.", Tone.DIM),
    )
    return Answer(lines, value={"device_id": view.lock_id, "code": digits})


async def unmanaged(context: ShellContext, _: Peer, request: Request) -> Answer:
    """The codes on a lock that are not the hub's."""
    scene = await scene_of(context, find_lock(context, request.arguments["lock"]))
    found = tuple(unmanaged_slots(scene.snapshot.slots.values()))
    head: tuple[Cell, ...] = ()
    if scene.snapshot.is_quarantined:
        head = (Cell(explain_idle.quarantined_slots(scene.view.lock_id), Tone.WARN),)
    if not found:
        return Answer((*head, Cell(f"No code of others is known on {scene.view.name}.", Tone.GOOD)), value=[])
    columns = (Column("SLOT", is_right=True), Column("PIN"), Column("LAST SEEN"), Column("UNDER WAY"))
    rows = tuple(_unmanaged_row(record, scene) for record in found)
    note = Cell("They are left alone. To change that: adopt, or delete-unmanaged, with LOCK and SLOT.", Tone.DIM)
    value: list[Fact] = [documents.slot(record, scene) for record in found]
    return Answer(head, Table(columns, rows), (note,), value=value)


async def adopt(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Make a code of others an access code of the hub."""
    view = find_lock(context, request.arguments["lock"])
    times = times_of(request, context)
    slot = _slot(request)
    command = ConvertUnmanaged(
        lock_id=view.lock_id,
        slot=slot,
        code_id=code_id_of(request, context),
        name=name_of(request.get("name") or f"Code in slot {slot}"),
        pin=pin_of(request),
        starts_at=None if times.start is None else times.start.at,
        ends_at=None if times.end is None else times.end.at,
    )
    kind = "access_code.unmanaged.convert_to_managed"
    await give(context, peer, request, kind, lambda _: command, view.lock_id)
    scene = await scene_of(context, view)
    # The code exists from its adoption on: before that its story alone tells how it goes.
    is_waiting = command.pin is None
    moment = "once the lock has shown it" if is_waiting else "now"
    if is_waiting and scene.snapshot.is_quarantined:
        moment = "once the paired lock is back and has shown it"
    asked = f"{'timeline' if is_waiting else 'why'} {command.code_id}"
    lines = (
        Cell(f"{named(command.name)} in slot {slot} of {view.name} becomes a code of the hub {moment}.", Tone.GOOD),
        Cell(f"  id    {command.code_id}"),
        Cell(f"  How it goes: gatewayctl {asked}", Tone.DIM),
    )
    value: dict[str, Fact] = {"access_code_id": command.code_id, "slot": int(slot), "device_id": scene.view.lock_id}
    return Answer(lines, value=value)


async def delete_unmanaged(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Take a code of others off the lock for good."""
    view = find_lock(context, request.arguments["lock"])
    slot = _slot(request)
    if request.get("yes") is None:
        remedy = "say --yes; the hub does not know the PIN, so nobody can put it back"
        raise usage_failure(f"this takes somebody else's code off slot {slot} of {view.name}", remedy, "--yes")
    command = DeleteUnmanaged(view.lock_id, slot)
    receipt = await give(context, peer, request, "access_code.unmanaged.delete", lambda _: command, view.lock_id)
    scene = await scene_of(context, view)
    lines = (
        Cell(f"The code in slot {slot} {comes_off(scene)}.", Tone.GOOD),
        Cell(f"  How it goes: gatewayctl why {receipt.code_id}", Tone.DIM),
    )
    return Answer(lines, value={"access_code_id": receipt.code_id, "slot": int(slot), "device_id": view.lock_id})


def _pool_lines(scene: Scene) -> Iterator[Cell]:
    yield Cell(f"{scene.view.name} ({scene.view.lock_id})", Tone.HEAD)
    pool = scene.plan.pool
    if scene.snapshot.is_quarantined:
        yield Cell("Another device answers in the lock's place: no backup code can be handed out.", Tone.BAD)
        yield Cell(f"  → if it is the new lock: {explain_idle.accept(scene.view.lock_id)}")
        return
    if not pool.is_on:
        yield Cell("The pool is off. To fill it: --on, or order a stay that uses it.", Tone.DIM)
    else:
        is_full = len(pool.ready) >= pool.size
        told = f"{len(pool.ready)} of {pool.size} backup codes are ready"
        room = "" if pool.target >= pool.size else f"; there is room for {pool.target}"
        yield Cell(f"{told}{room}.", Tone.GOOD if is_full else Tone.WARN)
    for issue in sorted(pool.issues):
        yield Cell(f"! {POOL_WORDS[issue]}", Tone.WARN if issue.is_warning else Tone.BAD)


def _pool_rows(scene: Scene, context: ShellContext) -> Iterator[tuple[Cell, ...]]:
    names = {code.code_id: code for code in scene.snapshot.codes}
    for code_id, backup in scene.snapshot.pool.backups.items():
        code, standing = names.get(code_id), scene.plan.standings.get(code_id)
        if code is None or standing is None:
            continue
        original = None if backup.pulled_for is None else names.get(backup.pulled_for)
        whose = Cell("nobody yet", Tone.DIM)
        if backup.pulled_for is not None:
            ends = stay(code, scene.now, context.zone)
            whose = Cell(f"{original.name if original is not None else backup.pulled_for}, {ends}")
        record = record_of(code_id, scene.snapshot, scene.plan)
        is_ready = code_id in scene.plan.pool.ready and scene.is_worked_on
        status = Cell("ready", Tone.GOOD) if is_ready else Cell(STATUS_WORDS[standing.status], Tone.WARN)
        if backup.pulled_for is not None:
            status = Cell(STATUS_WORDS[standing.status])
        yield Cell(code.name), whose, status, Cell("" if record is None else str(record.slot))


def _unmanaged_row(record: SlotRecord, scene: Scene) -> tuple[Cell, ...]:
    seen = "?" if record.sighted_at is None else relative(record.sighted_at, scene.now)
    wish = scene.snapshot.takeovers.get(record.slot)
    under_way = "" if wish is None else f"to be adopted as {named(wish.name)}"
    return Cell(str(record.slot)), Cell(_HIDDEN[record.sighted]), Cell(seen), Cell(under_way)


def _slot(request: Request) -> Slot:
    text = request.arguments["slot"]
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise usage_failure("SLOT must be the number of a slot", "gatewayctl unmanaged LOCK lists them", "SLOT")
    return Slot(int(text))


def _refused(message: str, remedy: str, field: str) -> NotDone:
    return NotDone(Failure(FailureKind.REFUSED, message, remedy, field))
