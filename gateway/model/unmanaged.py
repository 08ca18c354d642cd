"""Codes that others put on a lock, and what becomes of them on request (A14).

Without a request they are listed and never touched. To *adopt* one makes it an access code of ours, in the slot where it
is. To *delete* one is to take it over and to delete it in the same breath: the ordinary removal does the rest, with its
retries and its evidence.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.model.access_code import Origin
from gateway.model.answers import SightingSource
from gateway.model.evidence import Evidence, Proof
from gateway.model.ids import CodeId, CommandId, Slot
from gateway.model.instant import Instant
from gateway.model.pin import PinDigest
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord
from gateway.model.window import Window

OCCUPIED = frozenset({SightedAs.HELD, SightedAs.MASKED, SightedAs.DISABLED})
"""What a slot shows while somebody's code is in it."""


class Purpose(StrEnum):
    """What was asked for."""

    ADOPT = "adopt"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Takeover:
    """A request that is not done yet. An adoption waits for a look at the slot, since we keep no PINs of others."""

    slot: Slot
    code_id: CodeId
    command_id: CommandId
    origin: Origin
    purpose: Purpose
    name: str
    window: Window
    ordered_at: Instant


def unmanaged(records: Iterable[SlotRecord]) -> Iterator[SlotRecord]:
    """The slots that hold somebody else's code, as far as we have seen."""
    return (record for record in records if record.lease is None and record.sighted in OCCUPIED)


def adopted(record: SlotRecord, code_id: CodeId, digest: PinDigest) -> SlotRecord:
    """The slot becomes ours with the PIN that is in it.

    Where the lock showed the PIN, that is the proof. Where it showed asterisks nothing is proven: the slot is emptied, seen
    empty and written with the PIN that was given (A7). What only a middleman remembers proves nothing of a slot of ours (D3):
    the lock is asked first.
    """
    taken = replace(record, lease=code_id, operation=Operation.WRITE, intended=digest, intended_at=record.sighted_at)
    if record.sighted_by is SightingSource.MIDDLEMAN:
        # No try of ours led nowhere here, so the look that follows makes nothing wait (A8).
        return replace(taken, outcome=Outcome.NONE, sighted=SightedAs.UNKNOWN, sighted_digest=None)
    if record.sighted is not SightedAs.HELD or record.sighted_at is None:
        return replace(taken, outcome=Outcome.AMBIGUOUS)
    return replace(taken, outcome=Outcome.CONFIRMED, proof=Proof(Evidence.READ_BACK, record.sighted_at), proven=digest)


def condemned(record: SlotRecord, code_id: CodeId, digest: PinDigest) -> SlotRecord:
    """The slot becomes ours to be emptied, whatever is in it."""
    return replace(
        record, lease=code_id, operation=Operation.WRITE, outcome=Outcome.CONFIRMED, intended=digest, proven=digest
    )
