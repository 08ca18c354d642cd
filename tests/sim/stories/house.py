"""Worlds for stories: no weather, one lock, a cloud that orders what the story says."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from drivers.simulator.lock.profiles import LockModel
from gateway.model.events import Fact
from gateway.model.instant import Instant
from tests.sim.auditors import Violation
from tests.sim.book import text
from tests.sim.loop import play
from tests.sim.world import World, opened

HOUR_S = 3600.0
LOCK = "lock-1"

type Story = Callable[[World], Awaitable[None]]


def tell(
    story: Story, models: Sequence[LockModel] | None = None, memory: Mapping[int, Mapping[int, str]] = {}, seed: int = 1
) -> list[Violation]:
    """Play a story and reckon up at its end; returns what the auditors cried."""

    async def whole() -> list[Violation]:
        async with opened(f"story {seed}", models, memory=memory) as world:
            for pins in memory.values():
                world.manager.pins.update(pins.values())
            await world.pass_time(10)
            await story(world)
            await world.reckon()
            return world.auditors.violations

    return play(whole(), seed)


def create(
    world: World,
    code_id: str,
    pin: str,
    starts_in_s: float | None = None,
    ends_in_s: float | None = None,
    lock_id: str = LOCK,
    *,
    with_pool: bool = False,
    may_change: bool = False,
) -> str:
    """Order a code, with a pool behind it or free to be changed at the lock; returns the order's id."""
    now = world.true.now()

    def at(after_s: float | None) -> str | None:
        return None if after_s is None else text(Instant(now + round(after_s * 1000)))

    body: dict[str, Fact] = {"access_code_id": code_id, "device_id": lock_id, "name": code_id, "code": pin}
    given: dict[str, Fact] = {"starts_at": at(starts_in_s), "ends_at": at(ends_in_s)}
    if with_pool:
        given["use_backup_access_code_pool"] = True
    if may_change:
        given["is_external_modification_allowed"] = True
    return world.manager.order("access_code.create", body | {name: value for name, value in given.items() if value})


def delete(world: World, code_id: str) -> str:
    return world.manager.order("access_code.delete", {"access_code_id": code_id})


def new_pin(world: World, code_id: str, pin: str) -> str:
    return world.manager.order("access_code.update", {"access_code_id": code_id, "code": pin})


def pins(world: World, lock_id: str = LOCK) -> set[str]:
    """What opens the door now."""
    return set(world.doors[lock_id].firmware.pins().values())
