"""Logs: facts as key=value, libraries that would log PINs capped at any level (N1)."""

import io
import logging
from collections.abc import Iterator

import pytest

from gateway.runtime import logs


@pytest.fixture
def shown() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.CAPPED}
    stream = io.StringIO()
    logs.set_up("debug", stream)
    yield stream
    root.handlers[:], root.level = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_facts_are_shown_as_key_and_value(shown: io.StringIO) -> None:
    logging.getLogger("gateway.fleet.worker").info(
        "slot.write.ended", extra={"lock": "front-door", "cause": "two words"}
    )
    line = shown.getvalue()
    assert "slot.write.ended lock=front-door" in line
    assert 'cause="two words"' in line


@pytest.mark.parametrize("name", ["zwave_js_server.client", "aiosqlite", "aiosqlite.core", "aiohttp.client"])
def test_n1_chatty_libraries_are_silent_at_debug(shown: io.StringIO, name: str) -> None:
    logging.getLogger(name).debug('{"userCode": "2580"}')
    logging.getLogger(name).info('{"userCode": "2580"}')
    assert shown.getvalue() == ""


def test_n1_what_a_library_does_say_has_its_digits_masked(shown: io.StringIO) -> None:
    logging.getLogger("zwave_js_server").warning("failed to set code 2580 on node 5")
    assert "2580" not in shown.getvalue()
    assert "node 5" in shown.getvalue()


def test_text_from_outside_is_made_printable_and_cut(shown: io.StringIO) -> None:
    logging.getLogger("gateway.cloud").info("x", extra={"name_of_lock": "a\x1b[31m\nb" + "c" * 5000})
    line = shown.getvalue()
    assert "\x1b" not in line
    assert line.count("\n") == 1
    assert len(line) <= logs.LINE_MAX + 1


class StickGone(Exception):  # noqa: N818 - named like the daemon's own
    """What a deep call fails with."""


def sink(depth: int, error: BaseException) -> None:
    if depth == 0:
        raise error
    sink_again(depth, error)


def sink_again(depth: int, error: BaseException) -> None:
    sink(depth - 1, error)


def told(shown: io.StringIO, error: BaseException, *, depth: int = 60, name: str = "gateway.keeper") -> str:
    """What the log says of an exception from that deep, each call with others between so that none is left out as repeated."""
    try:
        sink(depth, error)
    except BaseException:
        logging.getLogger(name).exception("keeper.task.died", extra={"task": "front-door"})
    return shown.getvalue()


BOUND = logs.LINE_MAX + logs.TRACEBACK_MAX + 2


@pytest.mark.parametrize("name", ["gateway.keeper", "zwave_js_server.client"])
def test_the_end_of_a_deep_traceback_stays_with_the_exceptions_name_and_text(shown: io.StringIO, name: str) -> None:
    text = told(shown, StickGone("no such stick"), name=name)
    lines = text.splitlines()
    assert "keeper.task.died" in lines[0]
    assert "task=front-door" in lines[0]
    assert lines[1].strip() == "Traceback (most recent call last):"
    assert lines[2].strip() == "…"
    assert lines[-1].endswith("StickGone: no such stick")
    assert any("in sink" in line for line in lines[3:-1]), "where it was raised"
    assert len(text) <= BOUND


def test_a_short_traceback_is_shown_as_a_whole(shown: io.StringIO) -> None:
    lines = told(shown, StickGone("no such stick"), depth=1).splitlines()
    assert not any(line.strip() == "…" for line in lines)
    assert len([line for line in lines if "in sink" in line]) == 3
    assert lines[-1].endswith("StickGone: no such stick")


def test_a_long_text_of_an_exception_is_cut_at_its_end_and_keeps_the_name(shown: io.StringIO) -> None:
    text = told(shown, StickGone("begins " + "c" * 50_000))
    assert "StickGone: begins ccc" in text
    assert len(text) <= BOUND


def test_a_long_line_cuts_nothing_off_the_traceback(shown: io.StringIO) -> None:
    try:
        sink(60, StickGone("no such stick"))
    except StickGone:
        logging.getLogger("gateway.cloud").exception("x", extra={"name_of_lock": "c" * 5000})
    text = shown.getvalue()
    assert text.splitlines()[-1].endswith("StickGone: no such stick")
    assert len(text.splitlines()[0]) == logs.LINE_MAX
    assert len(text) <= BOUND


def test_each_exception_of_a_group_is_named(shown: io.StringIO) -> None:
    group = ExceptionGroup(
        "tasks", [StickGone("first"), *(ValueError("c" * 900) for _ in range(9)), LookupError("last")]
    )
    text = told(shown, group)
    assert "ExceptionGroup: tasks" in text
    assert "StickGone: first" in text
    assert len(text) <= BOUND


def test_n1_no_digits_of_a_pin_come_in_by_the_text_of_an_exception(shown: io.StringIO) -> None:
    texts = (
        "code 2580",
        '{"userCode":2580}',
        "b'\\x002580'",
        "pin_2580x",
        "front:2580-",
        "line\n2580",
        "c" * 5_000 + " 2580",
    )
    for depth in (1, 60):
        for text in texts:
            told(shown, StickGone(text), depth=depth)
            told(shown, ExceptionGroup("tasks", [ValueError(text)]), depth=depth)
    assert "2580" not in shown.getvalue()
    assert "code ••••" in shown.getvalue()


def test_the_text_of_an_exception_is_made_printable_and_cannot_pass_for_a_line(shown: io.StringIO) -> None:
    text = told(
        shown, StickGone("a\x1b[31m\n2027-01-31 12:00:00 ERROR forged\r2027 forged\u2028forged\x85forged"), depth=1
    )
    assert "\x1b" not in text
    first, *rest = text.splitlines()
    assert "keeper.task.died" in first
    assert all(line.startswith("  ") for line in rest)


def test_an_error_that_is_told_without_an_exception_is_one_line(shown: io.StringIO) -> None:
    logging.getLogger("gateway.keeper").error("x", exc_info=True)  # noqa: LOG014 - the case itself
    assert shown.getvalue().count("\n") == 1
