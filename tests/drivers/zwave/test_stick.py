"""Who a stick is, before the server opens it: frames in any pieces, the table, the pairing, and a real conversation on a PTY."""

import contextlib
import os
import threading
import tty
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import override

import pytest

from drivers.zwave.stick import probe
from drivers.zwave.stick.frames import RESPONSE, Frame, Function, Reader, Signal, checksum, request
from drivers.zwave.stick.identity import (
    Match,
    StickIdentity,
    UsbDevice,
    identity_of,
    known_sticks,
    recognise,
)
from drivers.zwave.stick.pairing import PAIRING_NAME, Pairing
from drivers.zwave.stick.probe import StickUnreadable, identify

HOME = 0xC0FFEE01
VERSION = b"Z-Wave 7.23\0\x07"
CAPABILITIES = bytes.fromhex("07 17 0086 0001 005A") + bytes(32)
CONTROLLER_ID = bytes.fromhex("C0FFEE01 01")
ANSWERS = {
    Function.VERSION: VERSION,
    Function.CAPABILITIES: CAPABILITIES,
    Function.CONTROLLER_ID: CONTROLLER_ID,
}
END_S = 10.0
"""For a thread whose port is gone to see it."""

IDENTITY = StickIdentity(HOME, "Z-Wave 7.23", 0x0086, 0x0001, 0x005A)


def frame(kind: int, function: int, payload: bytes) -> bytes:
    body = bytes([len(payload) + 3, kind, function, *payload])
    return bytes([0x01, *body, checksum(body)])


def test_request_has_the_bytes_of_the_specification() -> None:
    assert request(Function.CAPABILITIES) == bytes.fromhex("01 03 00 07 FB")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_frames_are_read_in_whatever_pieces_they_come(size: int) -> None:
    told = b"\xff\x06" + frame(RESPONSE, 0x20, CONTROLLER_ID) + b"\x18" + frame(0, 0x04, b"\x00\x02")
    reader = Reader()
    items = [item for place in range(0, len(told), size) for item in reader.feed(told[place : place + size])]
    assert items == [Signal.ACK, Frame(RESPONSE, 0x20, CONTROLLER_ID), Signal.CAN, Frame(0, 0x04, b"\x00\x02")]


def test_frame_with_a_wrong_checksum_is_no_frame() -> None:
    broken = bytearray(frame(RESPONSE, 0x20, CONTROLLER_ID))
    broken[-1] ^= 1
    assert Reader().feed(bytes(broken)) == [Signal.NAK]


def test_answers_that_are_too_short_identify_nobody() -> None:
    assert identity_of(VERSION, CAPABILITIES, CONTROLLER_ID) == IDENTITY
    assert identity_of(b"Z-Wave 7.23", CAPABILITIES, CONTROLLER_ID) is None
    assert identity_of(VERSION, CAPABILITIES[:6], CONTROLLER_ID) is None
    assert identity_of(VERSION, CAPABILITIES, CONTROLLER_ID[:4]) is None


def test_stick_with_ids_of_its_own_is_sure_and_one_with_shared_ids_only_by_its_words() -> None:
    assert recognise(UsbDevice("/dev/ttyACM0", (0x0658, 0x0200), "")).match is Match.SURE
    assert recognise(UsbDevice("/dev/ttyUSB0", (0x10C4, 0xEA60), "CP2102N USB to UART Bridge")).match is Match.PERHAPS
    assert recognise(UsbDevice("/dev/ttyUSB0", (0x10C4, 0xEA60), "HubZ Z-wave stick")).match is Match.SURE
    assert recognise(UsbDevice("/dev/ttyUSB0", (0x1A86, 0x55D4), "SONOFF Zigbee 3.0")).match is Match.PERHAPS
    assert recognise(UsbDevice("/dev/ttyUSB0", (0x0403, 0x6001), "FTDI\x07 Cable")).label == "FTDI Cable"
    assert recognise(UsbDevice("/dev/pts/3", None, "")).match is Match.UNKNOWN


def test_every_known_stick_has_a_label_and_ids_of_sixteen_bits() -> None:
    assert len(known_sticks()) == 5
    assert all(row.label and all(0 < number < 1 << 16 for number in row.usb) for row in known_sticks())


