"""User Code (0x63) versions 1 and 2: slots on the air.

A slot's status byte: 0 available, 1 enabled, 2 disabled, FE not available. Version 2 adds two-byte slot numbers, several codes
per frame, capabilities and a checksum over all codes (SDS13781 and the 2019 additions).
"""

from dataclasses import dataclass, replace
from itertools import batched

from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import EMPTY, Firmware, Slot, Status, WriteResult
from drivers.simulator.radio.cc.answer import DONE, FAILED, SILENCE, UNSUPPORTED, Answer, Outcome
from drivers.simulator.radio.cc.names import ClassId

STATUS_BYTES: dict[Status, int] = {Status.AVAILABLE: 0x00, Status.ENABLED: 0x01, Status.DISABLED: 0x02}
"""How a slot's status is written on the air."""

STATUS_NOT_AVAILABLE = 0xFE
"""Status of a slot the lock does not have."""

NO_CODE = bytes(4)
"""CC:0063.01.01.11.009: four zero bytes when the status is Available."""

REPORT_BYTES_MAX = 20
"""Most bytes of codes in one extended report, so that it fits a frame of 46 with the Security 2 envelope and its extension."""

CHECKSUM_POLYNOMIAL = 0x1021
CHECKSUM_START = 0x1D0F
"""CRC-16/AUG-CCITT, as CC:0063.02.12.11.003 asks."""

V2 = 2
"""Version that brought the extended commands."""

REPORT_LATE_S = 8.0
"""How long an answer armed with `report_late` takes: longer than Z-Wave JS waits for any report without a device file (1 s)."""

LENGTH_MASK = 0x0F
NORMAL, VACATION = 0x00, 0x01
"""Keypad modes (CC:0063.02.08)."""


ADMIN_CODE = 0x80
CHECKSUM, BULK = 0x80, 0x60
"""Flags of a capabilities report: an admin code that may also be taken away is not said; bulk means both reading and writing."""

SETTERS = frozenset({0x01, 0x0B})
GETTERS = frozenset({0x02, 0x0C})


