"""Rule N1 over the whole shell: canary PINs go in at every place, and must not come out at any."""

import json
import logging

import pytest

from gateway.shell import render
from gateway.shell.catalogue import CATALOGUE
from gateway.shell.session import encode_answer
from gateway.store import journal
from tests.shell.house import CANARIES, PEER, House

TYPED = "604831"

LOOKS = ("status", "locks", "codes", "codes --all", "codes --lock front-door", "slots front-door", "slots back-door",
         "plan front-door", "plan back-door", "why owner-1", "why guest", "why cleaner-7", "why back-late", "why back-gone",
         "timeline owner-1", "timeline guest", "timeline cleaner-7", "verify")  # fmt: skip

SLIPS = (
    {"verb": TYPED},
    {"verb": "slots", "arguments": {"lock": TYPED}},
    {"verb": "plan", "arguments": {"lock": TYPED}},
    {"verb": "codes", "arguments": {"lock": TYPED}},
    {"verb": "why", "arguments": {"code": TYPED}},
    {"verb": "timeline", "arguments": {"code": TYPED}},
    {"verb": "timeline", "arguments": {"code": "owner-1", "last": TYPED}},
    {"verb": "delete", "arguments": {"code": TYPED}},
    {"verb": "update", "arguments": {"code": TYPED, "name": "x"}},
    {"verb": "update", "arguments": {"code": "guest", "pin": TYPED + "x"}},
    {"verb": "update", "arguments": {"code": "guest", "pin": TYPED + TYPED}},
    {"verb": "update", "arguments": {"code": "guest", "from": TYPED}},
    {"verb": "create", "arguments": {"lock": TYPED, "name": "x"}},
    {"verb": "create", "arguments": {"lock": "front", "name": "x", "pin": TYPED + " "}},
    {"verb": "create", "arguments": {"lock": "front", "name": "x", "pin": TYPED + "\n"}},
    {"verb": "create", "arguments": {"lock": "front", "name": "x", "pin": "0" + TYPED}},
    {"verb": "create", "arguments": {"lock": "front", "name": "x", "until": TYPED}},
    {"verb": "create", "arguments": {"lock": "front", "name": "x", "id": f"/{TYPED}"}},
    {"verb": "create", "arguments": {"lock": "front", "name": "x", TYPED: "x"}},
    {"verb": "create", "arguments": {"lock": "front", "name": "x", "pin": [TYPED]}},
)


async def said(house: House, line: bytes) -> str:
    """Everything that leaves the daemon for one request: the answer line, and what a person sees of it."""
    answer = await house.shell.answer(line, PEER)
    screen = render.draw(answer, width=80, is_coloured=True)
    if answer.failure is not None:
        screen += render.draw_failure(answer.failure, width=80, is_coloured=True)
    return encode_answer(answer).decode() + screen


def request(line: str) -> bytes:
    verb, *rest = line.split()
    names = [argument.name for argument in CATALOGUE[verb].arguments]
    if "--all" in rest:
        return json.dumps({"verb": verb, "arguments": {"all": "yes"}}).encode()
    if "--lock" in rest:
        return json.dumps({"verb": verb, "arguments": {"lock": rest[1]}}).encode()
    return json.dumps({"verb": verb, "arguments": dict(zip(names, rest, strict=False))}).encode()


async def test_no_screen_and_no_document_holds_a_pin_that_the_hub_knows(house: House) -> None:
    for line in LOOKS:
        told = await said(house, request(line))
        assert '"ok":true' in told, line
        assert [pin for pin in CANARIES if pin in told] == [], line


async def test_no_answer_repeats_a_pin_that_was_typed_rightly(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for arguments in (
            {"verb": "create", "arguments": {"lock": "front", "name": "x", "pin": TYPED, "id": "typed"}},
            {"verb": "create", "arguments": {"lock": "front", "name": "y", "pin": TYPED}},
            {"verb": "update", "arguments": {"code": "guest", "pin": TYPED}},
            {"verb": "update", "arguments": {"code": "typed", "pin": CANARIES[0]}},
            {"verb": "why", "arguments": {"code": "typed"}},
            {"verb": "timeline", "arguments": {"code": "typed"}},
            {"verb": "delete", "arguments": {"code": "typed"}},
        ):
            told = await said(house, json.dumps(arguments).encode())
            assert [pin for pin in (TYPED, *CANARIES) if pin in told] == []
    lines = str(await house.db.read(lambda con: journal.timeline(con, limit=10_000)))
    assert [pin for pin in (TYPED, *CANARIES) if pin in lines + caplog.text] == []


@pytest.mark.parametrize("slip", SLIPS, ids=range(len(SLIPS)))
async def test_no_error_repeats_a_pin_that_was_typed_in_the_wrong_place(
    house: House, slip: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        told = await said(house, json.dumps(slip).encode())
    assert '"ok":false' in told
    assert TYPED not in told + caplog.text
    assert TYPED not in str(await house.db.read(lambda con: journal.timeline(con, limit=10_000)))


async def test_a_line_that_is_no_json_is_not_repeated(house: House) -> None:
    for line in (TYPED.encode(), f'{{"verb": "create", "pin": "{TYPED}'.encode(), f'"{TYPED}"'.encode()):
        assert TYPED not in await said(house, line)
