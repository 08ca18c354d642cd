"""`accept-lock`: a device in a lock's place is taken only when a person says so, and who said so is kept (A17, A19)."""

from gateway.fleet import guard
from gateway.model.access_code import Origin
from gateway.model.identity import LockIdentity
from gateway.nudge import lock_bell
from gateway.shell.story import VERB_NOTE
from gateway.store import journal, pairing
from gateway.store.database import Connection
from tests.builders import NOON
from tests.shell.house import FRONT, House, text_of

PAIRED, OTHER = LockIdentity("003b:0001:0469", "A1"), LockIdentity("003b:0001:0469", "B2")


def replace_lock(con: Connection) -> None:
    guard.met(con, FRONT, PAIRED, NOON)
    guard.met(con, FRONT, OTHER, NOON)


async def test_a17_a_quarantine_is_the_first_thing_to_do_and_accept_lock_ends_it(house: House) -> None:
    await house.db.write(replace_lock)
    status = text_of(await house.run("status"))
    assert "Another device answers in place of Front door" in status
    assert "gatewayctl accept-lock front-door" in status
    assert "nothing is written to it" in text_of(await house.run("plan", "front-door"))

    answer = await house.run("accept-lock", "front-door")
    assert answer.failure is None
    assert "serial B2" in answer.lines[0].text
    assert not await house.db.read(lambda con: pairing.is_quarantined(con, FRONT))
    assert await house.context.nudges.wait(lock_bell(FRONT), 0)
    lines = await house.db.read(journal.timeline)
    assert [(line.kind, line.actor) for line in lines[-2:]] == [
        ("device.added", Origin.SHELL),
        (VERB_NOTE, Origin.SHELL),
    ]


async def test_a17_there_is_nothing_to_accept_when_the_paired_lock_answers(house: House) -> None:
    failure = (await house.run("accept-lock", "front-door")).failure
    assert failure is not None
    assert "nothing to accept" in failure.message