@dataclass(frozen=True, slots=True)
class UserCode:
    """Translates User Code commands to one lock's firmware."""

    firmware: Firmware
    version: int
    identifier: int = ClassId.USER_CODE

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        if command in SETTERS and self.firmware.misbehaves(Fault.DROP_WRITE):
            return SILENCE
        answer = self._answer(command, body, at)
        if command in GETTERS and self.firmware.misbehaves(Fault.NO_REPORT):
            return SILENCE
        if command in GETTERS and self.firmware.misbehaves(Fault.REPORT_LATE):
            return replace(answer, takes_s=REPORT_LATE_S)
        return answer

    def _answer(self, command: int, body: bytes, at: float) -> Answer:
        match command:
            case 0x01:
                return self._set(body, at)
            case 0x02:
                return self._get(body, at)
            case 0x04:
                return self._users_number()
            case _ if self.version >= V2:
                return self._answer_extended(command, body, at)
            case _:
                return UNSUPPORTED

    def _answer_extended(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one of the commands version 2 brought."""
        match command:
            case 0x06:
                return _report(0x07, self._capabilities())
            case 0x08:
                return self._set_mode(body)
            case 0x09:
                return _report(0x0A, bytes([VACATION if self.firmware.is_on_vacation else NORMAL]))
            case 0x0B:
                return self._extended_set(body, at)
            case 0x0C:
                return self._extended_get(body, at)
            case 0x0E if self.firmware.model.has_admin_code:
                return self._set_admin_code(body, at)
            case 0x0F if self.firmware.model.has_admin_code:
                code = self.firmware.shown_admin_code.encode()
                return _report(0x10, bytes([len(code)]) + code)
            case 0x11 if self.firmware.model.has_checksum:
                return _report(0x12, self.checksum(at).to_bytes(2))
            case _:
                return UNSUPPORTED

    def _capabilities(self) -> bytes:
        model = self.firmware.model
        admin = ADMIN_CODE if model.has_admin_code else 0
        checksum, bulk = (CHECKSUM if model.has_checksum else 0), (BULK if model.has_bulk else 0)
        return (
            bytes([admin | len(_STATUSES)])
            + _STATUSES
            + bytes([checksum | bulk | len(_KEYPAD_MODES)])
            + _KEYPAD_MODES
            + bytes([len(_KEYS)])
            + _KEYS
        )

    def _set_mode(self, body: bytes) -> Answer:
        if body[:1] not in (bytes([NORMAL]), bytes([VACATION])):
            return FAILED
        self.firmware.is_on_vacation = body[0] == VACATION
        return DONE

    def _set_admin_code(self, body: bytes, at: float) -> Answer:
        if not body or len(body) < 1 + (body[0] & LENGTH_MASK):
            return FAILED
        code = body[1 : 1 + (body[0] & LENGTH_MASK)].decode("latin-1")
        return self._settled(self.firmware.set_admin_code(code, at))

    def checksum(self, at: float) -> int:
        """Compute the checksum over every slot in use; 0 when there is none."""
        slots = self.firmware.occupied(at)
        if not slots:
            return 0
        covered = b"".join(
            user_id.to_bytes(2) + bytes([STATUS_BYTES[slot.status]]) + (slot.pin or "").encode()
            for user_id, slot in slots.items()
        )
        return _crc16(covered)

    def _set(self, body: bytes, at: float) -> Answer:
        if len(body) < 2:
            return FAILED
        user_id, status, code = body[0], body[1], body[2:]
        if user_id == 0:
            return self._settled(self.firmware.clear_all(at)) if status == 0 else FAILED
        return self._settled(self._apply(user_id, status, code, at))

    def _extended_set(self, body: bytes, at: float) -> Answer:
        entries = _parse_extended(body)
        if entries is None or (len(entries) > 1 and not self.firmware.model.has_bulk):
            return FAILED
        if [(user_id, status) for user_id, status, _code in entries] == [(0, 0)]:
            return self._settled(self.firmware.clear_all(at))
        # Executed in order; the first refusal decides what Supervision says about the whole frame.
        results = [self._apply(user_id, status, code, at) for user_id, status, code in entries]
        refused = next((result for result in results if not result.claims_success), WriteResult())
        return self._settled(refused)

    def _apply(self, user_id: int, status: int, code: bytes, at: float) -> WriteResult:
        if status == STATUS_BYTES[Status.AVAILABLE]:
            return self.firmware.clear(user_id, at)
        # Latin-1 keeps every byte, so that the firmware judges what really came.
        pin = code.decode("latin-1")
        return self.firmware.write(user_id, pin, at, is_enabled=status != STATUS_BYTES[Status.DISABLED])

    def _settled(self, result: WriteResult) -> Answer:
        outcome = Outcome.SUCCESS if result.claims_success else Outcome.FAIL
        return Answer(outcome, takes_s=self.firmware.model.write_time_s)

    def _get(self, body: bytes, at: float) -> Answer:
        if not body:
            return FAILED
        return Answer(reports=(self.report(body[0], at),))

    def report(self, user_id: int, at: float) -> bytes:
        """Build the plain report of one slot."""
        slot = self.firmware.read(user_id, at)
        if slot is None:
            return bytes([self.identifier, 0x03, user_id, STATUS_NOT_AVAILABLE]) + NO_CODE
        empty = self.firmware.model.cleared_digits.encode() or NO_CODE
        code = slot.shown.encode() if slot.status is not Status.AVAILABLE else empty
        return bytes([self.identifier, 0x03, user_id, STATUS_BYTES[slot.status]]) + code

    def _users_number(self) -> Answer:
        slots = self.firmware.model.slots
        extended = slots.to_bytes(2) if self.version >= V2 else b""
        return _report(0x05, bytes([min(slots, 0xFF)]) + extended)

    def _extended_get(self, body: bytes, at: float) -> Answer:
        if len(body) < 3:
            return FAILED
        first, wants_more = int.from_bytes(body[:2]), bool(body[2] & 0x01) and self.firmware.model.has_bulk
        slot = self.firmware.read(first, at)
        entries = [_extended_entry(first, slot)]
        later = {user_id: found for user_id, found in self.firmware.occupied(at).items() if user_id > first}
        reported = first
        if wants_more:
            for user_id, found in later.items():
                entry = _extended_entry(user_id, found)
                if sum(map(len, entries)) + len(entry) > REPORT_BYTES_MAX:
                    break
                entries.append(entry)
                reported = user_id
        following = next((user_id for user_id in later if user_id > reported), 0)
        return _report(0x0D, bytes([len(entries)]) + b"".join(entries) + following.to_bytes(2))


def _report(command: int, body: bytes) -> Answer:
    return Answer(reports=(bytes([ClassId.USER_CODE, command]) + body,))


def _extended_entry(user_id: int, slot: Slot | None) -> bytes:
    if slot is None:
        return user_id.to_bytes(2) + bytes([STATUS_NOT_AVAILABLE, 0])
    code = slot.shown.encode() if slot is not EMPTY else b""
    return user_id.to_bytes(2) + bytes([STATUS_BYTES[slot.status], len(code)]) + code


def _parse_extended(body: bytes) -> list[tuple[int, int, bytes]] | None:
    """Cut an extended set into (slot, status, code); None when it is too short for what it claims."""
    if not body or body[0] == 0:
        return None
    entries: list[tuple[int, int, bytes]] = []
    rest = body[1:]
    for _entry in range(body[0]):
        if len(rest) < 4:
            return None
        length = rest[3] & 0x0F
        if len(rest) < 4 + length:
            return None
        entries.append((int.from_bytes(rest[:2]), rest[2], rest[4 : 4 + length]))
        rest = rest[4 + length :]
    return entries


def _bit_mask(bits: list[int]) -> bytes:
    """Pack bit numbers into as few bytes as needed, bit 0 first."""
    flags = [bit in bits for bit in range((max(bits) // 8 + 1) * 8)]
    return bytes(sum(flag << place for place, flag in enumerate(byte)) for byte in batched(flags, 8, strict=True))


_STATUSES = _bit_mask(list(STATUS_BYTES.values()))
_KEYPAD_MODES = _bit_mask([NORMAL, VACATION])
_KEYS = _bit_mask(list(b"0123456789"))


def _crc16(covered: bytes) -> int:
    crc = CHECKSUM_START
    for byte in covered:
        crc ^= byte << 8
        for _bit in range(8):
            crc = (crc << 1) ^ CHECKSUM_POLYNOMIAL if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc
