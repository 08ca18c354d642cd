"""What pytest itself needs: one option."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="play the long crash tests: 300 kills instead of 50")
