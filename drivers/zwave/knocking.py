"""Two harmless questions: to a lock, whether it is there again, and to the stick, whether it works."""

import logging
from collections.abc import Iterable

from zwave_js_server.const import NodeStatus
from zwave_js_server.model.controller import Controller
from zwave_js_server.model.node import Node

from drivers.zwave.failures import CallFailed, Failure
from drivers.zwave.options import NodeAddress
from drivers.zwave.session import CALL_TIMEOUT_S, ask

log = logging.getLogger(__name__)


async def knock_at_dead(controller: Controller, addresses: Iterable[NodeAddress]) -> None:
    """Ping each of these locks that was dead at the server's start and never arrived."""
    for address in addresses:
        node = controller.nodes.get(address.node_id)
        if node is not None and not node.ready and node.status is NodeStatus.DEAD:
            await _knock(node)


async def _knock(node: Node) -> None:
    """Ping a lock; Z-Wave JS then finds out by itself whether it is alive. Up to three beams of 1.1 s."""
    try:
        await ask(node.async_ping(), CALL_TIMEOUT_S)
    except CallFailed as error:
        log.info("lock.knock.failed", extra={"node": node.node_id, "cause": str(error)})


async def probe(controller: Controller) -> Failure | None:
    """Ask the stick whether it counts some node as failed: no radio, and the answer does not matter. None when it answered."""
    node = next((node for node in controller.nodes.values() if not node.is_controller_node), None)
    if node is None:
        return None
    try:
        await ask(controller.async_is_failed_node(node), CALL_TIMEOUT_S)
    except CallFailed as error:
        return error.failure
    return None
