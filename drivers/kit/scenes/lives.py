"""Calls that are given up, lines that break, and locks that depart and return."""

import asyncio

from drivers.kit.bench import Mishap, Need
from drivers.kit.scene import scene
from drivers.kit.scenes.codes import A, B
from drivers.kit.stage import THEIRS, Stage
from gateway.model.answers import Ambiguous, Empty
from gateway.model.failures import Part, Unreachable
from gateway.ports import DriverState


@scene("port: cancellation", Need.LOSE_REPORT)
async def cancelled_write_is_told_by_the_next_look(at: Stage) -> None:
    """Whoever cancels a write gets the cancellation; the slot is changed or not, and the next look tells which."""
    await at.arrive()
    await at.strike(Mishap.LOSE_REPORT)
    writing = at.tasks.create_task(at.write(A, at.pins.first))
    await _under_way(at)
    writing.cancel()
    await asyncio.wait([writing])
    at.insist(writing.cancelled(), "a cancellation stays a cancellation")
    seen = await at.read(A)
    real = (await at.door.memory()).get(A)
    at.insist(seen.value == (Empty() if real is None else at.shown(real)), "the look tells the truth")


@scene("port: cancellation", Need.LOSE_REPORT)
async def cancelled_look_costs_nothing(at: Stage) -> None:
    """After a cancelled look the next call is answered as ever."""
    await at.arrive()
    await at.strike(Mishap.LOSE_REPORT)
    reading = at.tasks.create_task(at.read(THEIRS))
    await _under_way(at)
    reading.cancel()
    await asyncio.wait([reading])
    at.insist(reading.cancelled(), "a cancellation stays a cancellation")
    at.insist((await at.read(THEIRS)).value == at.shown(at.pins.theirs), "the next look is answered")


@scene("port: cancellation", Need.LOSE_REPORT)
async def writes_after_a_cancelled_write(at: Stage) -> None:
    """A cancelled write does not come back later over the one that follows it."""
    await at.arrive()
    await at.strike(Mishap.LOSE_REPORT)
    writing = at.tasks.create_task(at.write(A, at.pins.first))
    await _under_way(at)
    writing.cancel()
    await asyncio.wait([writing])
    at.proven(await at.write(A, at.pins.second))
    await at.hush()
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.second))


@scene("port: time-outs", Need.LOSE_REPORT)
async def callers_own_time_out(at: Stage) -> None:
    """A caller that waits less long than the driver gets its own `TimeoutError`, and the port stays good."""
    await at.arrive()
    await at.strike(Mishap.LOSE_REPORT)
    try:
        async with asyncio.timeout(at.bench.timing.quiet_s / 2):
            await at.port.write_slot(A, at.pins.first, window=None, old_pin=None)
    except TimeoutError:
        at.note("the caller gave up")
    else:
        at.broken("the answer was lost, so the caller's time-out should have come first")
    at.proven(await at.write(B, at.pins.second))


@scene("port: lives", Need.CUT)
async def cut_line_is_a_departure(at: Stage) -> None:
    """A line that breaks ends the port: departure with a cause, reports end, every later call blames the server."""
    port = await at.arrive()
    await at.door.cut()
    departure = await at.depart()
    at.insist(bool(departure.cause), "a person is told why")
    await at.until(lambda: port in at.ended, "the end of the reports")
    await _gone(at)
    at.insist(at.condition().state is not DriverState.READY, "the driver does not say that all is well")
    at.insist(bool(at.condition().detail), "the condition says what to do")


@scene("port: lives", Need.CUT)
async def mended_line_brings_the_lock_back(at: Stage) -> None:
    """The lock arrives again with a new port, the old one stays dead, and what was written is still there."""
    old = await at.arrive()
    await at.write(A, at.pins.first)
    await at.door.cut()
    await at.depart()
    await at.door.mend()
    new = await at.arrive()
    at.insist(new is not old, "a port lives once")
    at.insist((await at.read(A)).value == at.shown(at.pins.first), "the code is still there")
    try:
        await old.read_slot(A)
    except Unreachable:
        at.note("the old port is dead")
    else:
        at.broken("a port that departed still answers")
    at.insist(at.condition().state is DriverState.READY, "the driver is well again")


@scene("port: lives", Need.CUT, Need.LOSE_REPORT)
async def line_cut_in_mid_write_is_doubt(at: Stage) -> None:
    """A write whose line breaks is in doubt, and never looks like a cancellation that nobody sent."""
    await at.arrive()
    await at.strike(Mishap.LOSE_REPORT)
    writing = at.tasks.create_task(at.write(A, at.pins.first))
    await _under_way(at)
    await at.door.cut()
    await asyncio.wait([writing])
    at.insist(not writing.cancelled(), "nobody cancelled it")
    at.insist(isinstance(writing.result(), Ambiguous), "nobody knows whether it arrived")
    await at.depart()
    await at.door.mend()
    await at.arrive()
    real = (await at.door.memory()).get(A)
    at.insist((await at.read(A)).value == (Empty() if real is None else at.shown(real)), "the look tells the truth")


@scene("port: lives", Need.CUT, Need.LOSE_REPORT)
async def line_cut_in_mid_look_blames_the_server(at: Stage) -> None:
    """A look whose line breaks says that the server is gone; the lock is not blamed."""
    await at.arrive()
    await at.strike(Mishap.LOSE_REPORT)
    reading = at.tasks.create_task(_read_blames(at))
    await _under_way(at)
    await at.door.cut()
    at.insist(await reading is Part.SERVER, "the server is to blame")


@scene("D4", Need.UNPLUG)
async def pulled_stick_is_named(at: Stage) -> None:
    """While the stick is out, a look says so; when it is back soon, the same port goes on."""
    await at.arrive()
    await at.read(THEIRS)
    await at.door.unplug()
    at.insist(await _read_blames(at) is Part.STICK, "the stick is to blame")
    await at.door.plug()
    await _answers_again(at)
    at.proven(await at.write(A, at.pins.first))
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("A8", Need.UNPLUG)
async def write_to_a_pulled_stick_claims_nothing(at: Stage) -> None:
    """A write while the stick is out changes nothing and claims nothing."""
    await at.arrive()
    await at.read(THEIRS)
    await at.door.unplug()
    try:
        at.unproven(await at.write(A, at.pins.first))
    except Unreachable as error:
        at.insist(error.part is Part.STICK, "the stick is to blame")
    await at.door.plug()
    await _answers_again(at)
    await at.remembers((THEIRS, at.pins.theirs))


async def _under_way(at: Stage) -> None:
    # The lock has the command and its answer is lost, so the call is open until the driver's own time-out; half of the time
    # that silence needs to be believed is enough for the command to arrive.
    await asyncio.sleep(at.bench.timing.quiet_s / 2)


async def _gone(at: Stage) -> None:
    for call in (lambda: at.read(THEIRS), lambda: at.write(A, at.pins.first), lambda: at.clear(A)):
        try:
            await call()
        except Unreachable as error:
            at.insist(error.part is Part.SERVER, "the server is to blame")
            continue
        at.broken("a port that departed still answers")


async def _read_blames(at: Stage) -> Part | None:
    try:
        await at.read(THEIRS)
    except Unreachable as error:
        return error.part
    return None


async def _answers_again(at: Stage) -> None:
    """Look until the lock answers: how long a stick needs to be found again is not the port's promise."""
    async with asyncio.timeout(at.bench.timing.return_s):
        while True:
            try:
                await at.port.read_slot(THEIRS)
            except Unreachable:
                await asyncio.sleep(at.bench.timing.quiet_s)
            else:
                return
