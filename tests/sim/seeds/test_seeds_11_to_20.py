"""Worlds 11 to 20."""

import pytest

from tests.sim.seeds.judged import judge


@pytest.mark.parametrize("seed", range(11, 21))
def test_a_world_breaks_no_rule(seed: int) -> None:
    judge(seed)
