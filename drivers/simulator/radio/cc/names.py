"""Numbers and names of the command classes and commands that cross this air; for dispatch and for people reading a trace."""

from enum import IntEnum


class ClassId(IntEnum):
    """Command classes a lock here may speak."""

    NO_OPERATION = 0x00
    SCHEDULE_ENTRY_LOCK = 0x4E
    ASSOCIATION_GROUP_INFO = 0x59
    DEVICE_RESET_LOCALLY = 0x5A
    ZWAVE_PLUS_INFO = 0x5E
    DOOR_LOCK = 0x62
    USER_CODE = 0x63
    SUPERVISION = 0x6C
    CONFIGURATION = 0x70
    NOTIFICATION = 0x71
    MANUFACTURER_SPECIFIC = 0x72
    BATTERY = 0x80
    CLOCK = 0x81
    ASSOCIATION = 0x85
    VERSION = 0x86
    TIME = 0x8A
    TIME_PARAMETERS = 0x8B
    SECURITY = 0x98
    SECURITY_2 = 0x9F


BY_PROFILE_NAME: dict[str, ClassId] = {
    "zwave_plus_info": ClassId.ZWAVE_PLUS_INFO,
    "supervision": ClassId.SUPERVISION,
    "security": ClassId.SECURITY,
    "security_2": ClassId.SECURITY_2,
    "version": ClassId.VERSION,
    "manufacturer_specific": ClassId.MANUFACTURER_SPECIFIC,
    "device_reset_locally": ClassId.DEVICE_RESET_LOCALLY,
    "association": ClassId.ASSOCIATION,
    "association_group_info": ClassId.ASSOCIATION_GROUP_INFO,
    "battery": ClassId.BATTERY,
    "door_lock": ClassId.DOOR_LOCK,
    "user_code": ClassId.USER_CODE,
    "notification": ClassId.NOTIFICATION,
    "schedule_entry_lock": ClassId.SCHEDULE_ENTRY_LOCK,
    "configuration": ClassId.CONFIGURATION,
    "time": ClassId.TIME,
    "time_parameters": ClassId.TIME_PARAMETERS,
    "clock": ClassId.CLOCK,
}
"""How `lock/profiles.toml` calls them."""

OPEN_CLASSES = (ClassId.ZWAVE_PLUS_INFO, ClassId.SECURITY, ClassId.SECURITY_2, ClassId.SUPERVISION)
"""Classes a lock shows and answers without encryption (CL:0000 security rules); all others are for its own level only."""

IDENTITY_CLASSES = (ClassId.MANUFACTURER_SPECIFIC, ClassId.VERSION)
"""Classes that a lock without an S2 key shows and answers in the clear too, as locks with Security 0 do (dump of a Schlage BE469)."""

