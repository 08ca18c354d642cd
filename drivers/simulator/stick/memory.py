"""What a stick keeps over power: the home it belongs to and the nodes it knows."""

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


@dataclass(slots=True)
class StickMemory:
    """Home id (4 bytes) and the cards of all nodes but the stick itself."""

    home_id: bytes
    nodes: dict[int, NodeCard]
    last_node_id: int = STICK_NODE_ID
    """The id given last; the next node gets a higher one, as long as there is one."""

    def free_node_id(self, *, reuses: bool = False) -> int | None:
        """Choose the id of a new node: the next above the last given, or with `reuses` the lowest that is free; None: all taken."""
        upwards = range(STICK_NODE_ID + 1, NODE_ID_MAX + 1)
        highest = max((self.last_node_id, *self.nodes))
        preferred = () if reuses else range(highest + 1, NODE_ID_MAX + 1)
        return next((node_id for node_id in (*preferred, *upwards) if node_id not in self.nodes), None)

    def keep(self, card: NodeCard) -> None:
        """Remember a node; whoever had its id is forgotten."""
        self.nodes[card.node_id] = card
        self.last_node_id = card.node_id

    def forget(self, node_id: int) -> None:
        """Forget a node that left or failed; its id is not given again before all others were."""
        self.last_node_id = max((self.last_node_id, *self.nodes))
        self.nodes.pop(node_id, None)

    def node_mask(self) -> bytes:
        """Return the 29 bytes in which bit n-1 stands for node n, the stick included."""
        mask = bytearray(NODE_MASK_BYTES)
        for node_id in (STICK_NODE_ID, *self.nodes):
            mask[(node_id - 1) // 8] |= 1 << ((node_id - 1) % 8)
        return bytes(mask)
