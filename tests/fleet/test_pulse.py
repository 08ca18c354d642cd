"""Who hangs: silence beyond the longest step, unless it is the silence of a queue that moves."""

from gateway.fleet.pulse import HANG_S, Pulse, hanging
from gateway.model.ids import LockId

FRONT, STUDIO = LockId("front"), LockId("studio")


def silent(pulse: Pulse) -> Pulse:
    assert pulse._due_at_s is not None
    pulse._due_at_s -= HANG_S + 1
    return pulse


def beaten(*, is_queued: bool = False) -> Pulse:
    pulse = Pulse()
    pulse.beat(is_queued=is_queued)
    return pulse


async def test_a_silent_worker_hangs_and_one_that_beats_does_not() -> None:
    assert hanging({FRONT: beaten(), STUDIO: beaten()}) == ()
    assert hanging({FRONT: silent(beaten()), STUDIO: beaten()}) == (FRONT,)


async def test_one_that_waits_for_the_radio_is_excused_while_anybody_moves() -> None:
    queued = silent(beaten(is_queued=True))
    assert hanging({FRONT: queued, STUDIO: beaten()}) == ()
    assert hanging({FRONT: queued, STUDIO: silent(beaten())}) == (FRONT, STUDIO)
    queued.beat()
    assert hanging({FRONT: silent(queued), STUDIO: beaten()}) == (FRONT,)


async def test_before_the_first_beat_the_count_begins_with_the_question() -> None:
    fresh = Pulse()
    assert hanging({FRONT: fresh}) == ()
    assert hanging({FRONT: silent(fresh)}) == (FRONT,)


async def test_one_that_sleeps_is_late_only_after_its_sleep_and_excuses_no_stuck_lane() -> None:
    asleep = Pulse()
    asleep.beat(sleeps_s=3_600.0)
    assert hanging({FRONT: asleep}) == ()
    assert hanging({FRONT: silent(beaten(is_queued=True)), STUDIO: asleep}) == (FRONT,)
    asleep.beat(sleeps_s=0.0)
    assert hanging({FRONT: silent(asleep)}) == (FRONT,)
