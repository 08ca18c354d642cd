"""When a user's PIN opens, on locks that keep schedules themselves (Schedule Entry Lock, CC:004E).

Three kinds: *year day*, from a minute to a minute; *week day*, between two times of one day of the week; *daily repeating*, for a
duration from a time on some days of the week. A user has one kind at a time: setting another forgets the first. Setting a schedule makes
the user scheduled, and a scheduled PIN opens only inside; a user who was never given one is free. All times are the lock's local wall
time. A window holds from its first minute up to, not including, the minute it stops at.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drivers.simulator.lock.clock import CENTURY, Minute, minute_of

DAY_MINUTES = 24 * 60

type Days = frozenset[int]
"""Days of the week, 0 is Sunday (CC:004E)."""

SUNDAY_TO_SATURDAY = range(7)


class Kind(StrEnum):
    """The kinds of schedule, each with slots of its own."""

    WEEK_DAY = "week_day"
    YEAR_DAY = "year_day"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class YearDay:
    """From `start` up to `stop`."""

    start: Minute
    stop: Minute

    @property
    def is_sound(self) -> bool:
        """Whether both ends exist in the calendar of a two-digit year, and time runs forward between them."""
        return _exists(self.start) and _exists(self.stop) and self.start < self.stop

    def covers(self, wall: datetime) -> bool:
        """Whether a wall time lies inside."""
        return self.start <= minute_of(wall) < self.stop


@dataclass(frozen=True, slots=True)
class WeekDay:
    """Between two times of one day of the week, in minutes after midnight."""

    day: int
    start_min: int
    stop_min: int

    @property
    def is_sound(self) -> bool:
        """Whether it stops after it starts, on the same day: the class has no window over midnight."""
        return self.day in SUNDAY_TO_SATURDAY and 0 <= self.start_min < self.stop_min < DAY_MINUTES

    def covers(self, wall: datetime) -> bool:
        """Whether a wall time lies inside."""
        return weekday_of(wall) == self.day and self.start_min <= wall.hour * 60 + wall.minute < self.stop_min


@dataclass(frozen=True, slots=True)
class Daily:
    """For `duration_min` from `start_min` on each of some days; it may run over midnight."""

    days: Days
    start_min: int
    duration_min: int

    @property
    def is_sound(self) -> bool:
        """Whether there is a day, a time and a duration of at most one day."""
        return (
            bool(self.days)
            and max(self.days) in SUNDAY_TO_SATURDAY
            and 0 <= self.start_min < DAY_MINUTES
            and 0 < self.duration_min <= DAY_MINUTES
        )

    def covers(self, wall: datetime) -> bool:
        """Whether a wall time lies inside a window that began today or yesterday."""
        return any(
            weekday_of(wall - timedelta(days=back)) in self.days
            and self.start_min <= wall.hour * 60 + wall.minute + back * DAY_MINUTES < self.start_min + self.duration_min
            for back in (0, 1)
        )


type Schedule = YearDay | WeekDay | Daily


def kind_of(schedule: Schedule) -> Kind:
    """Which kind of slot a schedule needs."""
    match schedule:
        case YearDay():
            return Kind.YEAR_DAY
        case WeekDay():
            return Kind.WEEK_DAY
        case Daily():
            return Kind.DAILY


@dataclass(slots=True)
class _User:
    is_scheduled: bool
    kind: Kind | None
    slots: dict[int, Schedule]


class Schedules:
    """Every user's schedules. `slots` says how many slots of each kind a user has; `bars_when_erased` is the model's rule."""

    def __init__(self, slots: Mapping[Kind, int], *, bars_when_erased: bool) -> None:
        """Start with nobody scheduled."""
        self.slots = slots
        self._bars_when_erased = bars_when_erased
        self._users: dict[int, _User] = {}

    def has(self, kind: Kind, slot: int) -> bool:
        """Whether a user has this slot."""
        return 1 <= slot <= self.slots[kind]

    def put(self, user_id: int, slot: int, schedule: Schedule) -> None:
        """Store a schedule and make the user scheduled; schedules of another kind are forgotten."""
        kind = kind_of(schedule)
        user = self._users.get(user_id)
        if user is None or user.kind is not kind:
            user = self._users[user_id] = _User(is_scheduled=True, kind=kind, slots={})
        user.is_scheduled = True
        user.slots[slot] = schedule

    def erase(self, user_id: int, kind: Kind, slot: int | None) -> None:
        """Forget one schedule, or all of a kind. Without any left a user is free, or barred where the model says so."""
        user = self._users.get(user_id)
        if user is None or user.kind is not kind:
            return
        for gone in [slot] if slot is not None else list(user.slots):
            user.slots.pop(gone, None)
        if not user.slots and not self._bars_when_erased:
            del self._users[user_id]

    def forget(self, user_id: int) -> None:
        """Forget everything about a user."""
        self._users.pop(user_id, None)

    def clear(self) -> None:
        """Forget every user."""
        self._users.clear()

    def enable(self, user_id: int, *, is_enabled: bool) -> None:
        """Say whether a user is bound by schedules; what is stored stays."""
        user = self._users.setdefault(user_id, _User(is_scheduled=is_enabled, kind=None, slots={}))
        user.is_scheduled = is_enabled

    def get(self, user_id: int, kind: Kind, slot: int) -> Schedule | None:
        """Return what a slot holds."""
        user = self._users.get(user_id)
        return user.slots.get(slot) if user is not None and user.kind is kind else None

    def kind(self, user_id: int) -> Kind | None:
        """Which kind of schedule a user has; None without any."""
        user = self._users.get(user_id)
        return user.kind if user is not None else None

    def allows(self, user_id: int, wall: datetime) -> bool:
        """Whether a user's PIN may open at a wall time."""
        user = self._users.get(user_id)
        if user is None or not user.is_scheduled:
            return True
        return any(schedule.covers(wall) for schedule in user.slots.values())

    def image(self) -> dict[str, object]:
        """Return what outlives a loss of power, as plain values for JSON."""
        return {
            str(user_id): {
                "is_scheduled": user.is_scheduled,
                "kind": user.kind.value if user.kind is not None else None,
                "slots": {str(slot): _plain(schedule) for slot, schedule in sorted(user.slots.items())},
            }
            for user_id, user in sorted(self._users.items())
        }

    def restore(self, image: Mapping[str, object]) -> None:
        """Take over what `image` gave; raises `ValueError` when it is not that."""
        users: dict[int, _User] = {}
        for user_id, entry in image.items():
            match entry:
                case {"is_scheduled": bool(is_scheduled), "kind": str() | None as kind, "slots": Mapping() as slots}:
                    held = {int(str(slot)): _schedule(kind, plain) for slot, plain in slots.items()}
                    users[int(user_id)] = _User(is_scheduled, None if kind is None else Kind(kind), held)
                case _:
                    raise ValueError(NO_SCHEDULES)
        self._users = users


