"""What the screens say of locks that nobody works on: another device answers in the place of one, another is not this hub's (A17)."""

import json

import pytest

from gateway.fleet import guard
from gateway.model.clock import ClockTrust
from gateway.model.identity import LockIdentity
from gateway.model.instant import HOUR_MS, MINUTE_MS
from gateway.orders import leaving
from gateway.orders.pairing import forget_device
from gateway.shell.session import Answer
from gateway.store import joined, locks
from gateway.store.database import Connection
from gateway.store.joined import JoinedLock
from tests.builders import NOON
from tests.shell.house import BACK, FRONT, House, end_all, text_of
from tests.shell.test_verbs_pool import stocked

PAIRED, OTHER = LockIdentity("003b:0001:0469", "A1"), LockIdentity("003b:0001:0469", "B2")
GUEST = "guest-2f9c71aa04"
ACCEPT = "Next: nothing until somebody accepts the device: gatewayctl accept-lock"
NOT_OURS = "front-door is none of this hub's locks: it is not in the configuration, or has left the network."


@pytest.fixture
async def replaced(house: House) -> House:
    """Other devices answer in the place of both locks."""

    def change(con: Connection) -> None:
        for lock_id in (FRONT, BACK):
            guard.met(con, lock_id, PAIRED, NOON)
            guard.met(con, lock_id, OTHER, NOON)
        locks.set_reachable(con, BACK, NOON, is_reachable=True)

    await house.db.write(change)
    return house


def take_out(house: House) -> None:
    """The front door's lock is taken out of the configuration, with the codes in it."""
    del house.context.locks[FRONT]  # type: ignore[attr-defined]  # the test's own dictionary
    house.context.desk.hub.locks.pop(FRONT)  # type: ignore[attr-defined]  # as above


def errors_of(answer: Answer) -> list[str]:
    value = answer.value
    assert isinstance(value, dict)
    code = value["access_code"]
    assert isinstance(code, dict)
    errors = code["errors"]
    assert isinstance(errors, list)
    return [str(error["error_code"]) for error in errors if isinstance(error, dict)]


async def test_a17_why_on_a_quarantined_lock_says_that_a_person_must_accept_the_device(replaced: House) -> None:
    for code, lock in (("owner-1", FRONT), ("back-gone", BACK), ("back-late", BACK), (GUEST, FRONT)):
        told = text_of(await replaced.run("why", code))
        assert f"{ACCEPT} {lock}." in told
        assert "at the keypad" not in told
    replaced.clock.move(3 * HOUR_MS)
    assert f"{ACCEPT} front-door." in text_of(await replaced.run("why", GUEST))


async def test_a17_delete_on_a_quarantined_lock_promises_nothing_before_the_device_is_accepted(replaced: House) -> None:
    told = text_of(await replaced.run("delete", "owner-1"))
    assert "“Owner” is deleted and comes off Front door once the device in its place is accepted." in told
    assert f"{ACCEPT} front-door." in text_of(await replaced.run("why", "owner-1"))
    assert "is being taken off" not in text_of(await replaced.run("codes"))
    assert "was not on Back door" in text_of(await replaced.run("delete", "back-late"))
    told = text_of(await replaced.run("delete-unmanaged", "front-door", "2", "--yes"))
    assert "The code in slot 2 comes off Front door once the device in its place is accepted." in told


async def test_a17_locks_plan_and_slots_of_a_quarantined_lock_promise_nothing(replaced: House) -> None:
    table = (await replaced.run("locks")).table
    assert table is not None
    assert [row[-1].text for row in table.rows][:2] == ["nothing until the device is accepted"] * 2
    assert [line.text for line in (await replaced.run("plan", "front-door")).lines] == [
        "Front door (front-door)",
        "Another device answers in the lock's place: nothing is written to it until somebody accepts it, with: "
        "gatewayctl accept-lock front-door",
    ]
    for verb, lock in (("slots", "front-door"), ("unmanaged", "front-door"), ("unmanaged", "back-door")):
        assert "what follows is of the one that was paired" in text_of(await replaced.run(verb, lock))


async def test_a17_adopt_on_a_quarantined_lock_waits_for_the_paired_one(replaced: House) -> None:
    told = text_of(await replaced.run("adopt", "front-door", "2", "--name", "Old owner"))
    assert "becomes a code of the hub once the paired lock is back and has shown it" in told


async def test_a17_the_backups_of_a_quarantined_lock_are_not_told_as_ready(house: House) -> None:
    await stocked(house)
    assert "1 of 3 backup codes are ready" in text_of(await house.run("pool", "front-door"))

    def change(con: Connection) -> None:
        guard.met(con, FRONT, PAIRED, NOON)
        guard.met(con, FRONT, OTHER, NOON)

    await house.db.write(change)
    answer = await house.run("pool", "front-door")
    assert "ready" not in text_of(answer)
    assert "gatewayctl accept-lock front-door" in text_of(answer)
    assert isinstance(answer.value, dict)
    assert answer.value["ready"] == []
    assert '"is_backup_access_code_available": true' not in json.dumps((await house.run("why", GUEST)).value)


