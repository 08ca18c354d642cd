"""What the tests of this room are given."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cloud.inbox import Inbox
from tests.cloud.room import open_store


@pytest.fixture
async def inbox(tmp_path: Path) -> AsyncIterator[Inbox]:
    async with open_store(tmp_path) as db:
        yield Inbox(db)
