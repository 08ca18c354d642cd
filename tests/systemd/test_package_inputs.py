"""What goes into the Debian package is what its version follows: two packages of one version have the same bytes."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEBIAN = ROOT / "systemd/debian"
INPUTS = (DEBIAN / "inputs").read_text().split()


def test_every_file_that_is_laid_out_is_among_the_inputs() -> None:
    taken = re.findall(r"^\s*put \d+ (\S+)", (DEBIAN / "lay-out").read_text(), re.MULTILINE)
    assert len(taken) > 10
    sources = [(ROOT / "systemd" / name).resolve().relative_to(ROOT).parts[0] for name in taken]
    assert set(sources) <= set(INPUTS)


def test_what_the_wheel_takes_is_among_the_inputs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [project.get("readme"), *project.get("license-files", ())]
    assert {name for name in named if name is not None} <= set(INPUTS)


def test_every_input_is_there() -> None:
    assert [name for name in INPUTS if not (ROOT / name).exists()] == []
