"""People at the door: PINs typed, codes changed by hand, bolts turned, batteries empty. All of it comes as reports."""

import asyncio

from drivers.kit.bench import Need
from drivers.kit.scene import scene
from drivers.kit.scenes.codes import A, B
from drivers.kit.stage import THEIRS, Stage
from gateway.model.answers import Empty, SightingSource
from gateway.model.reports import (
    AccessDenied,
    BatteryLevel,
    Jammed,
    Locked,
    Method,
    Report,
    SlotChange,
    SlotChanged,
    Tampered,
    Unlocked,
)

LOCKOUT_PRESSES_MAX = 12
"""Wrong PINs until every known keypad has locked itself; five is usual in manuals."""


@scene("A18", Need.PRESS, Need.TELLS_USER, Need.QUIET_WRITES)
async def use_of_a_code_tells_whose(at: Stage) -> None:
    """A door opened by PIN is reported with the slot of that PIN."""
    await _meet(at)
    await at.write(A, at.pins.first)
    await at.opens(at.pins.first, is_open=True)
    (said,) = await at.heard(1)
    at.insist(said == Unlocked(Method.KEYCODE, A), "whose PIN it was")
    await at.opens(at.pins.theirs, is_open=True)
    at.insist((await at.heard(2))[1] == Unlocked(Method.KEYCODE, THEIRS), "a stranger's use is told too")


@scene("A18", Need.PRESS)
async def wrong_pin_does_not_open(at: Stage) -> None:
    """A wrong PIN leaves bolt and memory as they were, and is never reported as a use."""
    await _meet(at)
    await at.opens(at.pins.wrong, is_open=False)
    await at.hush()
    at.insist(not any(isinstance(said, Unlocked) for said in at.reports), "nothing was unlocked")
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A18", Need.PRESS, Need.LOCKS_OUT)
async def keypad_locks_after_wrong_pins(at: Stage) -> None:
    """Wrong PINs in a row lock the keypad for everybody; it is told once, and ends by itself."""
    await _meet(at)
    for _ in range(LOCKOUT_PRESSES_MAX):
        await at.door.press(at.pins.wrong)
    await at.heard_one(lambda said: isinstance(said, AccessDenied), "the locked keypad")
    await at.opens(at.pins.theirs, is_open=False)
    await asyncio.sleep(at.bench.timing.lockout_s)
    await at.opens(at.pins.theirs, is_open=True)


@scene("A18", Need.TELLS_BOLT)
async def bolt_turned_by_hand(at: Stage) -> None:
    """The bolt turned from inside is reported as moved by hand, once per turn."""
    await _meet(at)
    await at.door.turn(is_locked=False)
    at.insist(await at.heard(1) == [Unlocked(Method.MANUAL)], "opened by hand")
    await at.door.turn(is_locked=True)
    at.insist((await at.heard(2))[1] == Locked(Method.MANUAL), "closed by hand")
    await at.hush()
    at.insist(len(at.reports) == 2, "each turn is told once")


@scene("A18", Need.JAMS)
async def jam_is_told(at: Stage) -> None:
    """A bolt that stops half way is a jam."""
    await _meet(at)
    await at.door.jam()
    await at.heard_one(lambda said: isinstance(said, Jammed), "the jam")


@scene("A18", Need.JAMS, Need.TELLS_BOLT)
async def jam_is_freed_and_told_again(at: Stage) -> None:
    """After a jam was freed by hand, the next jam is told as well."""
    await _meet(at)
    await at.door.jam()
    await at.heard(1)
    await at.door.turn(is_locked=True)
    await at.heard(2)
    await at.door.jam()
    at.insist(isinstance((await at.heard(3))[2], Jammed), "the second jam")


@scene("A18", Need.BATTERY)
async def low_battery_is_told(at: Stage) -> None:
    """A battery that runs low is reported as low."""
    await _meet(at)
    await at.door.battery(5)
    await at.heard_one(lambda said: isinstance(said, BatteryLevel) and said.is_low, "the low battery")


@scene("A18", Need.TAMPER)
async def opened_cover_is_told(at: Stage) -> None:
    """A cover taken off is tampering."""
    await _meet(at)
    await at.door.tamper()
    await at.heard_one(lambda said: isinstance(said, Tampered), "the opened cover")


@scene("A15", Need.HANDS, Need.TELLS_HANDS)
async def code_added_by_hand_is_told(at: Stage) -> None:
    """A code programmed at the keypad is reported with its slot, and a look shows it."""
    await _meet(at)
    await at.door.program(B, at.pins.second)
    change = await _change(at)
    at.insist(change.slot == B and change.change is not SlotChange.DELETED, "which slot has a new code")
    at.insist((await at.read(B)).value == at.shown(at.pins.second), "the lock shows the new code")


@scene("A15", Need.HANDS, Need.TELLS_HANDS, Need.QUIET_WRITES)
async def our_code_changed_by_hand_is_told(at: Stage) -> None:
    """A stranger's PIN over ours is reported, and a report that shows the slot as held proves no PIN of ours."""
    await _meet(at)
    await at.write(A, at.pins.first)
    await at.door.program(A, at.pins.second)
    change = await _change(at)
    at.insist(change.slot in (A, None), "which slot has another code")
    at.insist(
        change.sighting is None or change.sighting.source is SightingSource.LOCK, "a notice is the lock's own word"
    )
    at.insist((await at.read(A)).value == at.shown(at.pins.second), "the lock shows the other code")


