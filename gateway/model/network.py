"""Locks that join and leave a driver's network, as a person asks for it and hears of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.ids import LockId


class NetworkTask(StrEnum):
    """What a person can ask of a network."""

    INCLUDE = "include"
    """Take in a lock that a person now puts into its joining mode."""
    EXCLUDE = "exclude"
    """Let go of a device, of any network, that a person now puts into its leaving mode."""
    REMOVE_FAILED = "remove_failed"
    """Strike a lock off that is broken or gone for good."""
    PROVISION = "provision"
    """Expect a lock by its key: it joins by itself when it is powered."""


@dataclass(frozen=True, slots=True)
class NetworkWish:
    """One task. `key` is the lock's own key or its beginning (Z-Wave: DSK or its PIN of five digits), as it is printed on it.

    `lock_id` names the lock to strike off, `name` is what a lock that joins is to be called. `is_forced` also takes a lock that can only
    be spoken to without strong security.
    """

    task: NetworkTask
    key: str | None = field(default=None, repr=False)
    lock_id: LockId | None = None
    is_forced: bool = False
    name: str | None = None


class NetworkOutcome(StrEnum):
    """How a task stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A lock that joined: where the driver finds it from now on, what it says it is, and what a person wants it called."""

    address: Mapping[str, object]
    model: str
    security: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class NetworkStory:
    """One task so far: a sentence per step, for people. There are at most some twenty.

    `lock_id` is what the hub calls the newcomer, None while it is none of the hub's locks.
    """

    task: NetworkTask
    outcome: NetworkOutcome
    lines: tuple[str, ...]
    newcomer: Newcomer | None = None
    lock_id: LockId | None = None
