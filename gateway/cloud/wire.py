"""Pure codec of orders: bytes to `Order`, never an exception (C1, C2). The only place where pydantic sees the wire.

Whatever comes in leaves as an order with an id: with its command, or with the rejection that answers it. A message whose id
cannot be read gets one made from its bytes, so that its repetition is a repetition. Rejections name field and rule and what
to do, and never repeat a value, nor a field's name that we do not know: a wrong field may hold the PIN (N1).
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from gateway.cloud.strict_json import INTEGER_MAX, PAYLOAD_MAX, NotClear, parse_object
from gateway.cloud.topics import Down
from gateway.model.access_code import Origin
from gateway.model.commands import (
    KEPT,
    Command,
    CreateAccessCode,
    DeleteAccessCode,
    Order,
    Rejection,
    RejectionReason,
    UpdateAccessCode,
)
from gateway.model.events import Fact
from gateway.model.ids import CodeId, CommandId, HubId, LockId
from gateway.model.instant import LAST_INSTANT, Instant, parse_instant
from gateway.model.pin import LONGEST_PIN, SHORTEST_PIN, Pin

VERSION = 1
NAME_MAX = 80
"""Characters of a code's name; the length of the longest name field among the lock makers' apps."""

ID_RULE = "1 to 64 of the characters A-Z a-z 0-9 . _ : -"
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_KNOWN_WORD = re.compile(r"[a-z_]{1,40}")
_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing: with them a name shows as another (Unicode TR 36)."""

INSTANT_RULE = "an instant as RFC 3339 with an offset, such as 2027-01-31T15:00:00Z, from 1970 to 9999"
PIN_RULE = f"a string of {SHORTEST_PIN} to {LONGEST_PIN} digits"

type PinDigester = Callable[[Pin], bytes]
"""Makes the keyed digest of a PIN (A11), so that the digest of a body gives no PIN away."""


def _instant(text: str) -> Instant:
    try:
        at = parse_instant(text)
    except (ValueError, OverflowError):
        at = Instant(LAST_INSTANT + 1)
    if at > LAST_INSTANT:
        raise PydanticCustomError("rule", "must be {rule}", {"rule": INSTANT_RULE})
    return at


def _pin(text: str) -> Pin:
    try:
        return Pin(text)
    except ValueError:
        raise PydanticCustomError("rule", "must be {rule}", {"rule": PIN_RULE}) from None


def _name(text: str) -> str:
    if any(unicodedata.category(character) in _HIDDEN or character in _TURNING for character in text):
        raise PydanticCustomError("rule", "must be {rule}", {"rule": "text without control characters"})
    return text


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text):
        raise PydanticCustomError("rule", "must be {rule}", {"rule": ID_RULE})
    return text


type Identifier = Annotated[str, AfterValidator(_identifier)]
type When = Annotated[str, AfterValidator(_instant)]
type Name = Annotated[str, StringConstraints(max_length=NAME_MAX), AfterValidator(_name)]
type Digits = Annotated[str, AfterValidator(_pin)]
type Count = Annotated[int, Field(ge=0, le=INTEGER_MAX)]


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


