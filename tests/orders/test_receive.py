"""One order, one transaction: what is taken, what is refused and how it says so, and what a repetition does."""

from dataclasses import replace

import pytest

from gateway.model.access_code import Origin
from gateway.model.answers import Held, Sighting, SightingSource
from gateway.model.commands import (
    Command,
    CreateAccessCode,
    DeleteAccessCode,
    Receipt,
    Reception,
    Rejection,
    RejectionReason,
    UpdateAccessCode,
)
from gateway.model.ids import CodeId, CommandId, LockId
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.ledger import sighted
from gateway.model.link import UNMEASURED, Link
from gateway.model.pin import Pin, PinRule, PinRules
from gateway.model.pool_commands import PullBackupCode
from gateway.model.slot import SlotRecord
from gateway.orders.digest import digests
from gateway.orders.rules import LONGEST_AHEAD_MS, HubRules
from gateway.store import codes, hub_time, inbox, journal, lock_time, locks, retention, slots
from gateway.store.database import Connection
from tests.builders import FRONT, LEAD_MS, NOON, make_profile, slot
from tests.orders.conftest import Room

GUEST = CodeId("guest")
START, END = Instant(NOON + 2 * HOUR_MS), Instant(NOON + 5 * HOUR_MS)
CREATE = CreateAccessCode(GUEST, FRONT, "Guest", Pin("2580"), START, END)
CANARY = "7391"


async def test_a_good_order_is_stored_and_answered(room: Room) -> None:
    receipt = await room.order(CREATE)
    assert (receipt.reception, receipt.lock_id, receipt.generation) == (Reception.ACCEPTED, FRONT, 1)
    assert [kind for kind, _ in await room.events()] == ["command.received", "command.accepted", "access_code.created"]
    code = await room.database.read(lambda con: codes.get(con, GUEST))
    assert code is not None
    assert code.window == replace(code.window, starts_at=START, ends_at=END)


async def test_n3_a_repetition_answers_as_before_and_changes_nothing(room: Room) -> None:
    await room.order(CREATE, command_id="same", body=b"x")
    before = await room.events()
    again = await room.order(CREATE, command_id="same", body=b"x")
    assert (again.reception, again.generation) == (Reception.REPEATED, 1)
    assert await room.events() == before


async def test_n3_a_repeated_refusal_is_refused_in_the_same_words(room: Room) -> None:
    wrong = replace(CREATE, lock_id=LockId("cellar"))
    first = await room.order(wrong, command_id="same", body=b"x")
    again = await room.order(wrong, command_id="same", body=b"x")
    assert again.rejection == first.rejection
    assert len(await room.events()) == 2


async def test_another_order_under_a_used_id_is_refused_and_the_first_one_stands(room: Room) -> None:
    await room.order(CREATE, command_id="same", body=b"x")
    other = await room.order(replace(CREATE, name="Other"), command_id="same", body=b"y")
    assert other.rejection is not None
    assert other.rejection.field == "id"
    code = await room.database.read(lambda con: codes.get(con, GUEST))
    assert code is not None
    assert code.name == "Guest"