def test_first_network_becomes_the_hubs_and_another_one_is_a_stranger(tmp_path: Path) -> None:
    assert Pairing(tmp_path / "zwave").stranger(HOME) is None
    assert Pairing(tmp_path / "zwave").stranger(HOME) is None
    told = Pairing(tmp_path / "zwave").stranger(0xDEADBEEF)
    assert told is not None
    assert "DEADBEEF" in told
    assert "C0FFEE01" in told
    (tmp_path / "zwave" / PAIRING_NAME).unlink()
    assert Pairing(tmp_path / "zwave").stranger(0xDEADBEEF) is None


def test_pairing_that_cannot_be_understood_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / PAIRING_NAME).write_text("{")
    told = Pairing(tmp_path).stranger(HOME)
    assert told is not None
    assert "remove it" in told
    assert (tmp_path / PAIRING_NAME).read_text() == "{"


def test_network_without_an_id_pairs_nothing(tmp_path: Path) -> None:
    assert Pairing(tmp_path).stranger(0) is None
    assert not (tmp_path / PAIRING_NAME).exists()


class Stick(threading.Thread):
    """The stick's side of a PTY. `chatter` goes out before each answer; the first `deaf` requests are not heard.

    It reads until everybody has left the other side, and it must have ended before its descriptor is closed: a stick that outlives its
    test would answer for the one of the next test, which gets the same number.
    """

    def __init__(self, fd: int, *, chatter: bytes = b"", deaf: int = 0) -> None:
        super().__init__(daemon=True)
        self._fd, self._chatter, self._deaf = fd, chatter, deaf
        self.heard: list[int] = []
        self.acknowledged = 0

    @override
    def run(self) -> None:
        reader = Reader()
        with contextlib.suppress(OSError):
            while received := os.read(self._fd, 256):
                for item in reader.feed(received):
                    self._take(item)

    def _take(self, item: Frame | Signal) -> None:
        if item is Signal.ACK:
            self.acknowledged += 1
        if not isinstance(item, Frame):
            return
        self.heard.append(item.function)
        if self._deaf:
            self._deaf -= 1
            return
        answer = frame(RESPONSE, item.function, ANSWERS[Function(item.function)])
        os.write(self._fd, bytes([Signal.ACK]) + self._chatter + answer)


@dataclass
class Port:
    """A PTY: `ours` is the stick's side, `path` the hub's."""

    ours: int
    theirs: int
    path: str = field(init=False)
    _stick: Stick | None = None

    def __post_init__(self) -> None:
        self.path = os.ttyname(self.theirs)

    def plug(self, *, chatter: bytes = b"", deaf: int = 0) -> Stick:
        self._stick = Stick(self.ours, chatter=chatter, deaf=deaf)
        self._stick.start()
        return self._stick

    def unplug(self) -> None:
        """Let the stick read what is left, and end it."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1
        if self._stick is not None:
            self._stick.join(END_S)
            assert not self._stick.is_alive(), "the stick reads on"


@pytest.fixture
def port() -> Iterator[Port]:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    port = Port(ours, theirs)
    yield port
    port.unplug()
    os.close(ours)


async def test_stick_says_who_it_is_while_a_lock_talks_in_between(port: Port) -> None:
    stick = port.plug(chatter=frame(0, 0x04, b"\x00\x02\x03\x71\x05\x00"))
    assert await identify(port.path) == IDENTITY
    port.unplug()
    assert stick.heard == [Function.VERSION, Function.CAPABILITIES, Function.CONTROLLER_ID]
    assert stick.acknowledged == 6, "an unacknowledged frame would be repeated into the server's first words"


async def test_question_that_was_lost_is_asked_again(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ANSWER_S", 0.5)
    stick = port.plug(deaf=2)
    assert await identify(port.path) == IDENTITY
    assert stick.heard[:3] == [Function.VERSION] * 3


async def test_silent_port_and_missing_port_are_told_in_one_line(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ANSWER_S", 0.02)
    with pytest.raises(StickUnreadable, match="nobody answers"):
        await identify(port.path)
    with pytest.raises(StickUnreadable, match="cannot be opened"):
        await identify("/dev/no-such-stick")
