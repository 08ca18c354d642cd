"""Pure: what the User Code command class (0x63) says and wants, as sightings, arguments and answers.

The user id status decides before the code text does: after a clear the cache of Z-Wave JS still shows the old digits
under status 0, and masked locks show asterisks under status 1. What we do not understand is `Unknown`, never `Empty`,
because an empty slot may be written over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from gateway.model.answers import (
    Ambiguous,
    Disabled,
    Empty,
    Held,
    Listing,
    RefusalReason,
    Refused,
    Sighting,
    SightingSource,
    SlotValue,
    Unknown,
    WriteAnswer,
    Written,
)
from gateway.model.evidence import Evidence
from gateway.model.ids import Slot
from gateway.model.pin import LONGEST_PIN, SHORTEST_PIN, Pin

USER_CODE: Final = 0x63
"""Command class number of User Code."""

STATUS_PROPERTY: Final = "userIdStatus"
CODE_PROPERTY: Final = "userCode"
"""Names of the two values that Z-Wave JS keeps per slot; the property key is the slot."""


class UserIdStatus(IntEnum):
    """CC:0063.01.03.11.003 and CC:0063.02: what a user identifier is good for."""

    AVAILABLE = 0x00
    ENABLED = 0x01
    DISABLED = 0x02
    MESSAGING = 0x03
    PASSAGE = 0x04
    YALE_ONE_TIME = 0x06
    """Yale ZW3 manual: opens once; a status of the maker's own."""
    YALE_EXPIRING = 0x07
    """Yale ZW3 manual: opens for some hours after the first use; a status of the maker's own."""
    NOT_AVAILABLE = 0xFE


class SupervisionStatus(IntEnum):
    """CC:006C.01.02.11.007: how a lock ended a supervised command."""

    NO_SUPPORT = 0x00
    WORKING = 0x01
    FAIL = 0x02
    SUCCESS = 0xFF


@dataclass(frozen=True, slots=True)
class CachedValue:
    """One value of Z-Wave JS's cache for the User Code class."""

    name: str
    key: object
    value: object


def slot_value(status: object, code: object) -> SlotValue:
    """What a slot shows, from the two fields of a User Code Report."""
    match status:
        case UserIdStatus.AVAILABLE:
            return Empty()
        case UserIdStatus.ENABLED | UserIdStatus.PASSAGE | UserIdStatus.YALE_ONE_TIME | UserIdStatus.YALE_EXPIRING:
            return Held(_pin_or_none(code))
        case UserIdStatus.DISABLED | UserIdStatus.MESSAGING:
            # Version 1 calls 2 "reserved by administrator": taken, and it does not open.
            return Disabled()
        case _:
            return Unknown()


def from_report(answer: object) -> Sighting:
    """What the lock answered to a User Code Get. No answer, or half of one, is `Unknown`."""
    match answer:
        case {"userIdStatus": status, **rest}:
            return Sighting(slot_value(status, rest.get(CODE_PROPERTY)), SightingSource.LOCK)
        case _:
            return Sighting(Unknown(), SightingSource.LOCK)


def is_masked(code: object) -> bool:
    """Whether a code text hides the digits; seen as asterisks of the code's length (Schlage BE469)."""
    return isinstance(code, str) and bool(code) and set(code) == {"*"}


def listing(cache: Iterable[CachedValue], slots: range, checksum: int | None) -> Listing:
    """All slots as Z-Wave JS remembers them: a middleman's word, possibly old, got without a radio message.

    A slot whose status was never read is left out, and the listing is then incomplete (D3). But the interview of a
    version 2 lock asks for the occupied slots only, or for none when the checksum is unchanged; `checksum` is what the
    lock itself said then. When the remembered codes have that very checksum, the slots that were never read are empty.
    """
    statuses: dict[int, object] = {}
    codes: dict[int, object] = {}
    for cached in cache:
        if isinstance(cached.key, int) and cached.value is not None:
            if cached.name == STATUS_PROPERTY:
                statuses[cached.key] = cached.value
            elif cached.name == CODE_PROPERTY:
                codes[cached.key] = cached.value
    if checksum is not None and checksum == checksum_of(statuses, codes):
        statuses = dict.fromkeys(slots, UserIdStatus.AVAILABLE) | statuses
    seen = {
        Slot(number): Sighting(slot_value(statuses[number], codes.get(number)), SightingSource.MIDDLEMAN)
        for number in slots
        if number in statuses
    }
    return Listing(slots=seen, is_complete=len(seen) == len(slots))