@scene("A15", Need.HANDS, Need.TELLS_HANDS, Need.QUIET_WRITES)
async def our_code_deleted_by_hand_is_told(at: Stage) -> None:
    """A code of ours deleted at the keypad is reported, and the slot is empty."""
    await _meet(at)
    await at.write(A, at.pins.first)
    await at.door.erase(A)
    change = await _change(at)
    at.insist(change.slot in (A, None) and change.change is not SlotChange.ADDED, "which slot lost its code")
    at.insist((await at.read(A)).value == Empty(), "the slot is empty")


@scene("A15", Need.HANDS, Need.HIDES_HANDS, Need.QUIET_WRITES)
async def code_changed_by_hand_without_a_word(at: Stage) -> None:
    """Nothing is reported that the lock did not say; a look shows the other code."""
    await _meet(at)
    await at.write(A, at.pins.first)
    await at.door.program(A, at.pins.second)
    await at.hush()
    at.insist(not at.reports, "the lock said nothing")
    at.insist((await at.read(A)).value == at.shown(at.pins.second), "the lock shows the other code")


@scene("A15", Need.HANDS, Need.HIDES_HANDS, Need.QUIET_WRITES)
async def code_deleted_by_hand_without_a_word(at: Stage) -> None:
    """Nothing is reported that the lock did not say; a look shows the slot empty."""
    await _meet(at)
    await at.write(A, at.pins.first)
    await at.door.erase(A)
    await at.hush()
    at.insist(not at.reports, "the lock said nothing")
    at.insist((await at.read(A)).value == Empty(), "the slot is empty")


@scene("A7", Need.HANDS, Need.HIDES_HANDS)
async def what_a_look_found_is_no_report(at: Stage) -> None:
    """A look that finds a changed slot answers its caller; the driver does not tell the same as a report as well."""
    await _meet(at)
    await at.door.program(B, at.pins.second)
    await at.read(B)
    await at.read(A)
    await at.hush()
    at.insist(not at.reports, "an answer is no report")


@scene("A7", Need.QUIET_WRITES)
async def our_own_writes_are_no_reports(at: Stage) -> None:
    """On a lock that does not speak of our own writes nothing is reported that looks like a stranger's hand."""
    await _meet(at)
    await at.write(A, at.pins.first)
    await at.read(A)
    await at.clear(A)
    await at.read(A)
    await at.hush()
    at.insist(not at.reports, "nobody else touched the lock")


@scene("A17", Need.RESET, Need.QUIET_WRITES)
async def reset_that_is_told(at: Stage) -> None:
    """A factory reset is reported as all codes deleted, and every slot is empty."""
    await _meet(at)
    await at.write(A, at.pins.first)
    await at.door.reset()
    change = await _change(at)
    at.insist(change.slot is None, "it concerns every slot")
    at.insist((await at.read(A)).value == Empty(), "ours is gone")
    at.insist((await at.read(THEIRS)).value == Empty(), "theirs is gone")
    await at.remembers()


@scene("A17", Need.WIPE, Need.QUIET_WRITES)
async def wipe_without_a_word(at: Stage) -> None:
    """A silent wipe is found by a look, and only by a look."""
    await _meet(at)
    await at.write(A, at.pins.first)
    await at.door.wipe()
    await at.hush()
    at.insist(not at.reports, "the lock said nothing")
    at.insist((await at.read(A)).value == Empty(), "ours is gone")


@scene("A17", Need.WIPE)
async def wiped_lock_is_filled_again(at: Stage) -> None:
    """After a wipe the lock takes codes as before."""
    await _meet(at)
    await at.write(A, at.pins.first)
    await at.door.wipe()
    at.proven(await at.write(A, at.pins.first))
    await at.remembers((A, at.pins.first))


@scene("port: order", Need.PRESS, Need.TELLS_BOLT, Need.TELLS_USER)
async def reports_keep_their_order(at: Stage) -> None:
    """What happened at the door one after the other is reported in that order."""
    await _meet(at)
    wanted: list[Report] = []
    for _ in range(3):
        await at.door.press(at.pins.theirs)
        await at.door.turn(is_locked=True)
        wanted += [Unlocked(Method.KEYCODE, THEIRS), Locked(Method.MANUAL)]
    at.insist(await at.heard(len(wanted)) == wanted, "the order of the door")


@scene("port: order", Need.PRESS, Need.TELLS_USER, Need.CONFIRMED)
async def reports_come_while_a_call_is_open(at: Stage) -> None:
    """A door that is opened while we write is reported, and the write ends as ever."""
    await _meet(at)
    writing = at.tasks.create_task(at.write(A, at.pins.first))
    await at.door.press(at.pins.theirs)
    at.proven(await writing)
    await at.heard_one(lambda said: said == Unlocked(Method.KEYCODE, THEIRS), "the use during the write")
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("port: order", Need.PRESS, Need.TELLS_USER, Need.TELLS_BOLT)
async def reports_wait_for_their_reader(at: Stage) -> None:
    """What the lock said between its arrival and the first reader is not lost."""
    port = await at.meet()
    await at.read(THEIRS)
    await at.door.press(at.pins.theirs)
    await at.door.turn(is_locked=True)
    await at.hush()
    at.listen(port)
    at.insist(await at.heard(2) == [Unlocked(Method.KEYCODE, THEIRS), Locked(Method.MANUAL)], "nothing is lost")


async def _meet(at: Stage) -> None:
    # A look first: on some radios both sides have to agree on keys again before the lock can be understood.
    await at.arrive()
    await at.read(THEIRS)


async def _change(at: Stage) -> SlotChanged:
    said = await at.heard_one(lambda report: isinstance(report, SlotChanged), "a changed slot")
    assert isinstance(said, SlotChanged)
    return said