@pytest.mark.parametrize(
    ("command", "reason", "field"),
    [
        (replace(CREATE, lock_id=LockId("cellar")), RejectionReason.DEVICE_NOT_FOUND, "device_id"),
        (replace(CREATE, starts_at=None, ends_at=NOON), RejectionReason.INVALID_INPUT, "ends_at"),
        (
            replace(CREATE, starts_at=Instant(NOON + 4000 * DAY_MS), ends_at=None),
            RejectionReason.INVALID_INPUT,
            "starts_at",
        ),
        (replace(CREATE, starts_at=END, ends_at=START), RejectionReason.INVALID_INPUT, "ends_at"),
        (replace(CREATE, pin=Pin(CANARY + "555")), RejectionReason.INVALID_INPUT, "code"),
        (replace(CREATE, pin=Pin("7777")), RejectionReason.INVALID_INPUT, "code"),
        (UpdateAccessCode(CodeId("nobody")), RejectionReason.ACCESS_CODE_NOT_FOUND, "access_code_id"),
        (DeleteAccessCode(CodeId("nobody")), RejectionReason.ACCESS_CODE_NOT_FOUND, "access_code_id"),
        (Rejection(RejectionReason.MALFORMED, None, "is not JSON"), RejectionReason.MALFORMED, None),
    ],
)
async def test_each_refusal_names_its_field_and_changes_nothing(
    room: Room, command: Command | Rejection, reason: RejectionReason, field: str | None
) -> None:
    rules = PinRules(frozenset({4, 5, 6}), (PinRule("no_sevens", "not be all sevens", "(?!7+$).*"),))
    profile = replace(make_profile(), pin_rules=rules)
    await room.database.write(lambda con: locks.put_profile(con, FRONT, profile))
    receipt = await room.order(command)  # type: ignore[arg-type]
    assert receipt.rejection is not None
    assert (receipt.rejection.reason, receipt.rejection.field) == (reason, field)
    assert CANARY not in receipt.rejection.message
    assert await room.events() == [("command.received", None), ("command.rejected", reason.value)]
    assert await room.database.read(lambda con: codes.get(con, GUEST)) is None


@pytest.mark.parametrize("up_ms", [0, HOUR_MS, 400 * DAY_MS])
async def test_t1_a_hub_that_never_knew_the_time_takes_stays_and_lets_them_wait(room: Room, up_ms: int) -> None:
    since_1970 = Instant(up_ms)  # what `lo` is in a new database: nothing but uptime
    created = await room.order(CREATE, at=since_1970)
    later = UpdateAccessCode(GUEST, starts_at=Instant(START + DAY_MS), ends_at=Instant(END + DAY_MS))
    changed = await room.order(later, kind="access_code.update", at=since_1970)
    assert (created.rejection, changed.rejection) == (None, None)


async def test_a1_a_start_more_than_ten_years_ahead_is_refused_on_a_hub_that_was_off_for_long(room: Room) -> None:
    years_ago = Instant(hub_time.EARLIEST_MARK + DAY_MS)
    near = replace(CREATE, starts_at=Instant(years_ago + LONGEST_AHEAD_MS), ends_at=None)
    far = replace(near, code_id=CodeId("far"), pin=Pin("1470"), starts_at=Instant(years_ago + LONGEST_AHEAD_MS + 1))
    assert (await room.order(near, at=years_ago)).rejection is None
    refused = (await room.order(far, at=years_ago)).rejection
    assert refused is not None
    assert refused.field == "starts_at"


async def test_a10_the_same_pin_at_the_same_time_is_refused_naming_the_rival(room: Room) -> None:
    await room.order(CREATE)
    receipt = await room.order(replace(CREATE, code_id=CodeId("second")))
    assert receipt.rejection is not None
    assert (receipt.rejection.reason, receipt.rejection.rival) == (RejectionReason.DUPLICATE_ACCESS_CODE, GUEST)


@pytest.mark.parametrize(
    ("gap_ms", "is_taken"), [(LEAD_MS + 5 * MINUTE_MS, True), (LEAD_MS + 5 * MINUTE_MS - 1, False)]
)
async def test_a10_leads_and_removal_grace_count(room: Room, gap_ms: int, *, is_taken: bool) -> None:
    await room.order(CREATE)
    following = CreateAccessCode(
        CodeId("next"), FRONT, "Next", Pin("2580"), Instant(END + gap_ms), Instant(END + DAY_MS)
    )
    receipt = await room.order(following)
    assert (receipt.reception is Reception.ACCEPTED) is is_taken


