"""The search for PINs finds them in every disguise, and does not cry at other numbers."""

import base64

import pytest

from tests.demo.leaks import Canary, search

CANARY = Canary("guest", "27182818")
PIN = b"27182818"


@pytest.mark.parametrize(
    "content",
    [
        b"code=27182818 slot=3",
        b'"code":"27182818"',
        PIN.hex().encode(),
        PIN.hex().upper().encode(),
        b"01 32 37 31 38 32 38 31 38 02",
        "27182818".encode("utf-16-le"),
        *(base64.b64encode(b"x" * before + PIN + b"y" * after) for before in range(6) for after in range(6)),
    ],
)
def test_a_pin_is_found(content: bytes) -> None:
    assert [(leak.who, leak.place) for leak in search([CANARY], {"a log": b"before " + content + b" after"})] != []


@pytest.mark.parametrize("content", [b"", b"127182818", b"271828180", b"took_ms=2718 2818", b"27182817"])
def test_other_numbers_are_no_leak(content: bytes) -> None:
    assert search([CANARY], {"a log": content}) == []


def test_a_leak_names_whose_and_where_and_never_which() -> None:
    (leak,) = search([CANARY], {"the log of the hub": b"27182818"})
    assert (leak.who, leak.place, leak.form) == ("guest", "the log of the hub", "in clear")
    assert "27182818" not in repr(leak)
