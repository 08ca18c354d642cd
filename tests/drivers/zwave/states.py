"""Hand-written states of nodes, in the shape the Z-Wave JS server sends them at schema 50."""

from collections.abc import Mapping, Sequence

type Json = dict[str, object]

HOME_ID = 0xC0FFEE01

SUPERVISION = 0x6C
NOTIFICATION = 0x71
USER_CODE = 0x63
DOOR_LOCK = 0x62
BATTERY = 0x80

LOCK_CLASSES = (USER_CODE, SUPERVISION, NOTIFICATION, DOOR_LOCK, BATTERY)


def value(command_class: int, name: str, key: object = None, current: object = None) -> Json:
    """One entry of a node's cache."""
    entry: Json = {
        "commandClass": command_class,
        "commandClassName": str(command_class),
        "endpoint": 0,
        "property": name,
        "propertyName": name,
        "metadata": {"type": "any", "readable": True, "writeable": True},
    }
    if key is not None:
        entry["propertyKey"] = key
    if current is not None:
        entry["value"] = current
    return entry


def slots(codes: Mapping[int, tuple[int | None, str | None]]) -> list[Json]:
    """User Code values: slot to (status, code)."""
    entries = []
    for slot, (status, code) in codes.items():
        entries.append(value(USER_CODE, "userIdStatus", slot, status))
        entries.append(value(USER_CODE, "userCode", slot, code))
    return entries


def node(
    node_id: int,
    *,
    values: Sequence[Json] = (),
    classes: Sequence[int] = LOCK_CLASSES,
    status: int = 4,
    is_ready: bool = True,
    security: int = 2,
    product: tuple[int, int, int] = (0x0025, 1, 0x11),
    stage: str = "Complete",
    is_controller: bool = False,
    version: int = 1,
) -> Json:
    """One node, by default an S2 lock that was interviewed and is alive."""
    return {
        "nodeId": node_id,
        "index": 0,
        "status": status,
        "ready": is_ready,
        "isControllerNode": is_controller,
        "keepAwake": False,
        "interviewStage": stage,
        "manufacturerId": product[0],
        "productType": product[1],
        "productId": product[2],
        "label": "Plain",
        "highestSecurityClass": security,
        "values": list(values),
        "endpoints": [
            {
                "nodeId": node_id,
                "index": 0,
                "commandClasses": [{"id": cc, "name": str(cc), "version": version, "isSecure": True} for cc in classes],
            }
        ],
    }


def event(node_id: int, name: str, **facts: object) -> Json:
    """An event of one node."""
    return {"source": "node", "event": name, "nodeId": node_id, **facts}


def notification(node_id: int, number: int, *, kind: int = 6, parameters: object = None) -> Json:
    """A Notification Report as an event."""
    args: Json = {"type": kind, "event": number, "label": "l", "eventLabel": "e"}
    if parameters is not None:
        args["parameters"] = parameters
    return event(node_id, "notification", endpointIndex=0, ccId=NOTIFICATION, args=args)


def value_updated(node_id: int, command_class: int, name: str, key: object, new: object, old: object = None) -> Json:
    """A change of Z-Wave JS's cache as an event."""
    args = value(command_class, name, key) | {"newValue": new, "prevValue": old}
    return event(node_id, "value updated", args=args)
