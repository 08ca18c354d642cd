import json
from dataclasses import replace

from gateway.model.clock import ClockTrust
from gateway.model.evidence import Evidence
from gateway.model.health import LinkHealth
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.ports import DriverCondition, DriverState
from gateway.shell.context import CloudCondition
from gateway.shell.session import FailureKind, Tone
from gateway.shell.verbs import Shell
from gateway.shell.verbs_locks import PROOF_WORDS
from gateway.store import facts, journal, locks
from gateway.store.database import Connection
from tests.builders import NOON
from tests.shell.house import BACK, FRONT, House, end_all, order, rows, text_of

GUEST = "guest-2f9c71aa04"


async def test_status_tells_first_what_a_person_must_do_the_most_dangerous_first(house: House) -> None:
    answer = await house.run("status")
    told = [line.text for line in answer.lines]
    todo = [line for line in told if line.startswith("!")]
    assert told[1] == "A person must act:"
    assert todo[0].startswith("! Back door does not answer since 12:48 (12 min ago): 1 code may still open it")
    assert todo[1] == "! “Cleaning company” on Front door: The same PIN is already on this lock."
    assert told.index(todo[-1]) < told.index(next(line for line in told if line.startswith("Hub")))


async def test_status_of_a_hub_without_troubles_says_that_nothing_is_to_do(house: House) -> None:
    await house.run("delete", "cleaner-7")
    await house.db.write(lambda con: end_all(con, BACK))
    house.context.locks.pop(BACK)  # type: ignore[attr-defined]  # the test's own dictionary
    house.context.locks.popitem()  # type: ignore[attr-defined]  # as above: the garage
    answer = await house.run("status")
    assert answer.lines[1].text == "Nothing needs a person."
    assert answer.lines[1].tone is Tone.GOOD


async def test_status_asks_for_help_with_clock_driver_cloud_and_crashes(bare: House) -> None:
    bare.clock.trust = ClockTrust.UNTRUSTED
    bare.set_conditions(
        drivers={"zwave": DriverCondition(DriverState.DOWN, "plug the stick in")},
        cloud=CloudCondition("connecting", Instant(NOON - HOUR_MS), "check the broker's address"),
        worker_restarts=3,
    )
    answer = await bare.run("status")
    text = text_of(answer)
    for told in ("does not know the time", "plug the stick in", "check the broker's address", "3 times so far"):
        assert told in text
    assert "connecting since 12:00 (60 min ago)" in text
    assert "Clock   untrusted" in text


async def test_status_counts_the_events_that_the_cloud_has_not_confirmed(house: House) -> None:
    def confirm(con: Connection) -> int:
        return journal.last_seq(con) - journal.acknowledge(con, 10)

    left = await house.db.write(confirm)
    assert f"{left} events wait" in text_of(await house.run("status"))
    await house.db.write(lambda con: journal.acknowledge(con, 1_000))
    assert "Outbox  empty" in text_of(await house.run("status"))


async def test_status_for_programs_has_the_same_facts(house: House) -> None:
    value = (await house.run("status")).value
    assert isinstance(value, dict)
    assert value["hub_id"] == "hub-1"
    assert value["time"] == "2027-01-31T12:00:00.000Z"
    assert value["clock"] == {"trust": "trusted", "detail": "time service in step"}
    assert value["cloud"] == {"state": "connected", "since": "2027-01-31T09:00:00.000Z", "detail": ""}
    assert isinstance(value["to_do"], list)
    assert isinstance(value["locks"], list)
    assert [lock["device_id"] for lock in value["locks"] if isinstance(lock, dict)] == [
        "front-door",
        "back-door",
        "garage",
    ]


async def test_locks_show_reach_battery_counts_and_what_is_next(house: House) -> None:
    assert await rows(house, "locks") == [
        [
            "Front door",
            "front-door",
            "yes",
            "80 %",
            "1 of 2",
            "1",
            "15:30 (in 2 h 30 min): “Ms Adams” goes onto the lock",
        ],
        [
            "Back door",
            "back-door",
            "no",
            "12 %",
            "0 of 1",
            "0",
            "when it answers: take “Last week's guest” out of slot 1",
        ],
        ["Garage", "garage", "not met", "?", "0 of 0", "0", "waits for its driver"],
    ]


async def test_locks_of_an_a_hub_without_any_say_how_to_add_one(bare: House) -> None:
    bare.context.locks.clear()  # type: ignore[attr-defined]  # the test's own dictionary
    assert "`gatewayctl include` adds one" in text_of(await bare.run("locks"))


