"""What can be configured on a lock, by the roles that its profile gives to parameter numbers (Configuration, CC:0070).

A role with a meaning is read from and written to the firmware; every other number in the profile is a byte that is kept and nothing else.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from drivers.simulator.lock.profiles import LockModel
from drivers.simulator.lock.schedule import Kind, Schedules

ON, OFF = 255, 0
"""How makers write a switch in one byte."""

OWNER, GUEST, WORKER = 1, 3, 4
"""User types of Kwikset: without a schedule, with a year-day, with a week-day one (device file 914 of @zwave-js/config)."""


class Role(StrEnum):
    """What a parameter means; the profile's table `parameters` gives each its number."""

    CODE_LENGTH = "code_length"
    """The one length of all codes. Changing it erases every code."""
    USED_SLOTS = "used_slots"
    """One bit per slot that holds a code, slot 1 first; read only."""
    VACATION = "vacation"
    """On: no user code opens."""
    USER_TYPES = "user_types"
    """The first of as many parameters as there are slots: the type of each user; read only here."""
    MOVES = "moves"
    """How often the bolt moved; read only."""
    PLAIN = "plain"
    """A byte that is kept."""


class Configured(Protocol):
    """What the settings act on."""

    code_length: int
    is_on_vacation: bool

    @property
    def bolt_moves(self) -> int:
        """How often the bolt moved since the power came."""
        ...

    def used_slots(self) -> set[int]:
        """Slots that hold a code."""
        ...

    def change_length(self, length: int, at: float) -> None:
        """Give all codes another length; erases them."""
        ...


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter's value as it stands on the air: `size` bytes, unsigned."""

    number: int
    size: int


USED_SLOTS_SIZE = COUNT_SIZE = 4
PARAMETER_MAX = 255


class Settings:
    """The parameters of one lock."""

    def __init__(self, model: LockModel, lock: Configured, schedules: Schedules) -> None:
        """Start with the maker's values: everything plain is off."""
        self._model = model
        self._lock = lock
        self._schedules = schedules
        self._plain: dict[int, int] = {}

    def role(self, parameter: int) -> Role | None:
        """What a parameter means; None for one that the lock does not have."""
        return self._role(parameter)[0]

    def following(self, parameter: int) -> int:
        """The next parameter that the lock has; 0 after the last."""
        return next((number for number in range(parameter + 1, PARAMETER_MAX + 1) if self.role(number)), 0)

    def get(self, parameter: int) -> Value | None:
        """Return a value; None for a parameter the lock does not have."""
        role, offset = self._role(parameter)
        match role:
            case Role.CODE_LENGTH:
                return Value(self._lock.code_length, 1)
            case Role.USED_SLOTS:
                return Value(bitmap(self._lock.used_slots()), USED_SLOTS_SIZE)
            case Role.VACATION:
                return Value(ON if self._lock.is_on_vacation else OFF, 1)
            case Role.USER_TYPES:
                return Value(self._user_type(offset + 1), 1)
            case Role.MOVES:
                return Value(self._lock.bolt_moves, COUNT_SIZE)
            case Role.PLAIN:
                return Value(self._plain.get(parameter, 0), 1)
            case None:
                return None

    def put(self, parameter: int, number: int, size: int, at: float) -> bool:
        """Set a value; False when there is no such parameter, it is read only, or the value does not fit."""
        role, _offset = self._role(parameter)
        if size != 1:
            return False
        match role:
            case Role.CODE_LENGTH if self._model.pin_length_min <= number <= self._model.pin_length_max:
                if number != self._lock.code_length:
                    self._lock.change_length(number, at)
            case Role.VACATION if number in (ON, OFF):
                self._lock.is_on_vacation = number == ON
            case Role.PLAIN:
                self._plain[parameter] = number
            case _:
                return False
        return True

    def _role(self, parameter: int) -> tuple[Role | None, int]:
        """Which role a parameter has, and its place among the parameters of that role."""
        for name, first in self._model.parameters.items():
            role = Role(name.split(".")[0])
            span = self._model.slots if role is Role.USER_TYPES else 1
            if first <= parameter < first + span:
                return role, parameter - first
        return None, 0

    def _user_type(self, user_id: int) -> int:
        match self._schedules.kind(user_id):
            case Kind.YEAR_DAY:
                return GUEST
            case Kind.WEEK_DAY | Kind.DAILY:
                return WORKER
            case None:
                return OWNER


def bitmap(slots: set[int]) -> int:
    """One bit per slot as four bytes: slot 1 is the lowest bit of the first byte (dump of a Schlage BE469: 07 00 00 00 for three codes)."""
    octets = bytearray(USED_SLOTS_SIZE)
    for slot in slots:
        place, bit = divmod(slot - 1, 8)
        if place < USED_SLOTS_SIZE:
            octets[place] |= 1 << bit
    return int.from_bytes(octets)
