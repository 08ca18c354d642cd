"""Verbs that look at access codes: `codes`, `why` and `timeline`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from gateway.model.access_code import AccessCode, Origin
from gateway.model.events import Fact
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import Instant
from gateway.model.issues import Issue, Status
from gateway.planner import explain, explain_idle, explain_time
from gateway.planner.explain import local_time, named
from gateway.planner.words import ISSUE_WORDS
from gateway.shell import documents, story
from gateway.shell.context import LockView, Peer, ShellContext
from gateway.shell.scenes import Scene, all_scenes, find_code, find_lock_or_left, scene_of, short_ids, view_of
from gateway.shell.session import Answer, Cell, Column, NotDone, Request, Table, Tone, usage_failure
from gateway.store import codes as stored
from gateway.store import journal
from gateway.store.database import Connection

CODES_LISTED_MAX = 2_000
"""Codes in one answer, the living ones first: more than a hub of 50 locks with 30 codes has."""

PROBLEMS_SHOWN_MAX = 8
"""Problems told under the table; each has two lines."""

TIMELINE_LINES = 40
TIMELINE_LINES_MAX = 500
"""Lines of a timeline: about two screens unless more are asked for."""

_STATUS_TONES = {
    Status.SET: Tone.GOOD,
    Status.SETTING: Tone.WARN,
    Status.REMOVING: Tone.WARN,
    Status.UNSET: Tone.DIM,
    Status.UNKNOWN: Tone.BAD,
}

type Placed = tuple[AccessCode, Scene]


async def codes(context: ShellContext, _: Peer, request: Request) -> Answer:
    """Access codes, by lock and start, with what is wrong under the table."""
    wanted = request.get("lock")
    only = None if wanted is None else await find_lock_or_left(context, wanted)
    found = await _living(context, only)
    if request.get("all") is not None:
        found += await _finished(context, only, found)
    cut = max(len(found) - CODES_LISTED_MAX, 0)
    listed = found[:CODES_LISTED_MAX]
    if not listed:
        where = "" if only is None else f" on {only.name}"
        hint = "" if request.get("all") else " Finished ones: gatewayctl codes --all"
        return Answer((Cell(f"There are no access codes{where}.{hint}"),), value=[])
    shorts = short_ids(code.code_id for code, _ in listed)
    columns = [Column("CODE"), Column("NAME", wraps=True)]
    columns += [Column("LOCK", wraps=True)] if only is None else []
    columns += [Column("STATUS"), Column("WORKS", wraps=True)]
    rows = []
    for code, scene in listed:
        row = [Cell(shorts[code.code_id]), _name(code)]
        row += [Cell(scene.view.name)] if only is None else []
        row += [_status(code, scene), Cell(stay(code, scene.now, context.zone))]
        rows.append(tuple(row))
    notes = tuple(_problems(listed, shorts))
    if cut:
        notes += (Cell(f"… and {cut} more: ask for one lock with --lock", Tone.WARN),)
    value: list[Fact] = [documents.access_code(code, scene) for code, scene in listed]
    return Answer(table=Table(tuple(columns), tuple(rows)), notes=notes, value=value)


async def why(context: ShellContext, _: Peer, request: Request) -> Answer:
    """One code explained."""
    code = await context.db.read(lambda con: find_code(con, request.arguments["code"]))
    scene = await scene_of(context, view_of(context, code.lock_id))
    told = explain.why(code, scene.snapshot, scene.plan, scene.reading, context.zone, is_ours=scene.is_ours)
    wish, standing = scene.plan.wishes.get(code.code_id), scene.plan.standings.get(code.code_id)
    if wish is not None and standing is not None and scene.is_ours:
        told = (*told, *explain_time.of_code(wish, standing, scene.snapshot, scene.reading, context.zone))
    value: dict[str, Fact] = {"access_code": documents.access_code(code, scene), "lines": list[Fact](told)}
    return Answer(tuple(Cell(line, _line_tone(line)) for line in told), value=value)


async def timeline(context: ShellContext, _: Peer, request: Request) -> Answer:
    """Everything that happened to a code, oldest first."""
    limit = _limit(request.get("last"))

    def query(con: Connection) -> tuple[str, CodeId, tuple[journal.Line, ...]]:
        wanted = CodeId(request.arguments["code"])
        try:
            code = find_code(con, wanted)
        except NotDone:
            # An adoption that failed has a story, and left no code.
            lines = journal.timeline(con, wanted, limit)
            if not lines:
                raise
            return f"{wanted}: there is no such code, these are the orders for it", wanted, lines
        head = f"{named(code.name)} ({code.code_id}) on {code.lock_id}"
        return head, code.code_id, journal.timeline(con, code.code_id, limit)

    head, code_id, lines = await context.db.read(query)
    now = context.clock.reading().lo
    columns = (Column("WHEN"), Column("WHO"), Column("WHAT", wraps=True))
    told = [story.tell(line, context.zone) for line in lines]
    rows = tuple(
        (Cell(_to_the_second(line.at, now, context.zone)), Cell(_who(line), Tone.DIM), Cell(text))
        for line, text in zip(lines, told, strict=True)
    )
    notes = (Cell("… older lines: --last 500", Tone.DIM),) if len(lines) == limit < TIMELINE_LINES_MAX else ()
    value: list[Fact] = [documents.journal_line(line, text) for line, text in zip(lines, told, strict=True)]
    value_of_all: dict[str, Fact] = {"access_code_id": code_id, "lines": value}
    return Answer((Cell(head, Tone.HEAD),), Table(columns, rows), notes, value_of_all)


def stay(code: AccessCode, now: Instant, zone: ZoneInfo) -> str:
    """When a code works, in a cell."""
    start, end = code.window.starts_at, code.window.ends_at
    begins = "" if start is None else f"from {local_time(start, now, zone)}"
    ends = "" if end is None else f"until {local_time(end, now, zone)}"
    return f"{begins} {ends}".strip() or "until deleted"


async def _living(context: ShellContext, only: LockView | None) -> list[Placed]:
    scenes: Iterable[Scene] = await all_scenes(context) if only is None else (await scene_of(context, only),)
    return [(code, scene) for scene in scenes for code in sorted(_guests(scene), key=_by_start)]


def _guests(scene: Scene) -> Iterator[AccessCode]:
    """All codes but spares, which have a verb of their own: `pool`."""
    return (code for code in scene.snapshot.codes if not scene.snapshot.pool.is_spare(code.code_id))


async def _finished(context: ShellContext, only: LockView | None, living: Sequence[Placed]) -> list[Placed]:
    """The newest codes that are not among the living: finished ones, and those of locks that are not configured any more."""
    known = await context.db.read(lambda con: stored.all_codes(con, limit=CODES_LISTED_MAX))
    seen = {code.code_id for code, _ in living}
    rest = [code for code in known if code.code_id not in seen and (only is None or code.lock_id == only.lock_id)]
    scenes: dict[LockId, Scene] = {scene.view.lock_id: scene for _, scene in living}
    for lock_id in {code.lock_id for code in rest} - scenes.keys():
        scenes[lock_id] = await scene_of(context, view_of(context, lock_id))
    return [(code, scenes[code.lock_id]) for code in sorted(rest, key=_by_start)]


def _by_start(code: AccessCode) -> tuple[Instant, str]:
    return code.window.starts_at or Instant(0), code.name


def _name(code: AccessCode) -> Cell:
    return Cell(code.name) if code.name else Cell("(erased)", Tone.DIM)


def _status(code: AccessCode, scene: Scene) -> Cell:
    standing = scene.plan.standings.get(code.code_id)
    if standing is None:
        return Cell("finished", Tone.DIM)
    if any(not issue.is_warning for issue in standing.issues):
        return Cell(f"{standing.status.value} !", Tone.BAD)
    return Cell(standing.status.value, _STATUS_TONES[standing.status])


def _problems(listed: Sequence[Placed], shorts: Mapping[CodeId, str]) -> Iterator[Cell]:
    for lock_id in sorted({scene.view.lock_id for _, scene in listed if not scene.is_ours}):
        yield Cell(f"! {explain_idle.not_ours(lock_id)}", Tone.BAD)
    troubled = [(code, issues) for code, scene in listed if (issues := _issues(code, scene))]
    for code, issues in troubled[:PROBLEMS_SHOWN_MAX]:
        told = " ".join(ISSUE_WORDS[issue] for issue in sorted(issues))
        is_error = any(not issue.is_warning for issue in issues)
        yield Cell(f"! {named(code.name)}: {told}", Tone.BAD if is_error else Tone.WARN)
        yield Cell(f"  → gatewayctl why {shorts[code.code_id]}")
    if len(troubled) > PROBLEMS_SHOWN_MAX:
        yield Cell(f"… and {len(troubled) - PROBLEMS_SHOWN_MAX} more with problems", Tone.BAD)


def _issues(code: AccessCode, scene: Scene) -> frozenset[Issue]:
    """What is wrong with a code, without words that promise what nobody does."""
    standing = scene.plan.standings.get(code.code_id)
    if standing is None:
        return frozenset()
    return standing.issues if scene.is_worked_on else standing.issues - explain_idle.PROMISES


def _line_tone(line: str) -> Tone:
    tones = {"Wanted": Tone.HEAD, "Problem": Tone.BAD, "You could": Tone.WARN}
    return tones.get(line.partition(":")[0], Tone.PLAIN)


def _limit(text: str | None) -> int:
    if text is None:
        return TIMELINE_LINES
    is_number = text.isascii() and text.isdigit() and len(text) <= 3
    if not is_number or not 1 <= int(text) <= TIMELINE_LINES_MAX:
        raise usage_failure(f"--last must be a number from 1 to {TIMELINE_LINES_MAX}", "leave it out for 40", "--last")
    return int(text)


def _who(line: journal.Line) -> str:
    # The journal writes its own lines as the hub's; behind this one stands a person at the shell.
    return Origin.SHELL.value if line.kind == story.VERB_NOTE else line.actor.value


def _to_the_second(at: Instant, now: Instant, zone: ZoneInfo) -> str:
    return re.sub(r"(\d\d:\d\d)", rf"\1:{at // 1000 % 60:02d}", local_time(at, now, zone), count=1)
