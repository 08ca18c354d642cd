"""Verbs about locks: `locks`, `slots` and `plan`."""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from gateway.model.events import Fact
from gateway.model.evidence import Evidence
from gateway.model.ids import Slot
from gateway.model.instant import Instant
from gateway.model.slot import Operation, SightedAs, SlotRecord, Verdict
from gateway.planner import explain_idle, explain_time
from gateway.planner.explain import describe_action, local_time, relative, when
from gateway.planner.explain_plan import describe_plan, next_step
from gateway.planner.words import VERDICT_WORDS
from gateway.shell import documents
from gateway.shell.context import Peer, ShellContext
from gateway.shell.scenes import Scene, all_scenes, find_lock_or_left, scene_of, short_ids
from gateway.shell.session import Answer, Cell, Column, Request, Table, Tone

PROOF_WORDS = {
    Evidence.ACKNOWLEDGED: "taken, unproven",
    Evidence.MASKED: "occupied since",
    Evidence.SUPERVISED: "confirmed",
    Evidence.NOTIFIED: "reported",
    Evidence.READ_BACK: "read back",
    Evidence.USED: "opened the door",
}
"""Evidence in a cell of a table; `why` has whole sentences."""

BATTERY_WARN_PERCENT = 30
"""From here down the charge is shown in a warning tone: weeks, not months, on the lithium-free cells locks ship with."""

_VERDICT_TONES = {
    Verdict.GOOD: Tone.GOOD,
    Verdict.FREE: Tone.DIM,
    Verdict.UNSEEN: Tone.DIM,
    Verdict.FOREIGN: Tone.PLAIN,
    Verdict.RELEASED: Tone.DIM,
    Verdict.DUE: Tone.WARN,
    Verdict.UNPROVEN: Tone.WARN,
    Verdict.UNPROVEN_MASKED: Tone.WARN,
}
"""Everything else needs an eye."""

_DULL = frozenset({Verdict.FREE, Verdict.UNSEEN})
"""Slots that say nothing one by one."""


async def locks(context: ShellContext, _: Peer, __: Request) -> Answer:
    """All locks, one line each."""
    scenes = await all_scenes(context)
    if not scenes:
        return Answer(
            (
                Cell(
                    "The hub has no lock yet: `gatewayctl include` adds one at its door, [[locks]] in the configuration one of an existing network.",
                    Tone.WARN,
                ),
            ),
            value=[],
        )
    table, rows = lock_table(scenes, context.zone, is_short=False)
    health = context.health()
    for scene, row in zip(scenes, rows, strict=True):
        if isinstance(row, dict):
            known = health.get(scene.view.lock_id)
            row["radio"] = None if known is None else documents.link(known)
    return Answer(table=table, value=rows)


async def slots(context: ShellContext, _: Peer, request: Request) -> Answer:
    """What is in the slots of one lock; runs of free and of unseen slots share a line."""
    scene = await scene_of(context, await find_lock_or_left(context, request.arguments["lock"]))
    rows = tuple(_slot_row(run, scene, context.zone) for run in _runs(scene))
    columns = (Column("SLOT", is_right=True), Column("WHAT IS THERE", wraps=True), Column("CODE", wraps=True))
    table = Table((*columns, Column("PROOF", wraps=True), Column("LAST SEEN")), rows) if rows else None
    value: dict[str, Fact] = {
        "device_id": scene.view.lock_id,
        "slots": [documents.slot(record, scene) for record in scene.snapshot.slots.values()],
    }
    head = f"{scene.view.name} ({scene.view.lock_id}), {_model(scene)}"
    return Answer((Cell(head, Tone.HEAD), *_absence(scene, context.zone)), table, value=value)


async def plan(context: ShellContext, _: Peer, request: Request) -> Answer:
    """What the hub does on one lock now, then, and later."""
    scene = await scene_of(context, await find_lock_or_left(context, request.arguments["lock"]))
    names = {code.code_id: code.name for code in scene.snapshot.codes}
    head = Cell(f"{scene.view.name} ({scene.view.lock_id})", Tone.HEAD)
    lock_id = scene.view.lock_id
    if scene.is_ours:
        told = (
            *explain_time.of_clock(scene.snapshot),
            *describe_plan(scene.snapshot, scene.plan, scene.reading, context.zone),
        )
    else:
        told = (
            f"Nobody works on it: {explain_idle.not_ours(lock_id)}",
            f"You could: {explain_idle.bring_back(lock_id)}",
        )
    steps = () if scene.plan.head is None or not scene.is_ours else (scene.plan.head, *scene.plan.rest)
    value: dict[str, Fact] = {
        "device_id": scene.view.lock_id,
        "is_reachable": scene.snapshot.is_reachable,
        "steps": [documents.action(step, describe_action(step, names)) for step in steps],
        "wake_at": documents.instant(scene.plan.wake_at) if scene.is_ours else None,
        "lines": list[Fact](told),
    }
    return Answer((head, *(Cell(line) for line in told)), value=value)


