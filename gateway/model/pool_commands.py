"""Orders about backup pools, drawn PINs and unmanaged codes (A12, A14)."""

from dataclasses import dataclass

from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import Instant
from gateway.model.pin import Pin


@dataclass(frozen=True, slots=True)
class PullBackupCode:
    """Give a backup for this code; a second time it is the same one. `is_forced` hands it out before the stay, too."""

    code_id: CodeId
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class GenerateCode:
    """Draw a PIN that this lock would take, for whoever wants to order a code with it."""

    lock_id: LockId


@dataclass(frozen=True, slots=True)
class ListUnmanaged:
    """Tell which slots of the lock hold codes of others."""

    lock_id: LockId


@dataclass(frozen=True, slots=True)
class ConvertUnmanaged:
    """Make somebody else's code ours. The PIN is needed where the lock hides it."""

    lock_id: LockId
    slot: Slot
    code_id: CodeId
    name: str
    pin: Pin | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class DeleteUnmanaged:
    """Take somebody else's code off the lock."""

    lock_id: LockId
    slot: Slot


@dataclass(frozen=True, slots=True)
class UpdateDevice:
    """Turn the backup pool of the lock on or off."""

    lock_id: LockId
    is_pool_on: bool


type PoolCommand = PullBackupCode | GenerateCode | ListUnmanaged | ConvertUnmanaged | DeleteUnmanaged | UpdateDevice