COMMAND_NAMES: dict[tuple[int, int], str] = {
    (ClassId.ASSOCIATION_GROUP_INFO, 0x01): "Association Group Name Get",
    (ClassId.ASSOCIATION_GROUP_INFO, 0x02): "Association Group Name Report",
    (ClassId.ASSOCIATION_GROUP_INFO, 0x03): "Association Group Info Get",
    (ClassId.ASSOCIATION_GROUP_INFO, 0x04): "Association Group Info Report",
    (ClassId.ASSOCIATION_GROUP_INFO, 0x05): "Association Group Command List Get",
    (ClassId.ASSOCIATION_GROUP_INFO, 0x06): "Association Group Command List Report",
    (ClassId.DEVICE_RESET_LOCALLY, 0x01): "Device Reset Locally",
    (ClassId.ZWAVE_PLUS_INFO, 0x01): "Z-Wave Plus Info Get",
    (ClassId.ZWAVE_PLUS_INFO, 0x02): "Z-Wave Plus Info Report",
    (ClassId.DOOR_LOCK, 0x01): "Door Lock Operation Set",
    (ClassId.DOOR_LOCK, 0x02): "Door Lock Operation Get",
    (ClassId.DOOR_LOCK, 0x03): "Door Lock Operation Report",
    (ClassId.DOOR_LOCK, 0x04): "Door Lock Configuration Set",
    (ClassId.DOOR_LOCK, 0x05): "Door Lock Configuration Get",
    (ClassId.DOOR_LOCK, 0x06): "Door Lock Configuration Report",
    (ClassId.DOOR_LOCK, 0x07): "Door Lock Capabilities Get",
    (ClassId.DOOR_LOCK, 0x08): "Door Lock Capabilities Report",
    (ClassId.USER_CODE, 0x01): "User Code Set",
    (ClassId.USER_CODE, 0x02): "User Code Get",
    (ClassId.USER_CODE, 0x03): "User Code Report",
    (ClassId.USER_CODE, 0x04): "Users Number Get",
    (ClassId.USER_CODE, 0x05): "Users Number Report",
    (ClassId.USER_CODE, 0x06): "User Code Capabilities Get",
    (ClassId.USER_CODE, 0x07): "User Code Capabilities Report",
    (ClassId.USER_CODE, 0x08): "User Code Keypad Mode Set",
    (ClassId.USER_CODE, 0x09): "User Code Keypad Mode Get",
    (ClassId.USER_CODE, 0x0A): "User Code Keypad Mode Report",
    (ClassId.USER_CODE, 0x0B): "Extended User Code Set",
    (ClassId.USER_CODE, 0x0C): "Extended User Code Get",
    (ClassId.USER_CODE, 0x0D): "Extended User Code Report",
    (ClassId.USER_CODE, 0x0E): "Admin Code Set",
    (ClassId.USER_CODE, 0x0F): "Admin Code Get",
    (ClassId.USER_CODE, 0x10): "Admin Code Report",
    (ClassId.USER_CODE, 0x11): "User Code Checksum Get",
    (ClassId.USER_CODE, 0x12): "User Code Checksum Report",
    (ClassId.SUPERVISION, 0x01): "Supervision Get",
    (ClassId.SUPERVISION, 0x02): "Supervision Report",
    (ClassId.NOTIFICATION, 0x01): "Event Supported Get",
    (ClassId.NOTIFICATION, 0x02): "Event Supported Report",
    (ClassId.NOTIFICATION, 0x04): "Notification Get",
    (ClassId.NOTIFICATION, 0x05): "Notification Report",
    (ClassId.NOTIFICATION, 0x06): "Notification Set",
    (ClassId.NOTIFICATION, 0x07): "Notification Supported Get",
    (ClassId.NOTIFICATION, 0x08): "Notification Supported Report",
    (ClassId.MANUFACTURER_SPECIFIC, 0x04): "Manufacturer Specific Get",
    (ClassId.MANUFACTURER_SPECIFIC, 0x05): "Manufacturer Specific Report",
    (ClassId.MANUFACTURER_SPECIFIC, 0x06): "Device Specific Get",
    (ClassId.MANUFACTURER_SPECIFIC, 0x07): "Device Specific Report",
    (ClassId.BATTERY, 0x02): "Battery Get",
    (ClassId.BATTERY, 0x03): "Battery Report",
    (ClassId.ASSOCIATION, 0x01): "Association Set",
    (ClassId.ASSOCIATION, 0x02): "Association Get",
    (ClassId.ASSOCIATION, 0x03): "Association Report",
    (ClassId.ASSOCIATION, 0x04): "Association Remove",
    (ClassId.ASSOCIATION, 0x05): "Association Groupings Get",
    (ClassId.ASSOCIATION, 0x06): "Association Groupings Report",
    (ClassId.ASSOCIATION, 0x0B): "Association Specific Group Get",
    (ClassId.ASSOCIATION, 0x0C): "Association Specific Group Report",
    (ClassId.VERSION, 0x11): "Version Get",
    (ClassId.VERSION, 0x12): "Version Report",
    (ClassId.VERSION, 0x13): "Version Command Class Get",
    (ClassId.VERSION, 0x14): "Version Command Class Report",
    (ClassId.VERSION, 0x15): "Version Capabilities Get",
    (ClassId.VERSION, 0x16): "Version Capabilities Report",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x01): "Schedule Enable Set",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x02): "Schedule Enable All Set",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x03): "Week Day Schedule Set",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x04): "Week Day Schedule Get",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x05): "Week Day Schedule Report",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x06): "Year Day Schedule Set",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x07): "Year Day Schedule Get",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x08): "Year Day Schedule Report",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x09): "Schedule Type Supported Get",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x0A): "Schedule Type Supported Report",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x0B): "Schedule Time Offset Get",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x0C): "Schedule Time Offset Report",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x0D): "Schedule Time Offset Set",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x0E): "Daily Repeating Schedule Get",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x0F): "Daily Repeating Schedule Report",
    (ClassId.SCHEDULE_ENTRY_LOCK, 0x10): "Daily Repeating Schedule Set",
    (ClassId.CONFIGURATION, 0x04): "Configuration Set",
    (ClassId.CONFIGURATION, 0x05): "Configuration Get",
    (ClassId.CONFIGURATION, 0x06): "Configuration Report",
    (ClassId.CONFIGURATION, 0x0A): "Configuration Name Get",
    (ClassId.CONFIGURATION, 0x0B): "Configuration Name Report",
    (ClassId.CONFIGURATION, 0x0C): "Configuration Info Get",
    (ClassId.CONFIGURATION, 0x0D): "Configuration Info Report",
    (ClassId.CONFIGURATION, 0x0E): "Configuration Properties Get",
    (ClassId.CONFIGURATION, 0x0F): "Configuration Properties Report",
    (ClassId.CLOCK, 0x04): "Clock Set",
    (ClassId.CLOCK, 0x05): "Clock Get",
    (ClassId.CLOCK, 0x06): "Clock Report",
    (ClassId.TIME, 0x01): "Time Get",
    (ClassId.TIME, 0x02): "Time Report",
    (ClassId.TIME, 0x03): "Date Get",
    (ClassId.TIME, 0x04): "Date Report",
    (ClassId.TIME, 0x05): "Time Offset Set",
    (ClassId.TIME, 0x06): "Time Offset Get",
    (ClassId.TIME, 0x07): "Time Offset Report",
    (ClassId.TIME_PARAMETERS, 0x01): "Time Parameters Set",
    (ClassId.TIME_PARAMETERS, 0x02): "Time Parameters Get",
    (ClassId.TIME_PARAMETERS, 0x03): "Time Parameters Report",
    (ClassId.SECURITY, 0x02): "S0 Commands Supported Get",
    (ClassId.SECURITY, 0x03): "S0 Commands Supported Report",
    (ClassId.SECURITY, 0x04): "S0 Scheme Get",
    (ClassId.SECURITY, 0x05): "S0 Scheme Report",
    (ClassId.SECURITY, 0x06): "S0 Network Key Set",
    (ClassId.SECURITY, 0x07): "S0 Network Key Verify",
    (ClassId.SECURITY, 0x08): "S0 Scheme Inherit",
    (ClassId.SECURITY, 0x40): "S0 Nonce Get",
    (ClassId.SECURITY, 0x80): "S0 Nonce Report",
    (ClassId.SECURITY, 0x81): "S0 Message",
    (ClassId.SECURITY, 0xC1): "S0 Message, first half",
    (ClassId.SECURITY_2, 0x01): "S2 Nonce Get",
    (ClassId.SECURITY_2, 0x02): "S2 Nonce Report",
    (ClassId.SECURITY_2, 0x03): "S2 Message",
    (ClassId.SECURITY_2, 0x04): "S2 KEX Get",
    (ClassId.SECURITY_2, 0x05): "S2 KEX Report",
    (ClassId.SECURITY_2, 0x06): "S2 KEX Set",
    (ClassId.SECURITY_2, 0x07): "S2 KEX Fail",
    (ClassId.SECURITY_2, 0x08): "S2 Public Key Report",
    (ClassId.SECURITY_2, 0x09): "S2 Network Key Get",
    (ClassId.SECURITY_2, 0x0A): "S2 Network Key Report",
    (ClassId.SECURITY_2, 0x0B): "S2 Network Key Verify",
    (ClassId.SECURITY_2, 0x0C): "S2 Transfer End",
    (ClassId.SECURITY_2, 0x0D): "S2 Commands Supported Get",
    (ClassId.SECURITY_2, 0x0E): "S2 Commands Supported Report",
}
"""Class and command to the name the specification gives it."""

