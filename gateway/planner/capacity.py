"""Which codes will find no room on their lock: seen as soon as the orders show it, not at the guest's door (A16)."""

import heapq

from gateway.model.ids import CodeId
from gateway.model.instant import LAST_INSTANT, Instant
from gateway.model.slot import Verdict
from gateway.planner.desired import Desire, Phase
from gateway.planner.diff import Scene


def short_of_room(scene: Scene) -> frozenset[CodeId]:
    """Codes that still wait for their time and will be homeless then, if nothing changes; nearest start wins.

    Spares are left out, they give way; what others put on the lock stays there (A14). A code that ends frees its slot for
    one that goes on at the same instant.
    """
    guests = [wish for wish in scene.wishes.values() if _takes_room(scene, wish)]
    if not guests:
        return frozenset()
    room = room_for_us(scene)
    if len(guests) <= room:
        return frozenset()
    short: set[CodeId] = set()
    ends: list[Instant] = []
    for wish in sorted(guests, key=_turn):
        opens_at = _opens_at(wish)
        while ends and ends[0] <= opens_at:
            heapq.heappop(ends)
        if len(ends) < room:
            heapq.heappush(ends, wish.code.window.ends_at or LAST_INSTANT)
        elif wish.phase is Phase.BEFORE:
            short.add(wish.code.code_id)
    return frozenset(short)


def room_for_us(scene: Scene) -> int:
    """Slots that are not somebody else's, whatever is in them now."""
    numbers = scene.snapshot.profile.slots
    return len(numbers) - len(
        [slot for slot, verdict in scene.verdicts.items() if verdict in _OTHERS and slot in numbers]
    )


_OTHERS = (Verdict.FOREIGN, Verdict.TAKEN_OVER)


def _takes_room(scene: Scene, wish: Desire) -> bool:
    return wish.phase is not Phase.OVER and not scene.snapshot.pool.is_spare(wish.code.code_id)


def _turn(wish: Desire) -> tuple[Instant, Instant, CodeId]:
    return _opens_at(wish), wish.due, wish.code.code_id


def _opens_at(wish: Desire) -> Instant:
    return Instant(0) if wish.just_in_time_at is None else wish.just_in_time_at
