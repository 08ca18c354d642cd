"""How the demo says things: orders, events, memory and radio in a person's words."""

import re
from collections.abc import Iterator, Mapping

from tests.demo.record import DOORS, FOREIGN_PIN, Code, Door, Frame, Heard, Record

_SLOT = re.compile(r"#(\d+)")


def whose(record: Record, door: Door, pin: str) -> str:
    """Whose PIN this is, never which."""
    if pin == FOREIGN_PIN:
        return "a stranger's PIN"
    found = next((code for code in record.codes if code.door == door and code.pin == pin), None)
    return "a PIN that nobody ordered" if found is None else f"the {found.who.value.lower()}'s PIN"


def of_memory(record: Record, door: Door, before: Mapping[int, str], now: Mapping[int, str]) -> Iterator[str]:
    """What changed in a lock's memory."""
    for slot in sorted(before.keys() | now.keys()):
        was, is_now = before.get(slot), now.get(slot)
        if was == is_now:
            continue
        if is_now is None and was is not None:
            yield f"{door.name}: slot {slot} is empty again, {whose(record, door, was)} is gone"
        elif is_now is not None:
            yield f"{door.name}: slot {slot} now holds {whose(record, door, is_now)}"


def of_frame(frame: Frame) -> str | None:
    """A message to a lock about its codes; None for everything else on the air."""
    slot = _SLOT.search(frame.label)
    if not frame.is_to_lock or slot is None or "User Code" not in frame.label:
        return None
    verb = "sends slot {0} to" if "Set" in frame.label else "asks for slot {0} of"
    wake = "wakes it and " if frame.is_beamed else ""
    return f"{frame.door.name}: {wake}{verb.format(slot[1])} the lock"


def of_event(record: Record, heard: Heard) -> str | None:
    """What the cloud hears; None for what only programs want to know."""
    event, body = heard.event, heard.event.body
    code = record.code(heard.code_id)
    door = next((door.name for door in DOORS if door.lock_id == body.get("device_id")), "a lock")
    match event.kind:
        case "lock.unlocked" if code is not None:
            return f"hears: {door} was opened with the {code.who.value.lower()}'s code"
        case "lock.unlocked":
            return f"hears: {door} was opened"
        case "access_code.set_on_device" if code is not None:
            return f"hears: {_named(code)} is set, proven by {_proof(str(body.get('evidence')))}"
        case "access_code.removed_from_device" if code is not None:
            return f"hears: {_named(code)} is proven gone"
        case "command.applied" if code is not None and _kind(record, heard) == "access_code.delete":
            return f"hears: the deletion of {_named(code)} is done"
        case "command.failed" | "command.rejected":
            return f"hears: an order came to nothing ({body.get('reason')})"
        case (
            "access_code.failed_to_set_on_device"
            | "access_code.delay_in_setting_on_device"
            | "access_code.failed_to_remove_from_device"
        ):
            return f"hears: {event.kind.partition('.')[2].replace('_', ' ')}: {'' if code is None else _named(code)}"
        case "access_code.unmanaged.created":
            return f"hears: somebody made a code at the {door} by hand; it is not ours to touch"
        case "access_code.modified_external" | "access_code.deleted_external" | "access_code.unmanaged.removed":
            return f"hears: somebody changed a code at the {door} by hand"
        case _:
            return None


def _kind(record: Record, heard: Heard) -> str | None:
    return next((order.kind for order in record.orders if order.command_id == heard.command_id), None)


def _named(code: Code) -> str:
    return f"the {code.who.value.lower()}'s code at the {code.door.name}"


def _proof(evidence: str) -> str:
    return {
        "supervised": "the lock's own confirmation",
        "notified": "the lock's own notification",
        "read_back": "reading it back",
        "masked": "a look at the lock",
        "used": "its use at the keypad",
    }.get(evidence, evidence or "nothing")
