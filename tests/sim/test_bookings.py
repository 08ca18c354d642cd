"""Bookings are judged at their guest's hour: random ones keep every promise, and each promise that is broken is seen."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from drivers.simulator.lock.profiles import LockModel, shipped_model
from gateway.orders import receive
from gateway.planner import announce
from gateway.store import slots
from tests.sim import bookings
from tests.sim.bookings import play_season
from tests.sim.reception import Ending, Reception
from tests.sim.stories.house import LOCK, Story, create, tell
from tests.sim.world import World

MINUTE_S = 60.0
HOUR_S = 3600.0

SMALL = replace(shipped_model("plain_v1"), slots=2)
FIVE_KEYS = shipped_model("kwikset_914")


def judged(story: Story, models: list[LockModel], memory: dict[int, dict[int, str]]) -> tuple[Reception, list[str]]:
    """Play a story with the judge of bookings in it; returns the judge, and what was cried."""
    judges: list[Reception] = []

    async def whole(world: World) -> None:
        judges.append(Reception(world))
        await story(world)

    cried = tell(whole, models, memory)
    return judges[0], [one.auditor for one in cried]


async def deaf_until_shortly_before(world: World) -> None:
    create(world, "guest", "25802580", 2 * HOUR_S, 9 * HOUR_S)
    await world.pass_time(HOUR_S)
    world.doors[LOCK].set_deaf(is_deaf=True)
    await world.pass_time(54 * MINUTE_S)
    world.doors[LOCK].set_deaf(is_deaf=False)
    await world.pass_time(10 * MINUTE_S)


async def one_too_many(world: World) -> None:
    for number in range(3):
        create(world, f"guest-{number}", f"2580258{number}", (2 + number) * HOUR_S, 9 * HOUR_S)
    await world.pass_time(10 * HOUR_S)


async def typed_like_a_stranger_s(world: World) -> None:
    to_the_hour_s = HOUR_S - world.loop.time()
    for name, pin in (("guest", "24682468"), ("other", "24692468")):
        create(world, name, pin, to_the_hour_s + 2 * HOUR_S, to_the_hour_s + 9 * HOUR_S)
    await world.pass_time(10 * HOUR_S)


def forget_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that comes back is tried when its turn comes, half an hour later."""
    monkeypatch.setattr(slots, "forget_waits", lambda con, lock_id: None)


def tell_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in a code's way is kept to oneself."""
    monkeypatch.setattr(announce, "_of_issues", lambda code, now, told, new: iter(()))


def mind_no_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers' PINs are not compared with those that are ordered."""
    monkeypatch.setattr(receive, "foreign_slot", lambda con, lock_id, pin, seal: None)


STORIES = [
    (deaf_until_shortly_before, forget_no_wait, [shipped_model("plain_v1")], {}, Ending.PROVEN),
    (one_too_many, tell_no_trouble, [SMALL], {}, Ending.TOLD),
    (typed_like_a_stranger_s, mind_no_stranger, [FIVE_KEYS], {1: {3: "13571357"}}, Ending.PROVEN),
]


@pytest.mark.parametrize(("story", "breaks", "models", "memory", "ending"), STORIES)
def test_a_broken_promise_is_seen(
    story: Story,
    breaks: Callable[[pytest.MonkeyPatch], None],
    models: list[LockModel],
    memory: dict[int, dict[int, str]],
    ending: Ending,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound, cried = judged(story, models, memory)
    assert cried == []
    assert sound.endings[ending] > 0
    breaks(monkeypatch)
    assert "booking" in judged(story, models, memory)[1]


def test_a_hundred_random_bookings_keep_every_promise() -> None:
    season = play_season(7, 100)
    assert season.cried == []
    assert season.booked == 100
    assert season.endings[Ending.PROVEN] > 50


def test_what_is_found_is_told_with_the_line_that_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = bookings.Season(2, booked=100, cried=["seed 2: 0 booking: no proven code"])
    monkeypatch.setattr(bookings, "play_season", lambda seed, bookings: found)
    assert bookings.main(["--bookings", "100", "--first", "2", "--jobs", "1"]) == 1
    failed, summary, *_ = capsys.readouterr().out.splitlines()
    assert failed.endswith("no proven code | replay: python -m tests.sim.bookings --first 2 --trace")
    assert summary.startswith("bookings 100 in 1 seasons")
