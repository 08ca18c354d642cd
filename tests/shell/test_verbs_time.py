"""Verbs about time: what they believe, what they refuse, and what they leave in the journal (T2, T3, A2)."""

from dataclasses import replace

from gateway.model import ledger
from gateway.model.access_code import Origin
from gateway.model.answers import Written
from gateway.model.clock import ClockStep, ClockTrust
from gateway.model.events import EventKind
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.lock import Schedule, ScheduleClock, ScheduleTrust
from gateway.model.lock_clock import ClockState, LockClock
from gateway.planner.actions import WriteSlot
from gateway.shell.scenes import scene_of
from gateway.shell.session import Answer, FailureKind
from gateway.store import codes, journal, lock_time, locks, slots
from gateway.store.database import Connection
from tests.builders import NOON, at, make_profile
from tests.shell.house import BACK, FRONT, House, order, text_of, written

CLAIMED = Schedule(MINUTE_MS, ScheduleClock.UTC, MINUTE_MS, None, ScheduleTrust.CLAIMED)


async def events(house: House, kind: EventKind) -> list[journal.StoredEvent]:
    found = await house.db.read(lambda con: journal.outbox(con, 0, 500))
    return [stored for stored in found if stored.event.kind is kind]


async def test_t2_set_time_is_taken_while_nobody_knows_and_kept_in_the_journal(house: House) -> None:
    house.context.clock.trust = ClockTrust.UNTRUSTED  # type: ignore[attr-defined]  # the fake of this house
    assert "set-time" in text_of(await house.run("status"))
    answer = await house.run("set-time", "2027-02-01 12:00")
    assert answer.failure is None
    assert house.context.clock.reading().trust is ClockTrust.BOUNDED
    (stored,) = await events(house, EventKind.HUB_TIME_SET)
    assert stored.event.actor is Origin.SHELL
    assert stored.event.body["verb"] == "set-time"


async def test_t2_set_time_is_refused_beside_a_time_service_and_for_nonsense(house: House) -> None:
    assert (await house.run("set-time", "2027-03-01 12:00")).failure is not None
    assert (await house.run("set-time", "yesterday")).failure is not None
    assert await events(house, EventKind.HUB_TIME_SET) == []


async def test_t1_set_time_takes_no_time_that_is_counted_from_the_hub_s_own(house: House) -> None:
    for trust in ClockTrust:
        house.clock.trust = trust
        for ahead in ("+0m", "+2h"):
            failure = (await house.run("set-time", ahead, "--yes")).failure
            assert failure is not None
            assert "with its date" in failure.remedy
    assert house.clock.trust is ClockTrust.UNTRUSTED, "the last of them"
    assert await events(house, EventKind.HUB_TIME_SET) == []
    answer = await house.run("set-time", "2027-01-31 15:00")
    assert answer.lines[0].text == "The hub takes it: Sun 31 Jan 2027 15:00 Europe/Berlin = 2027-01-31T14:00:00.000Z."


async def lose_time(house: House, now: Instant = NOON) -> None:
    """Nobody knows the time; `now` has surely passed."""
    house.clock.now, house.clock.trust = now, ClockTrust.UNTRUSTED


async def lodge(house: House, count: int, ends_at: Instant) -> None:
    """So many stays on the back door's lock, each until then."""

    def change(con: Connection) -> None:
        for number in range(3, 3 + count):
            order(
                con,
                house.context.desk,
                f"stay-{number}",
                BACK,
                f"Stay {number}",
                f"86{number}05{number}",
                None,
                ends_at,
            )
            written(con, house.context.desk, BACK, number, f"stay-{number}", f"86{number}05{number}", NOON)

    await house.db.write(change)


def doubted(answer: Answer) -> str:
    """What the hub asks to be confirmed."""
    failure = answer.failure
    assert failure is not None
    assert (failure.kind, failure.field) == (FailureKind.REFUSED, "--yes")
    assert "--yes" in failure.remedy
    return failure.message


