"""Accidents that happen to the stick as a whole, the moment they are asked for."""

from drivers.simulator.doors.serial import SerialDoor
from drivers.simulator.lock.faults import Fault
from drivers.simulator.radio.ether import STRANGER
from drivers.simulator.radio.network import PRIME, smart_start
from drivers.simulator.radio.path import DIRECT, Path
from drivers.simulator.radio.security.identity import Identity
from drivers.simulator.radio.trace import Aired
from drivers.simulator.stick.functions import Stick, WakeReason
from drivers.simulator.stick.memory import NODE_ID_MAX

STRANGE_REPORT = bytes.fromhex("20 03 FF")
"""A Basic Report in the clear, as a node sends that another controller of the same home once included."""

KEYPAD_LOCK = bytes.fromhex("04 40 03 5E 9F")
"""What the stranger says it is."""


class Stranger:
    """A lock of the neighbours: it calls, and hears nothing."""

    node_id = STRANGER
    is_flirs = True
    path: Path = DIRECT

    def hear(self, payload: bytes, aired: Aired) -> bool:
        """Hear nothing."""
        del payload, aired  # it is gone already
        return False


class Accidents:
    """What can befall one stick."""

    def __init__(self, stick: Stick, door: SerialDoor) -> None:
        """Befall this stick, at this door."""
        self._stick = stick
        self._door = door

    def befall(self, fault: Fault) -> None:
        """Do it now; `fault` is one of `STICK_ACTS`."""
        match fault:
            case Fault.WATCHDOG_RESET:
                self._stick.restart(WakeReason.WATCHDOG)
            case Fault.STUCK | Fault.UNSTUCK:
                self._door.hang(is_stuck=fault is Fault.STUCK)
            case Fault.BOOTLOADER:
                self._door.enter_bootloader(self._stick.restart)
            case Fault.STRANGE_FRAME:
                self._stick.pass_on(NODE_ID_MAX, STRANGE_REPORT)
            case Fault.STRANGE_CALL:
                label = Identity.of("the neighbours' lock").nwi_home_id
                self._stick.hear_call(Stranger(), smart_start(PRIME, label, KEYPAD_LOCK))
            case _:
                raise ValueError(fault)
