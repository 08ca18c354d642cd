"""Topic names, in one place (C1).

`kg/v1/{hub}/dn/…` is what the cloud says, `kg/v1/{hub}/up/…` what the hub says. At most 5 of the 7 slashes that all
brokers allow (C5). A hub listens with one wildcard only: two filters that overlap deliver a message twice on some brokers
(our measurement: mosquitto 2.0.11).
"""

from enum import StrEnum

from gateway.model.ids import HubId, LockId

ROOT = "kg/v1"
"""The contract's major version is part of the topic, so that two versions can live on one broker."""


class Down(StrEnum):
    """What the cloud says to a hub."""

    CMD = "cmd"
    """Orders."""
    SNAP = "snap"
    """Pages of a whole desired state."""
    ACK = "ack"
    """Cumulative receipts of what the hub sent."""
    LIVE = "live"
    """Requests that make sense only now."""


class Up(StrEnum):
    """What a hub says to the cloud."""

    EVT = "evt"
    """Numbered events, the answers to orders among them."""
    ACK = "ack"
    """Receipts of snapshot pages."""
    STATE = "state"
    """The hub's digest on its own."""
    STATUS = "status"
    """Birth and last will."""
    LIVE = "live"
    """Answers to live requests."""


def down(hub_id: HubId, channel: Down) -> str:
    """Where the cloud publishes for this hub."""
    return f"{ROOT}/{hub_id}/dn/{channel.value}"


def up(hub_id: HubId, channel: Up) -> str:
    """Where this hub publishes."""
    return f"{ROOT}/{hub_id}/up/{channel.value}"


def lock(hub_id: HubId, lock_id: LockId) -> str:
    """Where this hub publishes the state of one lock."""
    return f"{ROOT}/{hub_id}/up/lock/{lock_id}"


def all_down(hub_id: HubId) -> str:
    """The one filter a hub subscribes to."""
    return f"{ROOT}/{hub_id}/dn/#"


def all_up(hub_id: HubId) -> str:
    """The one filter the cloud subscribes to for this hub."""
    return f"{ROOT}/{hub_id}/up/#"


def which_down(hub_id: HubId, topic: str) -> Down | None:
    """The channel of a topic, or None when it is none of ours."""
    return next((channel for channel in Down if topic == down(hub_id, channel)), None)


def which_up(hub_id: HubId, topic: str) -> Up | None:
    """The channel of a topic, or None when it is none of ours."""
    return next((channel for channel in Up if topic == up(hub_id, channel)), None)
