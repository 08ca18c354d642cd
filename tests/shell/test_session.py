import contextlib
import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shell.catalogue import CATALOGUE, VERBS
from gateway.shell.session import (
    ANSWER_BYTES_MAX,
    Answer,
    Cell,
    Column,
    Failure,
    FailureKind,
    NotDone,
    Shape,
    Table,
    Tone,
    encode_answer,
    encode_request,
    parse_answer,
    parse_request,
    quoted,
    request_of_words,
)
from gateway.shell.verbs import DOERS

PIN = "482915"


def failure_of_words(*words: str) -> Failure:
    with pytest.raises(NotDone) as refusal:
        request_of_words(words, CATALOGUE)
    return refusal.value.failure


def failure_of_line(line: bytes) -> Failure:
    with pytest.raises(NotDone) as refusal:
        parse_request(line, CATALOGUE)
    return refusal.value.failure


def test_words_become_a_request_in_either_way_of_writing_options() -> None:
    spaced = request_of_words(["create", "front", "--name", "Ms Adams", "--until", "+2h"], CATALOGUE)
    joined = request_of_words(["create", "--name=Ms Adams", "--until=+2h", "front"], CATALOGUE)
    assert spaced.arguments == joined.arguments == {"lock": "front", "name": "Ms Adams", "until": "+2h"}
    assert request_of_words(["codes", "--all"], CATALOGUE).get("all") == "yes"


def test_after_two_dashes_everything_is_taken_as_it_stands() -> None:
    assert request_of_words(["why", "--", "--odd-id"], CATALOGUE).arguments == {"code": "--odd-id"}


def test_a_request_survives_the_line() -> None:
    request = request_of_words(["create", "front", "--name", "Zoë “Z” Ångström", "--pin", PIN], CATALOGUE)
    line = encode_request(request)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert parse_request(line, CATALOGUE) == request


@pytest.mark.parametrize(
    ("words", "told", "field"),
    [
        ([], "no verb", None),
        (["statos"], "no verb statos", None),
        (["slots"], "LOCK is missing", "LOCK"),
        (["create", "front"], "--name is missing", "--name"),
        (["create", "front", "--name"], "needs a value", "--name"),
        (["create", "front", "--name", "--pin"], "needs a value", "--name"),
        (["codes", "--all=yes"], "takes no value", "--all"),
        (["codes", "--lock", "a", "--lock", "b"], "twice", "--lock"),
        (["codes", "--colour", "x"], "no option --colour", None),
        (["slots", "a", "b"], "no further argument", None),
        (["why", ""], "1 to 400 characters", "CODE"),
        (["why", "x" * 401], "1 to 400 characters", "CODE"),
        (["why", "a\x1b[2J"], "control characters", "CODE"),
    ],
)
def test_wrong_words_are_refused_with_place_and_usage(words: list[str], told: str, field: str | None) -> None:
    failure = failure_of_words(*words)
    assert failure.kind is FailureKind.USAGE
    assert told in failure.message
    assert failure.field == field
    assert failure.remedy


def test_a_mistyped_verb_is_answered_with_the_nearest_one() -> None:
    assert "did you mean status" in failure_of_words("statos").remedy


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"nonsense", b"\xff\xfe", b"[]", b"{}", b'{"verb": 3}', b'{"verb": "fly"}', b"[" * 30_000,
        b'{"verb": "codes", "arguments": []}', b'{"verb": "codes", "arguments": {"lock": 5}}',
        b'{"verb": "codes", "arguments": {"door": "x"}}', b'{"verb": "slots", "arguments": {}}',
        b'{"verb": "why", "arguments": {"code": "a\\u0000b"}}',
    ],
)  # fmt: skip
def test_a_wrong_line_is_refused_as_usage(line: bytes) -> None:
    assert failure_of_line(line).kind is FailureKind.USAGE