def checksum_of(statuses: Mapping[int, object], codes: Mapping[int, object]) -> int | None:
    """The checksum over all codes that a version 2 lock gives; None when a code cannot be part of one.

    Source: CC:0063.02.12.11: CRC-16 of CC:0056 over identifier (two bytes), status and digits of each occupied slot in
    order, and 0 when none is occupied. Checked against the mock lock of Z-Wave JS 15.29.
    """
    covered = bytearray()
    for number, status in sorted(statuses.items()):
        if status == UserIdStatus.AVAILABLE:
            continue
        code = codes.get(number)
        if not isinstance(status, int) or not isinstance(code, str) or not code.isascii():
            return None
        covered += number.to_bytes(2) + bytes([status]) + code.encode()
    return _crc16(bytes(covered)) if covered else 0


def set_arguments(slot: Slot, pin: Pin, status: UserIdStatus) -> tuple[int, int, str]:
    """Arguments of `UserCodeCCAPI.set`. The status is always stated: without it a slot once disabled stays disabled."""
    return (_checked(slot), status, pin.reveal())


def clear_arguments(slot: Slot) -> tuple[int]:
    """Arguments of `UserCodeCCAPI.clear`, which clears ALL codes when the slot is 0 or left out (N2)."""
    return (_checked(slot),)


def answer_of(result: object, *, was_duplicate: bool) -> WriteAnswer:
    """What the result of a set or clear proves.

    `None` is either "sent, the lock has no Supervision" or "its Supervision Report never came": acknowledged, no more.
    `was_duplicate` says that the lock complained of a duplicate code for this slot during the call. That complaint
    next to a success is a contradiction, so the success is not believed.
    """
    match result:
        case None if was_duplicate:
            return Refused(RefusalReason.DUPLICATE)
        case None:
            return Written(Evidence.ACKNOWLEDGED)
        case {"status": SupervisionStatus.SUCCESS}:
            return Written(Evidence.ACKNOWLEDGED if was_duplicate else Evidence.SUPERVISED)
        case {"status": SupervisionStatus.WORKING}:
            # The lock took it and is not done; how it ended is for a later read to tell.
            return Written(Evidence.ACKNOWLEDGED)
        case {"status": SupervisionStatus.FAIL | SupervisionStatus.NO_SUPPORT}:
            return Refused(RefusalReason.DUPLICATE if was_duplicate else RefusalReason.UNSPECIFIED)
        case _:
            return Ambiguous("the Z-Wave server gave a result we do not understand")


def is_plain_refusal(result: object) -> bool:
    """Whether the lock said no without a reason; its complaint about a duplicate may be right behind."""
    return isinstance(result, Mapping) and result.get("status") == SupervisionStatus.FAIL


def _crc16(covered: bytes) -> int:
    # CC:0056: CRC-16-CCITT, polynomial 0x1021, start value 0x1D0F.
    crc = 0x1D0F
    for byte in covered:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc


def _pin_or_none(code: object) -> Pin | None:
    if not isinstance(code, str) or not (code.isascii() and code.isdigit()):
        return None
    return Pin(code) if SHORTEST_PIN <= len(code) <= LONGEST_PIN else None


def _checked(slot: Slot) -> int:
    if slot < 1:
        msg = f"slot {slot}: slots are counted from 1, and 0 would mean all of them"
        raise ValueError(msg)
    return int(slot)
