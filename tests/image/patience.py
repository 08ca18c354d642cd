"""Waiting for what happens in another process or machine: always for a condition, always bounded."""

import time
from collections.abc import Callable

LOOK_S = 2.0
"""Each look over the console costs an emulated machine a good part of a second of its own."""


def now_s() -> float:
    """Seconds that only go forward."""
    return time.monotonic()  # noqa: TID251 - machines run in real time


def until(
    holds: Callable[[], bool], bound_s: float, explain: Callable[[], object] = str, look_s: float = LOOK_S
) -> float:
    """Wait until `holds`; the seconds it took. Raises AssertionError with what `explain` says."""
    began_s = now_s()
    while not holds():
        assert now_s() < began_s + bound_s, f"not so within {bound_s} s: {explain()}"
        time.sleep(look_s)
    return now_s() - began_s
