"""Configuration (0x70) versions 1 to 4: parameters as the profile numbers them.

Version 3 brought names and properties; a host that has no description of the lock walks the parameters by them.
"""

from dataclasses import dataclass

from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.settings import Role, Value
from drivers.simulator.radio.cc.answer import DONE, FAILED, UNSUPPORTED, Answer
from drivers.simulator.radio.cc.names import ClassId

RESET = 0x80
"""Flag of a set command: back to the maker's value."""

SIZE_MASK = 0x07
SIZES = (1, 2, 4)

UNSIGNED = 0x01
READ_ONLY = 0x40
"""Format and flag in a properties report (CC:0070.03.0F)."""

V3, V4 = 3, 4


@dataclass(frozen=True, slots=True)
class Configuration:
    """Translates Configuration commands to one lock's settings."""

    firmware: Firmware
    version: int
    identifier: int = ClassId.CONFIGURATION

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        match command:
            case 0x04:
                return self._set(body, at)
            case 0x05:
                return self._get(body)
            case 0x0A | 0x0C | 0x0E if self.version >= V3:
                return FAILED if len(body) < 2 else self._describe(command, int.from_bytes(body[:2]))
            case _:
                return UNSUPPORTED

    def _set(self, body: bytes, at: float) -> Answer:
        if len(body) < 2:
            return FAILED
        parameter, size = body[0], body[1] & SIZE_MASK
        if body[1] & RESET:
            number, size = 0, 1
        elif size not in SIZES or len(body) < 2 + size:
            return FAILED
        else:
            number = int.from_bytes(body[2 : 2 + size])
        return DONE if self.firmware.settings.put(parameter, number, size, at) else FAILED

    def _get(self, body: bytes) -> Answer:
        value = self.firmware.settings.get(body[0]) if body else None
        if value is None:
            return FAILED
        return Answer(reports=(bytes([self.identifier, 0x06, body[0], value.size]) + _octets(value),))

    def _describe(self, command: int, parameter: int) -> Answer:
        head = bytes([self.identifier, command + 1]) + parameter.to_bytes(2)
        found = self.firmware.settings.role(parameter)
        if command != 0x0E:
            # A name, or what more is to say: one report, nothing to follow.
            text = found.value.encode() if found is not None else b""
            return Answer(reports=(head + bytes([0]) + text,))
        # Version 4 adds a byte of flags: nothing advanced, bulk commands not ruled out.
        following = self.firmware.settings.following(parameter).to_bytes(2) + bytes(self.version >= V4)
        value = self.firmware.settings.get(parameter)
        if found is None or value is None:
            # Size 0: no such parameter; the next one follows at once.
            return Answer(reports=(head + bytes([0]) + following,))
        flags = READ_ONLY if found in (Role.USED_SLOTS, Role.USER_TYPES, Role.MOVES) else 0
        bounds = bytes(value.size) + b"\xff" * value.size + bytes(value.size)
        return Answer(reports=(head + bytes([flags | UNSIGNED << 3 | value.size]) + bounds + following,))


def _octets(value: Value) -> bytes:
    return value.number.to_bytes(value.size)
