"""How a message gets to a lock: data rate, repeaters on the way, and how loud it arrives. From these follows how long it takes.

A message of n application bytes takes (overhead + n) bytes of air per hop: preamble, start 1, header 9, check. Figures of G.9959: R3 at 100
kbit/s with a preamble of 40 and a check of 2 bytes, R2 at 40 kbit/s with 20 and 1, R1 at 9.6 kbit/s with 10 and 1. The acknowledgement is
the overhead alone. Every repeater sends all of it again.
"""

from dataclasses import dataclass
from typing import Final

REPEATERS_MAX: Final = 4
"""A route has four repeaters at most (G.9959 network layer)."""

BYTE_S: Final = {100: 80e-6, 40: 200e-6, 9.6: 1 / 1200}
"""Seconds per byte, by the rate in kbit/s."""

OVERHEAD_BYTES: Final = {100: 52, 40: 31, 9.6: 21}
"""Preamble, start, header and check, by the rate in kbit/s."""

SPEED_CODES: Final = {9.6: 0x01, 40: 0x02, 100: 0x03}
"""How a TX report names the rate (INS13954)."""

TURNAROUND_S: Final = 1e-3
"""Receive to transmit or back; an estimate."""

RSSI_MIN_DBM, RSSI_MAX_DBM = -120, -20
"""Bounds of what a receiver reports; below them it hears nothing."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way. `repeaters` are the node ids on it, nearest to the stick first; `rate_kbps` is 100, 40 or 9.6."""

    repeaters: tuple[int, ...] = ()
    rate_kbps: float = 100
    rssi_dbm: int = -60
    """What the stick hears of the lock; -60 dBm is one room away."""

    def message_s(self, size: int) -> float:
        """Seconds a message of so many application bytes takes, the turn of direction included."""
        return self._hops * ((OVERHEAD_BYTES[self.rate_kbps] + size) * BYTE_S[self.rate_kbps] + TURNAROUND_S)

    def acknowledgement_s(self) -> float:
        """Seconds its acknowledgement takes."""
        return self.message_s(0)

    @property
    def speed_code(self) -> int:
        """The rate as a TX report names it."""
        return SPEED_CODES[self.rate_kbps]

    @property
    def rssi_byte(self) -> int:
        """The loudness as a report carries it: two's complement."""
        return self.rssi_dbm & 0xFF

    @property
    def _hops(self) -> int:
        return len(self.repeaters) + 1


DIRECT = Path()
"""Next to the stick."""
