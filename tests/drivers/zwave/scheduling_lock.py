"""A lock with schedules behind the fake server: enough of one to judge whether a PIN was ever live without its window."""

from dataclasses import dataclass, field

from gateway.model.ids import Slot
from gateway.model.instant import parse_instant
from gateway.model.window import Window
from tests.drivers.zwave.fake_server import FakeServer, ZWaveError
from tests.drivers.zwave.states import LOCK_CLASSES, SUPERVISION, Json, node

SCHEDULE_ENTRY_LOCK = 0x4E
TIME_PARAMETERS = 0x8B
USER_CODE = 0x63

STAY = Window(parse_instant("2026-12-30T15:00:00Z"), parse_instant("2027-01-02T10:30:00Z"))
STAY_ON_WIRE = {
    "startYear": 26,
    "startMonth": 12,
    "startDay": 30,
    "startHour": 15,
    "startMinute": 0,
    "stopYear": 27,
    "stopMonth": 1,
    "stopDay": 2,
    "stopHour": 10,
    "stopMinute": 30,
}
SLOT = Slot(7)

SUCCESS = {"status": 255}
FAIL = {"status": 2}


TIME = 0x8A


def scheduling_node(*, user_code_version: int = 1, has_supervision: bool = True, time_version: int = 0) -> Json:
    """An S2 lock with Schedule Entry Lock version 3 and a clock."""
    classes = [number for number in LOCK_CLASSES if has_supervision or number != SUPERVISION]
    classes += [SCHEDULE_ENTRY_LOCK, TIME_PARAMETERS, *([TIME] if time_version else [])]
    state = node(2, classes=classes, version=3)
    endpoints = state["endpoints"]
    assert isinstance(endpoints, list)
    for known in endpoints[0]["commandClasses"]:
        if known["id"] == USER_CODE:
            known["version"] = user_code_version
        if known["id"] == TIME:
            known["version"] = time_version
    return state


@dataclass
class SchedulingLock:
    """Answers the server's calls. `needs_user`: schedules are taken only for a slot with a code, as CC:004E allows.

    `fails_at` is a call whose acknowledge is lost, with `fails_with` as the error; `pretends` are calls that it says to have
    executed, and does not; `refuses` are calls that it refuses.
    """

    server: FakeServer
    needs_user: bool = False
    is_supervised: bool = True
    ignores_status: bool = False
    year_day_slots: int = 1
    zone: tuple[int, int] = (0, 0)
    fails_at: str = ""
    fails_with: int = 204
    pretends: frozenset[str] = frozenset()
    refuses: frozenset[str] = frozenset()
    codes: dict[int, tuple[int, str]] = field(default_factory=dict)
    schedules: dict[tuple[int, int], Json] = field(default_factory=dict)
    scheduled: set[int] = field(default_factory=set)
    history: list[str] = field(default_factory=list)
    was_open_without_window: bool = False

    def __post_init__(self) -> None:
        self.server.answer = self.hear
        self.server.cached_values["numYearDaySlots"] = self.year_day_slots
        self.server.cached_values["supportedUserIDStatuses"] = [0, 1, 2]

    async def hear(self, command: Json) -> object:
        """One call to a command class."""
        method, args = str(command["methodName"]), command["args"]
        assert isinstance(args, list)
        self.history.append(method)
        if method == self.fails_at:
            raise ZWaveError(self.fails_with, f"The command failed (ZW{self.fails_with:04d})")
        match method, args:
            case "get", [int(slot)]:
                status, pin = self.codes.get(slot, (0, ""))
                return {"userIdStatus": status, "userCode": pin}
            case "getTimezone", []:
                return {"standardOffset": self.zone[0], "dstOffset": self.zone[1]}
            case "getYearDaySchedule", [{"userId": int(slot), "slotId": int(place)}]:
                return self.schedules.get((slot, place))
            case _ if method in self.refuses:
                is_taken = False
            case _:
                is_taken = method in self.pretends or self._change(method, args)
                self._judge()
        if not self.is_supervised:
            return None
        return SUCCESS if is_taken else FAIL

    def _change(self, method: str, args: list[object]) -> bool:
        match method, args:
            case "set", [int(slot), int(status), str(pin)]:
                self.codes[slot] = (1 if self.ignores_status else status, pin)
            case "clear", [int(slot)]:
                self.codes.pop(slot, None)
            case "setTimezone", [{"standardOffset": int(standard), "dstOffset": int(summer)}]:
                self.zone = (standard, summer)
            case "setYearDaySchedule", [{"userId": int(slot), "slotId": int(place)}, *schedule]:
                if self.needs_user and slot not in self.codes:
                    return False
                self._schedule(slot, place, schedule)
            case "setEnabled", [bool(is_enabled), int(slot)]:
                self.server.cached_values["userEnabled", slot] = is_enabled
                (self.scheduled.add if is_enabled else self.scheduled.discard)(slot)
            case _:
                msg = f"no such call: {method}"
                raise AssertionError(msg)
        return True

    def _schedule(self, slot: int, place: int, schedule: list[object]) -> None:
        key = 1 << 16 | slot << 8 | place
        if not schedule:
            self.schedules.pop((slot, place), None)
            self.server.cached_values["schedule", key] = False
            return
        found = schedule[0]
        assert isinstance(found, dict)
        self.schedules[slot, place] = found
        self.scheduled.add(slot)
        self.server.cached_values["schedule", key] = found
        self.server.cached_values["userEnabled", slot] = True

    def _judge(self) -> None:
        for slot, (status, _) in self.codes.items():
            if status == 1 and (slot, 1) not in self.schedules:
                self.was_open_without_window = True
