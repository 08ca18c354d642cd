"""The USB cable between the simulated stick and a machine: `python -m tests.image.cable`, a process that is plugged in while it lives.

The simulator offers a pseudo-terminal; QEMU takes a USB device by usbredir. In between is this: bytes of the terminal become transfers
of a CDC-ACM device with a true identity, so that the kernel, udev and the unit of the Z-Wave server see what they see of a real stick.
"""

import argparse
import asyncio
import os
import sys
import tty
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from tests.image import usb_wire
from tests.image.usb_stick import FROM_HOST, Identity, UsbStick
from tests.image.usb_wire import Bulk, Control, Kind, Message, Reader, Status

CHUNK_BYTES = 4096
UNREAD_BYTES_MAX = 64 * 1024
"""What is kept for a host that does not read; more is dropped, as a stick does."""


class Cable:
    """One plug, from the first byte to the last."""

    def __init__(self, stick: UsbStick, terminal: int, writer: asyncio.StreamWriter) -> None:
        self._stick = stick
        self._terminal = terminal
        self._writer = writer
        self._unread = bytearray()
        self._waiting: deque[tuple[int, Bulk]] = deque()
        self._configuration = 0

    def greet(self) -> None:
        """Plug in."""
        for message in (usb_wire.hello(), *self._stick.introduction()):
            self._say(message)

    def from_stick(self) -> None:
        """Bytes of the stick can be read. Raises OSError when it is gone."""
        chunk = os.read(self._terminal, CHUNK_BYTES)
        if len(self._unread) + len(chunk) <= UNREAD_BYTES_MAX:
            self._unread += chunk
        self._pass_on()

    def from_host(self, message: Message) -> None:
        """The host wants something."""
        match message.kind:
            case Kind.CONTROL:
                asked = Control.decode(message.body)
                self._say(Message(Kind.CONTROL, message.number, self._stick.answer(asked)))
            case Kind.BULK:
                self._bulk(message.number, Bulk.decode(message.body))
            case Kind.SET_CONFIGURATION | Kind.GET_CONFIGURATION:
                self._configuration = message.body[0] if message.body else self._configuration
                body = bytes([Status.DONE, self._configuration])
                self._say(Message(Kind.CONFIGURATION_STATUS, message.number, body))
            case Kind.SET_ALT_SETTING | Kind.GET_ALT_SETTING:
                self._say(Message(Kind.ALT_SETTING_STATUS, message.number, bytes([Status.DONE, message.body[0], 0])))
            case Kind.START_INTERRUPT | Kind.STOP_INTERRUPT:
                # Nothing ever comes there: a stick has no modem lines to tell of.
                self._say(Message(Kind.INTERRUPT_STATUS, message.number, bytes([Status.DONE, message.body[0]])))
            case Kind.CANCEL:
                self._cancel(message.number)
            case _:
                pass  # greetings, resets, and what needs no answer

    def _bulk(self, number: int, asked: Bulk) -> None:
        if asked.is_read:
            self._waiting.append((number, asked))
            self._pass_on()
            return
        if asked.endpoint == FROM_HOST:
            written = 0
            while written < len(asked.payload):
                written += os.write(self._terminal, asked.payload[written:])
        self._say(Message(Kind.BULK, number, asked.answer(Status.DONE)))

    def _pass_on(self) -> None:
        while self._unread and self._waiting:
            number, asked = self._waiting.popleft()
            chunk = bytes(self._unread[: asked.length])
            del self._unread[: len(chunk)]
            self._say(Message(Kind.BULK, number, asked.answer(Status.DONE, chunk)))

    def _cancel(self, number: int) -> None:
        for waiting in list(self._waiting):
            if waiting[0] == number:
                self._waiting.remove(waiting)
                self._say(Message(Kind.BULK, number, waiting[1].answer(Status.CANCELLED)))

    def _say(self, message: Message) -> None:
        self._writer.write(message.encode())


async def plug(identity: Identity, terminal: Path, machine: Path) -> None:
    """Be plugged in until the stick, the machine or this process goes. Raises OSError."""
    reader, writer = await asyncio.open_unix_connection(str(machine))
    descriptor = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(descriptor)
        cable = Cable(UsbStick(identity), descriptor, writer)
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def readable() -> None:
            try:
                cable.from_stick()
            except OSError:
                if not gone.done():
                    gone.set_result(None)

        asyncio.get_running_loop().add_reader(descriptor, readable)
        cable.greet()
        sys.stdout.write("plugged\n")
        sys.stdout.flush()
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(_listen(reader, cable))
            listening.add_done_callback(lambda _: None if gone.done() else gone.set_result(None))
            await gone
            listening.cancel()
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        writer.close()


async def _listen(reader: asyncio.StreamReader, cable: Cable) -> None:
    messages = Reader()
    while chunk := await reader.read(CHUNK_BYTES):
        for message in messages.feed(chunk):
            cable.from_host(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """The program. Exit code 0 when the stick or the machine went."""
    parser = argparse.ArgumentParser(prog="cable", description="Plug a simulated stick into a machine.")
    parser.add_argument("--terminal", required=True, type=Path, help="the simulator's pseudo-terminal")
    parser.add_argument("--machine", required=True, type=Path, help="the socket of QEMU's usb-redir device")
    parser.add_argument("--vendor", type=lambda text: int(text, 16), default=0x0658)
    parser.add_argument("--product", type=lambda text: int(text, 16), default=0x0200)
    for name in ("product-name", "maker", "serial"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--kind", choices=["acm", "bridge"], default="acm")
    told = parser.parse_args(arguments)
    identity = Identity(told.vendor, told.product, told.product_name, told.maker, told.serial, told.kind)
    asyncio.run(plug(identity, told.terminal, told.machine))
    return 0


if __name__ == "__main__":
    sys.exit(main())
