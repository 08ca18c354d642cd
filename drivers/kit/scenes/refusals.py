"""Requests that a lock, or its driver, must not take."""

from drivers.kit.bench import Mishap, Need
from drivers.kit.scene import scene
from drivers.kit.scenes.codes import A, B
from drivers.kit.stage import THEIRS, Stage
from gateway.model.answers import Empty, RefusalReason, Refused
from gateway.model.failures import Unsupported
from gateway.model.ids import Slot
from gateway.model.reports import SlotChange, SlotChanged

NO_SUCH_SLOT = Slot(0)
"""Slot 0 means every slot in the User Code class (CC:0063.01.01.11.005), which is why it is the one to try."""


@scene("A10", Need.TELLS_DUPLICATES, Need.TELLS_REFUSALS)
async def duplicate_is_refused_by_name(at: Stage) -> None:
    """A PIN that a stranger has is refused as a duplicate, and nothing is stored."""
    await at.arrive()
    answer = await at.write(A, at.pins.theirs)
    at.insist(answer == Refused(RefusalReason.DUPLICATE), "the refusal names the duplicate")
    await at.heard_one(
        lambda said: isinstance(said, SlotChanged) and said.change is SlotChange.DUPLICATE_REFUSED, "the complaint"
    )
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A10", Need.UNCONFIRMED, Need.DUPLICATES_REFUSED)
async def duplicate_dropped_silently_is_not_proven(at: Stage) -> None:
    """A lock that drops a duplicate without a word is never believed, and a look shows the truth."""
    await at.arrive()
    at.unproven(await at.write(A, at.pins.theirs))
    at.insist((await at.read(A)).value == Empty(), "nothing was stored")
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A10", Need.DUPLICATES_REFUSED)
async def own_pin_in_a_second_slot(at: Stage) -> None:
    """Our own PIN is a duplicate too: the second slot stays as it was."""
    await at.arrive()
    await at.write(A, at.pins.first)
    answer = await at.write(B, at.pins.first)
    if at.has(Need.TELLS_REFUSALS):
        at.insist(isinstance(answer, Refused), "the lock said no")
    else:
        at.unproven(answer)
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("A11", Need.WRONG_LENGTH)
async def wrong_length_is_not_stored(at: Stage) -> None:
    """A PIN of a length that the lock does not take is refused where the lock says so, and stored nowhere."""
    await at.arrive()
    pin = at.pins.refused
    assert pin is not None, "promised by WRONG_LENGTH"
    answer = await at.write(A, pin)
    if at.has(Need.TELLS_REFUSALS):
        at.insist(isinstance(answer, Refused) and answer.reason is not RefusalReason.DUPLICATE, "the lock said no")
    else:
        at.unproven(answer)
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A11", Need.WRONG_LENGTH)
async def wrong_length_over_our_own_pin_keeps_it(at: Stage) -> None:
    """A refused PIN does not cost the one that the slot held."""
    await at.arrive()
    pin = at.pins.refused
    assert pin is not None, "promised by WRONG_LENGTH"
    await at.write(A, at.pins.first)
    await at.write(A, pin)
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("N2")
async def slot_zero_is_never_sent(at: Stage) -> None:
    """A slot that means "all of them" on the wire is turned down before anything is sent."""
    await at.arrive()
    await _turned_down(at, NO_SUCH_SLOT)
    await at.remembers((THEIRS, at.pins.theirs))


@scene("D1")
async def slot_beyond_the_last_is_turned_down(at: Stage) -> None:
    """A slot that the lock does not have is the caller's mistake, not the lock's."""
    port = await at.arrive()
    await _turned_down(at, Slot(port.profile.slots[-1] + 1))
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A8", Need.REFUSE, Need.TELLS_REFUSALS)
async def refused_write_is_told(at: Stage) -> None:
    """A lock that says no is believed: refused, nothing stored, and the next write goes through."""
    await at.arrive()
    await at.strike(Mishap.REFUSE)
    at.insist(isinstance(await at.write(A, at.pins.first), Refused), "the lock said no")
    await at.remembers((THEIRS, at.pins.theirs))
    at.proven(await at.write(A, at.pins.first))


@scene("A9", Need.REFUSE, Need.TELLS_REFUSALS)
async def refused_clear_is_told(at: Stage) -> None:
    """A lock that does not clear says so, and the PIN is still there."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.strike(Mishap.REFUSE)
    at.insist(isinstance(await at.clear(A), Refused), "the lock said no")
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("A7", Need.REFUSE, Need.UNCONFIRMED)
async def refusal_of_a_lock_that_confirms_nothing(at: Stage) -> None:
    """Where the lock never says no either, a refused write is acknowledged at most."""
    await at.arrive()
    await at.strike(Mishap.REFUSE)
    at.unproven(await at.write(A, at.pins.first))
    at.insist((await at.read(A)).value == Empty(), "nothing was stored")


@scene("A7", Need.DROP)
async def lie_about_a_write_is_seen_by_a_look(at: Stage) -> None:
    """A lock that claims success and stores nothing is found out by the next look."""
    await at.arrive()
    await at.strike(Mishap.DROP)
    await at.write(A, at.pins.first)
    at.insist((await at.read(A)).value == Empty(), "a look tells the truth")
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A9", Need.DROP)
async def lie_about_a_clear_is_seen_by_a_look(at: Stage) -> None:
    """A lock that claims to have cleared and did not is found out by the next look."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.strike(Mishap.DROP)
    await at.clear(A)
    at.insist((await at.read(A)).value == at.shown(at.pins.first), "a look tells the truth")


async def _turned_down(at: Stage, slot: Slot) -> None:
    calls = (lambda: at.write(slot, at.pins.first), lambda: at.clear(slot), lambda: at.read(slot))
    for call in calls:
        try:
            await call()
        except Unsupported:
            continue
        at.broken(f"slot {slot} was not turned down")
