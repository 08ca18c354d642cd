import asyncio
import logging

import pytest

from gateway.model.access_code import Origin
from gateway.model.clock import ClockTrust
from gateway.model.ids import CodeId
from gateway.model.instant import HOUR_MS
from gateway.model.pin import Pin
from gateway.nudge import OUTBOX_BELL, lock_bell
from gateway.shell.session import Answer, Failure, FailureKind
from gateway.shell.story import VERB_NOTE
from gateway.store import codes, journal
from tests.builders import NOON
from tests.shell.house import FRONT, GUEST_PIN, PEER, House, text_of

TYPED = "640281"


def failure(answer: Answer) -> Failure:
    assert answer.failure is not None
    return answer.failure


def created_id(answer: Answer) -> str:
    value = answer.value
    assert isinstance(value, dict)
    code = value["access_code"]
    assert isinstance(code, dict)
    return str(code["access_code_id"])


async def notes(house: House) -> list[journal.Line]:
    return [line for line in await house.db.read(journal.timeline) if line.kind == VERB_NOTE]


async def test_create_with_a_typed_pin_orders_the_code_and_rings_the_bells(house: House) -> None:
    answer = await house.run("create", "front", "--name", "Ms Green", "--pin", TYPED, "--until", "+2h", "--id", "green")
    assert answer.failure is None
    code = await house.db.read(lambda con: codes.get(con, CodeId("green")))
    assert code is not None
    assert (code.name, code.lock_id, code.origin) == ("Ms Green", FRONT, Origin.SHELL)
    assert code.window.ends_at == NOON + 2 * HOUR_MS
    assert code.digest == house.context.desk.seal.digest(Pin(TYPED))
    assert await house.nudges.wait(lock_bell(FRONT), 0)
    assert await house.nudges.wait(OUTBOX_BELL, 0)
    assert TYPED not in text_of(answer)
    assert "2027-01-31T14:00:00.000Z" in text_of(answer)


async def test_a_drawn_pin_is_in_the_answer_to_its_creation_and_works_on_the_lock(house: House) -> None:
    answer = await house.run("create", "front", "--name", "Ms Green")
    assert isinstance(answer.value, dict)
    drawn = str(answer.value["drawn_pin"])
    assert f"  PIN   {drawn}" in text_of(answer).splitlines()
    code = await house.db.read(lambda con: codes.get(con, CodeId(created_id(answer))))
    assert code is not None
    assert code.digest == house.context.desk.seal.digest(Pin(drawn))
    for line in ("status", "locks", "codes --all", "slots front-door", "plan front-door", "verify"):
        later = await house.run(*line.split())
        assert drawn not in text_of(later) + str(later.value)
    for verb in ("why", "timeline"):
        later = await house.run(verb, created_id(answer))
        assert drawn not in text_of(later) + str(later.value)


async def test_a_drawn_id_is_found_by_its_first_characters(house: House) -> None:
    code_id = created_id(await house.run("create", "front", "--name", "Ms Green"))
    assert len(code_id) == 36
    assert f"({code_id})" in text_of(await house.run("why", code_id[:8]))


async def test_update_changes_what_was_given_and_keeps_the_rest(house: House) -> None:
    answer = await house.run("update", "guest", "--name", "Ms Adams-Green", "--until", "2027-02-03 11:00")
    assert answer.failure is None
    code = await house.db.read(lambda con: codes.get(con, CodeId("guest-2f9c71aa04")))
    assert code is not None
    assert (code.name, code.generation) == ("Ms Adams-Green", 2)
    assert code.window.starts_at == NOON + 3 * HOUR_MS
    assert code.digest == house.context.desk.seal.digest(Pin(GUEST_PIN))
    assert "Wed 3 Feb 11:00 Europe/Berlin = 2027-02-03T10:00:00.000Z" in text_of(answer)


async def test_update_can_take_both_ends_away(house: House) -> None:
    assert (await house.run("update", "guest", "--from", "now", "--until", "never")).failure is None
    code = await house.db.read(lambda con: codes.get(con, CodeId("guest-2f9c71aa04")))
    assert code is not None
    assert (code.window.starts_at, code.window.ends_at) == (None, None)


async def test_update_without_a_change_is_wrong_usage(house: House) -> None:
    assert failure(await house.run("update", "guest")).kind is FailureKind.USAGE


async def test_delete_marks_the_code_and_says_when_it_comes_off(house: House) -> None:
    assert "comes off Front door now" in text_of(await house.run("delete", "owner-1"))
    assert "was not on Back door" in text_of(await house.run("delete", "back-late"))
    assert "comes off Back door as soon as it answers" in text_of(await house.run("delete", "back-gone"))
    code = await house.db.read(lambda con: codes.get(con, CodeId("owner-1")))
    assert code is not None
    assert code.is_deleted
    assert failure(await house.run("delete", "owner-1")).kind is FailureKind.REFUSED


