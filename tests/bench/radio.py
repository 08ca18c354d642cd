"""Figures of the radio: messages under S0, several codes at once against a rival's pauses, our own share of a command, many cold locks."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from gateway.cloud.counterpart import Counterpart
from tests.bench.figure import Figure, at_most
from tests.bench.outside import AIRTIME_SCENE, BEAM_MS, ONE_LOCK, body, counts
from tests.stack.house import House, applied, running_house

CODES = 10
"""Codes that one lock gets in one go; N of the product's figure."""

PACES_S: Mapping[float, float] = {2.0: 0.10, 15.0: 0.02}
"""Pauses between two writes, as two published lock-code managers keep them, and what part of their time we may take."""

ASLEEP_S = 1.0
"""A lock stays awake for half a second after each message: after twice that every batch begins cold."""

COLD = (3, 10)
"""How many sleeping locks get one code each at the same moment."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a batch took on the air, in milliseconds, and how many messages and beams."""

    span_ms: float
    air_ms: float
    beams: int
    messages: int

    @property
    def own_ms(self) -> float:
        """What was neither beam nor message: the gateway, Z-Wave JS, the serial line and the turns of the radio."""
        return self.span_ms - self.air_ms - self.beams * BEAM_MS


S0_SCENE = """
[radio]
airtime = false

[[locks]]
name = "Old door"
node = 2
profile = "schlage_be469"

[[locks]]
name = "Side door"
node = 3
profile = "plain_v1"
security = "s0_legacy"
[locks.override.command_classes]
security = 1
security_2 = 0
"""


async def s0() -> AsyncIterator[Figure]:
    """One code on locks of the first security class: a set, and a look with its answer where the lock confirms nothing."""
    with running_house(S0_SCENE, {"old": ("Old door", 2), "side": ("Side door", 3)}) as house:
        house.start_daemon()
        await house.met()
        async with house.cloud() as cloud:
            how = "simulated Schlage BE469, slot seen empty before: a nonce for each of set, get and report"
            messages = await _third(house, cloud, "old")
            yield at_most("radio messages per code, S0 without Supervision", "messages", 9, messages, how)
            how = "slot seen empty before: a nonce for each of set, its report, get and report; success alone is believed on S2 only"
            messages = await _third(house, cloud, "side")
            yield at_most("radio messages per code, S0 with Supervision", "messages", 12, messages, how)


async def _third(house: House, cloud: Counterpart, lock_id: str) -> int:
    """Messages of a code in a slot that was used before."""
    for name, pin in (("warm", "4826"), ("second", "9371")):
        await applied(cloud, "access_code.create", body(f"{lock_id}-{name}", lock_id, pin))
    await applied(cloud, "access_code.delete", {"access_code_id": f"{lock_id}-second"})
    watch = _Watch(house, (lock_id,))
    await applied(cloud, "access_code.create", body(f"{lock_id}-third", lock_id, "7159"))
    return watch.spent().messages


async def rivals() -> AsyncIterator[Figure]:
    """Ten codes on one sleeping lock: as we do it, then with the pauses of two rivals, in the same run."""
    with running_house(AIRTIME_SCENE, ONE_LOCK) as house:
        house.start_daemon()
        await house.met()
        async with house.cloud() as cloud:
            await _batch(house, cloud, "warm", 0.0)
            ours = await _batch(house, cloud, "ours", 0.0)
            share = ours.own_ms / (ours.messages / 2)
            how = f"{ours.span_ms:.0f} ms for {CODES} codes less {ours.air_ms:.0f} ms of messages and {ours.beams} beams, per command"
            yield at_most("the software's own share per command", "ms", 15.0, share, how)
            for pace_s, part in PACES_S.items():
                theirs = await _batch(house, cloud, f"pace{pace_s:.0f}", pace_s)
                how = f"{ours.span_ms:.0f} ms and {ours.beams} beams against {theirs.span_ms:.0f} ms and {theirs.beams} beams"
                name = f"{CODES} codes on one lock against {pace_s:g} s between writes"
                yield at_most(name, "x", part, ours.span_ms / theirs.span_ms, how)