async def test_t3_set_time_far_ahead_is_believed_only_when_confirmed_and_says_what_would_end(house: House) -> None:
    await lose_time(house)
    await lodge(house, 2, Instant(NOON + 5 * DAY_MS))
    told = doubted(await house.run("set-time", "2027-12-01 12:00"))  # a slip of the pen for 2027-02-01
    assert "1 Dec 12:00 Europe/Berlin = 2027-12-01T11:00" in told
    assert "303 days" in told
    assert "3 codes would end" in told, "the stay that still waits for its start ends by it, too"
    assert house.context.clock.reading().lo == NOON
    assert await events(house, EventKind.HUB_TIME_SET) == []
    assert (await house.run("set-time", "2027-12-01 12:00", "--yes")).failure is None
    assert house.context.clock.reading().lo == at("2027-12-01 10:59")
    assert len(await events(house, EventKind.HUB_TIME_SET)) == 1


async def test_t3_set_time_asks_by_the_measure_of_a_held_step_also_within_a_day(house: House) -> None:
    await lose_time(house)
    await lodge(house, 4, Instant(NOON + 5 * HOUR_MS))
    assert "4 codes would end" in doubted(await house.run("set-time", "2027-01-31 19:00"))
    assert (await house.run("set-time", "2027-01-31 17:00")).failure is None, "nothing ends by it"


async def test_t3_set_time_more_than_a_day_ahead_is_confirmed_also_where_nothing_ends(bare: House) -> None:
    await lose_time(bare)
    assert "no code would end" in doubted(await bare.run("set-time", "2027-03-01 12:00"))


async def test_t2_the_first_time_that_a_hub_hears_of_is_read_back_before_it_is_believed(bare: House) -> None:
    """A wrong year on a new hub would have every later stay refused as past, and time never goes back."""
    await lose_time(bare, Instant(HOUR_MS))
    await bare.db.write(lambda con: order(con, bare.context.desk, "guest", BACK, "Guest", "482915", None, NOON))
    assert "never knew the time" in (told := doubted(await bare.run("set-time", "2027-02-01 12:00")))
    assert "1 code would end" in told
    assert "no code would end" in doubted(await bare.run("set-time", "2027-01-31 11:00"))
    assert (await bare.run("set-time", "2027-01-31 11:00", "--yes")).failure is None


async def test_t2_a_hub_that_knows_the_time_asks_for_no_confirmation_but_says_so(house: House) -> None:
    for more in ((), ("--yes",)):
        failure = (await house.run("set-time", "2027-12-01 12:00", *more)).failure
        assert failure is not None
        assert failure.field is None
        assert "knows the time" in failure.message


async def test_t3_confirm_time_takes_the_step_that_is_held(house: House) -> None:
    assert (await house.run("confirm-time")).failure is not None
    step = ClockStep(NOON, Instant(NOON + 40 * DAY_MS), Instant(NOON + 30 * MINUTE_MS))
    house.context.clock.held = step  # type: ignore[attr-defined]  # the fake of this house
    assert "confirm-time" in text_of(await house.run("status"))
    assert (await house.run("confirm-time")).failure is None
    assert house.context.clock.reading().lo == step.to


async def begin(house: House) -> CodeId:
    """A check on a lock that claims to keep windows, with a clock that was seen right."""

    def claim(con: Connection) -> None:
        locks.put_profile(con, FRONT, replace(make_profile(slots=30), schedule=CLAIMED))
        lock_time.put_clock(con, FRONT, LockClock(ClockState.GOOD, NOON, 0))

    await house.db.write(claim)
    answer = await house.run("check-native", "front-door")
    assert isinstance(answer.value, dict)
    return CodeId(str(answer.value["access_code_id"]))


async def put_on_lock(house: House, trial: CodeId) -> None:
    scene = await scene_of(house.context, house.context.locks[FRONT])
    steps = (scene.plan.head, *scene.plan.rest)
    write = next(step for step in steps if isinstance(step, WriteSlot) and step.code_id == trial)
    assert write.window is not None

    def change(con: Connection) -> None:
        before = slots.get(con, FRONT, write.slot)
        intended = ledger.intend_write(before, trial, write.digest, NOON, write.window)
        done = ledger.ended(intended, Written(Evidence.SUPERVISED, write.window), NOON, 1, supervision_is_honest=True)
        slots.put(con, FRONT, done)

    await house.db.write(change)


