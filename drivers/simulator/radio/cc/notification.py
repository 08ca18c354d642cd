"""Notification (0x71) version 8: what a lock tells on its own, as Access Control events.

A notice about a slot carries a User Code Report whose digits are asterisks: hosts only read the slot number of it, and a PIN has
no business on the air when nobody asked.
"""

from dataclasses import dataclass

from drivers.simulator.lock.firmware import Bolt, Firmware, Notice, NoticeKind
from drivers.simulator.radio.cc.answer import DONE, FAILED, UNSUPPORTED, Answer
from drivers.simulator.radio.cc.names import ClassId

ACCESS_CONTROL = 0x06
"""Notification type of doors and locks."""

IDLE = 0x00
LOCK_JAMMED = 0x0B

EVENTS: dict[NoticeKind, int] = {
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

USER_CODE_REPORT_HEAD = bytes([ClassId.USER_CODE, 0x03])
HIDDEN_DIGITS = b"****"


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
            case 0x01:
                return self._events_supported(body)
            case 0x04:
                event = LOCK_JAMMED if self.firmware.bolt is Bolt.JAMMED else IDLE
                return Answer(reports=(self._report(event, b""),))
            case 0x06:
                return DONE
            case 0x07:
                # One byte of types, without version 1 alarms.
                return Answer(reports=(bytes([self.identifier, 0x08, 1, 1 << ACCESS_CONTROL]),))
            case _:
                return UNSUPPORTED

    def report(self, notice: Notice) -> bytes | None:
        """Build the report of a notice; None when it is not this class that tells it."""
        event = EVENTS.get(notice.kind)
        if event is None:
            return None
        if notice.user_id is None:
            return self._report(event, b"")
        status = 0x00 if notice.kind is NoticeKind.CODE_DELETED else 0x01
        embedded = USER_CODE_REPORT_HEAD + bytes([min(notice.user_id, 0xFF), status]) + HIDDEN_DIGITS
        return self._report(event, embedded)

    def _report(self, event: int, parameters: bytes) -> bytes:
        head = bytes([self.identifier, 0x05, 0x00, 0x00, 0x00, 0xFF, ACCESS_CONTROL, event])
        return head + bytes([len(parameters)]) + parameters

    def _events_supported(self, body: bytes) -> Answer:
        if not body:
            return FAILED
        if body[0] != ACCESS_CONTROL:
            return Answer(reports=(bytes([self.identifier, 0x02, body[0], 0]),))
        mask = sum(1 << event for event in EVENTS.values())
        octets = (max(EVENTS.values()) // 8) + 1
        packed = mask.to_bytes(octets, "little")
        return Answer(reports=(bytes([self.identifier, 0x02, ACCESS_CONTROL, octets]) + packed,))
