"""Bad luck between the driver and the lock: what is lost, late, doubled or out of reach."""

import asyncio

from drivers.kit.bench import Mishap, Need
from drivers.kit.scene import scene
from drivers.kit.scenes.codes import A, B
from drivers.kit.stage import THEIRS, Stage
from gateway.model.answers import Ambiguous, Empty, Refused, Unknown
from gateway.model.failures import Part, Unreachable
from gateway.model.reports import Reachability


@scene("A7", Need.LOSE_COMMAND)
async def lost_write_proves_nothing(at: Stage) -> None:
    """A write that never arrived is in doubt, and a look shows that nothing happened."""
    await at.arrive()
    await at.strike(Mishap.LOSE_COMMAND)
    at.unproven(await at.write(A, at.pins.first))
    at.insist((await at.read(A)).value == Empty(), "nothing was stored")
    await at.remembers((THEIRS, at.pins.theirs))


@scene("A9", Need.LOSE_COMMAND)
async def lost_clear_proves_nothing(at: Stage) -> None:
    """A clear that never arrived is in doubt, and the PIN is still there."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.strike(Mishap.LOSE_COMMAND)
    at.unproven(await at.clear(A))
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("D4", Need.LOSE_COMMAND)
async def lost_look_is_never_empty(at: Stage) -> None:
    """A look that never arrived blames the lock or knows nothing; it never takes silence for an empty slot."""
    await at.arrive()
    await at.strike(Mishap.LOSE_COMMAND)
    await _blind(at)


@scene("A7", Need.LOSE_REPORT)
async def lost_answer_to_a_write_claims_no_proof(at: Stage) -> None:
    """The lock stored the PIN and was not heard: no proof from the write, but from the next look."""
    await at.arrive()
    await at.strike(Mishap.LOSE_REPORT)
    at.unproven(await at.write(A, at.pins.first))
    at.insist((await at.read(A)).value == at.shown(at.pins.first), "it was stored")
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("A9", Need.LOSE_REPORT)
async def lost_answer_to_a_clear_claims_no_proof(at: Stage) -> None:
    """The lock cleared the slot and was not heard: no proof from the clear, but from the next look."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.strike(Mishap.LOSE_REPORT)
    at.unproven(await at.clear(A))
    at.insist((await at.read(A)).value == Empty(), "it was cleared")


@scene("D3", Need.LOSE_REPORT)
async def unanswered_look_is_unknown(at: Stage) -> None:
    """A look that the lock got and did not answer is unknown, never empty."""
    await at.arrive()
    await at.strike(Mishap.LOSE_REPORT)
    seen = await at.read(THEIRS)
    at.insist(seen.value == Unknown(), "silence is no sighting")
    at.insist((await at.read(THEIRS)).value == at.shown(at.pins.theirs), "the next look is answered")


@scene("A8", Need.LOSE_REPORT)
async def write_repeated_after_a_lost_answer(at: Stage) -> None:
    """Writing again after a lost answer is harmless and gives the proof that was missing."""
    await at.arrive()
    await at.strike(Mishap.LOSE_REPORT)
    await at.write(A, at.pins.first)
    at.proven(await at.write(A, at.pins.first))
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("N3", Need.REPEAT_COMMAND)
async def write_that_arrives_twice(at: Stage) -> None:
    """A write that the radio delivers twice is one write."""
    await at.arrive()
    await at.strike(Mishap.REPEAT_COMMAND)
    at.proven(await at.write(A, at.pins.first))
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("N3", Need.REPEAT_COMMAND)
async def clear_that_arrives_twice_before_a_write(at: Stage) -> None:
    """A doubled clear does not reach over into the write that follows it."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.strike(Mishap.REPEAT_COMMAND)
    at.proven(await at.clear(A))
    at.proven(await at.write(A, at.pins.second))
    await at.hush()
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.second))


@scene("A7", Need.COMMIT_LATE)
async def late_commit_shows_the_old_value_first(at: Stage) -> None:
    """A look too soon shows the old content, honestly told as the lock's; a later look shows the PIN."""
    await at.arrive()
    await at.strike(Mishap.COMMIT_LATE)
    await at.write(A, at.pins.first)
    at.insist((await at.read(A)).value == Empty(), "the lock still shows the old content")
    await _commit(at)
    at.insist((await at.read(A)).value == at.shown(at.pins.first), "the lock has stored it by now")
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.first))


