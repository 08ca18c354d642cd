"""The command classes that translate to the firmware, by number; who a lock is and what it is associated with come from elsewhere."""

from collections.abc import Callable

from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.radio.cc.answer import CommandClass
from drivers.simulator.radio.cc.battery import Battery
from drivers.simulator.radio.cc.clocks import Clock, Time, TimeParameters
from drivers.simulator.radio.cc.configuration import Configuration
from drivers.simulator.radio.cc.door_lock import DoorLock
from drivers.simulator.radio.cc.names import ClassId
from drivers.simulator.radio.cc.notification import Notification
from drivers.simulator.radio.cc.schedule_entry_lock import ScheduleEntryLock
from drivers.simulator.radio.cc.user_code import UserCode

MAKERS: dict[int, Callable[[Firmware, int], CommandClass]] = {
    ClassId.BATTERY: Battery,
    ClassId.CLOCK: Clock,
    ClassId.CONFIGURATION: Configuration,
    ClassId.DOOR_LOCK: DoorLock,
    ClassId.NOTIFICATION: Notification,
    ClassId.SCHEDULE_ENTRY_LOCK: ScheduleEntryLock,
    ClassId.TIME: Time,
    ClassId.TIME_PARAMETERS: TimeParameters,
    ClassId.USER_CODE: UserCode,
}
"""How each is made of a firmware and a version."""


def firmware_classes(firmware: Firmware, versions: dict[int, int]) -> dict[int, CommandClass]:
    """Make those of the classes that a lock has, each at its version."""
    return {number: MAKERS[number](firmware, version) for number, version in versions.items() if number in MAKERS}