async def test_a10_the_longer_lead_of_a_weak_link_counts(room: Room) -> None:
    """Seed 100404: the later stay was on the lock an hour before its nominal lead, and the edit to its PIN hung."""
    await room.order(CREATE)
    now = CreateAccessCode(CodeId("now"), FRONT, "Now", Pin("1470"), None, Instant(START - HOUR_MS))
    assert (await room.order(now)).rejection is None
    edit = UpdateAccessCode(CodeId("now"), pin=Pin("2580"))
    weak = Link(calls=100, failures=90)
    await room.database.write(lambda con: locks.put_profile(con, FRONT, make_profile()))
    await room.database.write(lambda con: lock_time.put_link(con, FRONT, weak))
    refused = (await room.order(edit, kind="access_code.update")).rejection
    assert refused is not None
    assert (refused.reason, refused.rival) == (RejectionReason.DUPLICATE_ACCESS_CODE, GUEST)
    await room.database.write(lambda con: lock_time.put_link(con, FRONT, UNMEASURED))
    assert (await room.order(edit, kind="access_code.update")).rejection is None


async def test_a10_a_readable_unmanaged_pin_counts(room: Room) -> None:
    def foreign(con: Connection) -> None:
        locks.put_profile(con, FRONT, make_profile())
        record = sighted(
            SlotRecord(slot(3)), Sighting(Held(Pin("2580")), SightingSource.LOCK), NOON, room.desk.seal.digest
        )
        slots.put(con, FRONT, record)

    await room.database.write(foreign)
    receipt = await room.order(CREATE)
    assert receipt.rejection is not None
    assert "slot 3" in receipt.rejection.message


async def test_a10_an_edit_is_checked_too(room: Room) -> None:
    await room.order(CREATE)
    await room.order(replace(CREATE, code_id=CodeId("second"), pin=Pin("1470")))
    receipt = await room.order(UpdateAccessCode(CodeId("second"), pin=Pin("2580")), kind="access_code.update")
    assert receipt.rejection is not None
    assert receipt.rejection.rival == GUEST


async def test_c2_a_newer_generation_ends_the_older_order(room: Room) -> None:
    await room.order(CREATE)
    await room.order(UpdateAccessCode(GUEST, name="Other guest"), kind="access_code.update")
    kinds = await room.events()
    assert ("command.failed", "superseded") in kinds
    assert ("access_code.name_changed", None) in kinds
    await room.order(DeleteAccessCode(GUEST), kind="access_code.delete")
    assert (await room.events()).count(("command.failed", "superseded")) == 2


@pytest.mark.parametrize("generation", [1, 2, 3])
async def test_c1_an_older_or_equal_generation_is_stale(room: Room, generation: int) -> None:
    await room.order(replace(CREATE, generation=3))
    receipt = await room.order(UpdateAccessCode(GUEST, name="x", generation=generation), kind="access_code.update")
    assert receipt.rejection is not None
    assert receipt.rejection.reason is RejectionReason.STALE


async def test_an_edit_that_would_end_before_its_start_is_refused(room: Room) -> None:
    await room.order(CREATE)
    early = UpdateAccessCode(GUEST, ends_at=Instant(START - 1))
    receipt = await room.order(early, kind="access_code.update")
    assert receipt.rejection is not None
    assert receipt.rejection.field == "ends_at"


async def test_an_existing_id_is_not_created_twice(room: Room) -> None:
    await room.order(CREATE)
    receipt = await room.order(replace(CREATE, pin=Pin("1470")))
    assert receipt.rejection is not None
    assert receipt.rejection.reason is RejectionReason.ALREADY_EXISTS


async def test_a6_without_a_pin_the_hub_draws_one_and_tells_it_in_the_receipt_only(room: Room) -> None:
    receipt = await room.order(replace(CREATE, pin=None))
    assert receipt.drawn_pin is not None
    text = str(await room.events()) + repr(receipt)
    assert receipt.drawn_pin.reveal() not in text


