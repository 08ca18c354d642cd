"""What one lock does: the only place in the simulator that decides it.

The lock is a value machine. Every verb takes the instant `at` (seconds on any clock that does not go back; the home hands in the
loop's) and first lets time do its work: late commits land, the bolt relocks, a keypad lock-out ends. Nothing here waits, sends or
draws chance. What the lock wants to tell the world is left in a list of notices that the radio drains.

Rules, each with a test of its name:
a PIN is digits of an allowed length; a slot exists or not; a PIN that another slot holds is refused, dropped or doubled as the
model says; a refused write changes nothing; wrong presses in a row switch the keypad off for a while; a disabled PIN does not
open, and a scheduled one only inside its schedule by the lock's own clock; after opening the bolt stays open unless the model relocks.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import override

from drivers.simulator.lock import rules
from drivers.simulator.lock.battery import Battery
from drivers.simulator.lock.bolt import BoltWork
from drivers.simulator.lock.clock import LockClock
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.keypad import Keypad
from drivers.simulator.lock.memory import COMMIT_LATE_S, NO_IMAGE, Memory
from drivers.simulator.lock.profiles import LockModel
from drivers.simulator.lock.settings import Settings
from drivers.simulator.lock.values import (
    EMPTY,
    Bolt,
    How,
    Notice,
    NoticeKind,
    Press,
    PressOutcome,
    Refusal,
    Slot,
    Status,
    WriteResult,
)

__all__ = [
    "COMMIT_LATE_S",
    "EMPTY",
    "Bolt",
    "Firmware",
    "How",
    "Notice",
    "NoticeKind",
    "Press",
    "PressOutcome",
    "Refusal",
    "Slot",
    "Status",
    "WriteResult",
]

ADMIN = 0
"""Stands for the owner where a slot's number is asked for."""


def _never(_fault: Fault) -> bool:
    return False


