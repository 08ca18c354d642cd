"""What we report, with its public names (A6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.access_code import Origin
from gateway.model.ids import CodeId, CommandId, LockId


class EventKind(StrEnum):
    """The closed set of events. Names are those of the documented service where it has one, else ours (A6)."""

    COMMAND_RECEIVED = "command.received"
    COMMAND_ACCEPTED = "command.accepted"
    COMMAND_REJECTED = "command.rejected"
    COMMAND_APPLIED = "command.applied"
    COMMAND_FAILED = "command.failed"

    CODE_CREATED = "access_code.created"
    CODE_MUTATIONS_REQUESTED = "access_code.mutations_requested"
    CODE_CHANGED = "access_code.changed"
    CODE_NAME_CHANGED = "access_code.name_changed"
    CODE_PIN_CHANGED = "access_code.code_changed"
    CODE_TIME_FRAME_CHANGED = "access_code.time_frame_changed"
    CODE_SCHEDULED = "access_code.scheduled_on_device"
    CODE_SET = "access_code.set_on_device"
    CODE_REMOVED = "access_code.removed_from_device"
    CODE_DELETED = "access_code.deleted"
    CODE_DELAY_IN_SETTING = "access_code.delay_in_setting_on_device"
    CODE_FAILED_TO_SET = "access_code.failed_to_set_on_device"
    CODE_FAILED_TO_REMOVE = "access_code.failed_to_remove_from_device"
    CODE_MODIFIED_EXTERNAL = "access_code.modified_external"
    CODE_DELETED_EXTERNAL = "access_code.deleted_external"
    CODE_USED_OUTSIDE_WINDOW = "access_code.used_outside_window"
    BACKUP_PULLED = "access_code.backup_access_code_pulled"
    UNMANAGED_CREATED = "access_code.unmanaged.created"
    UNMANAGED_REMOVED = "access_code.unmanaged.removed"
    UNMANAGED_CONVERTED = "access_code.unmanaged.converted_to_managed"
    UNMANAGED_NOT_CONVERTED = "access_code.unmanaged.failed_to_convert_to_managed"

    LOCK_UNLOCKED = "lock.unlocked"
    LOCK_LOCKED = "lock.locked"
    LOCK_ACCESS_DENIED = "lock.access_denied"
    LOCK_JAMMED = "lock.jammed"

    HUB_REMOVALS_DELAYED = "hub.removals_delayed"

    DEVICE_ADDED = "device.added"
    DEVICE_REMOVED = "device.removed"
    DEVICE_WIPED = "device.wiped"
    DEVICE_CONNECTED = "device.connected"
    DEVICE_DISCONNECTED = "device.disconnected"
    DEVICE_POOL_CHANGED = "device.backup_access_code_pool_changed"
    DEVICE_LOW_BATTERY = "device.low_battery"
    DEVICE_BATTERY_CHANGED = "device.battery_status_changed"
    DEVICE_TAMPERED = "device.tampered"
    DEVICE_CLOCK_WRONG = "device.clock_wrong"
    DEVICE_WINDOW_NOT_KEPT = "device.window_not_kept"

    HUB_CLOCK_UNKNOWN = "hub.clock_unknown"
    HUB_CLOCK_KNOWN = "hub.clock_known"
    HUB_CLOCK_STEP_HELD = "hub.clock_step_held"
    HUB_TIME_SET = "hub.time_set"


type Fact = str | int | float | bool | list["Fact"] | dict[str, "Fact"] | None
"""What an event body may hold; never a PIN (N1)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, before it has a number. The journal numbers, dates and chains it (A19)."""

    kind: EventKind
    lock_id: LockId | None = None
    code_id: CodeId | None = None
    command_id: CommandId | None = None
    actor: Origin = Origin.HUB
    body: Mapping[str, Fact] = field(default_factory=dict)
