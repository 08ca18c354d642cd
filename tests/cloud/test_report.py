"""Events, birth, will and receipts on the wire; and the README, whose every example is read here."""

import json
import re
from pathlib import Path

import pytest

import gateway.cloud
from gateway.cloud.report import (
    EventReceipt,
    Presence,
    Resume,
    decode_event,
    decode_presence,
    decode_receipt,
    encode_event,
    encode_order,
    encode_presence,
    encode_receipt,
    encode_resume,
)
from gateway.cloud.strict_json import PAYLOAD_MAX
from gateway.cloud.topics import Down
from gateway.cloud.wire import KINDS, decode_order
from gateway.model.access_code import Origin
from gateway.model.commands import Rejection
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId, CommandId, EventSeq, LockId
from gateway.model.instant import parse_instant
from gateway.store.journal import StoredEvent
from tests.builders import FRONT, KEY, NOON
from tests.cloud.room import HUB

ABOUT = ("device_id", "access_code_id", "command_id", "occurred_at", "actor")
EXAMPLE = re.compile(r"```json (order|event|birth|will|receipt|resume)\n(.*?)\n```", re.DOTALL)
README = (Path(gateway.cloud.__file__).parent / "README.md").read_text()
EXAMPLES = [(match[1], match[2]) for match in EXAMPLE.finditer(README)]


def stored(body: dict[str, Fact], seq: int = 12) -> StoredEvent:
    event = Event(EventKind.COMMAND_APPLIED, FRONT, CodeId("ac-1"), CommandId("o-1"), Origin.HUB, body)
    return StoredEvent(EventSeq(seq), NOON, event)


def test_an_event_says_what_it_is_about() -> None:
    envelope = json.loads(encode_event(HUB, 7, stored({"generation": 1})))
    assert envelope == {
        "v": 1, "id": "hub-1:7:12", "kind": "command.applied", "stream": "evt", "epoch": 7, "seq": 12, "audience": "cloud",
        "issued_at": "2027-01-31T12:00:00.000Z",
        "body": {
            "generation": 1, "occurred_at": "2027-01-31T12:00:00.000Z", "actor": "hub", "device_id": "front-door",
            "access_code_id": "ac-1", "command_id": "o-1",
        },
    }  # fmt: skip


def test_an_event_sent_again_is_the_same_to_the_byte() -> None:
    assert encode_event(HUB, 7, stored({"a": [1, "ø"]})) == encode_event(HUB, 7, stored({"a": [1, "ø"]}))


def test_facts_of_a_body_cannot_pose_as_what_the_event_is_about() -> None:
    assert decode_event(encode_event(HUB, 7, stored({"device_id": "other"}))).body["device_id"] == FRONT


def test_an_event_too_large_goes_without_its_particulars() -> None:
    payload = encode_event(HUB, 7, stored({"text": "x" * PAYLOAD_MAX}))
    assert len(payload) < 1_000
    event = decode_event(payload)
    assert (event.seq, event.body["omitted"], event.body["command_id"]) == (12, "too_large", "o-1")


def test_a_birth_comes_back_as_it_went() -> None:
    born = Presence(
        is_online=True,
        epoch=7,
        session=3,
        last_seq=9,
        acknowledged_seq=4,
        digests={FRONT: "ab" * 32},
        versions={"gateway": "1"},
        started_at=NOON,
    )
    assert decode_presence(encode_presence(HUB, born, NOON)) == born


def test_a_birth_with_too_many_locks_goes_without_digests() -> None:
    digests = {LockId(f"lock-{number}-{'x' * 50}"): "ab" * 32 for number in range(500)}
    payload = encode_presence(HUB, Presence(is_online=True, epoch=7, session=3, digests=digests), NOON)
    assert len(payload) <= PAYLOAD_MAX
    assert json.loads(payload)["body"]["digests_omitted"] is True


