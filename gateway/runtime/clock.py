"""The system's clock as an interval with a level (T1). With `entropy.py` the only file that may touch such sources.

`lo` starts at the mark kept on disk and rises by trusted wall time, and by monotonic uptime less 100 ppm while wall time
is not trusted. It never goes back, so a clock that is set back cannot start a code again, and one in 1970 opens nothing.
"""

import ctypes
import time
from enum import StrEnum
from typing import ClassVar

from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.instant import Instant

DRIFT = 100e-6
"""Worst drift of a free-running crystal that we reckon with: 100 ppm, 9 s a day (T1)."""

STA_UNSYNC = 0x0040
"""Kernel flag: nobody has disciplined the clock since boot (adjtimex(2))."""


class TrustSource(StrEnum):
    """Who says that wall time can be believed."""

    KERNEL = "kernel"
    """The kernel's own flag, set by the time service."""
    ASSUME = "assume"
    """Nobody: for development machines without a time service only."""


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2) up to the field we read; the rest is padding, larger than the kernel's."""

    _fields_: ClassVar = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("_rest", ctypes.c_char * 256),
    ]


def kernel_is_synchronised() -> bool:
    """Whether the kernel says that a time service disciplines the clock. Reading needs no right."""
    timex = _Timex()
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.adjtimex(ctypes.byref(timex)) >= 0 and not timex.status & STA_UNSYNC


class SystemClock:
    """The Clock port of the real process."""

    def __init__(self, source: TrustSource, high_water: Instant) -> None:
        self._source = source
        self._lo = float(high_water)
        self._lo_since_s = time.monotonic()  # noqa: TID251 - this is the one door
        self._was_trusted = False

    def reading(self) -> ClockReading:
        """What is believed about wall time now."""
        now_s = time.monotonic()  # noqa: TID251 - this is the one door
        wall = time.time_ns() // 1_000_000
        trust = self._trust()
        self._lo += (now_s - self._lo_since_s) * 1000 * (1 - DRIFT)
        self._lo_since_s = now_s
        if trust is ClockTrust.TRUSTED:
            self._lo = max(self._lo, float(wall))
            self._was_trusted = True
        lo = Instant(int(self._lo))
        return ClockReading(lo, Instant(max(lo, wall)), trust)

    def _trust(self) -> ClockTrust:
        if self._source is TrustSource.ASSUME or kernel_is_synchronised():
            return ClockTrust.TRUSTED
        # Trusted earlier in this boot: the crystal alone keeps it within 9 s a day (T1).
        return ClockTrust.BOUNDED if self._was_trusted else ClockTrust.UNTRUSTED
