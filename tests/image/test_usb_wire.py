"""The cable's codec, against bytes worked out by hand from the protocol's specification. Quick, so `make test` has it."""

import struct

import pytest

from tests.image import usb_wire
from tests.image.usb_stick import AEOTEC, Identity, UsbStick
from tests.image.usb_wire import Bulk, Control, Kind, Message, Reader, Status

DEVICE, STRING = 1 << 8, 3 << 8


def _descriptor(stick: UsbStick, value: int, length: int = 255) -> bytes | None:
    asked = Control.decode(struct.pack("<BBBBHHH", 0x80, 6, 0x80, 0, value, 0x0409, length))
    answer = stick.answer(asked)
    status, told = answer[3], struct.unpack_from("<H", answer, 8)[0]
    assert told == len(answer) - 10
    return None if status == Status.STALL else answer[10:]


def test_a_greeting_has_a_short_header_and_all_after_it_a_long_one() -> None:
    assert usb_wire.hello().encode()[:12] == struct.pack("<III", 0, 68, 0)
    assert Message(Kind.BULK, 7, b"ab").encode() == struct.pack("<IIQ", 101, 2, 7) + b"ab"


@pytest.mark.parametrize("size", [1, 3, 13, 1000])
def test_messages_are_found_however_the_stream_is_cut(size: int) -> None:
    sent = [usb_wire.hello(), Message(Kind.RESET, 1), Message(Kind.BULK, 2**40, bytes(300))]
    stream = b"".join(message.encode() for message in sent)
    reader = Reader()
    assert [found for at in range(0, len(stream), size) for found in reader.feed(stream[at : at + size])] == sent


def test_a_stream_that_is_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        Reader().feed(b"\xff" * 12)


def test_the_stick_says_who_it_is() -> None:
    device = _descriptor(UsbStick(AEOTEC), DEVICE)
    assert device is not None
    assert struct.unpack_from("<HH", device, 8) == (0x0658, 0x0200)
    assert device[14:17] == bytes(3), "this stick has no strings"
    assert _descriptor(UsbStick(AEOTEC), STRING | 1) is None


def test_a_string_is_told_and_cut_to_what_was_asked_for() -> None:
    stick = UsbStick(Identity(0x303A, 0x4001, "ZWA-2", "Nabu Casa", "42"))
    assert _descriptor(stick, STRING | 2) == b"\x0c\x03" + "ZWA-2".encode("utf-16-le")
    assert _descriptor(stick, STRING | 1, 4) == b"\x14\x03N\x00"


@pytest.mark.parametrize("kind", ["acm", "bridge"])
def test_the_configuration_is_as_long_as_it_says(kind: str) -> None:
    whole = _descriptor(UsbStick(Identity(1, 2, kind="acm" if kind == "acm" else "bridge")), 2 << 8)
    assert whole is not None
    assert struct.unpack_from("<H", whole, 2)[0] == len(whole)
    at = 0
    while at < len(whole):
        at += whole[at]
    assert at == len(whole)


def test_a_transfer_of_more_than_64_kib_keeps_its_length() -> None:
    asked = Bulk.decode(struct.pack("<BBHIH", 0x81, 0, 0x0010, 0, 2))
    assert asked.length == 0x20010
    assert asked.is_read
    assert asked.answer(Status.DONE, b"xyz") == struct.pack("<BBHIH", 0x81, 0, 3, 0, 0) + b"xyz"