@pytest.mark.parametrize(
    "words",
    [
        [PIN], ["create", "front", PIN, "--name", "x"], ["create", "front", "--name", "x", PIN], ["codes", f"--{PIN}"],
        ["codes", f"--lock={PIN}", "--lock", PIN], ["codes", f"--all={PIN}"], ["slots", "front", PIN],
        ["create", "front", f"--pin{PIN}", "--name", "x"], ["create", "front", "--name", "x", "--pin", PIN + "\x00"],
    ],
)  # fmt: skip
def test_no_usage_error_repeats_what_may_be_a_pin(words: list[str]) -> None:
    failure = failure_of_words(*words)
    assert PIN not in f"{failure}"


def test_no_error_about_a_line_repeats_a_value() -> None:
    for line in (
        {"verb": PIN},
        {"verb": "codes", "arguments": {PIN: "x"}},
        {"verb": "codes", "arguments": PIN},
        {"verb": "create", "arguments": {"pin": PIN}},
        {"verb": "create", "arguments": {"pin": int(PIN)}},
    ):
        assert PIN not in f"{failure_of_line(json.dumps(line).encode())}"
    assert PIN not in f"{failure_of_line(PIN.encode() + b' {')}"


def test_a_request_does_not_print_its_arguments() -> None:
    assert PIN not in repr(request_of_words(["create", "front", "--name", "x", "--pin", PIN], CATALOGUE))
    assert PIN not in repr(Answer((Cell(PIN),), value={"drawn_pin": PIN}))


@pytest.mark.parametrize(
    ("text", "shown"), [("front", "“front”"), (PIN, "what you typed"), ("a1b2c3d4", "what you typed")]
)
def test_what_may_be_a_pin_is_not_quoted(text: str, shown: str) -> None:
    assert quoted(text) == shown


@given(st.binary(max_size=300))
def test_any_line_is_a_request_or_a_refusal(line: bytes) -> None:
    with contextlib.suppress(NotDone):
        assert parse_request(line, CATALOGUE).verb.name in CATALOGUE


@given(st.lists(st.text(max_size=20) | st.sampled_from([*CATALOGUE, "--name", "--pin", "--all", "--"]), max_size=8))
def test_any_words_are_a_request_or_a_refusal(words: list[str]) -> None:
    try:
        request = request_of_words(words, CATALOGUE)
    except NotDone:
        return
    assert parse_request(encode_request(request), CATALOGUE) == request


def test_an_answer_survives_the_line() -> None:
    table = Table((Column("A", is_right=True), Column("B", wraps=True)), ((Cell("1"), Cell("x", Tone.BAD)),))
    answer = Answer((Cell("“hi”", Tone.GOOD),), table, (Cell("bye"),), {"a": [1, None, True]})
    assert parse_answer(encode_answer(answer)) == answer
    refused = Answer(failure=Failure(FailureKind.REFUSED, "no", "try", "--pin"))
    assert parse_answer(encode_answer(refused)) == refused
    assert json.loads(encode_answer(refused))["ok"] is False


def test_an_answer_that_is_too_long_becomes_a_failure_that_says_so() -> None:
    answer = parse_answer(encode_answer(Answer(value="x" * ANSWER_BYTES_MAX)))
    assert answer.failure is not None
    assert "bytes" in answer.failure.message


@pytest.mark.parametrize("line", [b"", b"[]", b"null", b'{"lines": [["x", "loud"]]}', b'{"table": {}}', b"{"])
def test_an_answer_of_another_version_is_refused_as_such(line: bytes) -> None:
    with pytest.raises(ValueError, match="different versions"):
        parse_answer(line)


def test_every_verb_is_carried_out_by_somebody_and_shows_examples_that_parse() -> None:
    assert DOERS.keys() == CATALOGUE.keys()
    for verb in VERBS:
        assert verb.examples
        for example in verb.examples:
            assert request_of_words(shlex.split(example), CATALOGUE).verb is verb


def test_places_come_first_and_are_required() -> None:
    for verb in VERBS:
        shapes = [argument.shape is Shape.PLACE for argument in verb.arguments]
        assert shapes == sorted(shapes, reverse=True)
        assert all(argument.is_required for argument in verb.arguments if argument.shape is Shape.PLACE)
