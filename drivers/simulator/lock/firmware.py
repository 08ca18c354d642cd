"""What one lock does: the only place in the simulator that decides it.

The lock is a value machine. Every verb takes the instant `at` (seconds on any clock that does not go back; the home hands in the
loop's) and first lets time do its work: late commits land, the bolt relocks, a keypad lock-out ends. Nothing here waits, sends or
draws chance. What the lock wants to tell the world is left in a list of notices that the radio drains.

Rules, each with a test of its name:
a PIN is digits of an allowed length; a slot exists or not; a PIN that another slot holds is refused, dropped or doubled as the
model says; a refused write changes nothing; wrong presses in a row switch the keypad off for a while; a disabled PIN does not
open; after opening the bolt stays open unless the model relocks.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.profiles import Duplicates, LockModel
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

COMMIT_LATE_S = 2.0
"""How long a write armed with `commit_late` shows the old value; seconds are reported of Kwikset read-backs."""

NOTICES_MAX = 64
"""Most notices a lock keeps for a radio that does not fetch them; the oldest is lost first, as in a small device."""

MASK = "*"
"""What a masking lock shows per digit of a code."""


NO_IMAGE = "not an image of a lock"


@dataclass(frozen=True, slots=True)
class _Late:
    """A write that lands later; `slot` None clears."""

    due_at: float
    user_id: int
    slot: Slot | None


def _never(_fault: Fault) -> bool:
    return False


class Firmware:
    """One lock's memory, keypad and bolt.

    `memory` is what is on the lock already: slot number to PIN, all enabled. `strikes` asks whether a fault happens now; by
    default nothing ever does. `revision` grows with every change worth keeping over a restart.
    """

    def __init__(
        self, model: LockModel, *, memory: Mapping[int, str] = {}, strikes: Callable[[Fault], bool] = _never
    ) -> None:
        """Take the memory as it is, without judging it: whoever put it there is not asked again."""
        self.model = model
        self.bolt = Bolt.LOCKED
        self.battery_percent = 100
        self.revision = 0
        self.counters: Counter[str] = Counter()
        self._strikes = strikes
        self._slots: dict[int, Slot] = {user_id: self._filled(pin, Status.ENABLED) for user_id, pin in memory.items()}
        self._late: list[_Late] = []
        self._notices: deque[Notice] = deque(maxlen=NOTICES_MAX)
        self._wrong_presses = 0
        self._locked_out_until: float | None = None
        self._relock_at: float | None = None

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

    def read(self, user_id: int, at: float) -> Slot | None:
        """Show a slot as the lock shows it now; None for a slot it does not have."""
        self._settle(at)
        self.counters["reads"] += 1
        if not self._has(user_id):
            return None
        return self._slots.get(user_id, EMPTY)

    def occupied(self, at: float) -> dict[int, Slot]:
        """Show every slot that holds a code, in order of its number."""
        self._settle(at)
        return dict(sorted(self._slots.items()))

    # -- hands at the door -------------------------------------------------------------------------------------------

    def press(self, digits: str, at: float) -> Press:
        """Type a PIN at the keypad: the bolt opens, or the keypad refuses and counts."""
        self._settle(at)
        self.counters["presses"] += 1
        if self._locked_out_until is not None:
            self.counters["presses_locked_out"] += 1
            return Press(PressOutcome.LOCKED_OUT)
        for user_id, slot in sorted(self._slots.items()):
            if slot.status is Status.ENABLED and slot.pin == digits:
                self._wrong_presses = 0
                self.counters["presses_opened"] += 1
                self.unlock(at, How.KEYPAD, user_id=user_id)
                return Press(PressOutcome.OPENED, user_id)
        self.counters["presses_refused"] += 1
        self._wrong_presses += 1
        if self.model.wrong_presses_max and self._wrong_presses >= self.model.wrong_presses_max:
            self._wrong_presses = 0
            self._locked_out_until = at + self.model.lockout_s
            self._tell(NoticeKind.KEYPAD_DISABLED, at)
        return Press(PressOutcome.REFUSED)

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
        """Lose every code without a word."""
        self._settle(at)
        self.counters["wipes"] += 1
        self._empty()

    # -- bolt and battery --------------------------------------------------------------------------------------------

    def lock(self, at: float, how: How) -> None:
        """Throw the bolt; it also frees a jam."""
        self._settle(at)
        self._move(Bolt.LOCKED)
        self._relock_at = None
        match how:
            case How.KEYPAD:
                self._tell(NoticeKind.KEYPAD_LOCKED, at)
            case How.MANUAL:
                self._tell(NoticeKind.MANUALLY_LOCKED, at)
            case How.RADIO:
                self._tell(NoticeKind.RADIO_LOCKED, at)
            case How.AUTO:
                self._tell(NoticeKind.AUTO_LOCKED, at)

    def unlock(self, at: float, how: How, *, user_id: int | None = None) -> None:
        """Draw the bolt; a model with auto relock throws it again after its time."""
        self._settle(at)
        self._move(Bolt.UNLOCKED)
        if self.model.auto_relock_s:
            self._relock_at = at + self.model.auto_relock_s
        match how:
            case How.KEYPAD:
                self._tell(NoticeKind.KEYPAD_UNLOCKED, at, user_id)
            case How.MANUAL | How.AUTO:
                self._tell(NoticeKind.MANUALLY_UNLOCKED, at)
            case How.RADIO:
                self._tell(NoticeKind.RADIO_UNLOCKED, at)

    def jam(self, at: float) -> None:
        """Stop the bolt half way."""
        self._settle(at)
        self._move(Bolt.JAMMED)
        self._relock_at = None
        self._tell(NoticeKind.JAMMED, at)

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
        dues += [due for due in (self._relock_at, self._locked_out_until) if due is not None]
        return min(dues, default=None)

    def drain_notices(self) -> list[Notice]:
        """Hand over what the lock wants to tell, oldest first, once."""
        drained = list(self._notices)
        self._notices.clear()
        return drained

    def truth(self) -> dict[str, object]:
        """Tell what is really in the lock, as plain values for JSON; PINs in clear."""
        return {
            **self.image(),
            "is_locked_out": self._locked_out_until is not None,
            "counters": dict(sorted(self.counters.items())),
        }

    def image(self) -> dict[str, object]:
        """Return what the lock keeps over a loss of power, as plain values for JSON; PINs in clear."""
        return {
            "slots": {
                str(user_id): {"status": slot.status.value, "pin": slot.pin}
                for user_id, slot in sorted(self._slots.items())
            },
            "bolt": self.bolt.value,
            "battery": self.battery_percent,
        }

    def restore(self, image: Mapping[str, object]) -> None:
        """Take over what `image` gave; raises `ValueError` when it is not an image."""
        slots, bolt, battery = image.get("slots"), image.get("bolt"), image.get("battery")
        if not isinstance(slots, Mapping) or not isinstance(bolt, str) or not isinstance(battery, int):
            raise ValueError(NO_IMAGE)  # noqa: TRY004 - the shape of a file is a value
        restored: dict[int, Slot] = {}
        for user_id, entry in slots.items():
            match entry:
                case {"status": str(status), "pin": str(pin)}:
                    restored[int(user_id)] = self._filled(pin, Status(status))
                case _:
                    raise ValueError(NO_IMAGE)
        self._slots = restored
        self.bolt = Bolt(bolt)
        self.battery_percent = battery

    # -- rules -------------------------------------------------------------------------------------------------------

    def _write(self, user_id: int, pin: str, at: float, *, is_enabled: bool) -> WriteResult:
        self._settle(at)
        self.counters["writes"] += 1
        if self._strikes(Fault.REFUSE_WRITE):
            return self._refused(Refusal.INJECTED)
        if self._strikes(Fault.SILENT_REFUSE):
            return self._refused(Refusal.INJECTED, is_told=False)
        refusal = self._judge(user_id, pin)
        if refusal is Refusal.DUPLICATE:
            if self.model.notifies_duplicates:
                self._tell(NoticeKind.DUPLICATE_REFUSED, at, user_id)
            return self._refused(refusal, is_told=self.model.duplicates is not Duplicates.SILENT)
        if refusal is not None:
            return self._refused(refusal)
        self._commit(user_id, self._filled(pin, Status.ENABLED if is_enabled else Status.DISABLED), at)
        return WriteResult()

    def _clear(self, user_id: int, at: float) -> WriteResult:
        self._settle(at)
        self.counters["clears"] += 1
        if self._strikes(Fault.REFUSE_WRITE):
            return self._refused(Refusal.INJECTED)
        if self._strikes(Fault.SILENT_REFUSE):
            return self._refused(Refusal.INJECTED, is_told=False)
        if not self._has(user_id):
            return self._refused(Refusal.SLOT)
        self._commit(user_id, None, at)
        return WriteResult()

    def _judge(self, user_id: int, pin: str) -> Refusal | None:
        """Say why a PIN may not go into a slot; None when it may."""
        if not self._has(user_id):
            return Refusal.SLOT
        if not (pin.isascii() and pin.isdigit()):
            return Refusal.ALPHABET
        if not self.model.pin_length_min <= len(pin) <= self.model.pin_length_max:
            return Refusal.LENGTH
        if self.model.one_length and len(pin) != self.model.one_length:
            return Refusal.LENGTH
        if self.model.duplicates is Duplicates.ALLOW:
            return None
        if any(slot.pin == pin for other, slot in self._slots.items() if other != user_id):
            return Refusal.DUPLICATE
        return None

    def _has(self, user_id: int) -> bool:
        return 1 <= user_id <= self.model.slots

    def _filled(self, pin: str, status: Status) -> Slot:
        return Slot(status, pin, MASK * len(pin) if self.model.is_masked else pin)

    def _refused(self, refusal: Refusal, *, is_told: bool = True) -> WriteResult:
        self.counters["refusals"] += 1
        return WriteResult(refusal, is_told)

    def _commit(self, user_id: int, slot: Slot | None, at: float) -> None:
        self._late = [late for late in self._late if late.user_id != user_id]
        if self._strikes(Fault.COMMIT_LATE):
            self._late.append(_Late(at + COMMIT_LATE_S, user_id, slot))
            return
        self._store(user_id, slot)

    def _store(self, user_id: int, slot: Slot | None) -> None:
        self.revision += 1
        if slot is None:
            self._slots.pop(user_id, None)
        else:
            self._slots[user_id] = slot

    def _empty(self) -> None:
        self.revision += 1
        self._slots.clear()
        self._late.clear()

    def _move(self, bolt: Bolt) -> None:
        self.revision += 1
        self.counters["bolt_moves"] += 1
        self.bolt = bolt

    def _tell(self, kind: NoticeKind, at: float, user_id: int | None = None) -> None:
        self.counters["notices"] += 1
        self._notices.append(Notice(kind, at, user_id))

    def _settle(self, at: float) -> None:
        """Do what time alone does up to `at`."""
        for late in [late for late in self._late if late.due_at <= at]:
            self._late.remove(late)
            self._store(late.user_id, late.slot)
        if self._locked_out_until is not None and self._locked_out_until <= at:
            self._locked_out_until = None
        if self._relock_at is not None and self._relock_at <= at:
            self._relock_at = None
            self._move(Bolt.LOCKED)
            self._tell(NoticeKind.AUTO_LOCKED, at)
