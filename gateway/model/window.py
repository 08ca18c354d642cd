"""When an access code opens: `ongoing` or `time_bound` (A1)."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.instant import Instant


class CodeType(StrEnum):
    """The two types of rule A1."""

    ONGOING = "ongoing"
    TIME_BOUND = "time_bound"


@dataclass(frozen=True, slots=True)
class Window:
    """`[starts_at, ends_at)`. No `ends_at` makes the code ongoing; no `starts_at` means at once."""

    starts_at: Instant | None = None
    ends_at: Instant | None = None

    def __post_init__(self) -> None:
        """Refuse an empty window: raises `ValueError` when it ends at or before its start."""
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            msg = "the window ends at or before its start"
            raise ValueError(msg)

    @property
    def type(self) -> CodeType:
        """`time_bound` when there is an end (A1)."""
        return CodeType.ONGOING if self.ends_at is None else CodeType.TIME_BOUND

    def opens_on_lock_at(self, lead_ms: int) -> Instant | None:
        """The instant from which the PIN may be on the lock just in time (A3); None means at once."""
        return None if self.starts_at is None else Instant(self.starts_at - lead_ms)
