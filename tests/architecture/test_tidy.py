"""Habits that a linter does not know: sizes, who may reveal a PIN, no words that promise work, no paths of a machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("gateway", "drivers")

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

MAY_REVEAL = {
    "gateway/model/pin.py",
    "gateway/model/pin_rules.py",
    "gateway/store/seal.py",
    "gateway/cloud/report.py",
    "gateway/shell/verbs_orders.py",
    "gateway/shell/verbs_pool.py",
    "gateway/shell/verbs_time.py",
    "drivers/zwave/credentials.py",
    "drivers/simulator/doors/driver.py",
}
"""The files that may turn a `Pin` into digits (N1): the rules, the seal, the answers that give a drawn PIN or a pulled
backup to the cloud and to a person, the codec of the driver, and the simulated lock itself."""

LONGER_FILES: dict[str, str] = {}
"""Files over the limit, each with the reason why no noun hides in it."""

TOP_LEVEL = {
    "pyproject.toml", "README.md", "gateway", "drivers", "systemd", "image", "tests", "Makefile", "uv.lock", ".python-version",
    ".ci", ".pre-commit-config.yaml", ".gitignore", "CHANGELOG.md", "LICENSE",
}  # fmt: skip


def tracked() -> list[Path]:
    """Files that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def modules(*folders: str) -> Iterator[tuple[str, str]]:
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if path.suffix == ".py" and name.split("/", maxsplit=1)[0] in folders:
            yield name, path.read_text(encoding="utf-8")


def test_files_are_small() -> None:
    long = {name: len(text.splitlines()) for name, text in modules(*CODE) if len(text.splitlines()) > FILE_LINES_MAX}
    assert set(long) <= set(LONGER_FILES), f"over {FILE_LINES_MAX} lines, a noun is hiding: {long}"


def test_functions_are_short() -> None:
    long = {}
    for name, text in modules(*CODE):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long[f"{name}:{node.name}"] = lines
    assert not long, f"over {FUNCTION_LINES_MAX} lines: {long}"


def test_n1_only_listed_files_reveal_a_pin() -> None:
    found = {name for name, text in modules(*CODE) if ".reveal()" in text}
    assert found <= MAY_REVEAL, f"these reveal a PIN and are not listed: {found - MAY_REVEAL}"
    assert found == MAY_REVEAL, f"listed, but they reveal nothing: {MAY_REVEAL - found}"


def test_no_method_is_left_for_later() -> None:
    unwritten = re.compile(f"{NotImplemented}Error")
    found = [
        f"{name}:{number}"
        for name, text in modules(*CODE, "tests")
        for number, line in enumerate(text.splitlines(), 1)
        if unwritten.search(line)
    ]
    assert not found


def test_every_exception_from_a_check_has_its_reason() -> None:
    bare = re.compile(r"# type: ignore(?!\[[\w-]+\])|# noqa(?!: [A-Z]+\d+)")
    found = [
        f"{name}:{number}"
        for name, text in modules(*CODE, "tests")
        for number, line in enumerate(text.splitlines(), 1)
        if bare.search(line) and name != "tests/architecture/test_tidy.py"
    ]
    assert not found


def test_no_path_of_a_machine_and_no_registry_host() -> None:
    leak = re.compile(r"/(root|home/\w+|work|tmp/bash_jobs)/|registry\.npmjs\.org|deb\.debian\.org")
    found = []
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if name == "tests/architecture/test_tidy.py" or path.suffix in {".png", ".svg"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}:{number}" for number, line in enumerate(text.splitlines(), 1) if leak.search(line)]
    assert not found


def test_the_top_level_is_as_decided() -> None:
    assert {str(path.relative_to(ROOT)).split("/")[0] for path in tracked()} <= TOP_LEVEL


def test_fakes_not_mocks() -> None:
    found = [name for name, text in modules("tests") if re.search(r"unittest\.mock|MagicMock", text)]
    assert [name for name in found if not name.startswith(("tests/drivers/", "tests/architecture/"))] == []


def test_every_room_has_a_readme() -> None:
    rooms = {Path(name).parent for name, _ in modules(*CODE) if Path(name).name == "__init__.py"}
    top = {room for room in rooms if len(room.parts) <= 2}
    missing = sorted(str(room) for room in top if not (ROOT / room / "README.md").exists())
    assert not missing


def test_tasks_live_in_groups() -> None:
    found = [name for name, text in modules(*CODE) if re.search(r"asyncio\.(create_task|ensure_future)\(", text)]
    assert not found