NO_SCHEDULES = "not the image of a lock's schedules"


def weekday_of(wall: datetime) -> int:
    """Day of the week with 0 for Sunday."""
    return wall.isoweekday() % 7


def _exists(minute: Minute) -> bool:
    return (
        CENTURY <= minute.year < CENTURY + 100
        and 1 <= minute.month <= 12
        and 1 <= minute.day <= monthrange(minute.year, minute.month)[1]
        and 0 <= minute.hour < 24
        and 0 <= minute.minute < 60
    )


def _plain(schedule: Schedule) -> list[object]:
    match schedule:
        case YearDay(start, stop):
            return [*start, *stop]
        case WeekDay(day, start_min, stop_min):
            return [day, start_min, stop_min]
        case Daily(days, start_min, duration_min):
            return [sorted(days), start_min, duration_min]


def _schedule(kind: object, plain: object) -> Schedule:
    match kind, plain:
        case Kind.YEAR_DAY, [*ends] if len(ends) == 2 * len(Minute._fields):
            numbers = _whole(ends)
            return YearDay(Minute(*numbers[:5]), Minute(*numbers[5:]))
        case Kind.WEEK_DAY, [int(day), int(start_min), int(stop_min)]:
            return WeekDay(day, start_min, stop_min)
        case Kind.DAILY, [[*days], int(start_min), int(duration_min)]:
            return Daily(frozenset(_whole(days)), start_min, duration_min)
        case _:
            raise ValueError(NO_SCHEDULES)


def _whole(values: list[object]) -> list[int]:
    numbers = [value for value in values if isinstance(value, int)]
    if len(numbers) != len(values):
        raise ValueError(NO_SCHEDULES)
    return numbers
