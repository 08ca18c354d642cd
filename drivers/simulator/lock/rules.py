"""The rules of a lock, each a pure function: what a write is refused for, what a typed PIN opens, what a reader is shown.

They stand apart so that they can be read as a list, and so that a test can break one on purpose and see who notices. The firmware calls
them through this module, never by a name of its own.
"""

from collections.abc import Mapping

from drivers.simulator.lock.profiles import Duplicates, LockModel
from drivers.simulator.lock.values import Refusal, Slot, Status

MASK = "*"
"""What a masking lock shows per digit of a code."""


def has_slot(model: LockModel, user_id: int) -> bool:
    """Whether a slot exists."""
    return 1 <= user_id <= model.slots


def judge(model: LockModel, slots: Mapping[int, Slot], user_id: int, pin: str, code_length: int) -> Refusal | None:
    """Say why a PIN may not go into a slot; None when it may. `code_length` is the one length in force, 0 for none."""
    if not has_slot(model, user_id):
        return Refusal.SLOT
    if user_id == model.protected_slot:
        return Refusal.PROTECTED
    if not (pin.isascii() and pin.isdigit()):
        return Refusal.ALPHABET
    if not fits(model, len(pin), code_length):
        return Refusal.LENGTH
    if is_reserved(model, pin):
        return Refusal.PROGRAMMING_CODE
    if model.duplicates is not Duplicates.ALLOW and rival(model, slots, user_id, pin) is not None:
        return Refusal.DUPLICATE
    return None


def fits(model: LockModel, length: int, code_length: int) -> bool:
    """Whether a PIN may have so many digits."""
    if code_length:
        return length == code_length
    return model.pin_length_min <= length <= model.pin_length_max


def is_reserved(model: LockModel, pin: str) -> bool:
    """Whether a PIN is the beginning of the owner's programming code."""
    return bool(model.programming_code) and model.programming_code.startswith(pin)


def keys(model: LockModel, digits: str) -> str:
    """Which keys digits are typed on: on a keypad with shared keys many PINs are the same presses."""
    first = {digit: group[0] for group in model.key_groups.split() for digit in group}
    return "".join(first.get(digit, digit) for digit in digits)


def rival(model: LockModel, slots: Mapping[int, Slot], user_id: int, pin: str) -> int | None:
    """Which other slot holds a PIN that is typed the same way."""
    pressed = keys(model, pin)
    others = (other for other, slot in sorted(slots.items()) if other != user_id and slot.pin is not None)
    return next((other for other in others if keys(model, slots[other].pin or "") == pressed), None)


def opens(model: LockModel, slot: Slot, digits: str) -> bool:
    """Whether a slot answers to typed digits. When it may is the schedule's affair."""
    return slot.status is Status.ENABLED and slot.pin is not None and keys(model, slot.pin) == keys(model, digits)


def openers(model: LockModel, slots: Mapping[int, Slot], digits: str) -> list[int]:
    """Which slots answer to typed digits, the lowest first."""
    return [number for number, slot in sorted(slots.items()) if opens(model, slot, digits)]


def shown(model: LockModel, pin: str) -> str:
    """What a reader sees of a PIN."""
    return MASK * (model.masked_length or len(pin)) if model.is_masked else pin


def locks_out(model: LockModel, wrong_presses: int) -> bool:
    """Whether so many wrong presses in a row switch the keypad off."""
    return bool(model.wrong_presses_max) and wrong_presses >= model.wrong_presses_max


def is_bound(model: LockModel) -> bool:
    """Whether the lock goes by the schedules it holds."""
    return model.has_schedules and model.enforces_schedules
