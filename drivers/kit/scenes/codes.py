"""Codes put on, taken off and looked at, with nothing going wrong."""

import asyncio

from drivers.kit.bench import Need
from drivers.kit.scene import scene
from drivers.kit.stage import THEIRS, Stage
from gateway.model.answers import Empty, Held, Listing, Sighting, SightingSource, Unknown
from gateway.model.ids import Slot
from gateway.model.lock import ReadBack

A, B, C = Slot(2), Slot(3), Slot(4)
"""Slots that are empty when a scene begins."""


@scene("A7")
async def write_into_an_empty_slot(at: Stage) -> None:
    """The PIN is on the lock, and the answer claims no more than the lock gave."""
    await at.arrive()
    at.proven(await at.write(A, at.pins.first))
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("A7", Need.PRESS)
async def written_pin_opens(at: Stage) -> None:
    """A PIN that was written opens the door, and another one does not."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.opens(at.pins.first, is_open=True)
    await at.opens(at.pins.wrong, is_open=False)


@scene("A7")
async def read_what_was_written(at: Stage) -> None:
    """A look after a write shows the PIN, or that there is one on a lock that masks."""
    await at.arrive()
    await at.write(A, at.pins.first)
    seen = await at.read(A)
    at.insist(seen == Sighting(at.shown(at.pins.first), SightingSource.LOCK), "the lock itself shows what it holds")


@scene("A7")
async def clear_a_held_slot(at: Stage) -> None:
    """The PIN is gone from the lock, and nothing else is."""
    await at.arrive()
    await at.write(A, at.pins.first)
    at.proven(await at.clear(A))
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A9", Need.PRESS)
async def cleared_pin_opens_no_more(at: Stage) -> None:
    """A PIN that was cleared does not open."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.clear(A)
    await at.opens(at.pins.first, is_open=False)
    await at.opens(at.pins.theirs, is_open=True)


@scene("A7")
async def read_what_was_cleared(at: Stage) -> None:
    """A cleared slot shows empty, and not the PIN that a cache may still have."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.read(A)
    await at.clear(A)
    at.insist((await at.read(A)).value == Empty(), "a cleared slot is empty")


@scene("A9")
async def clear_an_empty_slot(at: Stage) -> None:
    """Clearing what is empty already goes through: after a crash nobody knows whether it was done."""
    await at.arrive()
    at.proven(await at.clear(B))
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A9")
async def clear_twice(at: Stage) -> None:
    """The second clear is as good as the first."""
    await at.arrive()
    await at.write(A, at.pins.first)
    at.proven(await at.clear(A))
    at.proven(await at.clear(A))
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A7")
async def read_an_empty_slot(at: Stage) -> None:
    """An empty slot is shown empty by the lock itself."""
    await at.arrive()
    at.insist(await at.read(B) == Sighting(Empty(), SightingSource.LOCK), "an empty slot is empty")


@scene("A14")
async def read_a_strangers_slot(at: Stage) -> None:
    """A code that somebody else made is shown as held."""
    await at.arrive()
    seen = await at.read(THEIRS)
    at.insist(seen == Sighting(at.shown(at.pins.theirs), SightingSource.LOCK), "a stranger's code is held")


@scene("A7")
async def write_over_our_own_pin(at: Stage) -> None:
    """The new PIN takes the place of the old one; a driver writes where it is told and asks nobody."""
    await at.arrive()
    await at.write(A, at.pins.first)
    at.proven(await at.write(A, at.pins.second))
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.second))


@scene("A7", Need.PRESS)
async def replaced_pin_opens_no_more(at: Stage) -> None:
    """After a PIN was written over, only the new one opens."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.write(A, at.pins.second)
    await at.opens(at.pins.first, is_open=False)
    await at.opens(at.pins.second, is_open=True)


@scene("N2")
async def write_over_a_strangers_slot(at: Stage) -> None:
    """The driver does as it is told: that no stranger's slot is written is the planner's promise, kept by looking first."""
    await at.arrive()
    at.proven(await at.write(THEIRS, at.pins.first))
    await at.remembers((THEIRS, at.pins.first))


@scene("A14")
async def clear_a_strangers_slot(at: Stage) -> None:
    """A stranger's code is cleared like any other when a person asked for it."""
    await at.arrive()
    at.proven(await at.clear(THEIRS))
    await at.remembers()


