"""Pure: why a configured lock cannot be used, with the remedy."""

from typing import Final

from zwave_js_server.const import INTERVIEW_FAILED, CommandClass, NodeStatus
from zwave_js_server.model.node import Node

from drivers.zwave.options import NodeAddress

USER_CREDENTIAL: Final = 0x83
"""Command class number; the client library's list of classes does not have it."""


def trouble_of(address: NodeAddress, node: Node | None) -> str | None:
    """Why this lock cannot be used, with the remedy; None when it can."""
    place = f"{address.name} (node {address.node_id})"
    if node is None:
        return f"{place} is not in this network: include the lock, or correct `node` in the configuration"
    if node.is_controller_node:
        return f"{place} is the stick itself: correct `node` in the configuration"
    if node.interview_stage == INTERVIEW_FAILED:
        return f"{place} could not be interviewed: bring stick and lock closer and interview it again"
    if not node.ready:
        if node.status is NodeStatus.DEAD:
            return f"{place} does not answer: check its battery, or press a key on it"
        return f"{place} is being interviewed: this takes up to some minutes"
    if not is_keypad_lock(node):
        if any(known.id == USER_CREDENTIAL for known in node.command_classes):
            return f"{place} keeps its PINs as user credentials, which this driver does not know yet"
        return f"{place} keeps no PINs: it is no keypad lock, or was included without security"
    return None


def is_keypad_lock(node: Node) -> bool:
    """Whether a node that was interviewed keeps PINs in a way that this driver knows."""
    return any(known.id == CommandClass.USER_CODE for known in node.command_classes)
