"""The table of scenes and wires in this folder's README, made from the code and the committed endings."""

from collections.abc import Callable, Mapping
from pathlib import Path

from drivers.kit.bench import Need
from drivers.kit.scene import Scene, scenes
from tests.contract import in_process, messages, mock, serial
from tests.contract.kinds import KINDS, Kind, lacking_of
from tests.contract.plays import endings, lock_for

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- table: python -m tests.contract.table -->", "<!-- end of table -->"

WIRES: Mapping[str, Callable[[Kind], Mapping[Need, str]]] = {
    "in process": in_process.lacking,
    "messages": messages.lacking,
    "serial": serial.lacking,
    "mock": lambda _: mock.LACKING,
}
"""Each wire, and what a lock of some kind lacks on it."""


def table() -> str:
    """One row per scene; below it what was not played, and why."""
    rows = [f"| scene | rule | lock | {' | '.join(WIRES)} |", "| --- " * (len(WIRES) + 3) + "|"]
    reasons: list[str] = []
    known = endings()
    for scene in scenes():
        kind = lock_for(scene)
        if kind is None:
            reasons += [f"- *{scene.name}*: {_why_never(scene)}"]
            continue
        cells = []
        for wire, lacking in WIRES.items():
            reason = _missing(scene, lacking(kind))
            cells.append("–" if reason else "same" if scene.name in known else "unknown")
            if reason:
                reasons.append(f"- *{scene.name}*, {wire}: {reason}")
        rows.append(f"| {scene.text} | {scene.rule} | {kind.name} | {' | '.join(cells)} |")
    counts = ", ".join(f"{wire} {_count(lacking)}" for wire, lacking in WIRES.items())
    return "\n".join([f"Scenes played: {counts}.", "", *rows, "", "Not played:", "", *reasons])


def fresh(readme: str) -> str:
    """The README with its table made anew."""
    head, rest = readme.split(BEGIN)
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


def _missing(scene: Scene, lacking: Mapping[Need, str]) -> str:
    return "; ".join(lacking[need] for need in sorted(scene.needs) if need in lacking)


def _why_never(scene: Scene) -> str:
    return _missing(scene, lacking_of(_nearest(scene).model()))


def _nearest(scene: Scene) -> Kind:
    return min(KINDS, key=lambda kind: len(scene.needs & lacking_of(kind.model()).keys()))


def _count(lacking: Callable[[Kind], Mapping[Need, str]]) -> int:
    kinds = ((scene, lock_for(scene)) for scene in scenes())
    return sum(kind is not None and not scene.needs & lacking(kind).keys() for scene, kind in kinds)


if __name__ == "__main__":
    README.write_text(fresh(README.read_text(encoding="utf-8")), encoding="utf-8")
