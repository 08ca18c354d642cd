"""Plays one scene on one bench: runs the driver, lets the scene act, and gives back its ending."""

import asyncio

from drivers.kit.bench import Bench
from drivers.kit.scene import Scene
from drivers.kit.stage import SceneBroken, Stage

LAST_WORDS = 5
"""The share of the quiet time that a lock gets at the end: nothing is awaited from it any more, so little is enough."""


async def play(scene: Scene, bench: Bench) -> tuple[str, ...]:
    """Play a scene and return its ending, one line per thing that was done or said, without digits.

    Raises `SceneBroken` when a promise is not kept, with the record up to there, and `ValueError` when the bench lacks something
    that the scene needs. The bench must be ready for one scene.
    """
    missing = scene.missing(bench)
    if missing:
        raise ValueError(
            f"this bench cannot play {scene.name!r}: " + "; ".join(bench.lacking[need] for need in missing)
        )
    driver = bench.driver()
    ending: tuple[str, ...] = ()
    stage: Stage | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(driver.run(), name="driver")
            stage = Stage(bench, driver, tasks)
            await scene.play(stage)
            # What the lock said while the last call was answered is on its way; it belongs to the ending.
            await asyncio.sleep(bench.timing.quiet_s / LAST_WORDS)
            ending = stage.close()
            raise _OverError
    except* _OverError:
        pass
    except* SceneBroken as group:
        raise _first(group) from None
    finally:
        if stage is not None:
            await stage.leave()
    return ending


class _OverError(Exception):
    """The scene is over: ends the task group, and with it the driver and whoever listens."""


def _first(group: BaseExceptionGroup[SceneBroken]) -> SceneBroken:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
