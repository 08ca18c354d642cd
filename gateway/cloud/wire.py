"""Pure codec of orders: bytes to `Order`, never an exception (C1, C2). The only place where pydantic sees the wire.

Whatever comes in leaves as an order with an id: with its command, or with the rejection that answers it. A message whose id
cannot be read gets one made from its bytes, so that its repetition is a repetition. Rejections name field and rule and what
to do, and never repeat a value, nor a field's name that we do not know: a wrong field may hold the PIN (N1).
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, cast

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from gateway.cloud.bodies import ID, ID_RULE, KINDS, NAME_MAX, Count, Identifier, Refused, When
from gateway.cloud.strict_json import INTEGER_MAX, PAYLOAD_MAX, NotClear, parse_object
from gateway.cloud.topics import Down
from gateway.model.access_code import Origin
from gateway.model.commands import (
    Command,
    Order,
    Rejection,
    RejectionReason,
)
from gateway.model.events import Fact
from gateway.model.ids import CommandId, HubId
from gateway.model.pin import Pin

__all__ = ["KINDS", "NAME_MAX", "VERSION", "Envelope", "PinDigester", "decode_order", "synthetic_id"]

VERSION = 1
_KNOWN_WORD = re.compile(r"[a-z_]{1,40}")

type PinDigester = Callable[[Pin], bytes]
"""Makes the keyed digest of a PIN (A11), so that the digest of a body gives no PIN away."""


class Envelope(BaseModel):
    """What surrounds a body (C1). Unknown fields are left alone, so that newer senders reach older hubs.

    `seq`, `revision`, `base` and `signature` are checked for their form only; nothing is decided by them yet.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    v: Count = VERSION
    id: Identifier
    kind: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    stream: Identifier | None = None
    epoch: Count | None = None
    seq: Count | None = None
    revision: Count | None = None
    base: Count | None = None
    audience: str | None = None
    issued_at: When | None = None
    expires_at: When | None = None
    body: dict[str, object]
    signature: dict[str, object] | None = None


_CHANNELS_NOT_YET = {
    Down.SNAP: "this hub does not take snapshots yet: send the orders one by one on dn/cmd",
    Down.LIVE: "this hub takes no live requests yet: leave them out",
}


def decode_order(payload: bytes, *, hub_id: HubId, channel: Down, digest_pin: PinDigester) -> Order:
    """What a message on `dn/cmd` (or a channel that we only answer) orders. Never raises."""
    try:
        envelope = _open(payload)
    except Refused as refusal:
        return _unreadable(payload, refusal.rejection)
    command_id = envelope.get("id")
    if not isinstance(command_id, str) or not ID.fullmatch(command_id):
        rejection = Rejection(
            RejectionReason.MALFORMED, "id", f"must be {ID_RULE}; this answer's id is made from the bytes"
        )
        return _unreadable(payload, rejection)
    kind = envelope.get("kind")
    shown_kind = kind if isinstance(kind, str) and kind in KINDS else "unknown"
    command: Command | Rejection
    try:
        command = _decide(envelope, hub_id, channel)
    except Refused as refusal:
        command = refusal.rejection
    return Order(
        command_id=CommandId(command_id),
        kind=shown_kind,
        origin=Origin.CLOUD,
        body_digest=_body_digest(envelope, digest_pin),
        command=command,
    )


def synthetic_id(payload: bytes) -> CommandId:
    """The id of an order that has none of its own: the sender can compute it too."""
    return CommandId(f"sha256:{hashlib.sha256(payload).hexdigest()[:40]}")


def _open(payload: bytes) -> dict[str, Fact]:
    if len(payload) > PAYLOAD_MAX:
        message = f"the payload has {len(payload)} bytes, the limit is {PAYLOAD_MAX}: send less at once"
        raise Refused(RejectionReason.TOO_LARGE, None, message)
    try:
        return parse_object(payload)
    except NotClear as unclear:
        message = f"the payload is not one clear JSON object ({unclear}): send valid JSON"
        raise Refused(RejectionReason.MALFORMED, None, message) from None


def _unreadable(payload: bytes, rejection: Rejection) -> Order:
    digest = hashlib.sha256(payload).digest()
    return Order(synthetic_id(payload), "unknown", Origin.CLOUD, digest, rejection)


def _decide(found: dict[str, Fact], hub_id: HubId, channel: Down) -> Command:
    envelope = _check(Envelope, found, None)
    if envelope.v != VERSION:
        raise Refused(RejectionReason.UNSUPPORTED, "v", f"this hub speaks version {VERSION} of the contract: send that")
    if envelope.audience is not None and envelope.audience != hub_id:
        raise Refused(RejectionReason.WRONG_AUDIENCE, "audience", "names another hub: send it on that hub's topic")
    if channel in _CHANNELS_NOT_YET:
        raise Refused(RejectionReason.UNSUPPORTED, None, _CHANNELS_NOT_YET[channel])
    model = KINDS.get(envelope.kind)
    if model is None:
        known = ", ".join(KINDS)
        raise Refused(RejectionReason.UNSUPPORTED, "kind", f"this hub knows the kinds {known}: use one of them")
    return _check(model, envelope.body, "body").command()


def _check[M: BaseModel](model: type[M], found: Mapping[str, object], parent: str | None) -> M:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise _sentence(error, parent) from None


def _sentence(error: ValidationError, parent: str | None) -> Refused:
    """The first thing that is wrong, in words of our own: pydantic's may hold the value."""
    first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    kind = first["type"]
    if kind == "extra_forbidden":
        field = name if _KNOWN_WORD.fullmatch(name) else parent
        return Refused(RejectionReason.UNSUPPORTED, field, _FOREIGN.get(name, _UNKNOWN_FIELD))
    context = first.get("ctx", {})
    told = _RULES.get(kind, "must have another form: see the contract")
    if kind == "rule":
        told = f"must be {context['rule']}"
    elif kind == "string_too_long":
        told = f"must have at most {context['max_length']} characters"
    elif kind == "literal_error":
        told = f"must be one of {context['expected']}"
    return Refused(RejectionReason.INVALID_INPUT, name or parent, told)


_UNKNOWN_FIELD = "this hub does not know it, and passing it over could open a door: correct the name or leave it out"
_FOREIGN = {"device_id": "an access code stays on its lock: delete it and create one on the other lock"}
"""Known fields where they do not belong."""

_RULES = {
    "missing": "is required: give it",
    "string_type": "must be a string, in quotes",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number, without quotes and without a point",
    "int_from_float": "must be a whole number, without a point",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "greater_than_equal": "must be 0 or more",
    "less_than_equal": f"must be at most {INTEGER_MAX}",
}
"""Our words for pydantic's error types; every other one has a sentence of its own above."""


def _body_digest(envelope: dict[str, Fact], digest_pin: PinDigester) -> bytes:
    """SHA-256 over kind and body in one fixed form, the PIN by its keyed digest: key order and spaces do not matter."""
    body = envelope.get("body")
    if isinstance(body, dict) and isinstance(body.get("code"), str):
        try:
            stand_in = digest_pin(Pin(cast("str", body["code"]))).hex()
        except ValueError:
            stand_in = "no PIN"
        body = body | {"code": stand_in}
    text = json.dumps([envelope.get("kind"), body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()
