"""Evidence: why we believe that a PIN is, or is not, on a lock (A7)."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.instant import Instant


class Evidence(StrEnum):
    """Kinds of evidence for one write, weakest first. `ACKNOWLEDGED` alone never proves (A7)."""

    ACKNOWLEDGED = "acknowledged"
    MASKED = "masked"
    SUPERVISED = "supervised"
    NOTIFIED = "notified"
    READ_BACK = "read_back"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Proof:
    """The strongest evidence for the last write of a slot, and when it came in."""

    evidence: Evidence
    at: Instant
