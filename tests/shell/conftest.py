from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.shell.house import House, build, furnish


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[House]:
    """Three locks in the configuration, none met, no codes."""
    house = await build(tmp_path)
    yield house
    await house.db.close()


@pytest.fixture
async def house(bare: House) -> House:
    """Locks and codes in every state that a technician meets."""
    await furnish(bare)
    return bare
