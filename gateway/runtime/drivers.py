"""Finds drivers by entry point: the daemon never imports one."""

from collections.abc import Callable, Iterable
from importlib.metadata import entry_points

from gateway.ports import DriverPort, DriverSettings

GROUP = "gateway.drivers"


def known_drivers() -> frozenset[str]:
    """Names of all installed drivers."""
    return frozenset(point.name for point in entry_points(group=GROUP))


def open_driver(name: str, settings: DriverSettings) -> DriverPort:
    """Load the driver and hand it its settings. Raises `ValueError` with one line per mistake in its options."""
    found: Iterable[Callable[[DriverSettings], DriverPort]] = (
        point.load() for point in entry_points(group=GROUP) if point.name == name
    )
    for make in found:
        return make(settings)
    msg = f"no driver {name} is installed; installed are: {', '.join(sorted(known_drivers())) or 'none'}"
    raise ValueError(msg)
