"""Worlds 31 to 40."""

import pytest

from tests.sim.seeds.judged import judge


@pytest.mark.parametrize("seed", range(31, 41))
def test_a_world_breaks_no_rule(seed: int) -> None:
    judge(seed)
