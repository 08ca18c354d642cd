"""A database of its own per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.database import Database

PAGE_KEY = b"p" * 32


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", PAGE_KEY) as opened:
        yield opened
