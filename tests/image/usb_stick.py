"""A serial stick as USB sees it: its identity, its descriptors, and what it answers at endpoint 0.

Two kinds are in the table of sticks: CDC-ACM (ttyACM), and Silicon Labs' bridge (ttyUSB), whose own requests are all taken and
answered with zeros, which its Linux driver is content with.
"""

import struct
from dataclasses import dataclass
from typing import Final, Literal

from tests.image import usb_wire
from tests.image.usb_wire import Control, Endpoint, Message, Status

PACKET_BYTES: Final = 64
LISTEN: Final = 0x82
INTO_HOST: Final = 0x81
FROM_HOST: Final = 0x01

GET_STATUS: Final = 0
GET_DESCRIPTOR: Final = 6
DEVICE, CONFIGURATION, STRING = 1, 2, 3
"""Descriptor types (USB 2.0, table 9-5)."""

ENGLISH: Final = 0x0409
VERSION: Final = 0x0100
COMMUNICATION, DATA, VENDOR = 0x02, 0x0A, 0xFF
"""Classes of interfaces (USB class codes)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who it says that it is."""

    vendor: int
    product: int
    product_name: str = ""
    maker: str = ""
    serial: str = ""
    kind: Literal["acm", "bridge"] = "acm"


AEOTEC: Final = Identity(0x0658, 0x0200)
"""Aeotec Z-Stick Gen5 and others of its generation; they have no strings."""

KNOWN: Final = (
    AEOTEC,
    Identity(0x303A, 0x4001, "ZWA-2", "Nabu Casa", "1"),
    Identity(0x1A86, 0x55D4, "800 Z-Wave Stick", "Zooz", "533D004242"),
    Identity(0x10C4, 0xEA60, "CP2102N Z-Wave Bridge", "Silicon Labs", "2", "bridge"),
    Identity(0x10C4, 0x8A2A, "HubZ Smart Home Controller", "Silicon Labs", "3", "bridge"),
)
"""One of each line of drivers/zwave/stick/sticks.toml."""

STRANGERS: Final = (
    Identity(0x303A, 0x4001, "ESP32-S3", "Espressif", "1"),
    Identity(0x1A86, 0x55D4, "SONOFF Zigbee 3.0 USB Dongle Plus", "ITEAD", "2"),
    Identity(0x10C4, 0xEA60, "CP2102N USB to UART Bridge Controller", "Silicon Labs", "3", "bridge"),
)
"""They share the ids of Z-Wave sticks, and are something else."""


class UsbStick:
    """The device."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._strings = [identity.maker, identity.product_name, identity.serial]

    def introduction(self) -> list[Message]:
        """What is said about it when it is plugged in."""
        both = (INTO_HOST, FROM_HOST)
        zero = (Endpoint(0x00, 0, 0, PACKET_BYTES), Endpoint(0x80, 0, 0, PACKET_BYTES))
        who = self.identity
        if who.kind == "acm":
            kinds: tuple[tuple[int, int, int], ...] = ((COMMUNICATION, 2, 1), (DATA, 0, 0))
            pipes = (Endpoint(LISTEN, 3, 0, 16, 32), *(Endpoint(address, 2, 1, PACKET_BYTES) for address in both))
            device_class = COMMUNICATION
        else:
            kinds = ((VENDOR, 0, 0),)
            pipes = tuple(Endpoint(address, 2, 0, PACKET_BYTES) for address in both)
            device_class = 0
        plugged = usb_wire.connect(device_class, who.vendor, who.product, VERSION)
        return [usb_wire.interfaces(kinds), usb_wire.endpoints((*zero, *pipes)), plugged]

    def answer(self, asked: Control) -> bytes:
        """Answer a request at endpoint 0, standard or not."""
        if not asked.is_read:
            return asked.answer(Status.DONE)
        if asked.request_type & 0x60:  # of a class or a maker, such as the speed of the line
            return asked.answer(Status.DONE, bytes(asked.length))
        if asked.request == GET_STATUS:
            return asked.answer(Status.DONE, bytes(2))
        if asked.request != GET_DESCRIPTOR:
            return asked.answer(Status.STALL)
        found = self._descriptor(asked.value >> 8, asked.value & 0xFF)
        return asked.answer(Status.STALL) if found is None else asked.answer(Status.DONE, found)

    def _descriptor(self, kind: int, number: int) -> bytes | None:
        if kind == DEVICE:
            who = self.identity
            device_class = COMMUNICATION if who.kind == "acm" else 0
            named = [place if text else 0 for place, text in enumerate(self._strings, 1)]
            return struct.pack(
                "<BBHBBBBHHHBBBB", 18, DEVICE, 0x0200, device_class, 0, 0, PACKET_BYTES, who.vendor, who.product, VERSION,
                *named, 1,
            )  # fmt: skip
        if kind == CONFIGURATION:
            return self._configuration()
        if kind == STRING and number == 0:
            return struct.pack("<BBH", 4, STRING, ENGLISH)
        if kind == STRING and 1 <= number <= len(self._strings) and self._strings[number - 1]:
            text = self._strings[number - 1].encode("utf-16-le")
            return bytes([2 + len(text), STRING]) + text
        return None

    def _configuration(self) -> bytes:
        if self.identity.kind == "acm":
            interface_count = 2
            # CDC 1.2, 5.2.3: header, call management, abstract control, union.
            functions = bytes([5, 36, 0, 0x10, 1, 5, 36, 1, 0, 1, 4, 36, 2, 2, 5, 36, 6, 0, 1])
            body = _interface(0, 1, COMMUNICATION, 2, 1) + functions + _endpoint(LISTEN, 3, 16, 32)
            body += _interface(1, 2, DATA, 0, 0)
        else:
            interface_count = 1
            body = _interface(0, 2, VENDOR, 0, 0)
        body += _endpoint(INTO_HOST, 2, PACKET_BYTES, 0) + _endpoint(FROM_HOST, 2, PACKET_BYTES, 0)
        # Bus-powered, 100 mA.
        return struct.pack("<BBHBBBBB", 9, CONFIGURATION, 9 + len(body), interface_count, 1, 0, 0x80, 50) + body


def _interface(number: int, pipes: int, kind: int, subclass: int, protocol: int) -> bytes:
    return bytes([9, 4, number, 0, pipes, kind, subclass, protocol, 0])


def _endpoint(address: int, kind: int, packet_bytes: int, interval_ms: int) -> bytes:
    return struct.pack("<BBBBHB", 7, 5, address, kind, packet_bytes, interval_ms)
