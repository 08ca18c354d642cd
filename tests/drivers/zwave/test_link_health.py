"""How well a lock can be reached: what of Z-Wave JS's statistics is a measurement, and what is an error code."""

from drivers.zwave.link_health import health_of
from gateway.model.health import LinkHealth
from gateway.model.instant import parse_instant
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import running
from tests.drivers.zwave.hub import FRONT, hub
from tests.drivers.zwave.states import Json

MEASURED: Json = {
    "commandsTX": 40,
    "commandsRX": 38,
    "commandsDroppedTX": 2,
    "commandsDroppedRX": 0,
    "timeoutResponse": 1,
    "rtt": 41.5,
    "rssi": -71,
    "lastSeen": "2026-11-22T23:05:09.120Z",
    "lwr": {"protocolDataRate": 3, "repeaters": [7, 9], "repeaterRSSI": [127, -60], "rssi": -70},
}


def test_measurements_are_read() -> None:
    assert health_of(MEASURED) == LinkHealth(
        sent_count=40,
        received_count=38,
        lost_count=2,
        unanswered_count=1,
        round_trip_ms=41.5,
        rssi_dbm=-71,
        hops=("node 7", "node 9"),
        rate_kbit_s=100.0,
        heard_at=parse_instant("2026-11-22T23:05:09.120Z"),
    )


def test_error_codes_and_nonsense_are_no_measurements() -> None:
    told: Json = {
        "rssi": 127,
        "lwr": {"rssi": 126, "repeaters": [], "protocolDataRate": 9},
        "lastSeen": "soon",
        "rtt": True,
    }
    assert health_of(told) == LinkHealth(hops=())
    assert health_of({}) == LinkHealth()


def test_strength_of_the_last_route_stands_in_for_a_missing_average() -> None:
    assert health_of(MEASURED | {"rssi": 127}).rssi_dbm == -70


async def test_driver_tells_the_health_of_the_locks_that_are_here() -> None:
    async with running([states.node(2) | {"statistics": MEASURED}]) as server, hub(server) as here:
        assert here.driver.health() == {}
        await here.arrival()
        assert here.driver.health()[FRONT].round_trip_ms == 41.5
        assert server.calls == []
