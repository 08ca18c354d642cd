"""A simulated lock in the gateway's words: its profile, and what it tells unasked."""

from drivers.simulator.lock.firmware import Firmware, Notice, NoticeKind
from gateway.model.answers import Empty, Held, Sighting, SightingSource
from gateway.model.identity import LockIdentity
from gateway.model.ids import Slot
from gateway.model.lock import LockProfile, ReadBack, Schedule
from gateway.model.pin import SHORTEST_PIN, PinRule, PinRules
from gateway.model.pin_rules import PinRelations
from gateway.model.reports import (
    AccessDenied,
    BatteryLevel,
    DenialCode,
    Jammed,
    Locked,
    Method,
    Report,
    SlotChange,
    SlotChanged,
    Tampered,
    Unlocked,
)


def profile_of(firmware: Firmware, schedule: Schedule | None, serial: str) -> LockProfile:
    """What a driver that knows this model well says about it. `serial` is what this very device tells of itself."""
    model = firmware.model
    ids = (model.manufacturer_id, model.product_type, model.product_id)
    return LockProfile(
        model=model.label,
        # The master code's slot is the last one where there is any: nobody may write there.
        slots=range(1, model.slots + (model.protected_slot != model.slots)),
        pin_rules=_pin_rules(firmware),
        pin_relations=PinRelations(shared_keys=tuple(model.key_groups.split())),
        read_back=ReadBack.MASKED if model.is_masked else ReadBack.CLEAR,
        supervision_is_honest=model.is_supervised and model.supervision_is_honest,
        identity=LockIdentity(":".join(f"{number:04x}" for number in ids), serial),
        schedule=schedule,
        tells_hands=model.notifies_keypad_changes,
    )


def _pin_rules(firmware: Firmware) -> PinRules:
    model = firmware.model
    one = {firmware.code_length} if firmware.code_length else set(range(model.pin_length_min, model.pin_length_max + 1))
    code = model.programming_code
    if not code:
        return PinRules(frozenset(one))
    beginnings = "|".join(code[:length] for length in range(SHORTEST_PIN, len(code) + 1))
    rule = PinRule(
        "programming_code", "not be the beginning of the lock's programming code", rf"(?!(?:{beginnings})$)\d*"
    )
    return PinRules(frozenset(one), (rule,))


def report_of(notice: Notice) -> Report | None:
    """What the gateway hears of a notice; None for one that it has no word for."""
    slot = None if notice.user_id is None else Slot(notice.user_id)
    reports: dict[NoticeKind, Report] = {
        NoticeKind.KEYPAD_UNLOCKED: Unlocked(Method.KEYCODE, slot),
        NoticeKind.KEYPAD_LOCKED: Locked(Method.KEYCODE, slot),
        NoticeKind.MANUALLY_UNLOCKED: Unlocked(Method.MANUAL),
        NoticeKind.MANUALLY_LOCKED: Locked(Method.MANUAL),
        NoticeKind.RADIO_UNLOCKED: Unlocked(Method.REMOTE),
        NoticeKind.RADIO_LOCKED: Locked(Method.REMOTE),
        NoticeKind.AUTO_LOCKED: Locked(Method.AUTOMATIC),
        NoticeKind.JAMMED: Jammed(),
        NoticeKind.CODE_ADDED: SlotChanged(SlotChange.ADDED, slot, Sighting(Held(None), SightingSource.LOCK)),
        NoticeKind.CODE_DELETED: SlotChanged(SlotChange.DELETED, slot, Sighting(Empty(), SightingSource.LOCK)),
        NoticeKind.ALL_CODES_DELETED: SlotChanged(SlotChange.ALL_DELETED),
        NoticeKind.DUPLICATE_REFUSED: SlotChanged(SlotChange.DUPLICATE_REFUSED, slot),
        NoticeKind.LOW_BATTERY: BatteryLevel(0, is_low=True),
        NoticeKind.COVER_OPENED: Tampered(),
        NoticeKind.KEYPAD_DISABLED: AccessDenied(
            "the keypad is blocked after wrong PINs", code=DenialCode.TOO_MANY_ATTEMPTS
        ),
    }
    return reports.get(notice.kind)
