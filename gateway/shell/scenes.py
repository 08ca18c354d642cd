"""Locks and codes as the verbs look at them: found by what a person typed, with the plan that the worker would make."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.model.access_code import AccessCode
from gateway.model.clock import ClockReading
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import Instant
from gateway.model.lock import LockProfile
from gateway.model.pin import ANY_LOCK
from gateway.model.snapshot import LockSettings, LockSnapshot
from gateway.orders.relations import with_lookalikes
from gateway.planner.plan import Plan, plan
from gateway.shell.context import LockView, ShellContext
from gateway.shell.session import Failure, FailureKind, NotDone, quoted
from gateway.store import codes, locks, snapshot
from gateway.store.database import Connection
from gateway.store.locks import LockRow

CODES_SEARCHED_MAX = 5_000
"""Codes among which a prefix or a name is looked for, the living ones first."""

CANDIDATES_SHOWN_MAX = 8
"""Suggestions in a message; more do not help at a door."""

PREFIX_CHARS_MIN = 3
"""Fewer characters of an id are a slip, and `delete` has no undo."""

SHORT_ID_CHARS = 8
"""Characters of an id in a table: 32 bits of a drawn id, and more where two ids begin alike."""

WHOLE_ID_CHARS_MAX = 12
"""An id up to this length is shown whole."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One lock: its name, what the store knows of it, and the plan. `row` is None while no driver ever brought it.

    `is_ours` is False for a lock that was taken out of the configuration, or left: its plan is made, and nobody acts on it.
    """

    view: LockView
    row: LockRow | None
    snapshot: LockSnapshot
    plan: Plan
    reading: ClockReading
    is_ours: bool = True

    @property
    def is_worked_on(self) -> bool:
        """Whether the hub acts on the plan: the lock is its own, and the device that was paired answers for it (A17)."""
        return self.is_ours and not self.snapshot.is_quarantined

    @property
    def now(self) -> Instant:
        """The instant that the plan was made for."""
        return self.reading.lo


async def scene_of(context: ShellContext, view: LockView) -> Scene:
    """One lock, read in one transaction."""

    def query(con: Connection) -> tuple[LockRow | None, LockSnapshot]:
        found = snapshot.take(con, view.lock_id, view.settings)
        taken = unmet(con, view) if found is None else with_lookalikes(con, found, context.desk.seal)
        return locks.get(con, view.lock_id), taken

    row, taken = await context.db.read(query)
    reading = context.clock.reading()
    return Scene(view, row, taken, plan(taken, reading), reading, view.lock_id in context.locks)


async def all_scenes(context: ShellContext) -> tuple[Scene, ...]:
    """Every lock of the configuration. One transaction per lock, so that the workers get theirs in between."""
    return tuple([await scene_of(context, view) for view in context.locks.values()])


def unmet(con: Connection, view: LockView) -> LockSnapshot:
    """A lock that no driver ever brought: nothing of ours can be on it, and its codes wait."""
    profile = LockProfile("not met yet", range(0), ANY_LOCK)
    waiting = codes.unfinished(con, view.lock_id)
    return LockSnapshot(view.lock_id, profile, view.settings, waiting, is_reachable=False)


def view_of(context: ShellContext, lock_id: LockId) -> LockView:
    """The lock as configured; one that is not configured any more goes by its id."""
    return context.locks.get(lock_id) or LockView(lock_id, lock_id, LockSettings())


def find_lock(context: ShellContext, text: str) -> LockView:
    """The lock that a person means: by id, by name, or by the beginning of either when only one begins so.

    Raises `NotDone` with the candidates.
    """
    views = tuple(context.locks.values())
    wanted = text.casefold()
    exact = [view for view in views if view.lock_id == text] or [
        view for view in views if view.name.casefold() == wanted
    ]
    begins = [view for view in views if view.lock_id.startswith(text) or view.name.casefold().startswith(wanted)]
    found = exact or begins
    if len(found) == 1:
        return found[0]
    told = "more than one lock goes by" if found else "no lock goes by"
    known = _listed(f"{view.lock_id} “{view.name}”" for view in found or views) or "there is none yet"
    raise NotDone(Failure(FailureKind.REFUSED, f"{told} {quoted(text)}", f"the locks are: {known}", "LOCK"))


async def find_lock_or_left(context: ShellContext, text: str) -> LockView:
    """The same for looking, where a lock that is not this hub's any more, but has left traces, is found by its whole id."""
    try:
        return find_lock(context, text)
    except NotDone:
        lock_id = LockId(text)
        if not await context.db.read(lambda con: bool(locks.get(con, lock_id) or codes.unfinished(con, lock_id))):
            raise
        return view_of(context, lock_id)


def find_code(con: Connection, text: str) -> AccessCode:
    """The access code that a person means: by id, by a unique beginning of the id, or by its name; living ones first.

    Raises `NotDone` with the candidates.
    """
    exact = codes.get(con, CodeId(text))
    if exact is not None:
        return exact
    known = codes.all_codes(con, limit=CODES_SEARCHED_MAX)
    is_long_enough = len(text) >= PREFIX_CHARS_MIN
    by_prefix = [code for code in known if is_long_enough and code.code_id.startswith(text)]
    found = by_prefix or [code for code in known if code.name.casefold() == text.casefold()]
    living = [code for code in found if not codes.is_finished(con, code.code_id)]
    meant = living or found
    if len(meant) == 1:
        return meant[0]
    told = "more than one access code goes by" if meant else "no access code goes by"
    listed = _listed(f"{code.code_id} “{code.name}”" for code in meant)
    remedy = f"write more of the id: {listed}" if meant else "gatewayctl codes --all lists them all"
    raise NotDone(Failure(FailureKind.REFUSED, f"{told} {quoted(text)}", remedy, "CODE"))


def short_ids(ids: Iterable[CodeId]) -> Mapping[CodeId, str]:
    """For each id a beginning that is unique among them, at least `SHORT_ID_CHARS` long; short ids are whole."""
    ordered = sorted(set(ids))
    found: dict[CodeId, str] = {}
    for place, code_id in enumerate(ordered):
        neighbours = ordered[max(place - 1, 0) : place] + ordered[place + 1 : place + 2]
        shared = max((_shared(code_id, other) for other in neighbours), default=0)
        length = max(SHORT_ID_CHARS, shared + 1)
        found[code_id] = code_id if len(code_id) <= max(WHOLE_ID_CHARS_MAX, length) else code_id[:length]
    return found


def _shared(one: str, two: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _listed(texts: Iterable[str]) -> str:
    every = list(texts)
    shown = ", ".join(every[:CANDIDATES_SHOWN_MAX])
    more = len(every) - CANDIDATES_SHOWN_MAX
    return f"{shown} and {more} more" if more > 0 else shown