async def cold_locks() -> AsyncIterator[Figure]:
    """One code to each of several sleeping locks at once: beams do not overlap, so the radio's time is a sum."""
    for count in COLD:
        names = {f"lock-{number}": (f"Lock {number}", number) for number in range(2, count + 2)}
        scene = "\n".join(
            ["[radio]", "airtime = true"]
            + [f'[[locks]]\nname = "{name}"\nnode = {node}\nprofile = "plain_v2"' for name, node in names.values()]
        )
        with running_house(scene, names) as house:
            house.start_daemon()
            await house.met()
            async with house.cloud() as cloud:
                await _one_each(house, cloud, names, "warm")
                await asyncio.sleep(ASLEEP_S)
                spent = await _one_each(house, cloud, names, "cold")
            ideal_ms = count * BEAM_MS + spent.air_ms
            how = f"{spent.span_ms:.0f} ms, {spent.beams} beams, {spent.messages} messages, against the sum of beams and messages"
            yield at_most(
                f"one code on {count} cold locks against the radio's own time", "x", 1.10, spent.span_ms / ideal_ms, how
            )


async def _batch(house: House, cloud: Counterpart, prefix: str, pace_s: float) -> Spent:
    """Put ten codes on and take them off again; only the putting on is counted."""
    await asyncio.sleep(ASLEEP_S)
    watch = _Watch(house, ("front",))
    wishes = [body(f"{prefix}-{number}", "front", _pin(prefix, number)) for number in range(CODES)]
    if pace_s:
        for wish in wishes:
            await applied(cloud, "access_code.create", wish)
            await asyncio.sleep(pace_s)
    else:
        ordered = [cloud.order("access_code.create", wish) for wish in wishes]
        for order in ordered:
            assert (await cloud.ended(order, 60)).kind == "command.applied"
    spent = watch.spent()
    gone = [cloud.order("access_code.delete", {"access_code_id": wish["access_code_id"]}) for wish in wishes]
    for order in gone:
        assert (await cloud.ended(order, 60)).kind == "command.applied"
    return spent


async def _one_each(house: House, cloud: Counterpart, names: Mapping[str, tuple[str, int]], prefix: str) -> Spent:
    watch = _Watch(house, tuple(names))
    wishes = [body(f"{prefix}-{lock_id}", lock_id, _pin(prefix, 0)) for lock_id in names]
    for order in [cloud.order("access_code.create", wish) for wish in wishes]:
        assert (await cloud.ended(order, 60)).kind == "command.applied"
    return watch.spent()


def _pin(prefix: str, number: int) -> str:
    return f"{sum(prefix.encode()) % 90 + 10}{8_000 - number * 37:04d}"


class _Watch:
    """The simulator's counters from one moment on."""

    def __init__(self, house: House, lock_ids: tuple[str, ...]) -> None:
        self._house = house
        self._lock_ids = lock_ids
        self._frame = house.home.last_frame()
        self._before = self._sums()

    def spent(self) -> Spent:
        frames = self._house.home.frames(since=self._frame)
        first, last = float(str(frames[0]["at"])), float(str(frames[-1]["at"]))
        air, beams, messages = (now - before for now, before in zip(self._sums(), self._before, strict=True))
        pure = air - beams * BEAM_MS if air > beams * BEAM_MS else air
        return Spent((last - first) * 1000, pure, round(beams), round(messages))

    def _sums(self) -> tuple[float, float, float]:
        rows = [counts(self._house, lock_id) for lock_id in self._lock_ids]
        return (
            sum(row["airtime_ms"] for row in rows),
            sum(row["beams"] for row in rows),
            sum(row["to_lock"] + row["from_lock"] for row in rows),
        )
