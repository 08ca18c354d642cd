"""What is stored in one lock: its codes, what is still on its way into the store, schedules, and what it wants to tell.

The part of the firmware that outlives a loss of power. Every verb takes the instant `at` and lets time do its work first.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.simulator.lock import rules
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.profiles import Duplicates, LockModel
from drivers.simulator.lock.schedule import Kind, Schedule, Schedules, kind_of
from drivers.simulator.lock.values import EMPTY, Notice, NoticeKind, Refusal, Slot, Status, WriteResult

COMMIT_LATE_S = 2.0
"""How long a write armed with `commit_late` shows the old value; seconds are reported of Kwikset read-backs."""

DELETE_LATE_S = 60.0
"""How long after a write armed with `delete_late` the code is gone again; about 50 s were seen on a Yale NF-YRD612 (zwave-js issue 9188)."""

NOTICES_MAX = 64
"""Most notices a lock keeps for a radio that does not fetch them; the oldest is lost first, as in a small device."""

NO_IMAGE = "not an image of a lock"


@dataclass(frozen=True, slots=True)
class Late:
    """A write that lands later; `slot` None clears."""

    due_at: float
    user_id: int
    slot: Slot | None


def _never(_fault: Fault) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """What a slot held before a write that a loss of power still undoes."""

    until: float
    before: Slot | None


class Memory:
    """The slots of one lock. `memory` is what is on it already: slot number to PIN, all enabled.

    `strikes` asks whether a fault happens now; by default nothing ever does. `revision` grows with every change worth keeping
    over a restart.
    """

    def __init__(self, model: LockModel, memory: Mapping[int, str], strikes: Callable[[Fault], bool]) -> None:
        """Take the memory as it is, without judging it: whoever put it there is not asked again."""
        self.model = model
        self.revision = 0
        self.counters: Counter[str] = Counter()
        self.code_length = model.one_length
        """The one length of all codes in force; 0 when lengths may differ."""
        counts = {
            Kind.YEAR_DAY: model.year_day_slots,
            Kind.WEEK_DAY: model.week_day_slots,
            Kind.DAILY: model.daily_slots,
        }
        self.schedules = Schedules(counts, bars_when_erased=model.erased_schedule_bars)
        self._strikes = strikes
        self._slots: dict[int, Slot] = {user_id: self._filled(pin, Status.ENABLED) for user_id, pin in memory.items()}
        self._late: list[Late] = []
        self._uncommitted: dict[int, Uncommitted] = {}
        self._busy_until = 0.0
        self._notices: deque[Notice] = deque(maxlen=NOTICES_MAX)

    # -- codes, by radio ---------------------------------------------------------------------------------------------

    def write(self, user_id: int, pin: str, at: float, *, is_enabled: bool = True) -> WriteResult:
        """Store a PIN in a slot as a radio command asks."""
        if at < self._busy_until:
            return self._refused(Refusal.BUSY, is_told=False)
        result = self._write(user_id, pin, at, is_enabled=is_enabled)
        if result.is_ok and self.model.notifies_radio_writes:
            self._tell(NoticeKind.CODE_ADDED, at, user_id)
        return result

    def clear(self, user_id: int, at: float) -> WriteResult:
        """Empty a slot as a radio command asks; emptying an empty slot is fine."""
        if at < self._busy_until:
            return self._refused(Refusal.BUSY, is_told=False)
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
        if not rules.has_slot(self.model, user_id) or user_id == self.model.protected_slot:
            return None
        return self._slots.get(user_id, EMPTY)

    def occupied(self, at: float) -> dict[int, Slot]:
        """Show every slot that holds a code, in order of its number."""
        self._settle(at)
        return dict(sorted(self._slots.items()))

    # -- schedules ---------------------------------------------------------------------------------------------------

    def put_schedule(self, user_id: int, slot: int, schedule: Schedule, at: float) -> WriteResult:
        """Store one schedule of a user, who is bound by it from now on."""
        self._settle(at)
        self.counters["schedule_writes"] += 1
        if not rules.has_slot(self.model, user_id) or not self.schedules.has(kind_of(schedule), slot):
            return self._refused(Refusal.SLOT)
        if self.model.schedule_needs_code and user_id not in self._slots:
            return self._refused(Refusal.SCHEDULE)
        if not schedule.is_sound:
            return self._refused(Refusal.SCHEDULE)
        if self._strikes(Fault.REFUSE_SCHEDULE):
            return self._refused(Refusal.INJECTED)
        self.schedules.put(user_id, slot, schedule)
        self.revision += 1
        return WriteResult()

    def erase_schedule(self, user_id: int, kind: Kind, slot: int | None, at: float) -> WriteResult:
        """Forget one schedule of a user, or with `slot` None all of a kind; forgetting nothing is fine."""
        self._settle(at)
        if not rules.has_slot(self.model, user_id) or (slot is not None and not self.schedules.has(kind, slot)):
            return self._refused(Refusal.SLOT)
        self.schedules.erase(user_id, kind, slot)
        self.revision += 1
        return WriteResult()

    def bind(self, user_id: int | None, at: float, *, is_bound: bool) -> WriteResult:
        """Say whether one user, or with None every user, goes by schedules."""
        self._settle(at)
        if user_id is not None and not rules.has_slot(self.model, user_id):
            return self._refused(Refusal.SLOT)
        for number in [user_id] if user_id is not None else range(1, self.model.slots + 1):
            self.schedules.enable(number, is_enabled=is_bound)
        self.revision += 1
        return WriteResult()

    # -- telling -----------------------------------------------------------------------------------------------------

    def drain_notices(self) -> list[Notice]:
        """Hand over what the lock wants to tell, oldest first, once."""
        drained = list(self._notices)
        self._notices.clear()
        return drained

    def image(self) -> dict[str, object]:
        """Return what the lock keeps over a loss of power, as plain values for JSON; PINs in clear."""
        return {
            "slots": {
                str(user_id): {"status": slot.status.value, "pin": slot.pin}
                for user_id, slot in sorted(self._slots.items())
            },
            "schedules": self.schedules.image(),
            "code_length": self.code_length,
        }

    def restore(self, image: Mapping[str, object]) -> None:
        """Take over what `image` gave; raises `ValueError` when it is not an image."""
        slots, schedules = image.get("slots"), image.get("schedules", {})
        length = image.get("code_length", self.model.one_length)
        if not isinstance(slots, Mapping) or not isinstance(schedules, Mapping) or not isinstance(length, int):
            raise ValueError(NO_IMAGE)  # noqa: TRY004 - the shape of a file is a value
        restored: dict[int, Slot] = {}
        for user_id, entry in slots.items():
            match entry:
                case {"status": str(status), "pin": str(pin)}:
                    restored[int(user_id)] = self._filled(pin, Status(status))
                case _:
                    raise ValueError(NO_IMAGE)
        self.schedules.restore(schedules)
        self.code_length = length
        self._slots = restored

    # -- storing -----------------------------------------------------------------------------------------------------

    def _write(self, user_id: int, pin: str, at: float, *, is_enabled: bool) -> WriteResult:
        self._settle(at)
        self.counters["writes"] += 1
        if self._strikes(Fault.REFUSE_WRITE):
            return self._refused(Refusal.INJECTED)
        if self._strikes(Fault.SILENT_REFUSE):
            return self._refused(Refusal.INJECTED, is_told=False)
        refusal = rules.judge(self.model, self._slots, user_id, pin, self.code_length)
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
        if not rules.has_slot(self.model, user_id):
            return self._refused(Refusal.SLOT)
        if user_id == self.model.protected_slot:
            return self._refused(Refusal.PROTECTED)
        self._commit(user_id, None, at)
        return WriteResult()

    def _filled(self, pin: str, status: Status) -> Slot:
        return Slot(status, pin, rules.shown(self.model, pin))

    def _refused(self, refusal: Refusal, *, is_told: bool = True) -> WriteResult:
        self.counters["refusals"] += 1
        return WriteResult(refusal, is_told)

    def _commit(self, user_id: int, slot: Slot | None, at: float) -> None:
        self._late = [late for late in self._late if late.user_id != user_id]
        if self._strikes(Fault.COMMIT_LATE):
            self._late.append(Late(at + COMMIT_LATE_S, user_id, slot))
            return
        if self.model.commit_s:
            before = self._uncommitted.get(user_id)
            self._uncommitted[user_id] = Uncommitted(
                at + self.model.commit_s, self._slots.get(user_id) if before is None else before.before
            )
        self._store(user_id, slot)
        soak_s = DELETE_LATE_S if slot is not None and self._strikes(Fault.DELETE_LATE) else self.model.soak_s
        if slot is not None and soak_s:
            self._late.append(Late(at + soak_s, user_id, None))

    def _forget_uncommitted(self) -> None:
        """Fall back to what was really stored, as when the power goes."""
        self._late.clear()
        for user_id, uncommitted in self._uncommitted.items():
            self._store(user_id, uncommitted.before)
        self._uncommitted.clear()

    def _store(self, user_id: int, slot: Slot | None) -> None:
        self.revision += 1
        if slot is None:
            self._slots.pop(user_id, None)
            if self.model.clear_forgets_schedules:
                self.schedules.forget(user_id)
        else:
            self._slots[user_id] = slot

    def _empty(self) -> None:
        self.revision += 1
        self._slots.clear()
        self._late.clear()
        self._uncommitted.clear()
        if self.model.clear_forgets_schedules:
            self.schedules.clear()

    def _tell(self, kind: NoticeKind, at: float, user_id: int | None = None) -> None:
        self.counters["notices"] += 1
        self._notices.append(Notice(kind, at, user_id))

    def _settle(self, at: float) -> None:
        """Do what time alone does up to `at`."""
        for late in [late for late in self._late if late.due_at <= at]:
            self._late.remove(late)
            self._store(late.user_id, late.slot)
        self._uncommitted = {user_id: held for user_id, held in self._uncommitted.items() if held.until > at}
