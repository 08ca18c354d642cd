"""What Z-Wave JS remembers of a node: values that came with the node, and internal ones that the server is asked for."""

from zwave_js_server.const import CommandClass
from zwave_js_server.model.node import Node

from drivers.zwave.credentials import CachedValue
from drivers.zwave.session import ASK_TIMEOUT_S, ask


async def remembered(node: Node, command_class: CommandClass, name: str, key: int | None = None) -> object:
    """One internal value of Z-Wave JS's cache; None when there is none. No radio message. Raises `CallFailed`."""
    value_id: dict[str, object] = {"commandClass": int(command_class), "endpoint": 0, "property": name}
    if key is not None:
        value_id["propertyKey"] = key
    result = await ask(node.async_send_command("get_value", valueId=value_id, wait_for_result=True), ASK_TIMEOUT_S)
    return None if result is None else result.get("value")


def cached_values(node: Node) -> list[CachedValue]:
    """What Z-Wave JS remembers of the lock's User Code class, the PINs of the past included (N1)."""
    return [
        CachedValue(value.property_ if isinstance(value.property_, str) else "", value.property_key, value.value)
        for value in node.get_command_class_values(CommandClass.USER_CODE).values()
    ]


def is_battery_low(node: Node) -> bool:
    """Whether the lock complained of its battery last."""
    return any(
        value.property_ == "isLow" and value.value is True
        for value in node.get_command_class_values(CommandClass.BATTERY).values()
    )


def battery_percent(node: Node) -> int | None:
    """The charge that the lock last told, 0 to 100; None when it never did."""
    levels = [
        value.value
        for value in node.get_command_class_values(CommandClass.BATTERY).values()
        if value.property_ == "level" and isinstance(value.value, int) and 0 <= value.value <= 100
    ]
    return levels[0] if levels else None
