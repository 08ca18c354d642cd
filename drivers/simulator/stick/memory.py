"""What a stick keeps over power: the home it belongs to and the nodes it knows."""

from collections.abc import Mapping
from dataclasses import dataclass

STICK_NODE_ID = 1
"""Node id of the primary controller."""

NODE_ID_MAX = 232
"""Highest classic node id (G.9959)."""

NODE_MASK_BYTES = 29
"""Bytes of a node mask: 232 bits."""


@dataclass(frozen=True, slots=True)
class NodeCard:
    """What the network layer knows of a node without asking it."""

    node_id: int
    is_listening: bool
    is_flirs: bool
    """Wakes for a beam once per second."""
    basic: int
    generic: int
    specific: int


@dataclass(frozen=True, slots=True)
class StickMemory:
    """Home id (4 bytes) and the cards of all nodes but the stick itself."""

    home_id: bytes
    nodes: Mapping[int, NodeCard]

    def node_mask(self) -> bytes:
        """Return the 29 bytes in which bit n-1 stands for node n, the stick included."""
        mask = bytearray(NODE_MASK_BYTES)
        for node_id in (STICK_NODE_ID, *self.nodes):
            mask[(node_id - 1) // 8] |= 1 << ((node_id - 1) % 8)
        return bytes(mask)
