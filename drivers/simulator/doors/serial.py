"""Door one: a pseudo-terminal that looks like the stick's USB port, for a real Z-Wave JS.

The slave's name changes with every plug; a stable symbolic link points to it. Both ends are raw. One slave descriptor stays open
here, so that the master does not see an error before the host opens the port or after it closes it. What the host never read is
thrown away when the link gives up on it, as a port that nobody has open would; a host that opens later must not find old frames.
Faults of the wire strike here, between the link's decisions and the bytes.
"""

import asyncio
import logging
import os
import termios
import tty
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from drivers.simulator.doors.bootloader import Bootloader
from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.stick.frame import Broken, Control, Frame, FrameReader, Garbage
from drivers.simulator.stick.link import Deliver, Effect, GaveUp, Link, Send, SetTimer

log = logging.getLogger(__name__)

READ_BYTES = 4096

FRAME_TIMEOUT_S = 1.5
"""How long the rest of a frame may take (INS12350 section 6.2.2)."""

SPLIT_S = 0.05
"""The pause inside a frame that comes in two pieces; hosts allow 1.5 s (INS12350 section 6.2.2)."""

UNWRITTEN_BYTES_MAX = 64 * 1024
"""Most bytes kept for a host that does not read; more are dropped, as on a real port."""


class SerialDoor:
    """The port and the link behind it."""

    def __init__(
        self, path: Path, faults: Faults, deliver: Callable[[Frame], None], interrupt: Callable[[], None]
    ) -> None:
        """Prepare the port at `path`; `plug` makes it exist.

        `deliver` takes every good frame of the host; `interrupt` makes the stick say something that nobody asked for.
        """
        self.counts: Counter[str] = Counter()
        self._path = path
        self._faults = faults
        self._deliver = deliver
        self._interrupt = interrupt
        self._link = Link()
        self._reader = FrameReader()
        self._master: int | None = None
        self._slave: int | None = None
        self._unwritten = bytearray()
        self._link_timer: asyncio.TimerHandle | None = None
        self._frame_timer: asyncio.TimerHandle | None = None
        self._split_timer: asyncio.TimerHandle | None = None
        self._bootloader: Bootloader | None = None
        self._is_stuck = False

    @property
    def is_plugged(self) -> bool:
        """Whether the port exists."""
        return self._master is not None

    def plug(self) -> None:
        """Make the port exist. Raises `OSError` when the link cannot be made at its path."""
        if self._master is not None:
            return
        master, slave = os.openpty()
        tty.setraw(master)
        tty.setraw(slave)
        os.set_blocking(master, False)
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(os.ttyname(slave))
            fresh.replace(self._path)
        except OSError:
            os.close(master)
            os.close(slave)
            raise
        self._master, self._slave = master, slave
        asyncio.get_running_loop().add_reader(master, self._on_readable)

    def unplug(self) -> None:
        """Pull the stick out: the host sees its port vanish."""
        if self._master is None or self._slave is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        self._path.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = None
        self._unwritten.clear()
        self._reader.abandon()
        self._is_stuck, self._bootloader = False, None
        if self._split_timer is not None:
            self._split_timer.cancel()
            self._split_timer = None
        self._perform(self._link.forget())

    def hang(self, *, is_stuck: bool) -> None:
        """Take nothing and send nothing from here on, or go on; a stick that is plugged in anew goes on as well."""
        self._is_stuck = is_stuck
        self._perform(self._link.forget())
        self._reader.abandon()

    def enter_bootloader(self, run: Callable[[], None]) -> None:
        """Show the bootloader's menu instead of frames; `run` is called when the host chose to run the firmware."""
        self._perform(self._link.forget())
        self._reader.abandon()
        self._bootloader = Bootloader(run)
        self._write(self._bootloader.menu())

    def emit(self, frame: Frame) -> None:
        """Send a frame to the host, in its turn."""
        if self._master is None or self._is_stuck or self._bootloader is not None:
            self.counts["frames_to_nobody"] += 1
            return
        self._perform(self._link.submit(frame))

    def forget(self) -> None:
        """Drop frames that the host has not acknowledged, as a reset of the stick does."""
        self._perform(self._link.forget())

    # -- from the host -----------------------------------------------------------------------------------------------

    def _on_readable(self) -> None:
        if self._master is None:
            return
        try:
            chunk = os.read(self._master, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            # EIO: no slave is open; cannot happen while we hold one, so the port is gone for good.
            log.warning("serial.read.failed", extra={"reason": error.strerror})
            self.unplug()
            return
        if self._is_stuck:
            self.counts["host_bytes_unheard"] += len(chunk)
        elif self._bootloader is not None:
            self._take_in_bootloader(self._bootloader, chunk)
        else:
            self._take_bytes(chunk)

    def _take_in_bootloader(self, bootloader: Bootloader, chunk: bytes) -> None:
        self.counts["host_bytes_to_bootloader"] += len(chunk)
        self._write(bootloader.take(chunk))
        if bootloader.is_over:
            self._bootloader = None
            bootloader.run()

    def _take_bytes(self, chunk: bytes) -> None:
        for received in self._reader.feed(chunk):
            match received:
                case Frame():
                    self._take(received)
                case Control():
                    self.counts[f"host_{received.name.lower()}s"] += 1
                    self._perform(self._link.control(received))
                case Broken():
                    self.counts["host_frames_broken"] += 1
                    self._perform(self._link.arrived_broken())
                case Garbage(count):
                    self.counts["host_bytes_garbage"] += count
        self._mind_unfinished_frame()

    def _take(self, frame: Frame) -> None:
        self.counts["host_frames"] += 1
        if self._faults.strikes(Fault.DROP_HOST_FRAME):
            return
        if self._faults.strikes(Fault.NAK_HOST):
            self._write(bytes([Control.NAK.value]))
            return
        if self._faults.strikes(Fault.CAN_HOST):
            self._write(bytes([Control.CAN.value]))
            return
        if self._faults.strikes(Fault.COLLIDE):
            # INS12350 6.3: who hears a frame instead of the ACK for its own drops it and says CAN.
            self._interrupt()
            self._write(bytes([Control.CAN.value]))
            return
        effects = self._link.arrived(frame)
        if self._faults.strikes(Fault.LOSE_ACK_TO_HOST):
            effects = [effect for effect in effects if effect != Send(Control.ACK)]
        self._perform(effects)

    def _mind_unfinished_frame(self) -> None:
        if self._frame_timer is not None:
            self._frame_timer.cancel()
            self._frame_timer = None
        if self._reader.is_midframe:
            loop = asyncio.get_running_loop()
            self._frame_timer = loop.call_later(FRAME_TIMEOUT_S, self._on_frame_timeout)

    def _on_frame_timeout(self) -> None:
        self.counts["host_frames_unfinished"] += 1
        self._reader.abandon()

    # -- to the host -------------------------------------------------------------------------------------------------

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(Control() as control):
                    self._write(bytes([control.value]))
                case Send(Frame() as frame):
                    self.counts["stick_frames"] += 1
                    self._send(self._spoiled(frame.encode()))
                case Deliver(frame):
                    self._deliver(frame)
                case SetTimer(after_s):
                    self._set_link_timer(after_s)
                case GaveUp(frame):
                    self.counts["stick_frames_given_up"] += 1
                    log.warning("serial.frame.unacknowledged", extra={"function": hex(frame.function)})
                    self._discard_unread()

    def _send(self, encoded: bytes) -> None:
        """Write a frame, in two pieces when bad luck has it; whatever is written meanwhile comes after the second."""
        if self._split_timer is None and self._faults.strikes(Fault.SPLIT_TO_HOST):
            self._write(encoded[: len(encoded) // 2])
            self._split_timer = asyncio.get_running_loop().call_later(SPLIT_S, self._end_split)
            self._write(encoded[len(encoded) // 2 :])
        else:
            self._write(encoded)

    def _end_split(self) -> None:
        self._split_timer = None
        self._flush()

    def _spoiled(self, encoded: bytes) -> bytes:
        if not self._faults.strikes(Fault.CORRUPT_TO_HOST):
            return encoded
        # The byte before the checksum; flipping the length instead would make the host wait for bytes that never come.
        return encoded[:-2] + bytes([encoded[-2] ^ 0x10]) + encoded[-1:]

    def _set_link_timer(self, after_s: float | None) -> None:
        if self._link_timer is not None:
            self._link_timer.cancel()
            self._link_timer = None
        if after_s is not None:
            self._link_timer = asyncio.get_running_loop().call_later(after_s, self._on_link_timeout)

    def _on_link_timeout(self) -> None:
        self._link_timer = None
        self._perform(self._link.timeout())

    def _discard_unread(self) -> None:
        self._unwritten.clear()
        if self._slave is not None:
            termios.tcflush(self._slave, termios.TCIFLUSH)

    def _write(self, chunk: bytes) -> None:
        if self._master is None:
            return
        if len(self._unwritten) + len(chunk) > UNWRITTEN_BYTES_MAX:
            self.counts["bytes_dropped"] += len(chunk)
            return
        self._unwritten += chunk
        if self._split_timer is None:
            self._flush()

    def _flush(self) -> None:
        if self._master is None:
            return
        loop = asyncio.get_running_loop()
        while self._unwritten:
            try:
                written = os.write(self._master, self._unwritten)
            except BlockingIOError:
                loop.add_writer(self._master, self._flush)
                return
            del self._unwritten[:written]
        loop.remove_writer(self._master)