class Firmware(Memory):
    """One lock's memory, keypad and bolt.

    `memory` is what is on the lock already: slot number to PIN, all enabled. `strikes` asks whether a fault happens now; by
    default nothing ever does. `revision` grows with every change worth keeping over a restart.
    """

    def __init__(
        self,
        model: LockModel,
        *,
        memory: Mapping[int, str] = {},
        strikes: Callable[[Fault], bool] = _never,
        at: float = 0.0,
    ) -> None:
        """Take the memory as it is, without judging it: whoever put it there is not asked again. The power comes at `at`."""
        super().__init__(model, memory, strikes)
        self.clock = LockClock(
            model.clock_drift_ppm, datetime(model.clock_default_year, 1, 1, tzinfo=UTC).timestamp(), at
        )
        self.battery = Battery(model, at)
        self.is_on_vacation = False
        """Whether the keypad takes no user code for now."""
        self.settings = Settings(model, self, self.schedules)
        self._admin_code = ""
        self._warned_percent = 100
        self._keypad = Keypad(model)
        self._bolt = BoltWork(model, self._tell)

    # -- the clock, by radio -----------------------------------------------------------------------------------------

    def set_clock(self, utc_s: float, at: float) -> None:
        """Take over UTC seconds since 1970."""
        self._settle(at)
        self.counters["clock_sets"] += 1
        if not self._strikes(Fault.IGNORE_CLOCK):
            self.clock.set(utc_s, at)

    def set_local_clock(self, wall: datetime, at: float) -> None:
        """Take over a local wall time."""
        self._settle(at)
        self.counters["clock_sets"] += 1
        if not self._strikes(Fault.IGNORE_CLOCK):
            self.clock.set_local(wall, at)

    # -- the admin code ----------------------------------------------------------------------------------------------

    def set_admin_code(self, code: str, at: float) -> WriteResult:
        """Give the owner's code, which opens and which no user may have; it cannot be taken away."""
        self._settle(at)
        if not (code.isascii() and code.isdigit()):
            return self._refused(Refusal.ALPHABET)
        if not rules.fits(self.model, len(code), self.code_length):
            return self._refused(Refusal.LENGTH)
        if rules.rival(self.model, self._slots, ADMIN, code) is not None:
            return self._refused(Refusal.DUPLICATE)
        self._admin_code = code
        self.revision += 1
        return WriteResult()

    @property
    def shown_admin_code(self) -> str:
        """What a reader sees of the admin code."""
        return rules.shown(self.model, self._admin_code) if self._admin_code else ""

    # -- settings ----------------------------------------------------------------------------------------------------

    @property
    def bolt_moves(self) -> int:
        """How often the bolt moved since the lock was made."""
        return self._bolt.moves

    def used_slots(self) -> set[int]:
        """Slots that hold a code now."""
        return set(self._slots)

    def change_length(self, length: int, at: float) -> None:
        """Give all codes another length; every code is erased, and told as such."""
        self._settle(at)
        self.code_length = length
        self._empty()
        self._tell(NoticeKind.ALL_CODES_DELETED, at)

    # -- power -------------------------------------------------------------------------------------------------------

    @property
    def battery_percent(self) -> int:
        """The charge left, 0 to 100."""
        return self.battery.percent

    def lose_power(self, at: float) -> None:
        """Have the battery out and in again: what was not stored yet and the time are gone."""
        self._settle(at)
        self.counters["power_losses"] += 1
        self._forget_uncommitted()
        self._keypad.lose_power()
        self._bolt.relock_at = None
        self.clock.lose_power(at)
        if self.model.notifies_power:
            self._tell(NoticeKind.POWER_APPLIED, at)

    def set_battery(self, percent: int, at: float) -> None:
        """Have another charge, 0 to 100."""
        self._settle(at)
        self.battery.put(percent)
        self.revision += 1
        self._mind_battery(at)

    def talk(self, messages: int, beams: int, at: float) -> None:
        """Pay for messages heard or sent, and for beams that woke the lock."""
        self.battery.talk(messages, beams)
        self._mind_battery(at)

    # -- hands at the door -------------------------------------------------------------------------------------------

    def press(self, digits: str, at: float) -> Press:
        """Type a PIN at the keypad: the bolt opens, or the keypad refuses and counts."""
        self._settle(at)
        self.counters["presses"] += 1
        if self.battery.is_empty:
            return Press(PressOutcome.NO_POWER)
        self.battery.press()
        if self._keypad.off_until is not None:
            self.counters["presses_locked_out"] += 1
            return Press(PressOutcome.LOCKED_OUT)
        if self.is_on_vacation:
            return Press(PressOutcome.SWITCHED_OFF)
        if self._admin_code and rules.keys(self.model, self._admin_code) == rules.keys(self.model, digits):
            self._keypad.right()
            self.unlock(at, How.KEYPAD)
            return Press(PressOutcome.OPENED)
        known = rules.openers(self.model, self._slots, digits)
        user_id = next((number for number in known if self.may_open(number, at)), None)
        if user_id is not None:
            self._keypad.right()
            self.counters["presses_opened"] += 1
            self.unlock(at, How.KEYPAD, user_id=user_id)
            return Press(PressOutcome.OPENED, user_id)
        self.counters["presses_refused"] += 1
        if known and self.model.notifies_outside_schedule:
            self._tell(NoticeKind.OUTSIDE_SCHEDULE, at, known[0])
        if self._keypad.wrong(at):
            self._tell(NoticeKind.KEYPAD_DISABLED, at)
        return Press(PressOutcome.REFUSED)

    def may_open(self, user_id: int, at: float) -> bool:
        """Whether a slot's schedule lets its PIN open now, by the lock's own clock."""
        return not rules.is_bound(self.model) or self.schedules.allows(user_id, self.clock.local(at))

    def opening(self, at: float) -> dict[int, str]:
        """The PINs that open the door now, by slot: stored, enabled, and inside their schedule."""
        return {
            user_id: slot.pin
            for user_id, slot in self.occupied(at).items()
            if slot.pin is not None
            and not self.is_on_vacation
            and rules.opens(self.model, slot, slot.pin)
            and self.may_open(user_id, at)
        }

    def program_at_keypad(self, user_id: int, pin: str, at: float) -> WriteResult:
        """Store a PIN by hand, with the master code, as an owner does at the door."""
        result = self._write(user_id, pin, at, is_enabled=True)
        if result.is_ok and self._tells_by_hand():
            self._tell(NoticeKind.CODE_ADDED, at, user_id)
        return result

    def delete_at_keypad(self, user_id: int, at: float) -> WriteResult:
        """Empty a slot by hand."""
        result = self._clear(user_id, at)
        if result.is_ok and self._tells_by_hand():
            self._tell(NoticeKind.CODE_DELETED, at, user_id)
        return result

    def switch_at_keypad(self, user_id: int, at: float, *, is_enabled: bool) -> WriteResult:
        """Disable a code by hand, or enable it again."""
        self._settle(at)
        slot = self._slots.get(user_id)
        if slot is None or slot.pin is None:
            return self._refused(Refusal.SLOT)
        self._store(user_id, self._filled(slot.pin, Status.ENABLED if is_enabled else Status.DISABLED))
        if self._tells_by_hand():
            self._tell(NoticeKind.CODE_ADDED, at, user_id)
        return WriteResult()

    def move_cover(self, at: float, *, is_open: bool) -> None:
        """Take the cover off, or put it on again."""
        self._settle(at)
        self._tell(NoticeKind.COVER_OPENED if is_open else NoticeKind.COVER_CLOSED, at)

    def _tells_by_hand(self) -> bool:
        return self.model.notifies_keypad_changes and not self._strikes(Fault.HIDE_CHANGE)

    def factory_reset(self, at: float) -> None:
        """Lose every code by the button inside; the lock tells if it tells of keypad changes."""
        self.wipe(at)
        if self.model.notifies_keypad_changes:
            self._tell(NoticeKind.ALL_CODES_DELETED, at)

    def wipe(self, at: float) -> None:
        """Lose every code and schedule without a word."""
        self._settle(at)
        self.counters["wipes"] += 1
        self._empty()
        self.schedules.clear()

    # -- bolt and battery --------------------------------------------------------------------------------------------

    @property
    def bolt(self) -> Bolt:
        """Where the bolt is."""
        return self._bolt.state

    def lock(self, at: float, how: How) -> None:
        """Throw the bolt; it also frees a jam, unless it sticks again."""
        self._settle(at)
        self._moved(at)
        if self._strikes(Fault.STICK_BOLT):
            self._bolt.jam(at)
        else:
            self._bolt.lock(at, how)

    def unlock(self, at: float, how: How, *, user_id: int | None = None) -> None:
        """Draw the bolt; a model with auto relock throws it again after its time."""
        self._settle(at)
        self._moved(at)
        if self._strikes(Fault.STICK_BOLT):
            self._bolt.jam(at)
            return
        told = 0 if user_id is not None and self._strikes(Fault.WRONG_SLOT) else user_id
        is_hidden = how is How.KEYPAD and self._strikes(Fault.HIDE_USE)
        self._bolt.unlock(at, how, told)
        if is_hidden:
            self._notices.pop()

    def jam(self, at: float) -> None:
        """Stop the bolt half way."""
        self._settle(at)
        self._bolt.jam(at)
        self.revision += 1

    @property
    def is_battery_low(self) -> bool:
        """Whether the charge is at or below the model's threshold."""
        return self.battery.is_low

    def _moved(self, at: float) -> None:
        self.battery.move_bolt()
        self._busy_until = at + self.model.busy_after_move_s
        self.revision += 1

    def _mind_battery(self, at: float) -> None:
        """Tell of a low charge once per crossing."""
        low = self.model.battery_low_percent
        if self.battery.percent <= low < self._warned_percent:
            self._tell(NoticeKind.LOW_BATTERY, at)
        if self.battery.percent != self._warned_percent:
            self._warned_percent = self.battery.percent
            self.revision += 1

    # -- time, notices, truth ----------------------------------------------------------------------------------------

    def misbehaves(self, fault: Fault) -> bool:
        """Whether a fault strikes in the translation of a command, which is not the firmware's own."""
        return self._strikes(fault)

    def advance(self, at: float) -> None:
        """Let time pass without doing anything else."""
        self._settle(at)

    def due_at(self) -> float | None:
        """Say when time alone changes the lock next; None: never."""
        dues = [late.due_at for late in self._late]
        dues += [due for due in (self._bolt.relock_at, self._keypad.off_until) if due is not None]
        return min(dues, default=None)

    def truth(self, at: float) -> dict[str, object]:
        """Tell what is really in the lock, as plain values for JSON; PINs in clear."""
        return {
            **self.image(),
            "opening": {str(user_id): pin for user_id, pin in self.opening(at).items()},
            "clock": {
                "shows": self.clock.utc(at).isoformat(timespec="seconds"),
                "local": self.clock.local(at).replace(tzinfo=None).isoformat(timespec="seconds"),
                "is_set": self.clock.is_set,
            },
            "is_locked_out": self._keypad.off_until is not None,
            "is_on_vacation": self.is_on_vacation,
            "counters": dict(sorted(self.counters.items())),
        }

    @override
    def image(self) -> dict[str, object]:
        """Return what the lock keeps over a loss of power, as plain values for JSON; PINs in clear."""
        held = {"bolt": self.bolt.value, "battery": self.battery_percent, "admin_code": self._admin_code}
        return {**super().image(), **held}

    @override
    def restore(self, image: Mapping[str, object]) -> None:
        """Take over what `image` gave; raises `ValueError` when it is not an image."""
        bolt, battery, admin_code = image.get("bolt"), image.get("battery"), image.get("admin_code", "")
        if not isinstance(bolt, str) or not isinstance(battery, int) or not isinstance(admin_code, str):
            raise ValueError(NO_IMAGE)  # noqa: TRY004 - the shape of a file is a value
        super().restore(image)
        self._bolt.state = Bolt(bolt)
        self._admin_code = admin_code
        self.battery.put(battery)
        self._warned_percent = self.battery.percent

    @override
    def _settle(self, at: float) -> None:
        """Do what time alone does up to `at`."""
        super()._settle(at)
        self.battery.idle(at)
        self._keypad.settle(at)
        if self._bolt.relock_at is not None and self._bolt.relock_at <= at:
            self._bolt.settle(at)
            self._moved(at)
        self._mind_battery(at)
