"""The tables of the simulator's README say which test shows what on the serial door: every fault stands there, and every test exists."""

import re
from pathlib import Path

from drivers.simulator.lock.faults import Fault

ROOT = Path(__file__).parents[3]
HEADING = "## Shown on the serial door"
SCENES = ROOT / "drivers/kit/scenes"


def shown() -> str:
    told = (ROOT / "drivers/simulator/README.md").read_text().split(HEADING)[1]
    return told.split("\n## ")[0]


def rows() -> list[list[str]]:
    lines = [line for line in shown().splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if "shown by |" not in line]


def test_every_fault_is_shown() -> None:
    assert {fault.value for fault in Fault} <= set(re.findall(r"`(\w+)`", shown()))


def test_every_row_names_a_test_a_scene_or_a_figure() -> None:
    assert all(re.search(r"::test_|scenes? `|`make bench`", row[-1]) for row in rows()), "a row shows nothing"


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", shown())
    assert len(named) >= len(rows()) // 2
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not re.search(rf"^(async )?def {name}\(", (ROOT / "tests" / path).read_text(), re.MULTILINE)
    ]
    assert missing == []


def test_every_scene_that_is_named_exists() -> None:
    scenes = "\n".join(path.read_text() for path in SCENES.glob("*.py"))
    named = [name for cell in re.findall(r"scenes? (`\w+`(?:, `\w+`)*)", shown()) for name in re.findall(r"\w+", cell)]
    assert named
    assert [name for name in named if f"async def {name}(" not in scenes] == []
