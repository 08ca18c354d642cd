"""The program that starts each of the hub's modules: nothing from the surroundings, several in one Python, the first failure ends it."""

import re
import subprocess
import sys
from pathlib import Path

import pydantic
import pytest

ROOT = Path(__file__).parents[2]
RUN = ROOT / "systemd/run"
LIBRARY = "/usr/lib/keypad-gateway"
PATIENCE_S = 60

TELLS = """
import os, sys
assert __name__ == "__main__" and sys.modules["__main__"].__dict__ is globals()
print(os.getpid(), *sys.argv[1:])
"""


def run(folder: Path, *words: str, **surroundings: str) -> subprocess.CompletedProcess[str]:
    """The program as it is, but for where the hub lies."""
    text = RUN.read_text()
    assert text.count(LIBRARY) == 1
    flags = re.findall(r"^#!/usr/bin/python3\.13 (-\w+)$", text, re.MULTILINE)
    return subprocess.run(
        [sys.executable, *flags, "-c", text.replace(LIBRARY, str(folder)), *words],
        cwd=folder,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tells.py").write_text(TELLS)
    (tmp_path / "ends.py").write_text(TELLS + "sys.exit(int(sys.argv[1]))")
    (tmp_path / "errs.py").write_text("raise OSError('the disk is full')")
    return tmp_path


def test_one_module_gets_its_arguments(folder: Path) -> None:
    finished = run(folder, "tells", "--keys", "FILE")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.split()[1:] == ["--keys", "FILE"]


def test_several_run_one_after_the_other_in_one_process_each_with_its_own_arguments(folder: Path) -> None:
    finished = run(folder, "tells", "a", "--then", "ends", "0", "b", "--then", "tells")
    assert finished.returncode == 0, finished.stderr
    process, *rest = finished.stdout.split()
    assert rest == ["a", process, "0", "b", process]


@pytest.mark.parametrize(("words", "code"), [(("ends", "78"), 78), (("errs",), 1), (("nowhere",), 1)])
def test_the_first_that_does_not_succeed_ends_it_with_its_code(folder: Path, words: tuple[str, ...], code: int) -> None:
    finished = run(folder, *words, "--then", "tells", "later")
    assert finished.returncode == code
    assert "later" not in finished.stdout


def test_nothing_comes_from_the_surroundings(folder: Path) -> None:
    (folder / "stranger").mkdir()
    (folder / "stranger/sitecustomize.py").write_text("print('I am in')")
    (folder / "shows.py").write_text("import sys\nprint(sys.flags.isolated, sys.flags.no_site, *sys.path)")
    finished = run(folder, "shows", PYTHONPATH=str(folder / "stranger"))
    assert finished.stdout.split()[:3] == ["1", "1", str(folder)], finished.stderr
    assert "site-packages" not in finished.stdout


def test_pydantic_looks_for_no_plugin_of_a_stranger(folder: Path) -> None:
    loads = f"import sys\nsys.path.append({str(Path(pydantic.__file__).parents[1])!r})\nfrom pydantic.plugin import _loader\n"
    loads += "_loader.entry_points = None\nprint(*_loader.get_plugins(), 'none')"
    (folder / "loads.py").write_text(loads)
    finished = run(folder, "loads")
    assert finished.stdout.split() == ["none"], finished.stderr
