"""What waits to be done for a code is told under its documented words (A6)."""

import json

from tests.shell.house import House


async def test_a6_pending_mutations_tell_what_is_on_its_way(house: House) -> None:
    async def pending(code: str) -> str:
        return json.dumps((await house.run("why", code)).value)

    assert '"mutation_code": "creating"' in await pending("back-late")
    assert '"mutation_code": "deleting"' in await pending("back-gone")
    assert '"mutation_code"' not in await pending("owner-1")
    assert (await house.run("update", "owner-1", "--pin", "7193")).failure is None
    assert '"mutation_code": "updating_code"' in await pending("owner-1")
