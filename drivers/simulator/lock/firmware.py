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
from drivers.simulator.lock.bolt import BoltWork
from drivers.simulator.lock.clock import LockClock
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.keypad import Keypad
from drivers.simulator.lock.memory import COMMIT_LATE_S, NO_IMAGE, Memory
from drivers.simulator.lock.profiles import LockModel
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


def _never(_fault: Fault) -> bool:
    return False


class Firmware(Memory):
    """One lock's memory, keypad and bolt.

    `memory` is what is on the lock already: slot number to PIN, all enabled. `strikes` asks whether a fault happens now; by
    default nothing ever does. `revision` grows with every change worth keeping over a restart.
    """

    def __init__(
        self, model: LockModel, *, memory: Mapping[int, str] = {}, strikes: Callable[[Fault], bool] = _never
    ) -> None:
        """Take the memory as it is, without judging it: whoever put it there is not asked again."""
        super().__init__(model, memory, strikes)
        self.clock = LockClock(model.clock_drift_ppm, datetime(model.clock_default_year, 1, 1, tzinfo=UTC).timestamp())
        self.battery_percent = 100
        self._keypad = Keypad(model)
        self._bolt = BoltWork(model, self._tell)

    # -- codes, by radio ---------------------------------------------------------------------------------------------

    def write(self, user_id: int, pin: str, at: float, *, is_enabled: bool = True) -> WriteResult:
        """Store a PIN in a slot as a radio command asks."""
        result = self._write(user_id, pin, at, is_enabled=is_enabled)
        if result.is_ok and self.model.notifies_radio_writes:
            self._tell(NoticeKind.CODE_ADDED, at, user_id)
        return result

    def clear(self, user_id: int, at: float) -> WriteResult:
        """Empty a slot as a radio command asks; emptying an empty slot is fine."""
        result = self._clear(user_id, at)
        if result.is_ok and self.model.notifies_radio_writes:
            self._tell(NoticeKind.CODE_DELETED, at, user_id)
        return result

    def clear_all(self, at: float) -> WriteResult:
        """Empty every slot as a radio command asks."""
        self._settle(at)
        self.counters["clear_alls"] += 1
        if self._strikes(Fault.REFUSE_WRITE):
            return self._refused(Refusal.INJECTED)
        if self._strikes(Fault.SILENT_REFUSE):
            return self._refused(Refusal.INJECTED, is_told=False)
        self._empty()
        if self.model.notifies_radio_writes:
            self._tell(NoticeKind.ALL_CODES_DELETED, at)
        return WriteResult()

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

    # -- power ---------------------------------------------------------------------------

    def lose_power(self, at: float) -> None:
        """Have the battery out and in again: what was not stored yet and the time are gone."""
        self._settle(at)
        self.counters["power_losses"] += 1
        self._late.clear()
        self._keypad.lose_power()
        self._bolt.relock_at = None
        self.clock.lose_power(at)

    # -- hands at the door -------------------------------------------------------------------------------------------

    def press(self, digits: str, at: float) -> Press:
        """Type a PIN at the keypad: the bolt opens, or the keypad refuses and counts."""
        self._settle(at)
        self.counters["presses"] += 1
        if self._keypad.off_until is not None:
            self.counters["presses_locked_out"] += 1
            return Press(PressOutcome.LOCKED_OUT)
        user_id = rules.opener(self._slots, digits, lambda number: self.may_open(number, at))
        if user_id is not None:
            self._keypad.right()
            self.counters["presses_opened"] += 1
            self.unlock(at, How.KEYPAD, user_id=user_id)
            return Press(PressOutcome.OPENED, user_id)
        self.counters["presses_refused"] += 1
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
            if slot.pin is not None and rules.opens(slot, slot.pin) and self.may_open(user_id, at)
        }

    def program_at_keypad(self, user_id: int, pin: str, at: float) -> WriteResult:
        """Store a PIN by hand, with the master code, as an owner does at the door."""
        result = self._write(user_id, pin, at, is_enabled=True)
        if result.is_ok and self.model.notifies_keypad_changes:
            self._tell(NoticeKind.CODE_ADDED, at, user_id)
        return result

    def delete_at_keypad(self, user_id: int, at: float) -> WriteResult:
        """Empty a slot by hand."""
        result = self._clear(user_id, at)
        if result.is_ok and self.model.notifies_keypad_changes:
            self._tell(NoticeKind.CODE_DELETED, at, user_id)
        return result

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
        """Throw the bolt; it also frees a jam."""
        self._settle(at)
        self._bolt.lock(at, how)
        self.revision += 1

    def unlock(self, at: float, how: How, *, user_id: int | None = None) -> None:
        """Draw the bolt; a model with auto relock throws it again after its time."""
        self._settle(at)
        self._bolt.unlock(at, how, user_id)
        self.revision += 1

    def jam(self, at: float) -> None:
        """Stop the bolt half way."""
        self._settle(at)
        self._bolt.jam(at)
        self.revision += 1

    def set_battery(self, percent: int, at: float) -> None:
        """Set the charge, 0 to 100; crossing the model's threshold downwards is told once."""
        self._settle(at)
        bounded = max(0, min(100, percent))
        was_low = self.battery_percent <= self.model.battery_low_percent
        self.battery_percent = bounded
        self.revision += 1
        if bounded <= self.model.battery_low_percent and not was_low:
            self._tell(NoticeKind.LOW_BATTERY, at)

    @property
    def is_battery_low(self) -> bool:
        """Whether the charge is at or below the model's threshold."""
        return self.battery_percent <= self.model.battery_low_percent

    # -- time, notices, truth ----------------------------------------------------------------------------------------

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
            "counters": dict(sorted(self.counters.items())),
        }

    @override
    def image(self) -> dict[str, object]:
        """Return what the lock keeps over a loss of power, as plain values for JSON; PINs in clear."""
        return {**super().image(), "bolt": self.bolt.value, "battery": self.battery_percent}

    @override
    def restore(self, image: Mapping[str, object]) -> None:
        """Take over what `image` gave; raises `ValueError` when it is not an image."""
        bolt, battery = image.get("bolt"), image.get("battery")
        if not isinstance(bolt, str) or not isinstance(battery, int):
            raise ValueError(NO_IMAGE)  # noqa: TRY004 - the shape of a file is a value
        super().restore(image)
        self._bolt.state = Bolt(bolt)
        self.battery_percent = battery

    @override
    def _settle(self, at: float) -> None:
        """Do what time alone does up to `at`."""
        super()._settle(at)
        self._keypad.settle(at)
        if self._bolt.relock_at is not None and self._bolt.relock_at <= at:
            self._bolt.settle(at)
            self.revision += 1
