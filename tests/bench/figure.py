"""One figure: what, how much, against which goal, and how it was measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it stands in build/bench.json; `how` says how it was measured.

    `ratio` is the result against something measured in the same run, where the machine matters.
    """

    name: str
    unit: str
    goal: float
    result: float
    met: bool
    how: str
    ratio: float | None = None

    def plain(self) -> dict[str, object]:
        return asdict(self)


def at_most(name: str, unit: str, goal: float, result: float, how: str, *, ratio: float | None = None) -> Figure:
    return Figure(name, unit, goal, round(result, 4), result <= goal, how, None if ratio is None else round(ratio, 3))


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall time."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def table(figures: Sequence[Figure]) -> str:
    rows = [("figure", "goal", "result", "ratio", "")]
    for figure in figures:
        met = "met" if figure.met else "MISSED"
        goal, result = f"{figure.goal:g} {figure.unit}", f"{figure.result:g} {figure.unit}"
        rows.append((figure.name, goal, result, "–" if figure.ratio is None else f"{figure.ratio:g}", met))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
