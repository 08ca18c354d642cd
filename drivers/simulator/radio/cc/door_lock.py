"""Door Lock (0x62) versions 1 to 4: the bolt on the air."""

from dataclasses import dataclass

from drivers.simulator.lock.firmware import Bolt, Firmware, How
from drivers.simulator.radio.cc.answer import DONE, FAILED, UNSUPPORTED, Answer
from drivers.simulator.radio.cc.names import ClassId

SECURED = 0xFF
UNSECURED = 0x00
UNKNOWN_MODE = 0xFE
"""Door lock modes (CC:0062.01.01.11.003)."""

NO_TIMEOUT = bytes([0xFE, 0xFE])
"""Lock timeout minutes and seconds of a lock in constant mode."""

CONSTANT = 0x01
"""Operation type: stays as it is put."""

V3, V4 = 3, 4
"""Versions that added the target mode and the capabilities."""


@dataclass(frozen=True, slots=True)
class DoorLock:
    """Translates Door Lock commands to one lock's firmware."""

    firmware: Firmware
    version: int
    identifier: int = ClassId.DOOR_LOCK

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        match command:
            case 0x01:
                return self._operate(body, at)
            case 0x02:
                self.firmware.advance(at)
                return Answer(reports=(self.operation_report(),))
            case 0x04:
                return DONE
            case 0x05:
                return Answer(reports=(self._configuration_report(),))
            case 0x07 if self.version >= V4:
                return Answer(reports=(self._capabilities_report(),))
            case _:
                return UNSUPPORTED

    def operation_report(self) -> bytes:
        """Build the report of where the bolt is."""
        mode = {Bolt.LOCKED: SECURED, Bolt.UNLOCKED: UNSECURED, Bolt.JAMMED: UNKNOWN_MODE}[self.firmware.bolt]
        # Door condition: bit 0 closed, bit 1 bolt unlocked, bit 2 latch closed.
        condition = 0x01 if self.firmware.bolt is Bolt.LOCKED else 0x03
        report = bytes([self.identifier, 0x03, mode, 0x00, condition]) + NO_TIMEOUT
        return report + bytes([mode, 0]) if self.version >= V3 else report

    def _operate(self, body: bytes, at: float) -> Answer:
        match body[:1]:
            case b"\xff":
                self.firmware.lock(at, How.RADIO)
            case b"\x00":
                self.firmware.unlock(at, How.RADIO)
            case _:
                return FAILED
        return DONE

    def _configuration_report(self) -> bytes:
        report = bytes([self.identifier, 0x06, CONSTANT, 0x00]) + NO_TIMEOUT
        if self.version < V4:
            return report
        relock_s = int(self.firmware.model.auto_relock_s)
        return report + relock_s.to_bytes(2) + bytes([0, 0, 0])

    def _capabilities_report(self) -> bytes:
        modes = bytes([UNSECURED, SECURED])
        # Bit 1 of the operation types is "constant"; bit 1 of the components is the bolt; bit 3 of the features auto relock.
        features = 0x08 if self.firmware.model.auto_relock_s else 0x00
        return bytes([self.identifier, 0x08, 1, 0x02, len(modes)]) + modes + bytes([0x00, 0x02, features])