async def test_codes_show_how_each_stands_and_tell_problems_under_the_table(house: House) -> None:
    answer = await house.run("codes")
    assert await rows(house, "codes") == [
        ["cleaner-7", "Cleaning company", "Front door", "setting !", "until deleted"],
        ["owner-1", "Owner", "Front door", "set", "until deleted"],
        ["guest-2f", "Ms Adams", "Front door", "unset", "from 16:00 until Tue 2 Feb 13:00"],
        ["back-gone", "Last week's guest", "Back door", "removing !", "until 12:50"],
        ["back-late", "Mr Brown", "Back door", "setting !", "until deleted"],
    ]
    notes = [note.text for note in answer.notes]
    assert "! “Last week's guest”: The PIN should be off the lock by now, and may still open the door." in notes
    assert "  → gatewayctl why back-gone" in notes


async def test_codes_of_one_lock_leave_the_lock_out(house: House) -> None:
    assert [row[0] for row in await rows(house, "codes", "--lock", "back")] == ["back-gone", "back-late"]


async def test_finished_codes_are_shown_when_asked_for(bare: House) -> None:
    def finish(con: Connection) -> None:
        order(con, bare.context.desk, "old-guest", FRONT, "Old guest", "482915", None, NOON - MINUTE_MS)
        con.execute("UPDATE access_code SET finished_at_ms = 1")

    await bare.db.write(finish)
    assert "no access codes" in text_of(await bare.run("codes"))
    listed = ["old-guest", "Old guest", "Front door", "finished", "until 12:59"]
    assert await rows(bare, "codes", "--all") == [listed]
    why = text_of(await bare.run("why", "old-guest"))
    assert "this code is finished" in why


async def test_codes_of_a_lock_that_is_not_configured_any_more_are_still_found(house: House) -> None:
    house.context.locks.pop(BACK)  # type: ignore[attr-defined]  # the test's own dictionary
    assert "back-late" not in text_of(await house.run("codes"))
    assert [row[2] for row in await rows(house, "codes", "--all")].count("back-door") == 2
    assert "on back-door" in text_of(await house.run("why", "back-late"))


async def test_a_code_for_programs_has_its_documented_names_and_no_pin(house: House) -> None:
    value = (await house.run("codes", "--lock", "front-door")).value
    assert isinstance(value, list)
    codes = {code["access_code_id"]: code for code in value if isinstance(code, dict)}
    assert codes["owner-1"] == {
        "access_code_id": "owner-1",
        "device_id": "front-door",
        "name": "Owner",
        "type": "ongoing",
        "status": "set",
        "starts_at": None,
        "ends_at": None,
        "created_at": "2027-01-31T10:30:00.000Z",
        "is_managed": True,
        "is_backup": False,
        "is_backup_access_code_available": False,
        "pulled_backup_access_code_id": None,
        "is_scheduled_on_device": False,
        "is_external_modification_allowed": False,
        "errors": [],
        "warnings": [],
        "pending_mutations": [],
        "generation": 1,
        "slot": 1,
        "evidence": {"kind": "supervised", "at": "2027-01-31T11:00:00.000Z"},
    }
    guest = codes["guest-2f9c71aa04"]
    assert (guest["type"], guest["starts_at"]) == ("time_bound", "2027-01-31T15:00:00.000Z")
    assert guest["pending_mutations"] == [
        {
            "created_at": "2027-01-31T10:30:00.000Z",
            "mutation_code": "deferring_creation",
            "message": "Waits for its time.",
            "scheduled_at": "2027-01-31T14:30:00.000Z",
        }
    ]
    errors = codes["cleaner-7"]["errors"]
    assert isinstance(errors, list)
    assert [error["error_code"] for error in errors if isinstance(error, dict)] == [
        "duplicate_code_on_device",
        "failed_to_set_on_device",
    ]
    assert not any("code" in code for code in codes.values())


async def test_a_code_on_a_silent_lock_carries_the_lock_s_error(house: House) -> None:
    value = (await house.run("why", "back-late")).value
    assert '"device_disconnected"' in json.dumps(value)
    assert '"mutation_code": "creating"' in json.dumps(value)
    assert '"mutation_code": "deleting"' in json.dumps((await house.run("why", "back-gone")).value)
    await house.db.write(lambda con: locks.set_reachable(con, BACK, NOON, is_reachable=True))
    assert '"device_disconnected"' not in json.dumps((await house.run("why", "back-late")).value)


async def test_slots_fold_free_ones_and_name_what_is_not_ours(house: House) -> None:
    assert await rows(house, "slots", "Front door") == [
        ["1", "on the lock, proven", "Owner (owner-1)", "confirmed 12:00", "60 min ago"],
        ["2", "somebody else's code, never touched", "", "", "60 min ago"],
        ["3", "the lock refused the PIN", "Cleaning company (cleaner-7)", "none", "2 min ago"],
        ["4-30", "free", "", "", "60 min ago"],
    ]
    assert set(PROOF_WORDS) == set(Evidence)