@scene("A8")
async def write_the_same_pin_again(at: Stage) -> None:
    """A repeated write of the same PIN into the same slot is no duplicate."""
    await at.arrive()
    await at.write(A, at.pins.first)
    at.proven(await at.write(A, at.pins.first))
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("A10")
async def pin_moves_to_another_slot(at: Stage) -> None:
    """A PIN that was cleared from one slot is taken in another."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.clear(A)
    at.proven(await at.write(B, at.pins.first))
    await at.remembers((THEIRS, at.pins.theirs), (B, at.pins.first))


@scene("A10")
async def two_pins_swap_slots(at: Stage) -> None:
    """Two codes change places by way of empty slots, and neither is lost."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.write(B, at.pins.second)
    await at.clear(A)
    await at.clear(B)
    at.proven(await at.write(A, at.pins.second))
    at.proven(await at.write(B, at.pins.first))
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.second), (B, at.pins.first))


@scene("A16")
async def four_codes_at_once_on_the_lock(at: Stage) -> None:
    """Codes in a row of slots do not touch each other."""
    await at.arrive()
    wanted = [(A, at.pins.first), (B, at.pins.second), (C, at.pins.third), (Slot(5), at.pins.fourth)]
    for slot, pin in wanted:
        at.proven(await at.write(slot, pin))
    await at.remembers((THEIRS, at.pins.theirs), *wanted)
    await at.clear(B)
    await at.remembers((THEIRS, at.pins.theirs), *(entry for entry in wanted if entry[0] != B))


@scene("D3", Need.LISTING)
async def listing_tells_what_is_on_the_lock(at: Stage) -> None:
    """Right after arrival a listing tells the stranger's code and the empty slots, or says that it is incomplete."""
    port = await at.arrive()
    listing = await at.list_all()
    _check_listing(at, listing)
    held = listing.slots.get(THEIRS)
    at.insist(held is None or isinstance(held.value, Held | Unknown), "a held slot is never listed empty")
    if listing.is_complete:
        at.insist(set(listing.slots) == {Slot(number) for number in port.profile.slots}, "complete means every slot")


@scene("D3", Need.LISTING, Need.WIPE)
async def listing_never_speaks_for_the_lock(at: Stage) -> None:
    """After a silent wipe a listing may be old, but then it does not claim that the lock itself told it."""
    await at.arrive()
    await at.door.wipe()
    await at.hush()
    held = (await at.list_all()).slots.get(THEIRS)
    is_stale = held is not None and isinstance(held.value, Held)
    at.insist(
        held is None or not is_stale or held.source is SightingSource.MIDDLEMAN, "an old listing is a middleman's"
    )
    at.insist((await at.read(THEIRS)).value == Empty(), "the lock itself knows better")


@scene("D3", Need.LISTING)
async def listing_follows_a_look(at: Stage) -> None:
    """What the lock showed in a look is in the listing soon after."""
    await at.arrive()
    await at.write(A, at.pins.first)
    seen = await at.read(A)
    await at.hush()
    listed = (await at.list_all()).slots.get(A)
    at.insist(listed is not None and listed.value == seen.value, "a listing knows what a look has shown")


@scene("A7", Need.MASKED)
async def masked_lock_says_that_it_masks(at: Stage) -> None:
    """A look shows that there is a code and not which; from then on the profile says so too."""
    port = await at.arrive()
    at.insist((await at.read(THEIRS)).value == Held(None), "the digits are hidden")
    at.insist(port.profile.read_back is ReadBack.MASKED, "the profile says masked")


@scene("A11")
async def profile_fits_the_lock(at: Stage) -> None:
    """The rules in the profile let through what the lock takes, and stop what it refuses."""
    port = await at.arrive()
    rules = port.profile.pin_rules
    for pin in (at.pins.first, at.pins.second, at.pins.third, at.pins.fourth):
        at.insist(rules.broken(pin) is None, f"the rules allow {at.pins.name(pin)}")
    at.insist(THEIRS in port.profile.slots and Slot(5) in port.profile.slots, "slots 1 to 5 are there")


@scene("N1")
async def nothing_shows_a_pin(at: Stage) -> None:
    """No text of an answer, a report or the driver's condition holds a PIN."""
    await at.arrive()
    texts = [repr(await at.write(A, at.pins.first)), repr(await at.read(A))]
    await at.hush()
    texts.append(repr(await at.list_all()))
    texts += [repr(report) for report in at.reports] + [repr(at.condition())]
    at.insist("Pin(" not in "".join(texts).replace("Pin(••••)", ""), "a PIN never prints itself")


@scene("port: time-outs")
async def calls_in_a_row_end_each_in_time(at: Stage) -> None:
    """Twenty calls without a pause are answered each, and the last one is the truth."""
    await at.arrive()
    for turn in range(10):
        at.proven(await at.write(A, (at.pins.first, at.pins.second)[turn % 2]))
        at.insist((await at.read(A)).value != Empty(), "a written slot is held")
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.second))
    await asyncio.sleep(0)


def _check_listing(at: Stage, listing: Listing) -> None:
    for slot, seen in listing.slots.items():
        is_empty = seen.value == Empty()
        at.insist(slot != THEIRS or not is_empty, "a held slot is never listed empty")
