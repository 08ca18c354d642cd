import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cloud.strict_json import DEPTH_MAX, PAYLOAD_MAX
from gateway.cloud.topics import Down
from gateway.cloud.wire import NAME_MAX, decode_order, synthetic_id
from gateway.model.access_code import Origin
from gateway.model.commands import (
    KEPT,
    CreateAccessCode,
    DeleteAccessCode,
    Order,
    Rejection,
    RejectionReason,
    UpdateAccessCode,
)
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import LAST_INSTANT, later
from gateway.model.pin import Pin
from tests.builders import FRONT, KEY, at
from tests.cloud.room import HUB

type Json = dict[str, Any]

CREATE: Json = {"access_code_id": "ac-1", "device_id": "front-door", "code": "271828"}
START, END = "2027-01-31T15:00:00Z", "2027-02-03T11:00:00Z"


def decode(message: bytes | Json, channel: Down = Down.CMD) -> Order:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return decode_order(payload, hub_id=HUB, channel=channel, digest_pin=lambda pin: pin.digest(KEY))


def create(**changes: object) -> Json:
    return {"id": "o-1", "kind": "access_code.create", "body": CREATE | changes}


def update(**body: object) -> Json:
    return {"id": "o-1", "kind": "access_code.update", "body": {"access_code_id": "ac-1", **body}}


def rejection(message: bytes | Json, channel: Down = Down.CMD) -> Rejection:
    command = decode(message, channel).command
    assert isinstance(command, Rejection), command
    return command


def updated(**body: object) -> UpdateAccessCode:
    command = decode(update(**body)).command
    assert isinstance(command, UpdateAccessCode), command
    return command


def test_create_with_everything_becomes_a_command() -> None:
    order = decode({
        "v": 1, "id": "o-1", "kind": "access_code.create", "audience": HUB, "issued_at": START, "expires_at": END,
        "stream": "cmd", "epoch": 1, "seq": 5, "revision": 9, "base": 8, "signature": {"kid": "k"}, "from_later": [1.5],
        "body": CREATE | {
            "name": "Guest Ø", "type": "time_bound", "starts_at": "2027-01-31T16:00:00.500+01:00", "ends_at": END,
            "generation": 3, "is_external_modification_allowed": True, "prefer_native_scheduling": False,
            "use_backup_access_code_pool": False, "strict_start": True,
        },
    })  # fmt: skip
    assert (order.command_id, order.kind, order.origin) == ("o-1", "access_code.create", Origin.CLOUD)
    expected = CreateAccessCode(
        code_id=CodeId("ac-1"),
        lock_id=FRONT,
        name="Guest Ø",
        pin=Pin("271828"),
        starts_at=later(at("2027-01-31 15:00"), 500),
        ends_at=at("2027-02-03 11:00"),
        generation=3,
        is_external_modification_allowed=True,
        prefer_native_scheduling=False,
        strict_start=True,
    )
    assert order.command == expected


def test_create_with_the_least_leaves_everything_else_open() -> None:
    command = decode(
        {"id": "o-1", "kind": "access_code.create", "body": {"access_code_id": "a", "device_id": "l"}}
    ).command
    assert command == CreateAccessCode(CodeId("a"), LockId("l"), "", None)


def test_nulls_in_a_create_count_as_left_out() -> None:
    keys = (
        "name",
        "code",
        "type",
        "starts_at",
        "ends_at",
        "generation",
        "is_external_modification_allowed",
        "strict_start",
    )
    assert decode(create(**dict.fromkeys(keys))).command == decode(create(code=None)).command


def test_delete_becomes_a_command() -> None:
    order = decode({"id": "o", "kind": "access_code.delete", "body": {"access_code_id": "a", "generation": 2}})
    assert order.command == DeleteAccessCode(CodeId("a"), 2)


def test_update_keeps_what_it_does_not_name() -> None:
    assert updated() == UpdateAccessCode(CodeId("ac-1"))
    assert updated(name=None, code=None, is_external_modification_allowed=None) == updated()
    assert updated(name="").name == ""


def test_null_takes_a_time_away_and_silence_does_not() -> None:
    assert (updated(ends_at=None).starts_at, updated(ends_at=None).ends_at) == (KEPT, None)
    assert updated(starts_at=None).ends_at is KEPT


def test_made_ongoing_takes_both_times_away_unless_a_start_is_given() -> None:
    assert (updated(type="ongoing").starts_at, updated(type="ongoing").ends_at) == (None, None)
    starting = updated(type="ongoing", starts_at=START)
    assert (starting.starts_at, starting.ends_at) == (at("2027-01-31 15:00"), None)


