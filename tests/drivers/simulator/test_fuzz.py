"""A few seconds of the fuzzer; `python -m tests.drivers.simulator.fuzz` throws more."""

import pytest

from tests.drivers.simulator.fuzz import throw, throw_at_lock


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_stick_survives_whatever_comes_down_the_wire(seed: int) -> None:
    tally = await throw(4000, seed)
    assert min(tally.frames, tally.broken, tally.controls, tally.garbage_bytes, tally.answers) > 100


async def test_lock_survives_whatever_is_said_about_keys() -> None:
    await throw_at_lock(4000, seed=1)
