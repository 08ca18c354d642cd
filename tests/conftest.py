"""What pytest itself needs: one option, the order in which the files of tests are begun, and examples without a time limit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from gateway.model import remembered

# An example that takes long on a loaded machine is no counterexample: figures of time belong to the bench.
settings.register_profile("keypad", deadline=None)
settings.load_profile("keypad")

ROOT = Path(__file__).parent

LONGEST_FIRST = (
    "stack/test_kills.py",
    "stack/test_sabotage.py",
    "contract/test_serial.py",
    "stack/",
    "contract/",
    "cloud/test_uplink_broker.py",
)
"""Files that wait for real parts take most of the time. Whole files go to one worker each: a long one that is begun last
leaves the other workers idle, so these are begun first."""


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    """A test that breaks a rule on purpose leaves no broken answers about records that the next one meets again."""
    remembered.forget_all()
    yield
    remembered.forget_all()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="play the long crash tests: 300 kills instead of 50")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> int:
    place = path.relative_to(ROOT).as_posix()
    return next((rank for rank, start in enumerate(LONGEST_FIRST) if place.startswith(start)), len(LONGEST_FIRST))
