"""The rules of a lock, each a pure function: what a write is refused for, what a typed PIN opens, what a reader is shown.

They stand apart so that they can be read as a list, and so that a test can break one on purpose and see who notices. The firmware calls
them through this module, never by a name of its own.
"""

from collections.abc import Callable, Mapping

from drivers.simulator.lock.profiles import Duplicates, LockModel
from drivers.simulator.lock.values import Refusal, Slot, Status

MASK = "*"
"""What a masking lock shows per digit of a code."""


def has_slot(model: LockModel, user_id: int) -> bool:
    """Whether a slot exists."""
    return 1 <= user_id <= model.slots


def judge(model: LockModel, slots: Mapping[int, Slot], user_id: int, pin: str) -> Refusal | None:
    """Say why a PIN may not go into a slot; None when it may."""
    if not has_slot(model, user_id):
        return Refusal.SLOT
    if not (pin.isascii() and pin.isdigit()):
        return Refusal.ALPHABET
    if not fits(model, len(pin)):
        return Refusal.LENGTH
    if model.duplicates is not Duplicates.ALLOW and rival(slots, user_id, pin) is not None:
        return Refusal.DUPLICATE
    return None


def fits(model: LockModel, length: int) -> bool:
    """Whether a PIN may have so many digits."""
    if model.one_length:
        return length == model.one_length
    return model.pin_length_min <= length <= model.pin_length_max


def rival(slots: Mapping[int, Slot], user_id: int, pin: str) -> int | None:
    """Which other slot holds this PIN already."""
    return next((other for other, slot in sorted(slots.items()) if other != user_id and slot.pin == pin), None)


def opens(slot: Slot, digits: str) -> bool:
    """Whether a slot answers to typed digits. When it may is the schedule's affair."""
    return slot.status is Status.ENABLED and slot.pin == digits


def opener(slots: Mapping[int, Slot], digits: str, may_open: Callable[[int], bool]) -> int | None:
    """Which slot typed digits open: the lowest that answers to them and may open now."""
    return next((number for number, slot in sorted(slots.items()) if opens(slot, digits) and may_open(number)), None)


def shown(model: LockModel, pin: str) -> str:
    """What a reader sees of a PIN."""
    return MASK * len(pin) if model.is_masked else pin


def locks_out(model: LockModel, wrong_presses: int) -> bool:
    """Whether so many wrong presses in a row switch the keypad off."""
    return bool(model.wrong_presses_max) and wrong_presses >= model.wrong_presses_max


def is_bound(model: LockModel) -> bool:
    """Whether the lock goes by the schedules it holds."""
    return model.has_schedules and model.enforces_schedules
