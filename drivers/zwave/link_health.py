"""Pure: the statistics that Z-Wave JS keeps of a node, as `LinkHealth`. Told by the server, no radio message."""

from collections.abc import Mapping
from typing import Final

from gateway.model.health import LinkHealth
from gateway.model.instant import Instant, parse_instant

RATES_KBIT_S: Final[Mapping[object, float]] = {1: 9.6, 2: 40.0, 3: 100.0, 4: 100.0}
"""`ProtocolDataRate` of Z-Wave JS 15.29; 4 is Long Range."""

RSSI_ERROR_MIN: Final = 125
"""From here on a signal strength is none: 125 no signal, 126 too strong to measure, 127 not available (INS13954)."""


def health_of(statistics: Mapping[str, object]) -> LinkHealth:
    """Read one node's statistics; what is missing or no number is None, or 0 for a count."""
    route = statistics.get("lwr")
    last = route if isinstance(route, Mapping) else {}
    rssi = _strength(statistics.get("rssi"))
    repeaters = last.get("repeaters")
    return LinkHealth(
        sent_count=_count(statistics.get("commandsTX")),
        received_count=_count(statistics.get("commandsRX")),
        lost_count=_count(statistics.get("commandsDroppedTX")),
        unanswered_count=_count(statistics.get("timeoutResponse")),
        round_trip_ms=_number(statistics.get("rtt")),
        rssi_dbm=_strength(last.get("rssi")) if rssi is None else rssi,
        hops=tuple(f"node {number}" for number in repeaters) if isinstance(repeaters, list) else None,
        rate_kbit_s=RATES_KBIT_S.get(last.get("protocolDataRate")),
        heard_at=_instant(statistics.get("lastSeen")),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _strength(value: object) -> int | None:
    return value if isinstance(value, int) and value < RSSI_ERROR_MIN else None


def _instant(value: object) -> Instant | None:
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except ValueError:
        return None