@pytest.mark.parametrize(
    ("words", "field", "told"),
    [
        (["create", "cellar", "--name", "x"], "LOCK", "no lock goes by"),
        (["create", "front", "--name", "x", "--pin", "12"], "--pin", "4 to 10 digits"),
        (["create", "front", "--name", "x", "--pin", "12a45"], "--pin", "digits only"),
        (["create", "front", "--name", "x", "--pin", "12345678"], "--pin", "pin_length"),
        (["create", "front", "--name", "x", "--pin", GUEST_PIN], "--pin", "guest-2f9c71aa04 uses the same PIN"),
        (["create", "front", "--name", "x", "--pin", "9753"], "--pin", "unmanaged code in slot 2"),
        (["create", "front", "--name", "x" * 81], "--name", "1 to 80"),
        (["create", "front", "--name", "   "], "--name", "1 to 80"),
        (["create", "front", "--name", "x", "--id", "a b"], "--id", "1 to 64"),
        (["create", "front", "--name", "x", "--id", "owner-1"], "--id", "exists"),
        (["create", "front", "--name", "x", "--from", "soon"], "--from", "not understood as a time"),
        (["create", "front", "--name", "x", "--until", "2027-01-31 10:00"], "--until", "future"),
        (["create", "front", "--name", "x", "--from", "+3h", "--until", "+2h"], "--until", "at or before its start"),
        (["create", "front", "--name", "x", "--from", "2047-01-01 00:00"], "--from", "ten years"),
        (["update", "guest", "--until", "+1h"], "--until", "at or before its start"),
        (["update", "nobody", "--name", "x"], "CODE", "no access code goes by"),
        (["delete", "nobody"], "CODE", "no access code goes by"),
    ],
)
async def test_a_refused_order_names_field_and_rule_and_changes_nothing(
    house: House, words: list[str], field: str, told: str
) -> None:
    before = await house.db.read(lambda con: codes.all_codes(con, limit=100))
    refused = failure(await house.run(*words))
    assert refused.kind is FailureKind.REFUSED
    assert refused.field == field
    assert told in refused.message
    assert refused.remedy
    assert await house.db.read(lambda con: codes.all_codes(con, limit=100)) == before


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["create", "front", "--name", "x", "--until", "+2h"], "--until"),
        (["create", "front", "--name", "x", "--from", "+1h", "--until", "2027-02-04 11:00"], "--from"),
        (["update", "guest", "--until", "+2d"], "--until"),
        (["adopt", "front", "2", "--until", "+2d"], "--until"),
    ],
)
async def test_t2_a_time_from_now_is_refused_while_the_hub_does_not_know_the_time(
    house: House, words: list[str], field: str
) -> None:
    house.clock.trust = ClockTrust.UNTRUSTED
    refused = failure(await house.run(*words))
    assert (refused.kind, refused.field) == (FailureKind.REFUSED, field)
    assert "does not know what time it is" in refused.message
    assert "with its date" in refused.remedy
    assert "gatewayctl set-time" in refused.remedy
    house.clock.trust = ClockTrust.BOUNDED
    assert (await house.run(*words)).failure is None


async def test_t2_a_date_is_taken_while_the_hub_does_not_know_the_time_and_not_told_as_far_away(house: House) -> None:
    house.clock.trust = ClockTrust.UNTRUSTED
    words = ("create", "front", "--name", "Ms Green", "--from", "2027-01-31 15:00", "--until", "2027-02-04 11:00")
    told = [line.text for line in (await house.run(*words)).lines]
    assert "  from  Sun 31 Jan 2027 15:00 Europe/Berlin = 2027-01-31T14:00:00.000Z" in told
    assert "  until Thu 4 Feb 2027 11:00 Europe/Berlin = 2027-02-04T10:00:00.000Z" in told


async def test_each_order_leaves_one_line_that_names_the_user_and_no_value(house: House) -> None:
    await house.run("create", "front", "--name", "Ms Green", "--pin", TYPED, "--id", "green")
    await house.run("create", "front", "--name", "Ms Blue", "--pin", TYPED)
    await house.run("delete", "green")
    lines = await notes(house)
    assert [line.body for line in lines] == [
        {"verb": "create", "uid": PEER.uid, "options": ["--id", "--name", "--pin"], "outcome": "accepted"},
        {
            "verb": "create",
            "uid": PEER.uid,
            "options": ["--name", "--pin"],
            "outcome": "rejected",
            "reason": "duplicate_access_code",
        },
        {"verb": "delete", "uid": PEER.uid, "options": [], "outcome": "accepted"},
    ]
    assert [line.code_id for line in lines] == ["green", None, "green"]
    assert "gatewayctl create --id --name --pin by user 1000: accepted" in text_of(await house.run("timeline", "green"))
    assert "whole" in text_of(await house.run("verify"))


async def test_an_order_is_complete_when_the_session_is_cut_off_in_its_middle(house: House) -> None:
    async with asyncio.TaskGroup() as tasks:
        cut = tasks.create_task(house.run("create", "front", "--name", "Ms Green", "--id", "green"))
        await asyncio.sleep(0)
        cut.cancel()
    found = await house.db.read(lambda con: (codes.get(con, CodeId("green")), len(journal.timeline(con))))
    ordered = found[0] is not None
    assert bool(await notes(house)) is ordered
    assert await house.nudges.wait(lock_bell(FRONT), 0)


async def test_a_bug_in_a_verb_is_answered_logged_and_counted_without_its_text(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise LookupError(TYPED)

    object.__setattr__(house.context, "conditions", broken)
    with caplog.at_level(logging.DEBUG):
        refused = failure(await house.run("status"))
    assert refused.kind is FailureKind.FAILED
    assert house.shell.failures == 1
    records = [record for record in caplog.records if record.message == "shell.verb.died"]
    assert [(record.__dict__["error"], TYPED in str(record.__dict__)) for record in records] == [("LookupError", False)]
