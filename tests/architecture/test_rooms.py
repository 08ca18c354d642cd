"""The walls hold, and would be seen to fall: each contract is broken on purpose in a copy of the tree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BREACHES = {
    "gateway/model/clock.py": "import asyncio",
    "gateway/planner/plan.py": "from gateway.store import journal",
    "gateway/store/facts.py": "from gateway.fleet import airtime",
    "gateway/fleet/airtime.py": "from gateway.cloud import topics",
    "gateway/shell/times.py": "import paho.mqtt.client",
    "gateway/fleet/worker.py": "import aiosqlite",
    "gateway/fleet/executor.py": "import drivers.zwave.lock",
    "drivers/zwave/notices.py": "from gateway.store import codes",
    "drivers/simulator/home.py": "from drivers.zwave import options",
    "gateway/orders/rules.py": "import pydantic",
    "gateway/runtime/entropy.py": "import rich",
    "gateway/cloud/topics.py": "import aiohttp",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run([str(program), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def copy_of_the_tree(folder: Path) -> Path:
    for name in ("gateway", "drivers"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_walls_stand() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("module", sorted(BREACHES))
def test_a_breach_is_seen(module: str, tmp_path: Path) -> None:
    folder = copy_of_the_tree(tmp_path)
    path = folder / module
    path.write_text(path.read_text() + f"\n{BREACHES[module]}\n")
    done = lint(folder)
    assert done.returncode != 0
    assert "BROKEN" in done.stdout