class _Body(BaseModel):
    """Fields of a body are all known: an `ends_att` that is passed over would leave a door open for ever."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    access_code_id: Identifier
    generation: Count | None = None


class _Wish(_Body):
    name: Name | None = None
    code: Digits | None = None
    type: Literal["ongoing", "time_bound"] | None = None
    starts_at: When | None = None
    ends_at: When | None = None
    is_external_modification_allowed: bool | None = None
    prefer_native_scheduling: bool | None = None
    use_backup_access_code_pool: bool | None = None
    strict_start: bool | None = None


class CreateBody(_Wish):
    """Body of `access_code.create`."""

    device_id: Identifier


class UpdateBody(_Wish):
    """Body of `access_code.update`; a null in `starts_at` or `ends_at` takes it away, elsewhere null means "as it is"."""


class DeleteBody(_Body):
    """Body of `access_code.delete`."""


class _Refusal(Exception):  # noqa: N818 - carries a rejection to the one place that answers it
    def __init__(self, reason: RejectionReason, field: str | None, message: str) -> None:
        super().__init__(message)
        self.rejection = Rejection(reason, field, message)


KINDS: Mapping[str, type[CreateBody | UpdateBody | DeleteBody]] = {
    "access_code.create": CreateBody,
    "access_code.update": UpdateBody,
    "access_code.delete": DeleteBody,
}
"""Every kind of order and its body."""

_NOT_YET = ("use_backup_access_code_pool",)
"""Fields that we know and do not do yet: `true` is refused, so that nobody relies on them."""

_CHANNELS_NOT_YET = {
    Down.SNAP: "this hub does not take snapshots yet: send the orders one by one on dn/cmd",
    Down.LIVE: "this hub takes no live requests yet: leave them out",
}


def decode_order(payload: bytes, *, hub_id: HubId, channel: Down, digest_pin: PinDigester) -> Order:
    """What a message on `dn/cmd` (or a channel that we only answer) orders. Never raises."""
    try:
        envelope = _open(payload)
    except _Refusal as refusal:
        return _unreadable(payload, refusal.rejection)
    command_id = envelope.get("id")
    if not isinstance(command_id, str) or not _ID.fullmatch(command_id):
        rejection = Rejection(
            RejectionReason.MALFORMED, "id", f"must be {ID_RULE}; this answer's id is made from the bytes"
        )
        return _unreadable(payload, rejection)
    kind = envelope.get("kind")
    shown_kind = kind if isinstance(kind, str) and kind in KINDS else "unknown"
    command: Command | Rejection
    try:
        command = _decide(envelope, hub_id, channel)
    except _Refusal as refusal:
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
        raise _Refusal(RejectionReason.TOO_LARGE, None, message)
    try:
        return parse_object(payload)
    except NotClear as unclear:
        message = f"the payload is not one clear JSON object ({unclear}): send valid JSON"
        raise _Refusal(RejectionReason.MALFORMED, None, message) from None


def _unreadable(payload: bytes, rejection: Rejection) -> Order:
    digest = hashlib.sha256(payload).digest()
    return Order(synthetic_id(payload), "unknown", Origin.CLOUD, digest, rejection)


def _decide(found: dict[str, Fact], hub_id: HubId, channel: Down) -> Command:
    envelope = _check(Envelope, found, None)
    if envelope.v != VERSION:
        raise _Refusal(
            RejectionReason.UNSUPPORTED, "v", f"this hub speaks version {VERSION} of the contract: send that"
        )
    if envelope.audience is not None and envelope.audience != hub_id:
        raise _Refusal(RejectionReason.WRONG_AUDIENCE, "audience", "names another hub: send it on that hub's topic")
    if channel in _CHANNELS_NOT_YET:
        raise _Refusal(RejectionReason.UNSUPPORTED, None, _CHANNELS_NOT_YET[channel])
    model = KINDS.get(envelope.kind)
    if model is None:
        known = ", ".join(KINDS)
        raise _Refusal(RejectionReason.UNSUPPORTED, "kind", f"this hub knows the kinds {known}: use one of them")
    return _command(_check(model, envelope.body, "body"))


def _check[M: BaseModel](model: type[M], found: Mapping[str, object], parent: str | None) -> M:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise _sentence(error, parent) from None


def _sentence(error: ValidationError, parent: str | None) -> _Refusal:
    """The first thing that is wrong, in words of our own: pydantic's may hold the value."""
    first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    kind = first["type"]
    if kind == "extra_forbidden":
        field = name if _KNOWN_WORD.fullmatch(name) else parent
        return _Refusal(RejectionReason.UNSUPPORTED, field, _FOREIGN.get(name, _UNKNOWN_FIELD))
    context = first.get("ctx", {})
    told = _RULES.get(kind, "must have another form: see the contract")
    if kind == "rule":
        told = f"must be {context['rule']}"
    elif kind == "string_too_long":
        told = f"must have at most {context['max_length']} characters"
    elif kind == "literal_error":
        told = f"must be one of {context['expected']}"
    return _Refusal(RejectionReason.INVALID_INPUT, name or parent, told)


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


def _command(body: CreateBody | UpdateBody | DeleteBody) -> Command:
    code_id = CodeId(body.access_code_id)
    if isinstance(body, DeleteBody):
        return DeleteAccessCode(code_id, body.generation)
    for field in _NOT_YET:
        if getattr(body, field):
            raise _Refusal(
                RejectionReason.UNSUPPORTED, field, "this hub does not do that yet: leave it out or say false"
            )
    _check_times(body)
    # The validators have turned these strings into what the core uses; pydantic's types show the wire's side only.
    starts_at, ends_at = cast("Instant | None", body.starts_at), cast("Instant | None", body.ends_at)
    pin = cast("Pin | None", body.code)
    if isinstance(body, CreateBody):
        return CreateAccessCode(
            code_id=code_id,
            lock_id=LockId(body.device_id),
            name=body.name or "",
            pin=pin,
            starts_at=starts_at,
            ends_at=ends_at,
            generation=body.generation,
            is_external_modification_allowed=body.is_external_modification_allowed or False,
            prefer_native_scheduling=body.prefer_native_scheduling is not False,
            strict_start=body.strict_start or False,
        )
    said = body.model_fields_set
    is_made_ongoing = body.type == "ongoing"
    allowed = body.is_external_modification_allowed
    return UpdateAccessCode(
        code_id=code_id,
        name=KEPT if body.name is None else body.name,
        pin=KEPT if pin is None else pin,
        starts_at=starts_at if "starts_at" in said or is_made_ongoing else KEPT,
        ends_at=ends_at if "ends_at" in said or is_made_ongoing else KEPT,
        generation=body.generation,
        is_external_modification_allowed=KEPT if allowed is None else allowed,
        prefer_native_scheduling=KEPT if body.prefer_native_scheduling is None else body.prefer_native_scheduling,
        strict_start=KEPT if body.strict_start is None else body.strict_start,
    )


def _check_times(body: CreateBody | UpdateBody) -> None:
    if body.type == "ongoing" and body.ends_at is not None:
        raise _Refusal(RejectionReason.INVALID_INPUT, "type", "ongoing goes without ends_at: leave one of the two out")
    if body.type == "time_bound" and body.ends_at is None:
        raise _Refusal(RejectionReason.INVALID_INPUT, "ends_at", "is required with type time_bound: give it")
    if body.starts_at is not None and body.ends_at is not None and body.ends_at <= body.starts_at:
        raise _Refusal(RejectionReason.INVALID_INPUT, "ends_at", "must be later than starts_at")


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