_SUPERVISION_HEAD = 4
"""Class, command, session and length before the command inside a Supervision Get."""

_WITH_SLOT: dict[tuple[int, int], slice] = {
    (ClassId.USER_CODE, 0x01): slice(2, 3),
    (ClassId.USER_CODE, 0x02): slice(2, 3),
    (ClassId.USER_CODE, 0x03): slice(2, 3),
    (ClassId.USER_CODE, 0x0B): slice(3, 5),
    (ClassId.USER_CODE, 0x0C): slice(2, 4),
    (ClassId.USER_CODE, 0x0D): slice(3, 5),
    **{(ClassId.SCHEDULE_ENTRY_LOCK, command): slice(3, 4) for command in (0x03, 0x06, 0x10)},
    **{(ClassId.SCHEDULE_ENTRY_LOCK, command): slice(2, 3) for command in (0x01, 0x04, 0x05, 0x07, 0x08, 0x0E, 0x0F)},
}
"""Where a command names its first slot."""


def name_of(payload: bytes) -> str:
    """Name a plain command for a trace, with its slot, looking into Supervision; never shows a code."""
    if not payload or payload[0] == ClassId.NO_OPERATION:
        return "No Operation"
    if len(payload) == 1:
        return f"class {payload[0]:#04x}"
    key = (payload[0], payload[1])
    name = COMMAND_NAMES.get(key, f"class {payload[0]:#04x} command {payload[1]:#04x}")
    if key == (ClassId.SUPERVISION, 0x01) and len(payload) > _SUPERVISION_HEAD:
        return f"Supervision > {name_of(payload[_SUPERVISION_HEAD:])}"
    if key in _WITH_SLOT:
        return f"{name} #{int.from_bytes(payload[_WITH_SLOT[key]])}"
    return name
