"""The backup pool of a lock: spare codes that are on the lock before anybody needs one (A12, A13).

A backup code is an access code like any other: it has an id, a slot, evidence and a removal that is hunted. What makes it
a backup is kept here, beside it. A *spare* is a backup that nobody was given yet; a pull gives it to one guest, the
holder of the *original*, and from then on it ends when the original ends and is never used again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.ids import CodeId
from gateway.model.instant import Instant

POOL_SIZE = 3
POOL_SIZE_MAX = 10
"""Spare codes per lock, and the most that may be asked for (A12)."""

POOL_RESERVE = 1
"""Slots that the pool leaves free: the next guest goes onto the lock without a spare having to leave first (A12)."""


class AutoPull(StrEnum):
    """Whether the hub gives out a backup by itself (A13)."""

    AT_RISK = "at_risk"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class PoolRules:
    """What the owner configured. `is_on` holds until somebody turns this lock's pool on or off (A12)."""

    size: int = POOL_SIZE
    reserve: int = POOL_RESERVE
    is_on: bool = False
    auto_pull: AutoPull = AutoPull.AT_RISK


@dataclass(frozen=True, slots=True)
class Backup:
    """What makes an access code a backup. Without an original it is a spare."""

    code_id: CodeId
    pulled_for: CodeId | None = None
    pulled_at: Instant | None = None

    @property
    def is_spare(self) -> bool:
        """Whether nobody was given it yet; only such a one may be pushed out or taken back (A16)."""
        return self.pulled_for is None


class PoolIssue(StrEnum):
    """What is wrong, or unusual, with a pool, under its documented name."""

    EMPTY = "empty_backup_access_code_pool"
    PARTIAL = "partial_backup_access_code_pool"
    MANY_PULLED = "many_active_backup_codes"

    @property
    def is_warning(self) -> bool:
        """Whether the documented device lists it under `warnings` instead of `errors`."""
        return self is not PoolIssue.EMPTY


@dataclass(frozen=True, slots=True)
class Pool:
    """The pool of one lock as the store keeps it.

    `backups` are those that are not finished, or stand in for a code that is not; `guests` the codes that were ordered with the pool behind them, `told` what
    the cloud was last told to be wrong.
    """

    is_on: bool = False
    backups: Mapping[CodeId, Backup] = field(default_factory=dict)
    guests: frozenset[CodeId] = frozenset()
    told: frozenset[PoolIssue] = frozenset()

    def is_spare(self, code_id: CodeId) -> bool:
        """Whether this code is a backup that nobody was given."""
        backup = self.backups.get(code_id)
        return backup is not None and backup.is_spare

    def pulled_for(self, code_id: CodeId) -> CodeId | None:
        """The backup that stands in for this code, or None."""
        return next((backup.code_id for backup in self.backups.values() if backup.pulled_for == code_id), None)
