"""The transcript in the room's README is what the verbs really say about the furnished house of these tests.

`python -m tests.shell.test_readme` writes it anew.
"""

import asyncio
import re
import shlex
import tempfile
from pathlib import Path

from gateway.shell import render
from gateway.shell.catalogue import CATALOGUE
from tests.shell.house import House, build, furnish

README = Path(__file__).parents[2] / "gateway" / "shell" / "README.md"
HEADING = "## What each verb shows\n"

CALLS = (
    "status",
    "locks",
    "codes",
    "slots front-door",
    "plan back-door",
    "why cleaner-7",
    "why back-gone",
    "timeline owner-1",
    "create front-door --name 'Ms Green' --from '2027-02-01 15:00' --until '2027-02-04 11:00'",
    "create front-door --name 'Mr Blue' --pin 12",
    "update guest-2f --until '2027-02-02 12:00'",
    "delete cleaner-7",
    "timeline cleaner-7 --last 5",
    "accept-lock front-door",
    "pool front-door",
    "pool front-door --on",
    "pull owner-1",
    "pull guest-2f",
    "reveal owner-1 --reason 'the owner forgot it'",
    "generate front-door",
    "unmanaged front-door",
    "adopt front-door 2 --name 'Old owner'",
    "delete-unmanaged front-door 2",
    "set-time '2027-01-31 15:00'",
    "confirm-time",
    "check-native front-door",
    "verify",
    "include --name Cellar --dsk 34028",
    "provision 34028-28291-00712-41199-50023-11001-02774-60123",
    "exclude",
    "remove-failed garage",
    "network",
)


async def transcript(house: House) -> str:
    """All calls with their screens, as one console block each."""
    blocks = []
    for call in CALLS:
        answer = await house.run(*shlex.split(call))
        failure = answer.failure
        if failure is None:
            screen = render.draw(answer, width=80, is_coloured=False)
        else:
            screen = render.draw_failure(failure, width=80, is_coloured=False)
        blocks.append(f"```console\n$ gatewayctl {call}\n{screen}```\n")
    return "\n".join(blocks)


async def test_the_transcript_is_what_the_verbs_say(house: House) -> None:
    page = README.read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n.*?```\n", page, flags=re.DOTALL)
    assert "\n".join(blocks) == await transcript(house), "write it anew: python -m tests.shell.test_readme"


def test_every_verb_is_in_the_transcript() -> None:
    assert {call.split()[0] for call in CALLS} == CATALOGUE.keys()


async def _write() -> None:
    with tempfile.TemporaryDirectory() as folder:
        house = await build(Path(folder))
        await furnish(house)
        told = await transcript(house)
        await house.db.close()
    page = README.read_text(encoding="utf-8")
    before, _, after = page.partition(HEADING)
    introduction = after.partition("```console")[0].strip()
    README.write_text(f"{before}{HEADING}\n{introduction}\n\n{told}", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_write())
