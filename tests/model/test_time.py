"""Instants and windows (A1, T5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.instant import LAST_INSTANT, Instant, format_instant, parse_instant
from gateway.model.window import CodeType, Window


@given(st.integers(0, LAST_INSTANT).map(Instant))
def test_t5_an_instant_survives_the_wire(at: Instant) -> None:
    text = format_instant(at)
    assert text.endswith("Z")
    assert parse_instant(text) == at


def test_t5_offsets_and_fractions_are_understood() -> None:
    assert parse_instant("2027-01-31T16:00:00+01:00") == parse_instant("2027-01-31T15:00:00.000Z")
    assert parse_instant("2027-01-31T15:00:00.123456Z") == parse_instant("2027-01-31T15:00:00.123Z")


@pytest.mark.parametrize(
    "text", ["2027-01-31", "2027-01-31T15:00:00", "2027-13-31T15:00:00Z", "tomorrow", "1969-01-01T00:00:00Z", ""]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


def test_a1_the_end_decides_the_type() -> None:
    assert Window().type is CodeType.ONGOING
    assert Window(Instant(5)).type is CodeType.ONGOING
    assert Window(None, Instant(5)).type is CodeType.TIME_BOUND


@pytest.mark.parametrize("ends_at", [4, 5])
def test_an_empty_window_is_refused(ends_at: int) -> None:
    with pytest.raises(ValueError, match="ends at or before"):
        Window(Instant(5), Instant(ends_at))
