"""Worlds 1 to 10."""

import pytest

from tests.sim.seeds.judged import judge


@pytest.mark.parametrize("seed", range(1, 11))
def test_a_world_breaks_no_rule(seed: int) -> None:
    judge(seed)
