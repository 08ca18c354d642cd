"""What the server prints is made fit for our log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.zwave.server.output import LINE_CHARS_MAX, PENDING_BYTES_MAX, LineCutter, clean_line

PIN = "4711"


@pytest.mark.parametrize(
    "line",
    [
        f"set code {PIN} on node 5",
        f"userCode: '{PIN}99'",
        f"{PIN}",
        f"code={PIN}, done",
        "payload: 0x010f000400056301013437313100",
        "payload: 630101 34373131",
        "<Buffer 34 37 31 31>",
        "bytes 34 37 31 31 follow",
        "bytes 0x34, 0x37, 0x31, 0x31",
        '{"type":"Buffer","data":[52,55,49,49]}',
    ],
)
def test_pin_in_any_spelling_is_masked(line: str) -> None:
    cleaned = clean_line(line)
    for spelling in (PIN, "34373131", "34 37 31 31", "0x34, 0x37", "52,55,49,49"):
        assert spelling not in cleaned


@pytest.mark.parametrize("code", ["ZW0202", "ZW0100"])
def test_error_codes_of_the_driver_stay(code: str) -> None:
    assert clean_line(f"Failed to open the serial port ({code})") == f"Failed to open the serial port ({code})"


@pytest.mark.parametrize("stamp", ["2026-11-22 19:47:41.564 ", "19:47:51.914 "])
def test_time_stamp_is_dropped(stamp: str) -> None:
    assert clean_line(stamp + "DRIVER   starting") == "DRIVER   starting"


def test_colours_and_control_characters_are_removed() -> None:
    assert clean_line("\x1b[31mred\x1b[0m\ttab\x07bell\r") == "red tab bell"


def test_long_line_is_cut() -> None:
    cleaned = clean_line("word " * 1000)
    assert len(cleaned) == LINE_CHARS_MAX
    assert cleaned.endswith("…")


@given(st.lists(st.sampled_from(["alpha", "beta", "", "gamma delta", "ünï"]), max_size=8), st.data())
def test_lines_are_the_same_however_the_stream_is_cut(lines: list[str], data: st.DataObject) -> None:
    stream = "\n".join(lines).encode()
    cutter = LineCutter()
    found: list[str] = []
    while stream:
        count = data.draw(st.integers(1, len(stream)))
        found += cutter.feed(stream[:count])
        stream = stream[count:]
    assert found + cutter.finish() == [line for line in lines if line]


def test_endless_line_is_held_only_up_to_the_bound() -> None:
    cutter = LineCutter()
    for _ in range(100):
        cutter.feed(b"x" * 4096)
    assert len(cutter._pending) == PENDING_BYTES_MAX
    assert len(cutter.finish()[0]) == LINE_CHARS_MAX


def test_bytes_that_are_no_text_do_not_stop_the_log() -> None:
    assert LineCutter().feed(b"\xff\xfe broken\n") == ["\ufffd\ufffd broken"]
