from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.clock import ClockTrust
from gateway.model.instant import HOUR_MS, format_instant
from gateway.shell.times import Edge, NowUnknownError, known_now, parse_time
from tests.builders import NOON, reading

BERLIN = ZoneInfo("Europe/Berlin")
FIRST_LOCAL, LAST_LOCAL = datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("9998-01-01")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")


def understood(text: str, edge: Edge = Edge.START, zone: ZoneInfo = BERLIN) -> str:
    return format_instant(parse_time(text, edge, NOON, zone).at)


def test_a_local_time_is_read_in_the_property_zone() -> None:
    assert understood("2027-01-31 15:00") == "2027-01-31T14:00:00.000Z"
    assert understood("2027-07-31T15:00:30") == "2027-07-31T13:00:30.000Z"


def test_an_instant_with_offset_is_taken_as_it_is() -> None:
    assert understood("2027-01-31T15:00:00Z") == "2027-01-31T15:00:00.000Z"
    assert understood("2027-01-31T15:00:00.250-05:00") == "2027-01-31T20:00:00.250Z"


@pytest.mark.parametrize(
    ("text", "ahead_ms"),
    [("+2h", 2 * HOUR_MS), ("+90m", 90 * 60_000), ("+90min", 90 * 60_000), ("+1d2h", 26 * HOUR_MS), ("+30s", 30_000)],
)
def test_a_relative_time_counts_from_now(text: str, ahead_ms: int) -> None:
    assert parse_time(text, Edge.END, NOON, BERLIN).at == NOON + ahead_ms


def test_in_an_hour_that_comes_twice_the_start_takes_the_first_and_the_end_the_second() -> None:
    # Berlin, 31 October 2027: 03:00 CEST becomes 02:00 CET.
    assert understood("2027-10-31 02:30", Edge.START) == "2027-10-31T00:30:00.000Z"
    assert understood("2027-10-31 02:30", Edge.END) == "2027-10-31T01:30:00.000Z"


@pytest.mark.parametrize("edge", Edge)
def test_a_time_that_the_clocks_skip_moves_to_the_first_instant_after(edge: Edge) -> None:
    # Berlin, 28 March 2027: 02:00 CET becomes 03:00 CEST, at 01:00 UTC.
    assert understood("2027-03-28 02:00", edge) == "2027-03-28T01:00:00.000Z"
    assert understood("2027-03-28 02:59", edge) == "2027-03-28T01:00:00.000Z"
    assert understood("2027-03-28 03:00", edge) == "2027-03-28T01:00:00.000Z"


def test_a_half_hour_change_is_understood_too() -> None:
    # Lord Howe Island changes by 30 minutes: 2 October 2027, 02:00 (+10:30) becomes 02:30 (+11:00), at 15:30 UTC.
    assert understood("2027-10-03 02:15", zone=ZoneInfo("Australia/Lord_Howe")) == "2027-10-02T15:30:00.000Z"


def test_a_choice_is_told_to_the_person() -> None:
    told = parse_time("2027-10-31 02:30", Edge.END, NOON, BERLIN).told(NOON, BERLIN)
    assert "second" in told
    assert "2027-10-31T01:30:00.000Z" in told
    assert "skip" in parse_time("2027-03-28 02:30", Edge.START, NOON, BERLIN).told(NOON, BERLIN)
    assert ";" not in parse_time("+2h", Edge.START, NOON, BERLIN).told(NOON, BERLIN)


@pytest.mark.parametrize(
    "text",
    ["", "482915", "+", "+h", "-2h", "tomorrow", "2027-13-01 10:00", "2027-01-31", "1969-12-31 10:00", "0001-01-01 00:00",
     "2027-01-31 25:00", "+2h ", "2027-02-30T10:00:00Z"],
)  # fmt: skip
def test_what_is_no_time_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="write 2027") as refusal:
        parse_time(text, Edge.START, NOON, BERLIN)
    assert "482915" not in str(refusal.value)


@given(st.text(max_size=30), st.sampled_from(Edge), st.sampled_from(ZONES))
def test_any_text_gives_an_instant_or_a_refusal(text: str, edge: Edge, zone: str) -> None:
    try:
        found = parse_time(text, edge, NOON, ZoneInfo(zone))
    except ValueError:
        return
    assert found.at >= 0


@given(st.datetimes(FIRST_LOCAL, LAST_LOCAL), st.sampled_from(ZONES))
def test_the_end_is_never_before_the_start_for_the_same_local_time(moment: datetime, zone: str) -> None:
    text = moment.isoformat(" ", "minutes")
    start, end = (parse_time(text, edge, NOON, ZoneInfo(zone)).at for edge in Edge)
    assert start <= end <= start + 2 * HOUR_MS


def test_t2_nothing_is_counted_from_a_time_that_nobody_knows() -> None:
    for text in ("+2h", "+0m", "+1d2h"):
        with pytest.raises(NowUnknownError):
            parse_time(text, Edge.END, None, BERLIN)
    assert parse_time("2027-01-31 15:00", Edge.END, None, BERLIN).at == NOON + 2 * HOUR_MS
    for text in ("tomorrow", "15:00", "tomorrow 15:00"):
        with pytest.raises(ValueError, match="write the time itself with its date") as refusal:
            parse_time(text, Edge.END, None, BERLIN)
        assert "+2h" not in str(refusal.value)


def test_t2_known_now_is_what_the_clock_vouches_for() -> None:
    assert [known_now(reading(NOON, trust)) for trust in ClockTrust] == [NOON, NOON, None]


def test_t2_while_nobody_knows_the_time_a_date_is_told_whole_and_not_how_far_away_it_is() -> None:
    told = parse_time("2027-01-31 15:00", Edge.END, None, BERLIN).told(None, BERLIN)
    assert told == "Sun 31 Jan 2027 15:00 Europe/Berlin = 2027-01-31T14:00:00.000Z"
