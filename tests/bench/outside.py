"""Figures of the whole: the daemon as a process, the real Z-Wave JS server, the simulator's counters."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from gateway.cloud.counterpart import Counterpart
from tests.bench.figure import Figure, at_most, quantile
from tests.stack.house import House, applied, running_house, until

BEAM_MS = 1100.0
"""The simulator's wake-up beam."""

AIRTIME_SCENE = """
[radio]
airtime = true

[[locks]]
name = "Front door"
node = 2
profile = "plain_v2"
"""
ONE_LOCK = {"front": ("Front door", 2)}


def counts(house: House, lock_id: str) -> Mapping[str, float]:
    found = house.home.lock_counts(house.configuration.locks[lock_id][0])
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def body(code_id: str, lock_id: str, pin: str) -> dict[str, str]:
    return {"access_code_id": code_id, "device_id": lock_id, "code": pin}


async def _messages(house: House, cloud: Counterpart, lock_id: str) -> float:
    """Radio messages of one code on a slot that was used before, set with proof."""
    for name, pin in (("warm", "482613"), ("second", "937152")):
        await applied(cloud, "access_code.create", body(f"{lock_id}-{name}", lock_id, pin))
    await applied(cloud, "access_code.delete", {"access_code_id": f"{lock_id}-second"})
    before = counts(house, lock_id)
    await applied(cloud, "access_code.create", body(f"{lock_id}-third", lock_id, "715938"))
    after = counts(house, lock_id)
    return sum(after[name] - before[name] for name in ("to_lock", "from_lock"))


async def daily(folder: Path) -> AsyncIterator[Figure]:
    """Three locks without airtime: messages, restart, memory, start, bytes, answer to event."""
    with running_house() as house:
        house.start_daemon()
        await house.until_status(bool)
        started_s = house.age_s()
        await house.met()
        async with house.cloud() as cloud:
            supervised = await _messages(house, cloud, "front")
            yield at_most(
                "radio messages per code, S2 with Supervision",
                "messages",
                2,
                supervised,
                "simulator's counters, slot seen empty before",
            )
            plain = await _messages(house, cloud, "studio")
            yield at_most(
                "radio messages per code, S2 without Supervision",
                "messages",
                4,
                plain,
                "set, and read-back with its answer",
            )
            masked = await _messages(house, cloud, "garden")
            how = "simulator's counters, slot seen empty before, so that asterisks need not be asked for"
            yield at_most("radio messages per code, masked read-back", "messages", 2, masked, how)
            yield await _bytes_per_code(house, cloud)
            yield await _lock_to_cloud(house, cloud)
            await house.receipted()
            frames = house.to_locks()
            house.stop_daemon()
            house.start_daemon()
            await house.met()
            met_s = house.age_s()
            yield at_most(
                "frames at a restart with nothing to do",
                "frames",
                0,
                house.to_locks() - frames,
                "3 locks, server left running",
            )
            yield at_most(
                "restart until all locks are there", "s", 2.0, met_s, "3 locks; process start and imports included"
            )
        yield at_most(
            "daemon answers after start",
            "s",
            1.5,
            started_s,
            "process start until `status` answers on the socket; server running",
        )
        yield at_most("daemon memory", "MiB RSS", 80.0, _rss_mib(house), "VmRSS after the runs above, 3 locks")


def _rss_mib(house: House) -> float:
    assert house.daemon is not None
    text = Path(f"/proc/{house.daemon.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def _bytes_per_code(house: House, cloud: Counterpart) -> Figure:
    assert house.daemon is not None

    def written() -> int:
        assert house.daemon is not None
        text = Path(f"/proc/{house.daemon.pid}/io").read_text(encoding="ascii")
        return int(next(line for line in text.splitlines() if line.startswith("write_bytes")).split()[1])

    lives = 20
    before = written()
    for number in range(lives):
        await applied(cloud, "access_code.create", body(f"life-{number}", "front", f"{860_000 + number}"))
        await applied(cloud, "access_code.delete", {"access_code_id": f"life-{number}"})
    await house.receipted()
    how = f"write_bytes of the daemon over {lives} lives (order to deletion, all receipts), logs included"
    return at_most("storage written per code life", "KB", 50.0, (written() - before) / lives / 1000, how)


async def _lock_to_cloud(house: House, cloud: Counterpart) -> Figure:
    """From the key press at the lock to the event at the cloud; includes radio, server and driver, so an upper bound."""
    times = []
    for number in range(30):
        heard = sum(event.kind == "lock.unlocked" for event in cloud.events)
        began = time.perf_counter()
        house.home.press("Front door", "482613")
        await cloud.wait_for(lambda seen, heard=heard: sum(e.kind == "lock.unlocked" for e in seen.events) > heard, 10)  # type: ignore[misc]
        times.append(time.perf_counter() - began)
        house.home.turn("Front door", "lock")
        locked = number + 1
        await until(lambda locked=locked: sum(e.kind == "lock.locked" for e in cloud.events) >= locked)  # type: ignore[misc]
    how = "30 key presses until the event is at the cloud: radio, Z-Wave JS and both ways included"
    return at_most("key press to event at the cloud, p99", "ms", 50.0, quantile(times, 0.99) * 1000, how)


async def airtime() -> AsyncIterator[Figure]:
    """N codes on one sleeping lock with the airtime model on, against one beam and the airtime itself."""
    with running_house(AIRTIME_SCENE, ONE_LOCK) as house:
        house.start_daemon()
        await house.met()
        async with house.cloud() as cloud:
            await _fill(house, cloud, 30, "warm", 0)
            await asyncio.gather(
                *(
                    cloud.ended(cloud.order("access_code.delete", {"access_code_id": f"warm-{n}"}), 60)
                    for n in range(30)
                )
            )
            for batch, count in enumerate((1, 10, 30), start=1):
                await asyncio.sleep(
                    1.0
                )  # the lock's awake window of half a second must be over: each batch begins cold
                before, began_at = counts(house, "front"), house.home.last_frame()
                await _fill(house, cloud, count, f"n{count}", batch)
                after = counts(house, "front")
                frames = house.home.frames(since=began_at)
                spent_ms = (float(str(frames[-1]["at"])) - float(str(frames[0]["at"]))) * 1000
                air_ms = after["airtime_ms"] - before["airtime_ms"]
                beams = after["beams"] - before["beams"]
                ideal_ms = BEAM_MS + (air_ms - beams * BEAM_MS if air_ms > beams * BEAM_MS else air_ms)
                how = f"first to last frame {spent_ms:.0f} ms with {beams:.0f} beams, against one beam and {ideal_ms - BEAM_MS:.0f} ms of airtime"
                yield at_most(
                    f"{count} codes on one lock against the radio's own time", "x", 1.10, spent_ms / ideal_ms, how
                )
                await asyncio.gather(
                    *(
                        cloud.ended(cloud.order("access_code.delete", {"access_code_id": f"n{count}-{n}"}), 60)
                        for n in range(count)
                    )
                )


async def _fill(house: House, cloud: Counterpart, count: int, prefix: str, batch: int) -> None:
    orders = [
        cloud.order("access_code.create", body(f"{prefix}-{number}", "front", f"{(5 + batch) * 100_000 + number * 37}"))
        for number in range(count)
    ]
    for command_id in orders:
        ended = await cloud.ended(command_id, 90)
        assert ended.kind == "command.applied", ended
    assert len(house.pins("front")) >= count
