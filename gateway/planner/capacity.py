"""Which codes will find no room on their lock: seen as soon as the orders show it, not at the guest's door (A16)."""

import heapq
from dataclasses import dataclass
from itertools import groupby

from gateway.model.ids import CodeId
from gateway.model.instant import LAST_INSTANT, Instant
from gateway.model.slot import Verdict
from gateway.planner.desired import Desire, Phase
from gateway.planner.diff import Scene


def short_of_room(scene: Scene) -> frozenset[CodeId]:
    """Codes that still wait for their time and will be homeless then, if nothing changes; nearest start wins.

    Spares are left out, they give way; what others put on the lock stays there (A14). A code that ends frees its slot for
    one that goes on at the same instant, and whoever found none before takes the next, as in `leases.py`.
    """
    guests = [wish for wish in scene.wishes.values() if _takes_room(scene, wish)]
    if not guests:
        return frozenset()
    room = room_for_us(scene)
    if len(guests) <= room:
        return frozenset()
    leased = {record.lease for record in scene.snapshot.slots.values()}
    now = scene.reading.lo
    lock = _Lock(room, [_ends_at(wish) for wish in guests if wish.code.code_id in leased])
    to_come = sorted(
        (wish for wish in guests if wish.code.code_id not in leased), key=lambda wish: _comes_at(wish, now)
    )
    short: set[CodeId] = set()
    for at, coming in groupby(to_come, key=lambda wish: _comes_at(wish, now)):
        homeless = lock.come(at, list(coming))
        short |= {wish.code.code_id for wish in homeless if wish.phase is Phase.BEFORE}
    return frozenset(short)


@dataclass(slots=True)
class _Lock:
    """How slots go from guest to guest. `ends` are those of the codes that have one, `waiting` are those without."""

    room: int
    ends: list[Instant]
    waiting: list[Desire]

    def __init__(self, room: int, ends: list[Instant]) -> None:
        self.room, self.ends, self.waiting = room, ends, []
        heapq.heapify(self.ends)

    def come(self, at: Instant, guests: list[Desire]) -> list[Desire]:
        """These want a slot from now on; returns who finds none at once."""
        self._pass(Instant(at - 1))
        self.waiting += guests
        self._pass(at)
        self._give(at)
        return [wish for wish in guests if wish in self.waiting]

    def _pass(self, until: Instant) -> None:
        while self.ends and self.ends[0] <= until:
            self._give(heapq.heappop(self.ends))

    def _give(self, at: Instant) -> None:
        """Free slots go to the earliest due who has not ended."""
        if len(self.ends) >= self.room or not self.waiting:
            return
        staying = sorted((wish for wish in self.waiting if _ends_at(wish) > at), key=_turn)
        free = self.room - len(self.ends)
        for wish in staying[:free]:
            heapq.heappush(self.ends, _ends_at(wish))
        self.waiting = staying[free:]


def room_for_us(scene: Scene) -> int:
    """Slots that are not somebody else's, whatever is in them now."""
    numbers = scene.snapshot.profile.slots
    return len(numbers) - len(
        [slot for slot, verdict in scene.verdicts.items() if verdict in _OTHERS and slot in numbers]
    )


_OTHERS = (Verdict.FOREIGN, Verdict.TAKEN_OVER)


def _takes_room(scene: Scene, wish: Desire) -> bool:
    return wish.phase is not Phase.OVER and not scene.snapshot.pool.is_spare(wish.code.code_id)


def _turn(wish: Desire) -> tuple[Instant, CodeId]:
    return wish.due, wish.code.code_id


def _ends_at(wish: Desire) -> Instant:
    return wish.code.window.ends_at or LAST_INSTANT


def _comes_at(wish: Desire, now: Instant) -> Instant:
    return now if wish.just_in_time_at is None else max(now, wish.just_in_time_at)