async def proven(house: House) -> bool:
    scene = await scene_of(house.context, house.context.locks[FRONT])
    schedule = scene.snapshot.profile.schedule
    return schedule is not None and schedule.enforced is ScheduleTrust.PROVEN


async def test_a2_a_check_puts_a_future_pin_on_a_lock_and_a_refusal_at_the_keypad_proves_it(house: House) -> None:
    trial = await begin(house)
    assert (await house.run("check-native", "front-door", "--refused")).failure is not None
    await put_on_lock(house, trial)
    assert "keeps it shut" in text_of(await house.run("why", trial))
    assert (await house.run("check-native", "front-door", "--refused")).failure is None
    assert await proven(house)
    code = await house.db.read(lambda con: codes.get(con, trial))
    assert code is not None
    assert code.is_deleted


async def test_a2_a_lock_that_opened_is_not_proven_and_was_not_trusted_with_other_codes(house: House) -> None:
    trial = await begin(house)
    await house.run("create", "front-door", "--name", "Ms Green", "--from", "+5h", "--until", "+9h", "--id", "green")
    scene = await scene_of(house.context, house.context.locks[FRONT])
    steps = (scene.plan.head, *scene.plan.rest)
    assert not any(isinstance(step, WriteSlot) and step.code_id == "green" for step in steps)
    await put_on_lock(house, trial)
    assert (await house.run("check-native", "front-door", "--opened")).failure is None
    assert not await proven(house)
    assert "the lock was seen to open outside one" in text_of(await house.run("why", "green"))


async def test_a2_a_refusal_is_not_believed_when_the_lock_itself_told_that_the_pin_opened(house: House) -> None:
    trial = await begin(house)
    await put_on_lock(house, trial)
    await house.db.write(lambda con: lock_time.set_native_disproved(con, FRONT, NOON))
    refused = await house.run("check-native", "front-door", "--refused")
    assert refused.failure is not None
    assert "has opened it" in refused.failure.message
    assert not await proven(house)


async def test_t4_a_check_is_not_begun_while_time_is_not_trusted(house: House) -> None:
    """Its window would be counted from a time that may be days ago, and no window goes onto a lock then."""
    await house.db.write(lambda con: locks.put_profile(con, FRONT, replace(make_profile(slots=30), schedule=CLAIMED)))
    before = await house.db.read(lambda con: codes.all_codes(con, limit=100))
    for trust in (ClockTrust.UNTRUSTED, ClockTrust.BOUNDED):
        house.clock.trust = trust
        failure = (await house.run("check-native", "front-door")).failure
        assert failure is not None
        assert "while the hub's time is trusted" in failure.message
        assert "gatewayctl status" in failure.remedy
    assert await house.db.read(lambda con: codes.all_codes(con, limit=100)) == before


async def test_a2_a_lock_without_windows_has_nothing_to_check(house: House) -> None:
    assert (await house.run("check-native", "front-door")).failure is not None
    assert (await house.run("check-native", "front-door", "--refused", "--opened")).failure is not None


async def test_t2_a_screen_that_counts_from_now_says_so_while_nobody_knows_the_time(house: House) -> None:
    looks = (
        "locks",
        "codes",
        "slots front-door",
        "plan back-door",
        "why owner-1",
        "pool front-door",
        "unmanaged back-door",
    )
    told = "The hub does not know the time; what is told from now is counted from Sun 31 Jan 2027 13:00."
    for look in looks:
        house.clock.trust = ClockTrust.TRUSTED
        assert told not in [note.text for note in (await house.run(*look.split())).notes], look
        house.clock.trust = ClockTrust.UNTRUSTED
        assert told in [note.text for note in (await house.run(*look.split())).notes], look
