"""The locks that this driver is to bring: those that it was given, and those that joined since; and how each of them is missing.

The hub keeps the list (`HouseholdPort`), this is the driver's copy of it. `ring` is called after every change.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from zwave_js_server.model.node import Node

from drivers.zwave.node_trouble import trouble_of
from drivers.zwave.options import NodeAddress, read_nodes
from gateway.model.ids import LockId
from gateway.model.network import Newcomer
from gateway.ports import HouseholdPort, LockAddress


class Roster:
    """Who is expected. `household` None: locks join and leave without anybody taking note."""

    def __init__(self, nodes: Sequence[NodeAddress], household: HouseholdPort | None, ring: Callable[[], None]) -> None:
        """Start with the locks that the driver was given."""
        self.nodes = tuple(nodes)
        self._household = household
        self._ring = ring

    def node_of(self, lock_id: LockId) -> int | None:
        """The node number of a lock, None when it is not expected."""
        return next((address.node_id for address in self.nodes if address.lock_id == lock_id), None)

    def at(self, node_id: int) -> NodeAddress | None:
        """The lock that is expected under a node number."""
        return next((address for address in self.nodes if address.node_id == node_id), None)

    async def welcome(self, newcomer: Newcomer) -> LockAddress | None:
        """Have a lock that joined made the hub's, and expect it. None when nobody takes locks in."""
        if self._household is None:
            return None
        address = await self._household.adopt(newcomer)
        self.nodes = (*self.nodes, *read_nodes([address], []))
        self._ring()
        return address

    async def dismiss(self, lock_id: LockId) -> bool:
        """A lock has left: expect it no more. False when the configuration still names it."""
        if self._household is None or not await self._household.release(lock_id):
            return False
        self.nodes = tuple(address for address in self.nodes if address.lock_id != lock_id)
        self._ring()
        return True

    def describe(self, here: Collection[LockId], slotless: Collection[LockId], nodes: Mapping[int, Node]) -> list[str]:
        """How many are here, and what each of the others needs, in sentences for a person."""
        if not self.nodes:
            return ["no lock yet: `gatewayctl include` adds one"]
        lines = [f"{len(here)} of {len(self.nodes)} locks"]
        troubles = (trouble_of(address, nodes.get(address.node_id)) for address in self.nodes)
        lines += [trouble for trouble in troubles if trouble is not None]
        lines += [
            f"{address.name} (node {address.node_id}) did not say how many slots it has: interview it again, or set "
            "`last_slot` in the configuration"
            for address in self.nodes
            if address.lock_id in slotless
        ]
        return lines
