"""Figures of days and weeks: restart, idle day, a code's life, a year; the real gateway in the virtual world."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from typing import Any

from tests.bench.figure import Figure, at_most
from tests.bench.quiet_house import DAY_S, SETTLED_S, CountingLoop, quiet_house, stay, written
from tests.bench.year import YEAR_MONTHS
from tests.sim.doors import Verb

LOCKS = 50
CODES = 30
LIVES = 40

YEAR_LIMIT_S = 1_800
FLAT_MIB = 2.0
"""What may come and go with a checkpoint or a day's rubbish; growth beyond it would be a leak."""

MONTHS = 3
"""What `make bench` plays of the year; `make bench YEAR=1` plays all of it."""


def house_at_rest() -> Iterator[Figure]:
    """50 locks with 30 codes each: a restart, then a day on which nothing happens."""
    yield from _play(_at_rest())


def code_life() -> Iterator[Figure]:
    """What the life of one code costs, from its order to its deletion with all receipts."""
    yield from _play(_life())


def months(count: int) -> Iterator[Figure]:
    """Memory over months of stays, in a process of its own.

    What is kept for half a year (A19) and what is kept ready of the slots (`store/slots.py`) fills up first, within bounds of its own;
    from then on nothing may grow. So growth is told of a whole year only, over its second half.
    """
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.year", str(count)],
        capture_output=True,
        text=True,
        check=True,
        timeout=YEAR_LIMIT_S,
    )
    found = json.loads(told.stdout)
    rss = [month["rss_mib"] for month in found]
    how = (
        f"VmRSS at the end of each month, {found[-1]['stays']} stays on one lock; the process holds the simulated lock, "
        f"broker and cloud too: {', '.join(f'{mib:.1f}' for mib in rss)}"
    )
    yield at_most(f"memory at the end of {count} simulated months", "MiB RSS", 80.0, rss[-1], how)
    if count >= YEAR_MONTHS:
        yield at_most("memory growth, second half of a year", "MiB", FLAT_MIB, rss[-1] - rss[count // 2 - 1], how)


def _play(work: Coroutine[Any, Any, list[Figure]]) -> list[Figure]:
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        return runner.run(work)


async def _at_rest() -> list[Figure]:
    async with quiet_house(LOCKS) as house:
        for number in range(1, LOCKS + 1):
            first = number * CODES
            await house.applied("access_code.create", [stay(first + code, f"lock-{number}") for code in range(CODES)])
        await house.stop()
        house.calls.clear()
        began = time.process_time()
        house.plug_in()
        await asyncio.sleep(SETTLED_S)
        restart_s = time.process_time() - began
        frames = house.calls.total() - house.calls[Verb.LIST]
        size = f"{LOCKS} locks x {CODES} codes"
        how = f"{size} in process: CPU of everything in the first {SETTLED_S:g} s of virtual time, simulated locks and cloud included"
        figures = [
            at_most(f"calls to locks at a restart with nothing changed, {size}", "calls", 0, frames, how),
            at_most(f"restart with nothing changed, {size}", "s CPU", 2.0, restart_s, how),
        ]
        await asyncio.sleep(DAY_S / 24)
        loop = house.loop
        assert isinstance(loop, CountingLoop)
        wake_ups, commits = loop.wake_ups, house.disk.commits
        house.calls.clear()
        with written() as found:
            await asyncio.sleep(DAY_S)
        woken = (loop.wake_ups - wake_ups) / LOCKS
        how = f"{size}, a virtual day: {house.disk.commits - commits} commits, {house.calls.total()} calls to locks (rotating looks)"
        figures.append(at_most("storage written on an idle day", "MB", 1.0, found["bytes"] / 1e6, how))
        nap = "a nap of at most an hour per lock, a look at the clock every 30 s for all; neither reads or writes anything"
        figures.append(at_most("wake-ups per lock on an idle day", "wake-ups", 2_880, woken, f"{size}; {nap}"))
        return figures


async def _life() -> list[Figure]:
    async with quiet_house(1) as house:
        await house.applied("access_code.create", [stay(0, "lock-1")])
        await asyncio.sleep(SETTLED_S)
        house.calls.clear()
        commits = house.disk.commits
        with written() as found:
            for number in range(1, LIVES + 1):
                await house.applied("access_code.create", [stay(number, "lock-1")])
                await house.applied("access_code.delete", [{"access_code_id": f"stay-{number}"}])
                await asyncio.sleep(SETTLED_S)
        changes = (house.calls[Verb.WRITE] + house.calls[Verb.CLEAR]) / LIVES
        how = f"{LIVES} lives one by one (order, proof, deletion, receipts), {(house.disk.commits - commits) / LIVES:g} commits each"
        return [
            at_most("radio writes per code life", "writes", 2, changes, how + "; one write, one clear"),
            at_most("bytes stored per code life", "KB", 50.0, found["bytes"] / LIVES / 1000, how + ", without logs"),
        ]
