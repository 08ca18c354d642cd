"""What Z-Wave JS remembers of one lock, and the events that it makes of what the lock says."""

from collections.abc import Iterator, Mapping

from drivers.simulator.lock.firmware import EMPTY, Bolt, Firmware, Notice, NoticeKind, Slot
from drivers.simulator.radio.cc.names import BY_PROFILE_NAME, ClassId
from drivers.simulator.radio.cc.notification import ACCESS_EVENTS, OTHER_EVENTS
from drivers.simulator.radio.cc.user_code import STATUS_BYTES, STATUS_NOT_AVAILABLE, UserCode

type Json = dict[str, object]

HOME_ID = 0xC0FFEE01
ALIVE, DEAD = 4, 3
"""Node statuses of the server's protocol."""

S2_ACCESS_CONTROL = 2
"""Security class of the server's protocol."""

ACCESS_CONTROL = 6
"""Notification type."""

MODES = {Bolt.LOCKED: 0xFF, Bolt.UNLOCKED: 0x00, Bolt.JAMMED: 0xFE}
"""CC:0062.01.03.11.001: what a Door Lock Operation Report calls the bolt's place."""

COVER = frozenset({NoticeKind.COVER_OPENED, NoticeKind.COVER_CLOSED})
"""Told as a value too, of Home Security."""

STATES = {NoticeKind.JAMMED: "Lock state", NoticeKind.KEYPAD_DISABLED: "Keypad state"}
"""Notices that Z-Wave JS keeps as values instead of telling them as events."""

CHECKSUM_GET = 0x11
"""User Code Checksum Get, version 2."""

SUMMED_FROM = 2
"""Version of User Code from which a lock gives a checksum, and its interview asks for occupied slots only."""

type Place = tuple[int, str, int | str | None]
"""Command class, property and property key of a value."""


class Unspeakable(ValueError):  # noqa: N818 - says what the message is
    """Arguments that this command class cannot put on the air."""