@pytest.mark.parametrize(
    ("message", "reason", "field", "rule"),
    [
        (b"", "malformed", None, "not JSON"),
        (b"\xff{}", "malformed", None, "not UTF-8"),
        (b"\xef\xbb\xbf{}", "malformed", None, "JSON"),
        (b"[]", "malformed", None, "not a JSON object"),
        (b'{"id":"a","id":"b"}', "malformed", None, "one key twice"),
        (b'{"id":"a","body":{"code":"1","code":"2"}}', "malformed", None, "one key twice"),
        (b'{"id":"a","x":NaN}', "malformed", None, "NaN"),
        (b'{"id":"a","x":-Infinity}', "malformed", None, "NaN"),
        (b'{"id":"a","x":1e999}', "malformed", None, "out of range"),
        (b'{"id":"a","x":9007199254740992}', "malformed", None, "beyond"),
        (b'{"id":"a","x":' + b"9" * 5_000 + b"}", "malformed", None, "beyond"),
        (b'{"id":"\\ud800"}', "malformed", None, "surrogate"),
        (b"[" * 40_000, "malformed", None, "deeper"),
        (b'{"id":"a","x":' + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"}", "malformed", None, "deeper"),
        (b'{"id":"' + b"a" * PAYLOAD_MAX + b'"}', "too_large", None, str(PAYLOAD_MAX)),
        ({}, "malformed", "id", "1 to 64"),
        ({"id": 5, "kind": "k", "body": {}}, "malformed", "id", "1 to 64"),
        ({"id": "a b", "kind": "k", "body": {}}, "malformed", "id", "1 to 64"),
        ({"id": "a" * 65}, "malformed", "id", "1 to 64"),
        ({"id": "a\n", "kind": "k", "body": {}}, "malformed", "id", "1 to 64"),
        ({"id": "a", "body": {}}, "invalid_input", "kind", "required"),
        ({"id": "a", "kind": "access_code.create"}, "invalid_input", "body", "required"),
        ({"id": "a", "kind": "access_code.create", "body": []}, "invalid_input", "body", "object"),
        ({"id": "a", "kind": 1, "body": {}}, "invalid_input", "kind", "string"),
        ({"id": "a", "kind": "lock.unlock", "body": {}}, "unsupported", "kind", "access_code.create"),
        ({"id": "a", "kind": "k" * 65, "body": {}}, "invalid_input", "kind", "at most 64"),
        (create() | {"v": 2}, "unsupported", "v", "version 1"),
        (create() | {"v": "1"}, "invalid_input", "v", "whole number"),
        (create() | {"v": 1.0}, "invalid_input", "v", "whole number"),
        (create() | {"audience": "hub-2"}, "wrong_audience", "audience", "another hub"),
        (create() | {"issued_at": "today"}, "invalid_input", "issued_at", "RFC 3339"),
        (create() | {"seq": -1}, "invalid_input", "seq", "0 or more"),
        (create() | {"seq": True}, "invalid_input", "seq", "whole number"),
        (create() | {"signature": "x"}, "invalid_input", "signature", "object"),
        (create(access_code_id=None), "invalid_input", "access_code_id", "string"),
        (create(access_code_id="a/b"), "invalid_input", "access_code_id", "1 to 64"),
        (create(device_id=""), "invalid_input", "device_id", "1 to 64"),
        (create(device_id=1), "invalid_input", "device_id", "string"),
        (create(code=271828), "invalid_input", "code", "string"),
        (create(code="271"), "invalid_input", "code", "4 to 10 digits"),
        (create(code="2" * 30), "invalid_input", "code", "4 to 10 digits"),
        (create(code="27a8"), "invalid_input", "code", "4 to 10 digits"),
        (create(code="٢٧١٨"), "invalid_input", "code", "4 to 10 digits"),
        (create(code=""), "invalid_input", "code", "4 to 10 digits"),
        (create(name="x" * (NAME_MAX + 1)), "invalid_input", "name", "at most 80"),
        (create(name="a\tb"), "invalid_input", "name", "control"),
        (create(name="a\u202eb"), "invalid_input", "name", "control"),
        (create(type="weekly"), "invalid_input", "type", "ongoing"),
        (create(type="ongoing", ends_at=END), "invalid_input", "type", "ends_at"),
        (create(type="time_bound"), "invalid_input", "ends_at", "required"),
        (create(starts_at=END, ends_at=START), "invalid_input", "ends_at", "later than starts_at"),
        (create(starts_at=START, ends_at=START), "invalid_input", "ends_at", "later than starts_at"),
        (create(starts_at="2027-01-31T15:00:00"), "invalid_input", "starts_at", "RFC 3339"),
        (create(starts_at="2027-02-30T15:00:00Z"), "invalid_input", "starts_at", "RFC 3339"),
        (create(starts_at="0001-01-01T00:00:00Z"), "invalid_input", "starts_at", "RFC 3339"),
        (create(starts_at="0001-01-01T00:00:00+14:00"), "invalid_input", "starts_at", "RFC 3339"),
        (create(ends_at="9999-12-31T23:59:59-14:00"), "invalid_input", "ends_at", "RFC 3339"),
        (create(ends_at=1801407600000), "invalid_input", "ends_at", "string"),
        (create(generation=1.0), "invalid_input", "generation", "whole number"),
        (create(generation="1"), "invalid_input", "generation", "whole number"),
        (create(generation=-1), "invalid_input", "generation", "0 or more"),
        (create(is_external_modification_allowed="yes"), "invalid_input", "is_external_modification_allowed", "true or false"),
        (create(is_external_modification_allowed=1), "invalid_input", "is_external_modification_allowed", "true or false"),
        (create(use_backup_access_code_pool=1), "invalid_input", "use_backup_access_code_pool", "true or false"),
        (create(strict_start=1), "invalid_input", "strict_start", "true or false"),
        (create(ends_att=END), "unsupported", "ends_att", "correct the name"),
        (create(**{"4711": "x"}), "unsupported", "body", "correct the name"),
        (update(device_id="l"), "unsupported", "device_id", "stays on its lock"),
        (update(prefer_native_scheduling="no"), "invalid_input", "prefer_native_scheduling", "true or false"),
        (update(type="time_bound"), "invalid_input", "ends_at", "required"),
        (update(type="time_bound", ends_at=None), "invalid_input", "ends_at", "required"),
        ({"id": "a", "kind": "access_code.delete", "body": {}}, "invalid_input", "access_code_id", "required"),
        ({"id": "a", "kind": "access_code.delete", "body": {"access_code_id": "a", "code": "1"}}, "unsupported", "code", ""),
    ],
)  # fmt: skip
def test_bad_input_is_rejected_with_field_and_rule(
    message: bytes | Json, reason: str, field: str | None, rule: str
) -> None:
    refused = rejection(message)
    assert (refused.reason, refused.field) == (reason, field)
    assert rule in refused.message


