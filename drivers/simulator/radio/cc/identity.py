"""Who a lock is: Version (0x86), Manufacturer Specific (0x72), Z-Wave Plus Info (0x5E), Device Reset Locally (0x5A)."""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.simulator.lock.profiles import LockModel
from drivers.simulator.radio.cc.answer import FAILED, UNSUPPORTED, Answer
from drivers.simulator.radio.cc.names import ClassId

ROUTING_END_NODE = 0x03
"""Library type of a lock that takes part in routing (CC:0086.01.12.11.001)."""

PROTOCOL_VERSION = bytes([7, 18])
"""Protocol version the locks claim: SDK 7.18, of the years these locks are from."""

HARDWARE_VERSION = 1

DOOR_LOCK_KEYPAD_ICON = 0x0300
"""Installer and user icon type Door Lock Keypad (SDS13738)."""

ROLE_LISTENING_SLEEPING = 0x07
ROLE_ALWAYS_ON = 0x05
"""Role types (SDS11846): battery lock that wakes for beams, and mains-powered lock."""

V2, V3 = 2, 3


@dataclass(frozen=True, slots=True)
class Version:
    """Says which classes the lock has, and of which version."""

    model: LockModel
    version: int
    versions: Mapping[int, int]
    """Class number to version, for every class of this lock."""
    identifier: int = ClassId.VERSION

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        del at  # identity does not change
        match command:
            case 0x11:
                return self._report()
            case 0x13:
                if not body:
                    return FAILED
                return Answer(reports=(bytes([self.identifier, 0x14, body[0], self.versions.get(body[0], 0)]),))
            case 0x15 if self.version >= V3:
                # Version and command class queries only; no Z-Wave software report.
                return Answer(reports=(bytes([self.identifier, 0x16, 0x03]),))
            case _:
                return UNSUPPORTED

    def _report(self) -> Answer:
        major, _, minor = self.model.firmware.partition(".")
        report = bytes([self.identifier, 0x12, ROUTING_END_NODE]) + PROTOCOL_VERSION
        report += bytes([int(major), int(minor or "0")])
        if self.version >= V2:
            report += bytes([HARDWARE_VERSION, 0])
        return Answer(reports=(report,))


@dataclass(frozen=True, slots=True)
class ManufacturerSpecific:
    """Says who made the lock."""

    model: LockModel
    version: int
    serial: bytes
    """A serial number, different for every lock of a home."""
    identifier: int = ClassId.MANUFACTURER_SPECIFIC

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        del body, at  # identity does not change
        match command:
            case 0x04:
                ids = (self.model.manufacturer_id, self.model.product_type, self.model.product_id)
                return Answer(reports=(bytes([self.identifier, 0x05]) + b"".join(i.to_bytes(2) for i in ids),))
            case 0x06 if self.version >= V2:
                # Type 1 serial number, format 1 binary.
                head = bytes([self.identifier, 0x07, 0x01, 0x20 | len(self.serial)])
                return Answer(reports=(head + self.serial,))
            case _:
                return UNSUPPORTED


@dataclass(frozen=True, slots=True)
class ZWavePlusInfo:
    """Says what kind of Z-Wave Plus node the lock is."""

    model: LockModel
    version: int
    identifier: int = ClassId.ZWAVE_PLUS_INFO

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        del body, at  # identity does not change
        match command:
            case 0x01:
                role = ROLE_LISTENING_SLEEPING if self.model.is_flirs else ROLE_ALWAYS_ON
                icon = DOOR_LOCK_KEYPAD_ICON.to_bytes(2)
                return Answer(reports=(bytes([self.identifier, 0x02, 2, role, 0]) + icon + icon,))
            case _:
                return UNSUPPORTED


@dataclass(frozen=True, slots=True)
class DeviceResetLocally:
    """Only ever speaks; it takes no command."""

    version: int
    identifier: int = ClassId.DEVICE_RESET_LOCALLY

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Refuse every command."""
        del command, body, at  # the class has no command to take
        return UNSUPPORTED
