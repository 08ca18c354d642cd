"""Verbs about time: `set-time`, `confirm-time`, and the guided check that a lock keeps windows itself, `check-native`."""

from collections.abc import Callable

from gateway.model.access_code import Origin
from gateway.model.clock import ClockStep, ClockTrust
from gateway.model.commands import CreateAccessCode, DeleteAccessCode
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant, format_instant
from gateway.model.lock import ScheduleClock, ScheduleTrust
from gateway.nudge import CLOCK_BELL, OUTBOX_BELL, lock_bell
from gateway.planner.explain import local_time, span, when
from gateway.ports import GuardedClock
from gateway.shell.context import LockView, Peer, ShellContext
from gateway.shell.scenes import Scene, find_lock, scene_of
from gateway.shell.session import Answer, Cell, Failure, FailureKind, NotDone, Request, Tone, usage_failure
from gateway.shell.story import VERB_NOTE
from gateway.shell.times import Edge, NowUnknownError, parse_time
from gateway.shell.verbs_orders import give
from gateway.store import codes, hub_time, journal, lock_time
from gateway.store.database import Connection

PERSON_SLACK_MS = MINUTE_MS
"""A person reads a watch and types: right to a minute."""

TRIAL_AHEAD_MS = 3 * HOUR_MS
TRIAL_LENGTH_MS = HOUR_MS
"""The trial's window: beyond any just-in-time lead (A4: two hours), so that only the lock can keep the PIN shut."""

TRIAL_ID_BYTES = 4


async def set_time(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Tell a hub that does not know the time what time it is (T2); far ahead it is believed only when confirmed (T3)."""
    before = context.clock.reading()
    try:
        # Never counted from the hub's own time: that would confirm what is asked for.
        understood = parse_time(request.arguments["time"], Edge.START, None, context.zone)
    except NowUnknownError as error:
        raise _refused("a time from now does not say what time it is", str(error)) from None
    except ValueError as error:
        raise _refused("this is not understood as a time", str(error)) from None
    clock = _guarded(context)
    if before.trust is not ClockTrust.TRUSTED and request.get("yes") is None:
        await _doubt(context, before.lo, understood.at)
    if not clock.bound(understood.at, PERSON_SLACK_MS):
        told = "the hub knows the time, or it is surely later than that"
        raise _refused(told, f"gatewayctl status shows it; {format_instant(before.lo)} has passed for sure")
    await _note(context, peer, request, understood.at)
    line = Cell(f"The hub takes it: {understood.told(None, context.zone)}.", Tone.GOOD)
    return Answer(
        (line, Cell("  It holds until the time service answers.")), value={"at": format_instant(understood.at)}
    )


async def _doubt(context: ShellContext, lo: Instant, at: Instant) -> None:
    """Refuse a time that may be a slip of the pen: time never goes back, not even when the time service answers (T1).

    The measure is that of a step which the hub holds (T3). To a hub that never knew the time every step is a long one: it is
    read back once, for a wrong year would have every later stay refused as past.
    """
    step = ClockStep(lo, Instant(at - PERSON_SLACK_MS), lo)

    def judge(con: Connection) -> tuple[bool, int]:
        return context.is_suspect(con, step), hub_time.stays_ending_between(con, step.lo, step.to)

    is_suspect, ending = await context.db.read(judge)
    if not is_suspect:
        return
    moment = f"{local_time(at, lo, context.zone)} {context.zone.key} = {format_instant(at)}"
    is_first = not hub_time.was_ever_known(lo)
    far = "and this hub never knew the time" if is_first else f"{span(at - lo)} later than the hub knows for sure"
    codes_ending = f"{ending or 'no'} code{'' if ending < 2 else 's'}"
    remedy = "look at the date once more, for time never goes back; if it is right, say it again with --yes"
    raise _refused(f"that is {moment}, {far}: {codes_ending} would end by it", remedy, "--yes")


async def confirm_time(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Believe a step of time that the hub holds; what has ended by it is removed at once (T3)."""
    clock = _guarded(context)
    step = clock.step()
    if step is None:
        raise _refused("no step of time is held", "gatewayctl status shows what the hub believes")
    clock.take_step()
    await _note(context, peer, request, step.to)
    told = f"The step of {span(step.to - step.lo)} is taken: it is {when(step.to, step.to, context.zone)}."
    return Answer((Cell(told, Tone.WARN),), value={"at": format_instant(step.to), "step_ms": step.to - step.lo})


async def check_native(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Find out at the door whether a lock keeps windows: put a future PIN on it, type it, say what happened (A2)."""
    view = find_lock(context, request.arguments["lock"])
    is_refused, is_opened = (request.get(name) is not None for name in ("refused", "opened"))
    if is_refused and is_opened:
        raise usage_failure("--refused and --opened exclude each other", "say what the lock did", "--refused")
    scene = await scene_of(context, view)
    trial = scene.snapshot.trial
    if not is_refused and not is_opened:
        return await _begin(context, peer, request, scene)
    if trial is None:
        raise _refused(f"no check runs on {view.name}", f"begin with: gatewayctl check-native {view.lock_id}")
    standing = scene.plan.standings.get(trial)
    if is_refused and (standing is None or standing.scheduled is None):
        raise _refused("the PIN is not proven to be on the lock, or its window has begun", f"gatewayctl why {trial}")
    if is_refused and await context.db.read(lambda con: _has_opened(con, view.lock_id, trial)):
        raise _refused("the lock told that this PIN has opened it", f"gatewayctl check-native {view.lock_id} --opened")
    await give(context, peer, request, "access_code.delete", lambda _: DeleteAccessCode(trial), view.lock_id)
    at = context.clock.reading().lo
    await _conclude(context, peer, view, at, is_proven=is_refused)
    if is_refused:
        told = Cell(f"{view.name} keeps windows itself: codes are put on it three days ahead from now on.", Tone.GOOD)
    else:
        told = Cell(f"{view.name} does not keep windows: the hub goes on keeping them.", Tone.WARN)
    return Answer((told, Cell("  The PIN of the check is taken off.")), value={"is_proven": is_refused})


async def _begin(context: ShellContext, peer: Peer, request: Request, scene: Scene) -> Answer:
    view, schedule = scene.view, scene.snapshot.profile.schedule
    if schedule is None or schedule.enforced is ScheduleTrust.NONE or schedule.clock is ScheduleClock.OWN:
        raise _refused(f"{view.name} has no windows that the hub could use", "nothing is to be checked", "LOCK")
    reading = context.clock.reading()
    if reading.trust is not ClockTrust.TRUSTED:
        told = "windows go onto locks only while the hub's time is trusted"
        raise _refused(
            told, "give the hub the network, or a time service that answers: gatewayctl status shows its clock"
        )
    now = reading.lo
    code_id = CodeId(f"native-check-{context.desk.entropy.token(TRIAL_ID_BYTES).hex()}")
    starts_at = Instant((now + TRIAL_AHEAD_MS) // HOUR_MS * HOUR_MS)
    command = CreateAccessCode(
        code_id=code_id,
        lock_id=view.lock_id,
        name="Check of windows",
        pin=None,
        starts_at=starts_at,
        ends_at=Instant(starts_at + TRIAL_LENGTH_MS),
    )
    await _write(context, view.lock_id, lambda con: lock_time.set_trial(con, view.lock_id, code_id))
    receipt = await give(context, peer, request, "access_code.create", lambda _: command, view.lock_id)
    assert receipt.drawn_pin is not None, "the hub drew the PIN of the check"
    drawn = receipt.drawn_pin.reveal()
    lines = (
        Cell(
            f"A PIN goes onto {view.name} now, that must not open before {when(starts_at, now, context.zone)}.",
            Tone.GOOD,
        ),
        Cell(f"  PIN   {drawn}", Tone.HEAD),
        Cell(f"  1. Wait until it is there: gatewayctl why {code_id}"),
        Cell("  2. Type it at the keypad, with the door open."),
        Cell(f"  3. The lock refused it:    gatewayctl check-native {view.lock_id} --refused"),
        Cell(f"     The lock opened:        gatewayctl check-native {view.lock_id} --opened"),
    )
    return Answer(lines, value={"access_code_id": code_id, "drawn_pin": drawn, "starts_at": format_instant(starts_at)})


def _has_opened(con: Connection, lock_id: LockId, trial: CodeId) -> bool:
    """Whether the lock was seen to open outside a window since the check began."""
    code, disproved_at = codes.get(con, trial), lock_time.get(con, lock_id).native_disproved_at
    return code is not None and disproved_at is not None and disproved_at >= code.accepted_at


async def _conclude(context: ShellContext, peer: Peer, view: LockView, at: Instant, *, is_proven: bool) -> None:
    def change(con: Connection) -> None:
        (lock_time.set_native_proven if is_proven else lock_time.set_native_disproved)(con, view.lock_id, at)
        lock_time.set_trial(con, view.lock_id, None)
        body: dict[str, Fact] = {
            "verb": "check-native",
            "uid": peer.uid,
            "outcome": "refused by the lock" if is_proven else "opened",
        }
        journal.note(con, VERB_NOTE, at, lock_id=view.lock_id, code_id=None, body=body, actor=Origin.SHELL)

    await _write(context, view.lock_id, change)


async def _note(context: ShellContext, peer: Peer, request: Request, at: Instant) -> None:
    body: dict[str, Fact] = {"verb": request.verb.name, "uid": peer.uid, "at": format_instant(at)}
    event = Event(EventKind.HUB_TIME_SET, actor=Origin.SHELL, body=body)
    now = context.clock.reading().lo
    try:
        await context.db.write(lambda con: journal.append(con, event, now))
    finally:
        for bell in (CLOCK_BELL, OUTBOX_BELL, *(lock_bell(lock_id) for lock_id in context.locks)):
            context.nudges.ring(bell)


async def _write(context: ShellContext, lock_id: LockId, change: Callable[[Connection], None]) -> None:
    try:
        await context.db.write(change)
    finally:
        context.nudges.ring(lock_bell(lock_id))


def _guarded(context: ShellContext) -> GuardedClock:
    if not isinstance(context.clock, GuardedClock):
        raise _refused("this hub's clock takes no word from people", "mend its time service")
    return context.clock


def _refused(message: str, remedy: str, field: str | None = None) -> NotDone:
    return NotDone(Failure(FailureKind.REFUSED, message, remedy, field))