async def test_why_on_a_lock_that_was_taken_out_of_the_configuration_says_so(house: House) -> None:
    take_out(house)
    for code in ("owner-1", GUEST):
        answer = await house.run("why", code)
        told = text_of(answer)
        assert f"Problem: {NOT_OURS}" in told
        assert "Next: nothing, nobody works on this lock." in told
        assert "put front-door back into the configuration" in told
        assert errors_of(answer) == ["device_removed"]
        assert '"pending_mutations": []' in json.dumps(answer.value)
    house.clock.trust = ClockTrust.UNTRUSTED
    assert "Time:" not in text_of(await house.run("why", GUEST))


async def test_delete_on_a_lock_that_was_taken_out_of_the_configuration_says_that_nobody_takes_it_off(
    house: House,
) -> None:
    take_out(house)
    answer = await house.run("delete", "owner-1")
    told = text_of(answer)
    assert "“Owner” is deleted, but nobody takes it off front-door." in told
    assert NOT_OURS in told
    assert "delete slot 1 at the keypad" in told
    house.clock.move(10 * MINUTE_MS)
    why = text_of(await house.run("why", "owner-1"))
    assert "Next: nothing, nobody works on this lock." in why
    assert "delete slot 1 at the keypad" in why
    assert "“Ms Adams” is deleted and was not on front-door." in text_of(await house.run("delete", GUEST))


async def test_plan_and_slots_of_a_lock_that_is_not_this_hub_s_say_so(house: House) -> None:
    take_out(house)
    answer = await house.run("plan", "front-door")
    assert [line.text for line in answer.lines][:2] == ["front-door (front-door)", f"Nobody works on it: {NOT_OURS}"]
    assert "back into the configuration" in answer.lines[2].text
    assert isinstance(answer.value, dict)
    assert (answer.value["steps"], answer.value["wake_at"]) == ([], None)
    slots = await house.run("slots", "front-door")
    assert "What follows is what was last known." in text_of(slots)
    assert slots.table is not None
    assert (await house.run("plan", "front")).failure is not None, "only by its whole id"
    assert (await house.run("plan", "cellar")).failure is not None


async def test_status_names_a_lock_that_is_not_this_hub_s_while_codes_are_for_it(house: House) -> None:
    assert "none of this hub's" not in text_of(await house.run("status"))
    take_out(house)
    answer = await house.run("status")
    assert answer.value is not None
    told = [line.text for line in answer.lines]
    [text] = [line for line in told if "front-door" in line and line.startswith("!")]
    assert text == "! front-door is none of this hub's locks any more: 2 codes may still open it, 1 code waits for it."
    assert "put front-door back into the configuration" in told[told.index(text) + 1]
    assert "delete" not in told[told.index(text) + 1], "a delete takes nothing off a lock that nobody reaches"
    await house.db.write(lambda con: end_all(con, FRONT))
    assert "none of this hub's" not in text_of(await house.run("status"))


async def test_codes_of_a_lock_that_is_not_this_hub_s_are_told_under_the_table(house: House) -> None:
    take_out(house)
    assert f"! {NOT_OURS}" in [note.text for note in (await house.run("codes", "--all")).notes]
    only = await house.run("codes", "--lock", "front-door")
    assert only.table is not None
    assert f"! {NOT_OURS}" in [note.text for note in only.notes]


async def test_the_same_of_a_lock_that_joined_at_the_door_and_left(house: House) -> None:
    def leave(con: Connection) -> None:
        joined.add(con, JoinedLock(FRONT, "zwave", "Front door", {"node": 5}), NOON)
        joined.remove(con, FRONT)
        forget_device(con, FRONT, NOON, is_another=False)
        leaving.left(con, FRONT, NOON)

    await house.db.write(leave)
    take_out(house)
    text = "front-door is none of this hub's locks any more: 3 codes wait for it, nobody knows what it still holds."
    status = text_of(await house.run("status"))
    assert text in status
    assert "or delete them: gatewayctl codes --lock front-door" in status
    for code in ("owner-1", GUEST):
        told = text_of(await house.run("why", code))
        assert "Next: nothing, nobody works on this lock." in told
        assert "gatewayctl include --name front-door" in told
        assert "nobody knows any more what this lock holds" in told
        assert "not on the lock" not in told
    told = text_of(await house.run("delete", "owner-1"))
    assert "“Owner” is deleted; nobody knows whether front-door still holds it." in told
    assert "reset the lock" in told
    assert "this code is finished" in text_of(await house.run("why", "owner-1"))
