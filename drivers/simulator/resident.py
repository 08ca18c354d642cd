"""One lock of a home: its name and its radio, and how the stick lists it."""

from dataclasses import dataclass

from drivers.simulator.radio.node import (
    BASIC_END_NODE,
    GENERIC_ENTRY_CONTROL,
    SPECIFIC_KEYPAD_LOCK,
    LockNode,
)
from drivers.simulator.stick.memory import NodeCard


@dataclass(frozen=True, slots=True)
class Resident:
    """One lock of the home: its name and its radio, with the firmware behind it."""

    name: str
    node: LockNode

    def card(self) -> NodeCard:
        """What the stick remembers of this lock."""
        return NodeCard(
            self.node.node_id,
            is_listening=not self.node.is_flirs,
            is_flirs=self.node.is_flirs,
            basic=BASIC_END_NODE,
            generic=GENERIC_ENTRY_CONTROL,
            specific=SPECIFIC_KEYPAD_LOCK,
        )
