"""Worlds 21 to 30."""

import pytest

from tests.sim.seeds.judged import judge


@pytest.mark.parametrize("seed", range(21, 31))
def test_a_world_breaks_no_rule(seed: int) -> None:
    judge(seed)