def lock_table(scenes: Iterable[Scene], zone: ZoneInfo, *, is_short: bool) -> tuple[Table, list[Fact]]:
    """The locks as a table, and for programs. The short one, for `status`, leaves out the ids and what is next."""
    columns = [Column("LOCK", wraps=True)]
    columns += [] if is_short else [Column("ID", wraps=True)]
    columns += [Column("ANSWERS"), Column("BATTERY", is_right=True), Column("SET", is_right=True)]
    columns += [Column("WAITING", is_right=True)]
    columns += [] if is_short else [Column("NEXT", wraps=True)]
    rows: list[tuple[Cell, ...]] = []
    values: list[Fact] = []
    for scene in scenes:
        is_met = scene.row is not None
        following = next_step(scene.snapshot, scene.plan, scene.reading, zone) if is_met else "waits for its driver"
        values.append(documents.lock(scene, following))
        wanted, proven, waiting = documents.counts(scene)
        row = [Cell(scene.view.name)]
        row += [] if is_short else [Cell(scene.view.lock_id)]
        row += [_answers(scene), _battery(scene)]
        row.append(Cell(f"{proven} of {wanted}", Tone.GOOD if proven == wanted else Tone.WARN))
        row += [Cell(str(waiting))] if is_short else [Cell(str(waiting)), Cell(following)]
        rows.append(tuple(row))
    return Table(tuple(columns), tuple(rows)), values


def _answers(scene: Scene) -> Cell:
    if scene.row is None:
        return Cell("not met", Tone.BAD)
    return Cell("yes", Tone.GOOD) if scene.snapshot.is_reachable else Cell("no", Tone.BAD)


def _battery(scene: Scene) -> Cell:
    percent = None if scene.row is None else scene.row.battery_percent
    if percent is None:
        return Cell("?", Tone.DIM)
    return Cell(f"{percent} %", Tone.WARN if percent <= BATTERY_WARN_PERCENT else Tone.PLAIN)


def _model(scene: Scene) -> str:
    if scene.row is None:
        return "never met by a driver"
    return f"{scene.row.profile.model}, {len(scene.row.profile.slots)} slots"


def _absence(scene: Scene, zone: ZoneInfo) -> Iterator[Cell]:
    lock_id = scene.view.lock_id
    if not scene.is_ours:
        yield Cell(f"{explain_idle.not_ours(lock_id)} What follows is what was last known.", Tone.WARN)
    elif scene.snapshot.is_quarantined:
        yield Cell(explain_idle.quarantined_slots(lock_id), Tone.WARN)
    elif scene.row is None:
        yield Cell("No driver ever brought this lock: nothing is known about its slots.", Tone.WARN)
    elif not scene.row.is_reachable:
        at = scene.row.reachable_changed_at
        since = "" if at is None else f" since {when(at, scene.now, zone)}"
        yield Cell(f"The lock does not answer{since}; what follows is what was last known.", Tone.WARN)


def _runs(scene: Scene) -> Iterator[list[SlotRecord]]:
    """Slots in order; neighbours that are both free, or both unseen, together."""
    run: list[SlotRecord] = []
    for number in scene.snapshot.profile.slots:
        slot = Slot(number)
        record = scene.snapshot.slots.get(slot, SlotRecord(slot))
        is_dull = _verdict(record, scene) in _DULL
        if run and not (is_dull and _what(run[0], scene) == _what(record, scene)):
            yield run
            run = []
        run.append(record)
    if run:
        yield run


def _verdict(record: SlotRecord, scene: Scene) -> Verdict:
    return scene.plan.verdicts.get(record.slot, Verdict.UNSEEN)


def _what(record: SlotRecord, scene: Scene) -> str:
    verdict = _verdict(record, scene)
    # Told empty by a middleman, or by the lock too long ago: not free until the lock is asked (N2).
    was_empty = verdict is Verdict.UNSEEN and record.sighted is SightedAs.EMPTY
    return "empty when last told, asked before use" if was_empty else VERDICT_WORDS[verdict]


def _slot_row(run: Sequence[SlotRecord], scene: Scene, zone: ZoneInfo) -> tuple[Cell, ...]:
    record, last = run[0], run[-1]
    verdict = _verdict(record, scene)
    numbers = Cell(str(record.slot) if record is last else f"{record.slot}-{last.slot}")
    what = Cell(_what(record, scene), _VERDICT_TONES.get(verdict, Tone.BAD))
    seen_at = max((each.sighted_at for each in run if each.sighted_at is not None), default=None)
    seen = Cell("never", Tone.DIM) if seen_at is None else Cell(relative(seen_at, scene.now))
    code_id = None if record.slot in scene.plan.releases else record.lease
    if code_id is None:
        return numbers, what, Cell(""), Cell(""), seen
    wish = scene.plan.wishes.get(code_id)
    short = short_ids(code.code_id for code in scene.snapshot.codes).get(code_id, code_id)
    code = Cell(short if wish is None else f"{wish.code.name} ({short})")
    return numbers, what, code, _proof(record, scene.now, zone), seen


def _proof(record: SlotRecord, now: Instant, zone: ZoneInfo) -> Cell:
    if record.operation is Operation.WRITE and record.proof is not None:
        return Cell(f"{PROOF_WORDS[record.proof.evidence]} {local_time(record.proof.at, now, zone)}")
    tries = f", {record.tries} tries" if record.tries > 1 else ""
    return Cell(f"none{tries}", Tone.WARN)