def test_the_last_instant_of_the_calendar_is_taken() -> None:
    command = decode(create(ends_at="9999-12-31T23:59:59.999Z")).command
    assert isinstance(command, CreateAccessCode)
    assert command.ends_at == LAST_INSTANT


@pytest.mark.parametrize("channel", [Down.SNAP, Down.LIVE])
def test_channels_of_later_answer_unsupported(channel: Down) -> None:
    assert rejection(create(), channel).reason is RejectionReason.UNSUPPORTED


def test_a_readable_id_is_kept_in_every_rejection() -> None:
    assert decode(create(code=1)).command_id == "o-1"


def test_without_an_id_the_same_bytes_get_the_same_id_and_others_another() -> None:
    one, again, other = decode(b"{"), decode(b"{"), decode(b"{{")
    assert one == again
    assert one.command_id == synthetic_id(b"{")
    assert other.command_id != one.command_id
    assert len(one.command_id) <= 64


def test_body_digest_sees_the_order_and_not_its_spelling() -> None:
    plain = decode(create())
    spaced = json.dumps(create() | {"issued_at": START}, indent=3, sort_keys=True).encode()
    assert decode(spaced).body_digest == plain.body_digest
    assert decode(create(code="271829")).body_digest != plain.body_digest
    assert decode(create(name="x")).body_digest != plain.body_digest


def test_body_digest_needs_the_hub_key_to_guess_the_pin() -> None:
    payload = json.dumps(create()).encode()
    other_key = decode_order(payload, hub_id=HUB, channel=Down.CMD, digest_pin=lambda pin: pin.digest(b"x" * 32))
    assert other_key.body_digest != decode(payload).body_digest


