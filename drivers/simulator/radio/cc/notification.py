"""Notification (0x71) versions 1 to 8: what a lock tells on its own.

Version 1 is the older Alarm class: a type and a level, whose meaning is the maker's own (`alarm_types` of the profile). Later versions say
type and event of a common list, and may carry the alarm pair beside. A notice about a slot carries its number where the profile says: in a
User Code Report whose digits are asterisks (hosts read only the number of it, and a PIN has no business on the air when nobody asked), in
one byte, only in the alarm's level, or not at all.
"""

from dataclasses import dataclass

from drivers.simulator.lock.firmware import Bolt, Firmware, Notice, NoticeKind
from drivers.simulator.lock.profiles import SlotIn
from drivers.simulator.radio.cc.answer import DONE, FAILED, UNSUPPORTED, Answer
from drivers.simulator.radio.cc.names import ClassId

ACCESS_CONTROL, HOME_SECURITY, POWER_MANAGEMENT = 0x06, 0x07, 0x08
"""Notification types: doors and locks, intruders and covers, power."""

IDLE = 0x00
LOCK_JAMMED = 0x0B

ACCESS_EVENTS: dict[NoticeKind, int] = {
    NoticeKind.MANUALLY_LOCKED: 0x01,
    NoticeKind.MANUALLY_UNLOCKED: 0x02,
    NoticeKind.RADIO_LOCKED: 0x03,
    NoticeKind.RADIO_UNLOCKED: 0x04,
    NoticeKind.KEYPAD_LOCKED: 0x05,
    NoticeKind.KEYPAD_UNLOCKED: 0x06,
    NoticeKind.AUTO_LOCKED: 0x09,
    NoticeKind.JAMMED: LOCK_JAMMED,
    NoticeKind.ALL_CODES_DELETED: 0x0C,
    NoticeKind.CODE_DELETED: 0x0D,
    NoticeKind.CODE_ADDED: 0x0E,
    NoticeKind.DUPLICATE_REFUSED: 0x0F,
    NoticeKind.KEYPAD_DISABLED: 0x10,
}
"""Access Control events (SDS13713, notification assignments). A low battery goes through the Battery class instead."""

OTHER_EVENTS: dict[NoticeKind, tuple[int, int]] = {
    NoticeKind.COVER_OPENED: (HOME_SECURITY, 0x03),
    NoticeKind.COVER_CLOSED: (HOME_SECURITY, IDLE),
    NoticeKind.POWER_APPLIED: (POWER_MANAGEMENT, 0x01),
}
"""Type and event of notices outside Access Control."""

UNKNOWN_EVENT = 0xFE
"""An event that has no number in the list, such as a PIN typed outside its schedule."""

USER_CODE_REPORT_HEAD = bytes([ClassId.USER_CODE, 0x03])
HIDDEN_DIGITS = b"****"

V2, V3 = 2, 3
HAS_ALARMS = 0x80
"""Flag in a supported report: the version 1 fields of a report mean something."""

ON_FLAG = 0xFF


@dataclass(frozen=True, slots=True)
class Notification:
    """Translates Notification commands, and turns notices into reports."""

    firmware: Firmware
    version: int
    identifier: int = ClassId.NOTIFICATION

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        del at  # nothing here depends on time
        match command:
            case 0x01 if self.version >= V3:
                return self._events_supported(body)
            case 0x04:
                return Answer(reports=(self._now(),))
            case 0x06 if self.version >= V2:
                return DONE
            case 0x07 if self.version >= V2:
                return Answer(reports=(self._types_supported(),))
            case _:
                return UNSUPPORTED

    def report(self, notice: Notice) -> bytes | None:
        """Build the report of a notice; None when it is not this class that tells it."""
        model = self.firmware.model
        alarm_type = model.alarm_types.get(notice.kind.value, 0)
        slot = None if notice.user_id is None else max(0, min(0xFF, notice.user_id + model.slot_offset))
        level = slot if slot is not None and model.slot_in is not SlotIn.NOWHERE else 0
        if self.version < V2:
            return bytes([self.identifier, 0x05, alarm_type, level]) if alarm_type else None
        event = self._event(notice.kind)
        if event is None:
            return None
        pair = bytes([alarm_type, level if alarm_type else 0])
        return self._report(pair, *event, self._about(notice.kind, slot))

    def _event(self, kind: NoticeKind) -> tuple[int, int] | None:
        if kind in ACCESS_EVENTS:
            return ACCESS_CONTROL, ACCESS_EVENTS[kind]
        if kind in OTHER_EVENTS:
            return OTHER_EVENTS[kind]
        # Without a number of its own only the alarm pair says what it is.
        return (ACCESS_CONTROL, UNKNOWN_EVENT) if kind.value in self.firmware.model.alarm_types else None

    def _about(self, kind: NoticeKind, slot: int | None) -> bytes:
        if slot is None:
            return b""
        match self.firmware.model.slot_in:
            case SlotIn.CODE_REPORT:
                status = 0x00 if kind is NoticeKind.CODE_DELETED else 0x01
                return USER_CODE_REPORT_HEAD + bytes([slot, status]) + HIDDEN_DIGITS
            case SlotIn.BYTE:
                return bytes([slot])
            case SlotIn.LEVEL | SlotIn.NOWHERE:
                return b""

    def _now(self) -> bytes:
        """What the lock says when asked: whether the bolt is jammed, which is the only state among its events."""
        is_jammed = self.firmware.bolt is Bolt.JAMMED
        if self.version < V2:
            alarm_type = self.firmware.model.alarm_types.get(NoticeKind.JAMMED, 0) if is_jammed else 0
            return bytes([self.identifier, 0x05, alarm_type, 0])
        return self._report(bytes(2), ACCESS_CONTROL, LOCK_JAMMED if is_jammed else IDLE, b"")

    def _report(self, pair: bytes, kind: int, event: int, parameters: bytes) -> bytes:
        head = bytes([self.identifier, 0x05]) + pair + bytes([0x00, ON_FLAG, kind, event])
        return head + bytes([len(parameters)]) + parameters

    def _types_supported(self) -> bytes:
        alarms = HAS_ALARMS if self.firmware.model.alarm_types else 0
        mask = sum(1 << kind for kind in self._types())
        octets = max(self._types()) // 8 + 1
        return bytes([self.identifier, 0x08, alarms | octets]) + mask.to_bytes(octets, "little")

    def _types(self) -> list[int]:
        return [ACCESS_CONTROL, *sorted({OTHER_EVENTS[kind][0] for kind in OTHER_EVENTS if self._can_tell(kind)})]

    def _can_tell(self, kind: NoticeKind) -> bool:
        return self.firmware.model.notifies_power if kind is NoticeKind.POWER_APPLIED else True

    def _events_supported(self, body: bytes) -> Answer:
        if not body:
            return FAILED
        if body[0] == ACCESS_CONTROL:
            events = set(ACCESS_EVENTS.values())
        else:
            told = (OTHER_EVENTS[kind] for kind in OTHER_EVENTS if self._can_tell(kind))
            events = {event for kind, event in told if kind == body[0] and event != IDLE}
        if not events:
            return Answer(reports=(bytes([self.identifier, 0x02, body[0], 0]),))
        octets = max(events) // 8 + 1
        packed = sum(1 << event for event in events).to_bytes(octets, "little")
        return Answer(reports=(bytes([self.identifier, 0x02, body[0], octets]) + packed,))
