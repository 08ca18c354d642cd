"""The system's clock (T1): with `entropy.py` the only file that may touch such sources. `interval.py` reckons with them."""

import asyncio
import ctypes
import errno
import os
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from gateway.model.instant import DAY_MS
from gateway.runtime.interval import IntervalClock, KeptTime

STA_UNSYNC = 0x0040
"""Kernel flag: nobody has disciplined the clock since boot (adjtimex(2))."""

SYNC_FLAG = Path("/run/systemd/timesync/synchronized")
"""Made by systemd-timesyncd at the first sync of a boot and kept (systemd-time-wait-sync.service(8)); touched again with every answer of
a time server, at most 34 min apart (timesyncd.conf(5), PollIntervalMaxSec). A sandbox that filters adjtimex(2) lets it be seen.

The clock file in /var/lib/systemd/timesync tells nothing of that: it is also saved while no server answers (SaveIntervalSec).
"""

FLAG_FRESH_MS = DAY_MS
"""An older flag means that the time service hears nobody any more: 9 s of drift by then (T1)."""

BOOT_VARIABLE = "KEYPAD_BOOT_ID"
BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")
"""The name of this boot: from the unit, which writes `Environment=KEYPAD_BOOT_ID=%b` (systemd.unit(5), Specifiers) since its
sandbox hides the kernel's own file (random(4)), else from that file."""

FAR_NS = 4_102_444_800 * 1_000_000_000
"""The year 2100: the timer that tells of a set clock never rings by itself."""


class TrustSource(StrEnum):
    """Who says that wall time can be believed."""

    SERVICE = "service"
    """The time service's flag file, or the kernel's flag, whichever can be seen."""
    KERNEL = "kernel"
    """The kernel's own flag only, set by any time service."""
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
    """Whether the kernel says that a time service disciplines the clock. Reading needs no right, but a sandbox may filter it."""
    timex = _Timex()
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.adjtimex(ctypes.byref(timex)) >= 0 and not timex.status & STA_UNSYNC


def service_is_synchronised(wall_ms: int) -> bool:
    """Whether the time service's flag says that it has heard the time in this boot, and within the last day."""
    try:
        heard_ms = SYNC_FLAG.stat().st_mtime_ns // 1_000_000
    except OSError:
        return False
    return wall_ms - heard_ms <= FLAG_FRESH_MS


def boot_name() -> str:
    """The name of this boot of the machine; empty when nothing tells it, and then every start counts as one."""
    told = os.environ.get(BOOT_VARIABLE, "")
    try:
        return told or BOOT_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class SystemSources:
    """The machine's own clocks."""

    def __init__(self, source: TrustSource) -> None:
        self._source = source

    def wall_ms(self) -> int:
        """The wall clock, whoever set it."""
        return time.time_ns() // 1_000_000

    def uptime_s(self) -> float:
        """Seconds since boot, suspended time counted."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def is_synced(self) -> bool:
        """Whether the configured source vouches for the wall clock."""
        match self._source:
            case TrustSource.ASSUME:
                return True
            case TrustSource.KERNEL:
                return kernel_is_synchronised()
            case TrustSource.SERVICE:
                return service_is_synchronised(self.wall_ms()) or kernel_is_synchronised()


class SystemClock(IntervalClock):
    """The Clock port of the real process."""

    def __init__(self, source: TrustSource, kept: KeptTime) -> None:
        super().__init__(SystemSources(source), kept, boot_name())


async def watch_settings(on_set: Callable[[], None]) -> None:
    """Call `on_set` whenever somebody sets the wall clock, until cancelled (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET)."""
    timer = os.timerfd_create(time.CLOCK_REALTIME, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)
    loop, rung = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(timer, rung.set)
        while True:
            os.timerfd_settime_ns(timer, flags=os.TFD_TIMER_ABSTIME | os.TFD_TIMER_CANCEL_ON_SET, initial=FAR_NS)
            await rung.wait()
            rung.clear()
            if _was_set(timer):
                on_set()
    finally:
        loop.remove_reader(timer)
        os.close(timer)


def _was_set(timer: int) -> bool:
    try:
        os.read(timer, 8)
    except OSError as error:
        if error.errno not in {errno.ECANCELED, errno.EAGAIN}:
            raise
        return error.errno == errno.ECANCELED
    return False
