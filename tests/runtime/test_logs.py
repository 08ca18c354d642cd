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
