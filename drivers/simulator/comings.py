"""What people do to let a lock into a network and out of it: press the button inside it, read the label on it."""

from drivers.simulator.home import Home
from drivers.simulator.resident import Resident


class Comings:
    """The comings and goings of one home; a part of what the control socket offers."""

    def __init__(self, home: Home) -> None:
        """Act in this home."""
        self._home = home

    def button(self, lock: str) -> dict[str, object]:
        """Press the button inside the lock that includes or excludes it, whichever the stick waits for."""
        resident = self._home.find(lock)
        resident.node.belonging.press_button()
        return _place(resident)

    def label(self, lock: str) -> dict[str, object]:
        """Read the label, whose first five digits are the PIN of an inclusion, and where the lock belongs (node 0: nowhere)."""
        return _place(self._home.find(lock))


def _place(resident: Resident) -> dict[str, object]:
    membership = resident.node.membership
    granted = membership.granted if membership is not None else None
    return {
        "lock": resident.name,
        "node": resident.node.node_id,
        "security": granted.value if granted is not None else "none",
        "dsk": resident.node.identity.dsk,
        "keys": resident.node.belonging.outcome,
    }