def test_a_will_says_session_and_epoch_and_no_time() -> None:
    payload = encode_presence(HUB, Presence(is_online=False, epoch=7, session=3), None)
    assert decode_presence(payload) == Presence(is_online=False, epoch=7, session=3)
    assert "issued_at" not in json.loads(payload)


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        (b"x", "not JSON"),
        (b"x" * (PAYLOAD_MAX + 1), "above"),
        (b'{"epoch":1,"seq":1}', "stream"),
        (b'{"stream":"cmd","epoch":1,"seq":1}', "stream"),
        (b'{"stream":"evt","seq":1}', "epoch"),
        (b'{"stream":"evt","epoch":1,"seq":-1}', "seq"),
        (b'{"stream":"evt","epoch":1,"seq":true}', "seq"),
        (b'{"stream":"evt","epoch":1,"seq":1.0}', "seq"),
        (b'{"stream":"evt","epoch":1,"seq":"1"}', "seq"),
    ],
)
def test_a_bad_receipt_is_refused_with_its_field(payload: bytes, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        decode_receipt(payload)


def test_a_receipt_comes_back_as_it_went() -> None:
    assert decode_receipt(encode_receipt(EventReceipt(7, 33))) == EventReceipt(7, 33)


@pytest.mark.parametrize("payload", [b"{}", b'{"v":1,"kind":"hub.offline","body":{"online":true}}', b"[]"])
def test_what_is_no_report_is_refused(payload: bytes) -> None:
    for decode in (decode_event, decode_presence):
        with pytest.raises(ValueError, match=r"not an? "):
            decode(payload)


def test_an_order_that_we_encode_is_understood() -> None:
    payload = encode_order("o-1", "access_code.delete", {"access_code_id": "a"}, HUB)
    order = decode_order(payload, hub_id=HUB, channel=Down.CMD, digest_pin=lambda pin: pin.digest(KEY))
    assert not isinstance(order.command, Rejection)


@pytest.mark.parametrize("text", [text for kind, text in EXAMPLES if kind == "order"])
def test_readme_order_is_accepted(text: str) -> None:
    order = decode_order(text.encode(), hub_id=HUB, channel=Down.CMD, digest_pin=lambda pin: pin.digest(KEY))
    assert not isinstance(order.command, Rejection), order.command


@pytest.mark.parametrize("text", [text for kind, text in EXAMPLES if kind == "event"])
def test_readme_event_is_what_we_would_send(text: str) -> None:
    event = decode_event(text.encode())
    body = dict(event.body)
    about = {name: str(body.pop(name)) for name in ABOUT if name in body}
    rebuilt = Event(
        EventKind(event.kind),
        LockId(about["device_id"]) if "device_id" in about else None,
        CodeId(about["access_code_id"]) if "access_code_id" in about else None,
        CommandId(about["command_id"]) if "command_id" in about else None,
        Origin(about["actor"]),
        body,
    )
    sent = encode_event(HUB, event.epoch, StoredEvent(EventSeq(event.seq), parse_instant(event.issued_at), rebuilt))
    assert json.loads(sent) == json.loads(text)


@pytest.mark.parametrize("text", [text for kind, text in EXAMPLES if kind in ("birth", "will")])
def test_readme_presence_is_what_we_would_send(text: str) -> None:
    told = decode_presence(text.encode())
    issued_at = json.loads(text).get("issued_at")
    sent = encode_presence(HUB, told, None if issued_at is None else parse_instant(issued_at))
    assert json.loads(sent) == json.loads(text)


def test_readme_receipt_is_what_we_take() -> None:
    (text,) = [text for kind, text in EXAMPLES if kind == "receipt"]
    receipt = decode_receipt(text.encode())
    assert isinstance(receipt, EventReceipt)
    assert json.loads(encode_receipt(receipt)) == json.loads(text)


def test_readme_resume_is_what_we_take() -> None:
    (text,) = [text for kind, text in EXAMPLES if kind == "resume"]
    assert decode_receipt(text.encode()) == Resume()
    assert json.loads(encode_resume()) == json.loads(text)


def test_readme_has_an_example_of_each_kind() -> None:
    shown = {json.loads(text)["kind"] for _, text in EXAMPLES}
    assert shown == {kind.value for kind in EventKind} | set(KINDS) | {"hub.online", "hub.offline", "receipt", "resume"}