CANARY = "83527491"
FIELDS = (
    "access_code_id", "device_id", "name", "code", "type", "starts_at", "ends_at", "generation", "strict_start",
    "is_external_modification_allowed", "prefer_native_scheduling", "use_backup_access_code_pool",
)  # fmt: skip
ENVELOPE = (
    "v",
    "kind",
    "stream",
    "epoch",
    "seq",
    "revision",
    "base",
    "audience",
    "issued_at",
    "expires_at",
    "signature",
)
SHAPES: tuple[object, ...] = (
    CANARY + " ", int(CANARY) + 0.5, [CANARY], {CANARY: CANARY}, CANARY * 20, f"{CANARY}\n", -int(CANARY), f"a{CANARY}b!",
)  # fmt: skip


def shown(order: Order) -> str:
    return repr(order.command) + order.kind + str(order.command_id)


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
@pytest.mark.parametrize("field", FIELDS)
def test_a_pin_in_a_wrong_field_of_a_body_is_never_repeated(field: str, shape: object) -> None:
    order = decode(create(**{field: shape}))
    if field == "name" and isinstance(order.command, CreateAccessCode):
        return  # any text is a name
    assert isinstance(order.command, Rejection)
    assert CANARY not in shown(order)


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
@pytest.mark.parametrize("field", [*ENVELOPE, "id", "body"])
def test_a_pin_in_a_wrong_field_of_the_envelope_is_never_repeated(field: str, shape: object) -> None:
    order = decode(create() | {field: shape})
    assert CANARY not in shown(order)


def test_a_pin_as_a_field_name_or_in_broken_json_is_never_repeated() -> None:
    assert CANARY not in shown(decode(create(**{CANARY: 1})))
    assert CANARY not in shown(decode(f'{{"id":"a","code":"{CANARY}" "x"}}'.encode()))
    assert CANARY not in shown(decode(f'{{"id":"a","{CANARY}":1,"{CANARY}":2}}'.encode()))


def test_an_accepted_pin_does_not_show_itself() -> None:
    assert CANARY not in repr(decode(create(code=CANARY)))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), anything, max_size=6)
kinds = st.sampled_from(["access_code.create", "access_code.update", "access_code.delete"])
envelopes = st.fixed_dictionaries(
    {"id": st.just("o-1"), "kind": kinds, "body": bodies},
    optional={name: anything for name in ENVELOPE if name != "kind"},
)


@given(st.binary(max_size=200))
def test_any_bytes_become_an_order_with_an_id(payload: bytes) -> None:
    order = decode(payload)
    assert isinstance(order.command, Rejection)
    assert 1 <= len(order.command_id) <= 64
    assert order == decode(payload)


@given(envelopes)
def test_any_json_becomes_a_command_or_a_clear_rejection(envelope: Json) -> None:
    order = decode(json.dumps(envelope).encode())
    if isinstance(order.command, Rejection):
        assert order.command.message
        assert order.command.field is not None or order.command.reason in (
            RejectionReason.MALFORMED,
            RejectionReason.TOO_LARGE,
        )


@given(
    st.fixed_dictionaries(
        {
            "access_code_id": st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True),
            "device_id": st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True),
            "code": st.from_regex(r"[0-9]{4,10}", fullmatch=True),
            "generation": st.integers(0, 2**53 - 1),
        }
    )
)
def test_every_well_formed_create_is_understood(body: Json) -> None:
    command = decode({"id": "o", "kind": "access_code.create", "body": body}).command
    assert isinstance(command, CreateAccessCode)
    assert command.pin is not None
    assert (command.code_id, command.lock_id, command.pin.reveal(), command.generation) == (
        body["access_code_id"],
        body["device_id"],
        body["code"],
        body["generation"],
    )


COSTLY = """
import resource
from gateway.cloud.strict_json import PAYLOAD_MAX, NotClear, parse_object

begin = b"[]" * 9 + b'"'
payload = begin + rb'\\"' * ((PAYLOAD_MAX - len(begin)) // 2)
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
for _ in range(20):
    try:
        parse_object(payload)
    except NotClear as refusal:
        print(refusal)
"""
"""A string without an end that keeps saying it ended not. Read in one go it costs a millisecond of the ten seconds that the process has
for all of them; read anew from every quotation mark, as it once was, ten seconds each (our measurement)."""


def test_n3_the_largest_message_blocks_nobody_whatever_it_says() -> None:
    done = subprocess.run([sys.executable, "-c", COSTLY], capture_output=True, text=True, check=False)
    assert (done.returncode, set(done.stdout.splitlines())) == (0, {"not JSON, at character 2"}), done.stderr
