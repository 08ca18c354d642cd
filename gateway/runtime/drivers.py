"""Finds drivers by entry point: the daemon never imports one."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from gateway.ports import DriverPort, DriverSettings

GROUP = "gateway.drivers"


@cache
def installed() -> Mapping[str, EntryPoint]:
    """The installed drivers by name. A scan reads about every package of the machine; what is installed stays so while this process lives."""
    return {point.name: point for point in entry_points(group=GROUP)}


def known_drivers() -> frozenset[str]:
    """Names of all installed drivers."""
    return frozenset(installed())


def open_driver(name: str, settings: DriverSettings) -> DriverPort:
    """Load the driver and hand it its settings. Raises `ValueError` with one line per mistake in its options."""
    if (point := installed().get(name)) is None:
        msg = f"no driver {name} is installed; installed are: {', '.join(sorted(known_drivers())) or 'none'}"
        raise ValueError(msg)
    driver: DriverPort = point.load()(settings)
    return driver
