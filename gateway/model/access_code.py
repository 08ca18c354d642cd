"""An access code as it is wanted: who ordered what, for which lock, for when."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.ids import CodeId, LockId
from gateway.model.instant import Instant
from gateway.model.pin import PinDigest
from gateway.model.window import Window


class Origin(StrEnum):
    """Who gave an order; kept on every journal entry as its actor (A19)."""

    CLOUD = "cloud"
    SHELL = "shell"
    HUB = "hub"


@dataclass(frozen=True, slots=True)
class AccessCode:
    """One desired code. The digits are not here: the store keeps them sealed, the core compares digests (A11).

    `accepted_at` is when the current generation was accepted (A8 counts its grace from there); `deleted_at` is set by
    a delete order and makes the code unwanted at once. `prefer_native_scheduling` lets the lock keep the window where it can
    (A2); `strict_start` has the PIN on the lock at its start and hardly before (A5).
    """

    code_id: CodeId
    lock_id: LockId
    name: str
    digest: PinDigest
    window: Window
    generation: int
    created_at: Instant
    accepted_at: Instant
    deleted_at: Instant | None = None
    origin: Origin = Origin.CLOUD
    is_external_modification_allowed: bool = False
    prefer_native_scheduling: bool = True
    strict_start: bool = False

    @property
    def is_deleted(self) -> bool:
        """Whether a delete was ordered; the PIN may still be on the lock."""
        return self.deleted_at is not None
