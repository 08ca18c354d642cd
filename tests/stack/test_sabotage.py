"""The demo can fail: with one thing broken inside the hub it ends with 1 and names the check, unbroken it ends with 0.

Every run is a whole house of its own, from the serial port to the broker. Two run at a time: a stay is mostly waiting.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.demo.parts import ROOT
from tests.demo.saboteur import SABOTAGES

AT_ONCE = 2
RUN_LIMIT_S = 180
UNBROKEN = "unbroken"
ON_EVERY_BROKER = (UNBROKEN, "drop-event", "repeat-event")
"""What a broker could change; the rest is the same on all of them and runs once."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a demo ended."""

    code: int
    output: str

    @property
    def broken(self) -> Sequence[str]:
        """The checks that it named."""
        line = next((line for line in self.output.splitlines() if line.startswith("BROKEN: ")), "")
        return line.removeprefix("BROKEN: ").split(", ") if line else []


@dataclass(slots=True)
class Runs:
    """Demos that were started or wait for their turn."""

    folder: Path
    pool: ThreadPoolExecutor
    endings: dict[str, Future[Ending]]

    def ending(self, name: str) -> Ending:
        """The ending of one demo; starts it when nobody has."""
        if name not in self.endings:
            self.endings[name] = self.pool.submit(_play, name, self.folder / name)
        return self.endings[name].result()


def _play(name: str, folder: Path) -> Ending:
    command = [sys.executable, "-m", "tests.demo", "--pace", "quick", "--stop-early", "--out", str(folder)]
    if name != UNBROKEN:
        command += ["--sabotage", name]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_LIMIT_S, check=False
    )
    return Ending(done.returncode, done.stdout)


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """All demos that this session asks for, started in the order in which their tests come."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = Runs(tmp_path_factory.mktemp("demos"), pool, {})
        for item in request.session.items:
            if isinstance(item, pytest.Function) and item.module is request.module:
                name = getattr(item, "callspec", None)
                wanted = UNBROKEN if name is None else str(name.params["name"])
                found.endings[wanted] = pool.submit(_play, wanted, found.folder / wanted)
        yield found
        pool.shutdown(cancel_futures=True)


@pytest.mark.stack
@pytest.mark.broker
def test_the_unbroken_hub_passes(runs: Runs) -> None:
    ending = runs.ending(UNBROKEN)
    assert (ending.code, ending.broken) == (0, []), ending.output


@pytest.mark.stack
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.broker] if name in ON_EVERY_BROKER else []) for name in sorted(SABOTAGES)],
)
def test_a_broken_hub_is_noticed(runs: Runs, name: str) -> None:
    ending = runs.ending(name)
    assert ending.code == 1, ending.output
    assert SABOTAGES[name].noticed_by in ending.broken, ending.output
