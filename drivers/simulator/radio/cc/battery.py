"""Battery (0x80) version 1: the charge in percent, or FF when it is low."""

from dataclasses import dataclass

from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.radio.cc.answer import UNSUPPORTED, Answer
from drivers.simulator.radio.cc.names import ClassId

LOW = 0xFF
"""CC:0080.01.03.11.002: a low battery warning instead of a level."""


@dataclass(frozen=True, slots=True)
class Battery:
    """Shows one lock's charge."""

    firmware: Firmware
    version: int
    identifier: int = ClassId.BATTERY

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        del body, at  # the only command has neither
        match command:
            case 0x02:
                return Answer(reports=(self.report(),))
            case _:
                return UNSUPPORTED

    def report(self) -> bytes:
        """Build the report of the level."""
        return bytes([self.identifier, 0x03, self.firmware.battery_percent])

    def warning(self) -> bytes:
        """Build the report that warns of a low charge."""
        return bytes([self.identifier, 0x03, LOW])
