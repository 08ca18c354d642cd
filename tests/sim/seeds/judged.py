"""The worlds of `make test`: forty seeds of seven days, in files of ten so that several play at one time."""

from tests.sim.play import play_world

DAYS = 7.0


def judge(seed: int) -> None:
    """Play one world to its end and see that no rule was broken in it."""
    outcome = play_world(seed, DAYS)
    replay = f"python -m tests.sim --seeds 1 --days {DAYS:g} --first {seed} --trace"
    assert outcome.violations == (), "\n".join([replay, *outcome.tail])
    assert outcome.tally.events > 0
    assert sum(outcome.tally.calls.values()) > 0