@scene("A9", Need.COMMIT_LATE)
async def late_clear_still_shows_the_pin_first(at: Stage) -> None:
    """A clear that lands late is not mistaken for one that failed for good: the later look shows empty."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.strike(Mishap.COMMIT_LATE)
    await at.clear(A)
    at.insist((await at.read(A)).value == at.shown(at.pins.first), "the lock still shows the old content")
    await _commit(at)
    at.insist((await at.read(A)).value == Empty(), "the slot is empty by now")


@scene("A8", Need.DEAF)
async def deaf_lock_leaves_a_write_in_doubt(at: Stage) -> None:
    """A write to a lock out of reach ends in time, claims nothing, and changes nothing."""
    await at.arrive()
    await at.door.set_reach(is_reachable=False)
    try:
        answer = await at.write(A, at.pins.first)
    except Unreachable:
        pass
    else:
        at.insist(isinstance(answer, Ambiguous), "nobody knows whether it arrived")
    await at.remembers((THEIRS, at.pins.theirs))


@scene("D4", Need.DEAF)
async def deaf_lock_is_never_read_as_empty(at: Stage) -> None:
    """A look at a lock out of reach blames the lock or knows nothing."""
    await at.arrive()
    await at.door.set_reach(is_reachable=False)
    await _blind(at)


@scene("A6", Need.DEAF)
async def lock_out_of_reach_is_reported(at: Stage) -> None:
    """The first call that fails is followed by the report that the lock went, the first that succeeds by its return."""
    await at.arrive()
    await at.door.set_reach(is_reachable=False)
    await at.write(A, at.pins.first)
    await at.heard_one(lambda said: isinstance(said, Reachability) and not said.is_reachable, "the lock went")
    await at.door.set_reach(is_reachable=True)
    at.insist((await at.read(A)).value == Empty(), "the lock is back")
    await at.heard_one(lambda said: isinstance(said, Reachability) and said.is_reachable, "the lock came back")


@scene("A9", Need.DEAF)
async def lock_that_came_back_takes_a_write(at: Stage) -> None:
    """A lock that was away is written as if nothing had happened."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.door.set_reach(is_reachable=False)
    at.unproven(await at.clear(A))
    await at.door.set_reach(is_reachable=True)
    at.proven(await at.clear(A))
    at.proven(await at.write(B, at.pins.second))
    await at.remembers((THEIRS, at.pins.theirs), (B, at.pins.second))


@scene("A18", Need.DEAF, Need.PRESS)
async def code_opens_while_the_lock_is_out_of_reach(at: Stage) -> None:
    """What is on the lock works without any of us."""
    await at.arrive()
    await at.write(A, at.pins.first)
    await at.door.set_reach(is_reachable=False)
    await at.opens(at.pins.first, is_open=True)
    await at.door.set_reach(is_reachable=True)


@scene("A8", Need.LOSE_COMMAND, Need.REFUSE, Need.TELLS_REFUSALS)
async def bad_luck_ends(at: Stage) -> None:
    """After a lost and a refused write the third goes through, and nothing of the first two is left."""
    await at.arrive()
    await at.strike(Mishap.LOSE_COMMAND)
    at.unproven(await at.write(A, at.pins.first))
    await at.strike(Mishap.REFUSE)
    at.insist(isinstance(await at.write(A, at.pins.second), Refused), "the lock said no")
    at.proven(await at.write(A, at.pins.third))
    await at.remembers((THEIRS, at.pins.theirs), (A, at.pins.third))


async def _blind(at: Stage) -> None:
    try:
        seen = await at.read(THEIRS)
    except Unreachable as error:
        at.insist(error.part is Part.LOCK, "it is the lock that does not answer")
    else:
        at.insist(seen.value == Unknown(), "silence is no sighting")


async def _commit(at: Stage) -> None:
    # The lock rings no bell when it has stored; its own time is what is waited for.
    await asyncio.sleep(at.bench.timing.commit_late_s)
