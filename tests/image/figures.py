"""What the run measured: printed as a table at its end, and written to build/image-test.json for whoever follows it over time."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.stack.zwave_stack import ROOT

OUTPUT = ROOT / "build/image-test.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `bound` is the most that it may be, None when it is only told."""

    name: str
    result: float
    unit: str
    bound: float | None = None

    @property
    def is_within(self) -> bool:
        return self.bound is None or self.result <= self.bound


class Figures:
    """All of one run, in the order in which they were found."""

    def __init__(self) -> None:
        self.found: list[Figure] = []

    def note(self, name: str, result: float, unit: str, bound: float | None = None) -> None:
        """Add one."""
        self.found.append(Figure(name, round(result, 1), unit, bound))

    def missed(self) -> list[Figure]:
        """Those beyond their bounds."""
        return [figure for figure in self.found if not figure.is_within]

    def write(self, path: Path = OUTPUT) -> None:
        path.parent.mkdir(exist_ok=True)
        rows = [asdict(figure) | {"is_within": figure.is_within} for figure in self.found]
        path.write_text(json.dumps({"figures": rows}, indent=2) + "\n")


def table(figures: Sequence[Figure]) -> list[str]:
    """Lines for people."""
    rows = [("figure", "result", "at most", "")]
    for figure in figures:
        bound = "–" if figure.bound is None else f"{figure.bound:g} {figure.unit}"
        verdict = "" if figure.bound is None else "met" if figure.is_within else "MISSED"
        rows.append((figure.name, f"{figure.result:g} {figure.unit}", bound, verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
