"""Pure codec of everything else on the wire: events, birth, last will, receipts and resumes, both ways (C1 to C4).

The bytes of an event depend on nothing but the event, so that sending it again sends the same message, and the cloud may
compare by id alone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from gateway.cloud.strict_json import PAYLOAD_MAX, NotClear, parse_object
from gateway.model.events import Fact
from gateway.model.ids import HubId, LockId
from gateway.model.instant import Instant, format_instant, parse_instant
from gateway.model.pin import Pin
from gateway.store.journal import StoredEvent

VERSION = 1
EVENTS = "evt"
"""The one stream so far; receipts name it."""

ONLINE = "hub.online"
OFFLINE = "hub.offline"
RECEIPT = "receipt"
RESUME = "resume"
LONG_AGO = Instant(0)
"""The start of a hub that tells none."""

TO_CLOUD = "cloud"
"""The audience of whatever a hub says."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """An event as the cloud sees it. `body` has `occurred_at`, `actor`, and the ids of what it is about."""

    id: str
    kind: str
    epoch: int
    seq: int
    issued_at: str
    body: Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Presence:
    """Birth or last will of a hub (C4).

    `session` counts connects for ever: whoever has seen a birth ignores a will with a lower session. `last_seq` and
    `acknowledged_seq` are the hub's newest event and the newest one it has a receipt for, in `epoch`.
    """

    is_online: bool
    epoch: int
    session: int
    last_seq: int = 0
    acknowledged_seq: int = 0
    digests: Mapping[LockId, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    started_at: Instant = LONG_AGO


@dataclass(frozen=True, slots=True)
class EventReceipt:
    """The cloud has every event of `epoch` up to `seq`."""

    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Resume:
    """The cloud has just come, or come back: it asks for a birth and for every event that has no receipt."""


def event_id(hub_id: HubId, epoch: int, seq: int) -> str:
    """The id of an event, the same however often it is sent."""
    return f"{hub_id}:{epoch}:{seq}"


def encode_event(
    hub_id: HubId, epoch: int, stored: StoredEvent, payload_max: int = PAYLOAD_MAX, pin: Pin | None = None
) -> bytes:
    """The message of one event. One that would be too large goes without its particulars: the stream has no gaps (I6).

    `pin` goes with the answers that give one (A6): a drawn PIN, or that of a pulled backup.
    """
    event = stored.event
    about: dict[str, Fact] = {"occurred_at": format_instant(stored.at), "actor": event.actor.value}
    if event.lock_id is not None:
        about["device_id"] = event.lock_id
    if event.code_id is not None:
        about["access_code_id"] = event.code_id
    if event.command_id is not None:
        about["command_id"] = event.command_id
    if pin is not None:
        about["code"] = pin.reveal()

    def message(body: Mapping[str, Fact]) -> bytes:
        return _bytes(
            {
                "v": VERSION,
                "id": event_id(hub_id, epoch, stored.seq),
                "kind": event.kind.value,
                "stream": EVENTS,
                "epoch": epoch,
                "seq": stored.seq,
                "audience": TO_CLOUD,
                "issued_at": format_instant(stored.at),
                "body": {**body, **about},
            }
        )

    whole = message(event.body)
    return whole if len(whole) <= payload_max else message({"omitted": "too_large"})


def decode_event(payload: bytes) -> CloudEvent:
    """Read an event. Raises `ValueError` when it is none."""
    found = parse_object(payload)
    match found:
        case {
            "v": 1,
            "id": str(name),
            "kind": str(kind),
            "stream": "evt",
            "epoch": int(epoch),
            "seq": int(seq),
            "issued_at": str(issued_at),
            "body": dict(body),
        }:
            return CloudEvent(name, kind, epoch, seq, issued_at, body)
    msg = "not an event of this contract"
    raise ValueError(msg)


def encode_presence(hub_id: HubId, presence: Presence, issued_at: Instant | None) -> bytes:
    """The message of a birth or a last will; a will has no `issued_at`, it is written long before it is sent."""
    body: dict[str, Fact] = {"online": presence.is_online, "session": presence.session, "epoch": presence.epoch}
    if presence.is_online:
        body["watermark"] = {"last_seq": presence.last_seq, "acknowledged_seq": presence.acknowledged_seq}
        body["digests"] = {str(lock_id): digest for lock_id, digest in presence.digests.items()}
        body["versions"] = {**presence.versions}
        body["started_at"] = format_instant(presence.started_at)
    kind = ONLINE if presence.is_online else OFFLINE
    envelope: dict[str, Fact] = {
        "v": VERSION,
        "id": f"{hub_id}:{presence.epoch}:{kind}:{presence.session}",
        "kind": kind,
        "stream": "status",
        "epoch": presence.epoch,
        "audience": TO_CLOUD,
    }
    if issued_at is not None:
        envelope["issued_at"] = format_instant(issued_at)
    whole = _bytes({**envelope, "body": body})
    if len(whole) > PAYLOAD_MAX:
        whole = _bytes({**envelope, "body": {**body, "digests": {}, "digests_omitted": True}})
    return whole


def decode_presence(payload: bytes) -> Presence:
    """Read a birth or a last will. Raises `ValueError` when it is neither."""
    match parse_object(payload):
        case {"v": 1, "kind": "hub.offline", "body": {"online": False, "session": int(session), "epoch": int(epoch)}}:
            return Presence(is_online=False, epoch=epoch, session=session)
        case {
            "v": 1,
            "kind": "hub.online",
            "body": {
                "online": True,
                "session": int(session),
                "epoch": int(epoch),
                "watermark": {"last_seq": int(last), "acknowledged_seq": int(acknowledged)},
                "digests": dict(digests),
                "versions": dict(versions),
                "started_at": str(started_at),
            },
        }:
            return Presence(
                is_online=True,
                epoch=epoch,
                session=session,
                last_seq=last,
                acknowledged_seq=acknowledged,
                digests={LockId(lock_id): str(digest) for lock_id, digest in digests.items()},
                versions={name: str(version) for name, version in versions.items()},
                started_at=parse_instant(started_at),
            )
    msg = "not a birth or last will of this contract"
    raise ValueError(msg)


def encode_receipt(receipt: EventReceipt) -> bytes:
    """The cloud's message that covers all events up to one."""
    return _bytes({"v": VERSION, "kind": RECEIPT, "stream": EVENTS, "epoch": receipt.epoch, "seq": receipt.seq})


