"""What all chapters share: the surroundings and the figures of one run."""

from collections.abc import Iterator

import pytest

from tests.image.figures import OUTPUT, Figures, table
from tests.image.medium import Medium
from tests.image.record import Secrets
from tests.image.surroundings import Surroundings, running_surroundings

_FIGURES = pytest.StashKey[Figures]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = Figures()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    return pytestconfig.stash[_FIGURES]


@pytest.fixture(scope="session")
def around() -> Iterator[Surroundings]:
    with running_surroundings() as running:
        yield running


@pytest.fixture(scope="session")
def card(around: Surroundings) -> Medium:
    """The card of the hub whose life is told: fresh, with the owner's files on it."""
    fresh = around.medium("card")
    around.seed(fresh)
    return fresh


@pytest.fixture(scope="session")
def secrets() -> Secrets:
    return Secrets()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    figures = config.stash[_FIGURES]
    if figures.found:
        figures.write()
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(table(figures.found)))
        terminalreporter.write_line(f"\nwritten to {OUTPUT.relative_to(config.rootpath)}")