async def test_slots_of_a_silent_or_unmet_lock_say_so(house: House) -> None:
    assert "what follows is what was last known" in text_of(await house.run("slots", "back-door"))
    unmet = await house.run("slots", "garage")
    assert unmet.table is None
    assert "nothing is known" in text_of(unmet)


async def test_the_plan_of_a_lock_is_told_in_order(house: House) -> None:
    assert [line.text for line in (await house.run("plan", "back-door")).lines] == [
        "Back door (back-door)",
        "The lock does not answer: everything below waits until it does.",
        "First: take “Last week's guest” out of slot 1.",
        "Then: put “Mr Brown” into slot 2.",
    ]
    value = (await house.run("plan", "back-door")).value
    assert isinstance(value, dict)
    steps = value["steps"]
    assert isinstance(steps, list)
    assert [step["action"] for step in steps if isinstance(step, dict)] == ["ClearSlot", "WriteSlot"]


async def test_a_lock_is_found_by_id_by_name_and_by_a_unique_beginning(house: House) -> None:
    for text in ("front-door", "FRONT DOOR", "front", "Front d"):
        assert (await house.run("plan", text)).lines[0].text == "Front door (front-door)"


async def test_an_unknown_lock_or_code_is_answered_with_the_candidates(house: House) -> None:
    lock = (await house.run("slots", "cellar")).failure
    assert lock is not None
    assert lock.message == "no lock goes by “cellar”"
    assert lock.remedy == "the locks are: front-door “Front door”, back-door “Back door”, garage “Garage”"
    code = (await house.run("why", "nobody")).failure
    assert code is not None
    assert (code.kind, code.field) == (FailureKind.REFUSED, "CODE")


async def test_an_ambiguous_beginning_names_the_codes_that_fit(house: House) -> None:
    failure = (await house.run("why", "back-")).failure
    assert failure is not None
    assert failure.message == "more than one access code goes by “back-”"
    assert "back-gone “Last week's guest”" in failure.remedy
    assert "back-late “Mr Brown”" in failure.remedy


async def test_two_characters_of_an_id_are_too_few_to_name_a_code(house: House) -> None:
    assert (await house.run("why", "ow")).failure is not None
    assert (await house.run("why", "own")).failure is None


async def test_a_code_is_found_by_its_name(house: House) -> None:
    assert "guest-2f9c71aa04" in text_of(await house.run("why", "ms adams"))


async def test_looking_writes_nothing(house: House) -> None:
    def prints(con: Connection) -> tuple[int, str | None]:
        return len(journal.timeline(con)), facts.read(con, "event.last")

    before = await house.db.read(prints)
    for line in ("status", "locks", "codes --all", "slots front-door", "plan front-door", "why owner-1", "timeline owner-1",
                 "verify"):  # fmt: skip
        await house.run(*line.split())
    assert await house.db.read(prints) == before


async def test_a_hub_that_has_just_started_is_not_alarmed_about_locks_it_has_not_met(bare: House) -> None:
    assert "No driver has ever met Front door, Back door, Garage." in text_of(await bare.run("status"))
    bare.set_conditions(started_at=Instant(NOON - MINUTE_MS))
    assert "Nothing needs a person." in text_of(await bare.run("status"))


async def test_slots_that_are_empty_by_hearsay_are_told_apart_from_unseen_and_free_ones(house: House) -> None:
    await house.db.write(
        lambda con: con.execute("UPDATE slot SET sighted_by = 'middleman' WHERE slot BETWEEN 10 AND 19")
    )
    await house.db.write(lambda con: con.execute("DELETE FROM slot WHERE slot > 25"))
    assert [row[:2] for row in (await rows(house, "slots", "front-door"))[3:]] == [
        ["4-9", "free"],
        ["10-19", "empty when last told, asked before use"],
        ["20-25", "free"],
        ["26-30", "not looked at yet"],
    ]


async def test_locks_for_programs_tell_how_well_each_is_reached_and_null_where_nobody_knows(house: House) -> None:
    known = LinkHealth(sent_count=40, lost_count=2, round_trip_ms=41.5, rssi_dbm=-71, hops=("node 7",))
    context = replace(house.context, health=lambda: {FRONT: known})
    answer = await replace(house, shell=Shell(context)).run("locks")
    assert isinstance(answer.value, list)
    radio = {row["device_id"]: row["radio"] for row in answer.value if isinstance(row, dict)}
    assert radio[BACK] is None
    told = radio[FRONT]
    assert isinstance(told, dict)
    assert (told["lost_count"], told["rssi_dbm"], told["hops"], told["rate_kbit_s"]) == (2, -71, ["node 7"], None)