async def test_c4_the_digest_changes_with_generation_and_window_and_holds_no_pin(room: Room) -> None:
    async def now() -> str:
        found = await room.database.read(lambda con: digests(con, [FRONT]))
        return found[FRONT]

    empty = await now()
    await room.order(CREATE)
    one = await now()
    await room.order(UpdateAccessCode(GUEST, ends_at=Instant(END + 1)), kind="access_code.update")
    two = await now()
    await room.order(DeleteAccessCode(GUEST), kind="access_code.delete")
    assert len({empty, one, two}) == 3
    assert await now() == empty


async def test_a11_a_drawing_that_finds_nothing_free_ends_with_a_refusal(room: Room) -> None:
    rules = PinRules(frozenset({4}), (PinRule("one", "be the one", "2580"),))
    await room.database.write(lambda con: locks.put_profile(con, FRONT, replace(make_profile(), pin_rules=rules)))
    await room.order(CREATE)
    receipt = await room.order(replace(CREATE, code_id=CodeId("second"), pin=None))
    assert receipt.rejection is not None
    assert receipt.rejection.field == "code"


async def test_a19_an_ended_code_whose_pin_was_erased_needs_a_new_one_and_can_be_deleted(room: Room) -> None:
    await room.order(CREATE)
    later = Instant(END + 30 * DAY_MS)

    def forget(con: Connection) -> None:
        codes.finish(con, GUEST, END)
        retention.erase(con, Instant(later + 8 * DAY_MS))

    await room.database.write(forget)
    longer = Instant(later + DAY_MS)
    refused = await room.order(UpdateAccessCode(GUEST, ends_at=longer), at=later)
    assert refused.rejection is not None
    assert (refused.rejection.reason, refused.rejection.field) == (RejectionReason.INVALID_INPUT, "code")
    taken = await room.order(UpdateAccessCode(GUEST, pin=Pin("3691"), ends_at=longer), at=later)
    assert taken.reception is Reception.ACCEPTED
    await room.database.write(forget)
    assert (await room.order(DeleteAccessCode(GUEST), at=longer)).reception is Reception.ACCEPTED


async def test_a19_a_refused_order_is_a_line_of_its_codes_timeline(room: Room) -> None:
    await room.order(CREATE)
    await room.order(UpdateAccessCode(GUEST, generation=1))
    lines = await room.database.read(lambda con: journal.timeline(con, GUEST))
    assert [line.kind for line in lines][-2:] == ["command.received", "command.rejected"]
    assert lines[-1].actor is Origin.CLOUD


async def test_a6_names_and_windows_are_in_force_when_stored(room: Room) -> None:
    await room.order(CREATE)
    later = Instant(END + HOUR_MS)
    await room.order(UpdateAccessCode(GUEST, name="Mr Brown", ends_at=later), kind="access_code.update")
    stored = await room.database.read(lambda con: journal.outbox(con, 0, 99))
    told = {each.event.kind.value: each.event.body for each in stored}
    assert (told["access_code.name_changed"]["from"], told["access_code.name_changed"]["to"]) == ("Guest", "Mr Brown")
    times = told["access_code.time_frame_changed"]
    assert times["from"] != times["to"]
    asked = told["access_code.mutations_requested"]["requested_mutations"]
    assert isinstance(asked, list)
    assert [each["mutation_code"] for each in asked if isinstance(each, dict)] == [
        "updating_name",
        "updating_time_frame",
    ]


def why(receipt: Receipt) -> tuple[RejectionReason, str | None] | None:
    return None if receipt.rejection is None else (receipt.rejection.reason, receipt.rejection.field)


async def test_c1_a_create_that_its_delete_overtook_is_stale(room: Room) -> None:
    gone = await room.order(DeleteAccessCode(GUEST, generation=2), kind="access_code.delete")
    assert why(gone) == (RejectionReason.ACCESS_CODE_NOT_FOUND, "access_code_id")
    late = await room.order(replace(CREATE, generation=1))
    assert why(late) == (RejectionReason.STALE, "generation")
    assert await room.database.read(lambda con: codes.get(con, GUEST)) is None
    anew = await room.order(replace(CREATE, generation=3))
    assert (anew.reception, anew.generation) == (Reception.ACCEPTED, 3)