def encode_resume() -> bytes:
    """The cloud's question what it missed."""
    return _bytes({"v": VERSION, "kind": RESUME, "stream": EVENTS})


def decode_receipt(payload: bytes) -> EventReceipt | Resume:
    """Read what the cloud says about our events. Raises `ValueError` that says which field breaks which rule."""
    if len(payload) > PAYLOAD_MAX:
        msg = f"payload: above {PAYLOAD_MAX} bytes"
        raise NotClear(msg)
    found = parse_object(payload)
    if found.get("stream") != EVENTS:
        msg = f'stream: must be "{EVENTS}"'
        raise NotClear(msg)
    if found.get("kind") == RESUME:
        return Resume()
    for name in ("epoch", "seq"):
        value = found.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            msg = f"{name}: must be a whole number from 0"
            raise NotClear(msg)
    return EventReceipt(cast("int", found["epoch"]), cast("int", found["seq"]))


def encode_order(command_id: str, kind: str, body: Mapping[str, Fact], audience: HubId | None = None) -> bytes:
    """The message of an order as the cloud sends it; checking is the hub's business."""
    envelope: dict[str, Fact] = {"v": VERSION, "id": command_id, "kind": kind, "body": dict(body)}
    if audience is not None:
        envelope["audience"] = audience
    return _bytes(envelope)


def _bytes(envelope: Mapping[str, Fact]) -> bytes:
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
