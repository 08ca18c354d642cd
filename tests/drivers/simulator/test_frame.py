"""Frames of the Serial API: golden bytes, every way of cutting them, and noise."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.simulator.stick.frame import (
    PAYLOAD_MAX,
    Broken,
    Control,
    Frame,
    FrameReader,
    FrameType,
    Garbage,
    Received,
)

# SOF, LEN 3, request, GetSerialApiCapabilities, checksum
CAPABILITIES_REQUEST = bytes.fromhex("01 03 00 07 FB")
# SOF, LEN 16, response, GetControllerVersion, "Z-Wave 2.78\0", library 1, checksum
VERSION_RESPONSE = bytes.fromhex("01 10 01 15 5A 2D 57 61 76 65 20 32 2E 37 38 00 01 9B")


def read(*chunks: bytes) -> list[Received]:
    """Feed chunks to a fresh reader and return all it made of them."""
    reader = FrameReader()
    return [received for chunk in chunks for received in reader.feed(chunk)]


def test_golden_frames_encode_and_decode() -> None:
    request = Frame(FrameType.REQUEST, 0x07)
    response = Frame(FrameType.RESPONSE, 0x15, b"Z-Wave 2.78\x00\x01")
    assert request.encode() == CAPABILITIES_REQUEST
    assert response.encode() == VERSION_RESPONSE
    assert read(CAPABILITIES_REQUEST + VERSION_RESPONSE) == [request, response]


def test_frame_is_read_alike_however_it_is_cut() -> None:
    stream = b"\x06" + VERSION_RESPONSE + b"\x15" + CAPABILITIES_REQUEST + b"\x18"
    whole = read(stream)
    assert len(whole) == 5
    for cut in range(len(stream) + 1):
        assert read(stream[:cut], stream[cut:]) == whole
    assert read(*(bytes([byte]) for byte in stream)) == whole


def test_single_bytes_are_control_frames() -> None:
    assert read(b"\x06\x15\x18") == [Control.ACK, Control.NAK, Control.CAN]


def test_wrong_checksum_is_broken_and_the_next_frame_is_read() -> None:
    spoiled = CAPABILITIES_REQUEST[:-1] + b"\x00"
    assert read(spoiled + VERSION_RESPONSE)[0] == Broken()
    assert isinstance(read(spoiled + VERSION_RESPONSE)[1], Frame)


def test_unknown_frame_type_is_broken() -> None:
    body = bytes.fromhex("03 02 07")
    assert read(b"\x01" + body + bytes([0xFF ^ 3 ^ 2 ^ 7])) == [Broken()]


def test_noise_before_a_frame_is_skipped_and_counted() -> None:
    assert read(b"\x99\x98" + CAPABILITIES_REQUEST) == [Garbage(2), Frame(FrameType.REQUEST, 0x07)]


def test_start_byte_with_impossible_length_is_noise() -> None:
    assert read(b"\x01\x02" + CAPABILITIES_REQUEST) == [Garbage(2), Frame(FrameType.REQUEST, 0x07)]


def test_abandoned_frame_leaves_no_trace() -> None:
    reader = FrameReader()
    assert reader.feed(CAPABILITIES_REQUEST[:3]) == []
    assert reader.is_midframe
    reader.abandon()
    assert reader.feed(CAPABILITIES_REQUEST) == [Frame(FrameType.REQUEST, 0x07)]


def test_repr_shows_no_payload() -> None:
    assert "31 33 35" not in repr(Frame(FrameType.REQUEST, 0x13, b"135"))
    assert "135" not in repr(Frame(FrameType.REQUEST, 0x13, b"135"))


@given(st.sampled_from(FrameType), st.integers(0, 255), st.binary(max_size=PAYLOAD_MAX))
def test_every_frame_survives_the_wire(frame_type: FrameType, function: int, payload: bytes) -> None:
    frame = Frame(frame_type, function, payload)
    assert read(frame.encode()) == [frame]


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_reader_finds_back_into_step_after_any_noise(noise: list[bytes]) -> None:
    reader = FrameReader()
    for chunk in noise:
        reader.feed(chunk)
    reader.abandon()
    assert reader.feed(CAPABILITIES_REQUEST) == [Frame(FrameType.REQUEST, 0x07)]
