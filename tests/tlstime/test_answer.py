"""What is read from a web server's answer, and when several agree (T2). Pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.instant import DAY_MS, SECOND_MS, Instant
from gateway.tlstime.answer import SERVER_SLACK_MS, NotTold, Span, Validity, agreed, span_of
from tests.builders import NOON

VALID = Validity(Instant(NOON - DAY_MS), Instant(NOON + DAY_MS))
DATE = "Sun, 31 Jan 2027 12:00:00 GMT"


def head(*fields: str, first: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join((first, *fields, "", "")).encode()


@pytest.mark.parametrize("first", ["HTTP/1.1 200 OK", "HTTP/1.0 301 Moved Permanently", "HTTP/1.1 404 Not Found"])
def test_t2_true_time_lies_between_the_date_and_the_arrival(first: str) -> None:
    found = span_of(head(f"date: {DATE}", "Age: 0", first=first), 700, VALID)
    assert found == Span(NOON - SERVER_SLACK_MS, NOON + SECOND_MS + 700 + SERVER_SLACK_MS)
    assert found.later(500) == Span(found.lo + 500, found.hi + 500)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (head(f"Date: {DATE}", first="SSH-2.0-OpenSSH_9.6"), "no web server"),
        (head("Server: x"), "no date"),
        (head("Date: noon"), "no date"),
        (head("Date: Sun, 31 Jan 99999 12:00:00 GMT"), "no date"),
        (head("Date: Sun, 31 Jan 99999999999999999999 12:00:00 GMT"), "no date"),
        (head("Date: Sun, 31 Jan 2027 12:00:00 +99999999999999999999"), "no date"),
        (head(f"Date: {DATE}", "Age: 30"), "cache"),
        (head("Date: Sun, 31 Jan 2021 12:00:00 GMT"), "validity"),
        (head("Date: Thu, 31 Jan 2036 12:00:00 GMT"), "validity"),
        (b"\xff\x00\r\n\r\n", "no web server"),
    ],
)
def test_t2_what_tells_no_time_that_could_be_believed_is_refused(answer: bytes, why: str) -> None:
    with pytest.raises(NotTold, match=why):
        span_of(answer, 100, VALID)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_refused(answer: bytes) -> None:
    try:
        span_of(answer, 100, VALID)
    except NotTold:
        return


def around(at: int) -> Span:
    return Span(at - SERVER_SLACK_MS, at + SERVER_SLACK_MS)


LIE = around(NOON + 300 * DAY_MS)


@pytest.mark.parametrize(
    ("spans", "asked", "is_told"),
    [
        ([around(NOON)], 1, True),
        ([around(NOON)], 3, False),
        ([around(NOON), around(NOON + 3_000)], 3, True),
        ([around(NOON), LIE], 2, False),
        ([LIE, around(NOON), around(NOON + 3_000)], 3, True),
        ([LIE, around(NOON), LIE, around(NOON + 3_000)], 4, False),
        ([], 2, False),
    ],
)
def test_t2_most_of_those_who_answered_have_to_agree_and_two_at_least(
    spans: list[Span], asked: int, *, is_told: bool
) -> None:
    told = agreed(spans, asked)
    assert (told is not None) is is_told
    if told is not None:
        assert told.at - told.slack_ms <= NOON <= told.at + told.slack_ms


def test_t2_what_two_agree_on_is_no_wider_than_either() -> None:
    told = agreed([Span(0, 20_000), Span(5_000, 25_000)], 2)
    assert told is not None
    assert (told.at, told.slack_ms) == (12_500, 7_500)
