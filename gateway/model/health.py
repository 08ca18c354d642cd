"""How well a lock can be reached, as its driver counts it: facts for people, never a reason to act."""

from dataclasses import dataclass

from gateway.model.instant import Instant


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """Counts since the driver's network started, and the last route. None is what nobody measured.

    `lost_count`: messages to the lock that it never acknowledged. `unanswered_count`: questions that it took and did not answer.
    `rssi_dbm`: how loud the lock is heard, -30 near by to -100 at the edge. `hops`: the driver's own names of the devices in
    between, empty for a direct way.
    """

    sent_count: int = 0
    received_count: int = 0
    lost_count: int = 0
    unanswered_count: int = 0
    round_trip_ms: float | None = None
    rssi_dbm: int | None = None
    hops: tuple[str, ...] | None = None
    rate_kbit_s: float | None = None
    heard_at: Instant | None = None
