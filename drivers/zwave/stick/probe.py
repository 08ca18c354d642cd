"""A short conversation with a stick: open the port, ask three questions that change nothing, close it again.

It runs before the server opens the port, in a thread, because serial ports block. One conversation takes some 20 ms; a port where
nobody answers is given up after `PROBE_S`. Every frame that the stick sends is acknowledged, or it would repeat it into the server's
first words.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import serial
from serial.tools import list_ports

from drivers.zwave.stick.frames import RESPONSE, Frame, Function, Item, Reader, Signal, request
from drivers.zwave.stick.identity import StickIdentity, UsbDevice, clean_text, identity_of

log = logging.getLogger(__name__)

BAUD: Final = 115_200
"""INS12350: 115200 baud, 8 data bits, no parity, 1 stop bit; of no meaning on USB."""

ANSWER_S: Final = 1.6
"""INS12350 6.2.2: how long a sender waits for the acknowledgement; we give the answer behind it as long."""

TRIES_MAX: Final = 3
"""INS12350 6.3: how often a frame is sent."""

PROBE_S: Final = 2 * ANSWER_S * TRIES_MAX
"""The longest that a port where nobody answers holds up the start: it fails at the first question."""

_CHUNK: Final = 256


class StickUnreadable(Exception):  # noqa: N818 - says what it means for the caller
    """The stick did not say who it is. The text is one line for a person."""


async def identify(path: str) -> StickIdentity:
    """Ask the stick at a device path who it is. Raises `StickUnreadable`. Cannot be cut short: it ends within `PROBE_S`."""
    return await asyncio.to_thread(_identify, path)


def usb_device(path: str) -> UsbDevice:
    """What the operating system knows about a port, also through a link such as those of /dev/serial/by-id."""
    real = str(Path(path).resolve())
    return next((device for device in usb_devices() if device.path == real), UsbDevice(real, None, ""))


def usb_devices() -> list[UsbDevice]:
    """All serial ports with a USB descriptor, in the order of their names."""
    found = []
    for port in sorted(list_ports.comports()):
        if port.vid is not None and port.pid is not None:
            text = clean_text(f"{port.product or ''} {port.manufacturer or ''}")
            found.append(UsbDevice(str(Path(port.device).resolve()), (port.vid, port.pid), text))
    return found


def _identify(path: str) -> StickIdentity:
    try:
        with serial.Serial(path, BAUD, timeout=ANSWER_S, write_timeout=ANSWER_S, exclusive=True) as port:
            port.reset_input_buffer()
            # Ends whatever a program before us left half said.
            port.write(bytes([Signal.NAK]))
            talk = _Talk(lambda: bytes(port.read(max(1, min(port.in_waiting, _CHUNK)))), port.write)
            version = talk.ask(Function.VERSION)
            capabilities = talk.ask(Function.CAPABILITIES)
            identity = identity_of(version, capabilities, talk.ask(Function.CONTROLLER_ID))
    except (OSError, ValueError) as error:
        # pyserial's own error is an OSError; its text names the path and the system's reason.
        msg = f"{path} cannot be opened or read ({clean_text(str(error))})"
        raise StickUnreadable(msg) from None
    if identity is None:
        msg = f"{path} answers, but not like a Z-Wave controller"
        raise StickUnreadable(msg)
    return identity


class _Talk:
    """Questions and answers. `read` returns nothing when the time is over."""

    def __init__(self, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
        self._read = read
        self._write = write
        self._reader = Reader()
        self._waiting: deque[Item] = deque()

    def ask(self, function: Function) -> bytes:
        for _ in range(TRIES_MAX):
            self._write(request(function))
            answer = self._answer(function)
            if answer is not None:
                return answer
        msg = f"nobody answers ({function.name.lower()}): it may be another kind of stick, or hang: plug it out and in"
        raise OSError(msg)

    def _answer(self, function: Function) -> bytes | None:
        # The frames of a busy network may come in between, each of them is bounded by the reader.
        for _ in range(_CHUNK):
            item = self._next()
            match item:
                case None | Signal.NAK | Signal.CAN:
                    return None
                case Frame(kind, answered, payload):
                    self._write(bytes([Signal.ACK]))
                    if kind == RESPONSE and answered == function:
                        return payload
                case Signal.ACK:
                    continue
        return None

    def _next(self) -> Item | None:
        while not self._waiting:
            received = self._read()
            if not received:
                return None
            self._waiting.extend(self._reader.feed(received))
        return self._waiting.popleft()