class Mirror:
    """One node as the server knows it."""

    def __init__(self, node_id: int, firmware: Firmware, at: float) -> None:
        """Interview the lock, with `queryAllUserCodes`."""
        self.node_id = node_id
        self.firmware = firmware
        self.is_within_reach = True
        self.is_thought_dead = False
        self._version = firmware.model.command_classes.get("user_code", 1)
        self._internal: dict[Place, object] = {}
        self._values: dict[Place, object] = {
            (ClassId.BATTERY, "level", None): firmware.battery_percent,
            (ClassId.DOOR_LOCK, "currentMode", None): MODES[firmware.bolt],
            (ClassId.NOTIFICATION, "Access Control", "Lock state"): 0,
            (ClassId.NOTIFICATION, "Access Control", "Keypad state"): 0,
        }
        occupied = firmware.occupied(at)
        for number in range(1, firmware.model.slots + 1):
            is_asked = self._version < SUMMED_FROM or number in occupied
            status, code = self.fields(occupied.get(number, EMPTY)) if is_asked else (None, None)
            self._values[ClassId.USER_CODE, "userIdStatus", number] = status
            self._values[ClassId.USER_CODE, "userCode", number] = code
        if self._version >= SUMMED_FROM:
            (report,) = UserCode(firmware, self._version).answer(CHECKSUM_GET, b"", at).reports
            self.remember(ClassId.USER_CODE, "userCodeChecksum", None, int.from_bytes(report[-2:]))
            self.remember(ClassId.USER_CODE, "supportedUserIDStatuses", None, list(STATUS_BYTES.values()))

    def fields(self, slot: Slot | None) -> tuple[int, str]:
        """Status and code of a slot as a User Code Report gives them."""
        if slot is None:
            return STATUS_NOT_AVAILABLE, ""
        return STATUS_BYTES[slot.status], slot.shown

    def state(self) -> Json:
        """The node in a state dump."""
        model = self.firmware.model
        classes = [
            {"id": int(BY_PROFILE_NAME[name]), "name": name, "version": version, "isSecure": True}
            for name, version in model.command_classes.items()
            if version
        ]
        return {
            "nodeId": self.node_id,
            "index": 0,
            "status": DEAD if self.is_thought_dead else ALIVE,
            "ready": True,
            "isControllerNode": False,
            "keepAwake": False,
            "interviewStage": "Complete",
            "manufacturerId": model.manufacturer_id,
            "productType": model.product_type,
            "productId": model.product_id,
            "label": model.label,
            "highestSecurityClass": S2_ACCESS_CONTROL,
            "values": [_value(place, value) for place, value in self._values.items()],
            "endpoints": [{"nodeId": self.node_id, "index": 0, "commandClasses": classes}],
        }

    def capabilities(self) -> Json:
        """What the unified access-control API knows of the lock."""
        rules: Json = {"supportedUserTypes": [0], "supportedCredentialRules": [1]}
        return {"maxUsers": self.firmware.model.slots, **rules, "supportsUsersWithoutCredentials": False}

    def remember(self, command_class: int, name: str, key: int | None, value: object) -> None:
        """Keep an internal value: asked for by name, never told as an event."""
        self._internal[int(command_class), name, key] = value

    def remembered(self, value_id: object) -> Json:
        """One internal value; an empty answer when there is none."""
        match value_id:
            case {"commandClass": int(command_class), "property": str(name), **rest}:
                key = rest.get("propertyKey")
                place = (command_class, name, key if isinstance(key, int) else None)
                return {"value": self._internal[place]} if place in self._internal else {}
            case _:
                return {}

    def learn(self, command_class: int, name: str, key: int | str | None, value: object) -> list[Json]:
        """Take a value over and return its event; also a value that did not change makes one."""
        place = (int(command_class), name, key)
        before = self._values.get(place)
        self._values[place] = value
        args = {**_value(place, None), "newValue": value}
        del args["metadata"]
        if before is None:
            return [self._event("value added", args=args)]
        return [self._event("value updated", args={**args, "prevValue": before})]

    def hear(self, notice: Notice) -> list[Json]:
        """What becomes of one thing that the lock said."""
        return list(self._heard(notice))

    def alive(self) -> Json:
        """A command was answered again."""
        self.is_thought_dead = False
        return self._event("alive", oldStatus=DEAD)

    def dead(self) -> Json:
        """No command was acknowledged."""
        self.is_thought_dead = True
        return self._event("dead", oldStatus=ALIVE)

    def _heard(self, notice: Notice) -> Iterator[Json]:
        if notice.kind is NoticeKind.LOW_BATTERY:
            args: Json = {"eventType": "battery low", "urgency": 1}
            yield self._event("notification", endpointIndex=0, ccId=int(ClassId.BATTERY), args=args)
            return
        if notice.kind is NoticeKind.ALL_CODES_DELETED:
            for slot in range(1, self.firmware.model.slots + 1):
                yield from self.learn(ClassId.USER_CODE, "userIdStatus", slot, STATUS_BYTES[EMPTY.status])
                yield from self.learn(ClassId.USER_CODE, "userCode", slot, "")
        if notice.kind in COVER:
            yield from self.learn(ClassId.NOTIFICATION, "Home Security", "Cover status", OTHER_EVENTS[notice.kind][1])
        number = ACCESS_EVENTS.get(notice.kind)
        if number is None:
            return
        if notice.kind in STATES:
            yield from self.learn(ClassId.NOTIFICATION, "Access Control", STATES[notice.kind], number)
        is_about_bolt = notice.kind.value.endswith(("locked", "jammed"))
        if is_about_bolt:
            yield from self.learn(ClassId.DOOR_LOCK, "currentMode", None, MODES[self.firmware.bolt])
        if notice.kind not in STATES:
            told: Json = {
                "type": ACCESS_CONTROL,
                "event": number,
                "label": "Access Control",
                "eventLabel": notice.kind.value,
            }
            if notice.user_id is not None:
                told["parameters"] = {"userId": notice.user_id}
            yield self._event("notification", endpointIndex=0, ccId=int(ClassId.NOTIFICATION), args=told)
            if is_about_bolt and self._values[ClassId.NOTIFICATION, "Access Control", "Lock state"]:
                yield from self.learn(ClassId.NOTIFICATION, "Access Control", "Lock state", 0)

    def _event(self, name: str, **facts: object) -> Json:
        return {"source": "node", "event": name, "nodeId": self.node_id, **facts}


def _value(place: Place, value: object) -> Json:
    command_class, name, key = place
    entry: Json = {
        "commandClass": command_class,
        "commandClassName": str(command_class),
        "endpoint": 0,
        "property": name,
        "propertyName": name,
        "metadata": _METADATA,
    }
    if key is not None:
        entry |= {"propertyKey": key, "propertyKeyName": str(key)}
    if value is not None:
        entry["value"] = value
    return entry


_METADATA: Mapping[str, object] = {"type": "any", "readable": True, "writeable": True}