async def test_c1_of_deletes_that_overtook_the_create_the_newest_counts(room: Room) -> None:
    for generation in (4, 2):
        await room.order(DeleteAccessCode(GUEST, generation=generation), kind="access_code.delete")
    late = await room.order(replace(CREATE, generation=3))
    assert why(late) == (RejectionReason.STALE, "generation")


async def test_c1_a_delete_that_overtakes_the_second_life_of_its_code_ends_that_one_too(room: Room) -> None:
    await room.order(replace(CREATE, generation=1))
    await room.order(DeleteAccessCode(GUEST, generation=2), kind="access_code.delete")
    await room.database.write(lambda con: codes.finish(con, GUEST, NOON))
    await room.order(DeleteAccessCode(GUEST, generation=4), kind="access_code.delete")
    late = await room.order(replace(CREATE, generation=3))
    assert why(late) == (RejectionReason.STALE, "generation")


async def test_c1_a_create_without_generation_is_counted_above_the_delete_before_it(room: Room) -> None:
    await room.order(DeleteAccessCode(GUEST, generation=2), kind="access_code.delete")
    assert (await room.order(CREATE)).generation == 3


async def test_c1_a_delete_without_generation_trusts_the_order_of_the_broker_and_is_not_kept(room: Room) -> None:
    await room.order(DeleteAccessCode(GUEST), kind="access_code.delete")
    assert (await room.order(replace(CREATE, generation=1))).reception is Reception.ACCEPTED


def let_go(room: Room) -> None:
    """The lock is none of the hub's any more."""
    room.desk = replace(room.desk, hub=HubRules())


async def test_c2_a_code_whose_lock_left_takes_no_changes(room: Room) -> None:
    await room.order(CREATE)
    let_go(room)
    receipt = await room.order(UpdateAccessCode(GUEST, name="Other"), kind="access_code.update")
    assert why(receipt) == (RejectionReason.DEVICE_NOT_FOUND, "access_code_id")
    pulled = await room.order(PullBackupCode(GUEST, is_forced=True), kind="access_code.pull_backup_access_code")
    assert why(pulled) == (RejectionReason.DEVICE_NOT_FOUND, "access_code_id")


async def test_c2_a19_a_delete_of_a_code_whose_lock_left_is_applied_at_once_and_the_guest_forgotten(room: Room) -> None:
    await room.order(CREATE)
    let_go(room)
    before = len(await room.events())
    await room.order(DeleteAccessCode(GUEST), kind="access_code.delete", command_id="gone")
    assert (await room.events())[before:] == [
        ("command.received", None),
        ("command.failed", "superseded"),
        ("command.accepted", None),
        ("access_code.mutations_requested", None),
        ("command.applied", None),
        ("access_code.deleted", None),
    ]
    order = await room.database.read(lambda con: inbox.get(con, CommandId("gone")))
    assert order is not None
    assert order.final is inbox.Final.APPLIED

    def a_week_later(con: Connection) -> tuple[bytes | None, str]:
        retention.erase(con, Instant(NOON + 7 * DAY_MS))
        code = codes.get(con, GUEST)
        assert code is not None
        return codes.sealed_pin(con, GUEST), code.name

    assert await room.database.write(a_week_later) == (None, "")


async def test_n6_a_delete_of_a_code_in_a_slot_of_a_lock_that_is_out_of_the_configuration_waits_for_the_lock(
    room: Room,
) -> None:
    await room.order(CREATE)
    await room.database.write(lambda con: locks.put_profile(con, FRONT, make_profile()))
    await room.database.write(lambda con: slots.put(con, FRONT, SlotRecord(slot(3), lease=GUEST)))
    let_go(room)
    await room.order(DeleteAccessCode(GUEST), kind="access_code.delete")
    assert (await room.events())[-1] == ("access_code.mutations_requested", None)
    assert not await room.database.read(lambda con: codes.is_finished(con, GUEST))
