"""What an integrator builds around a driver so that the scenes can be played on it: the bench, and the door on it.

The port is what the daemon would use. The door is the other side: the hands at the keypad, bad luck on the way, and a look
into the lock's real memory. A scene acts on both and compares them. Whatever a bench cannot do it says in `lacking`, with the
reason; the scenes that need it are then listed instead of played.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.model.ids import LockId, Slot
from gateway.model.instant import Instant
from gateway.model.pin import Pin
from gateway.ports import DriverPort


class Need(StrEnum):
    """What a scene needs of the bench: a trait of the lock on it, or something that its door can do."""

    CLEAR = "shows PINs"
    MASKED = "masks PINs"
    CONFIRMED = "confirms what it stored"
    UNCONFIRMED = "confirms nothing"
    TELLS_REFUSALS = "tells when it refuses"
    DUPLICATES_REFUSED = "refuses a PIN that another slot has"
    TELLS_DUPLICATES = "complains of a duplicate"
    WRONG_LENGTH = "a length of PIN that it does not take"
    TELLS_HANDS = "tells of codes changed by hand"
    HIDES_HANDS = "tells nothing of codes changed by hand"
    QUIET_WRITES = "tells nothing of our own writes"
    TELLS_USER = "tells whose PIN was typed"
    TELLS_BOLT = "tells of a bolt moved by hand"
    LOCKS_OUT = "locks the keypad after wrong PINs"
    JAMS = "tells of a jam"
    BATTERY = "tells of a low battery"
    TAMPER = "tells of an opened cover"
    LISTING = "a listing without the radio"
    WINDOWS = "keeps windows itself"
    CLOCK = "a clock that can be read and set"
    HANDS = "codes can be changed by hand"
    PRESS = "PINs can be typed"
    WIPE = "codes can vanish without a word"
    RESET = "a reset that the lock tells of"
    DEAF = "the lock can be out of reach"
    CUT = "the line to the driver's server can be cut"
    UNPLUG = "the stick can be pulled"
    LOSE_COMMAND = "a command can be lost"
    LOSE_REPORT = "an answer can be lost"
    REPEAT_COMMAND = "a command can arrive twice"
    REFUSE = "the lock can be made to refuse"
    DROP = "the lock can be made to lie about a write"
    COMMIT_LATE = "the lock can be made to store late"


class Mishap(StrEnum):
    """Bad luck for one command: the next one that the lock is sent."""

    LOSE_COMMAND = "lose_command"
    """It never reaches the lock, however often the driver's own stack repeats it."""
    LOSE_REPORT = "lose_report"
    """The lock executes it, and its answer never arrives."""
    REPEAT_COMMAND = "repeat_command"
    """It arrives twice."""
    REFUSE = "refuse"
    """The lock does not want it, and says so as far as it says anything."""
    DROP = "drop"
    """The lock drops it, and claims success as far as it claims anything."""
    COMMIT_LATE = "commit_late"
    """The lock takes it, and shows the old content for `Timing.commit_late_s`."""


@dataclass(frozen=True, slots=True)
class Pins:
    """PINs for the scenes; all different, none of them one of a row. A lock must take each of the first ones.

    `theirs` is on the lock in slot 1 before each scene, made by somebody else. `refused` breaks the lock's own rule about
    lengths; None when it takes every length from 4 to 10.
    """

    theirs: Pin
    first: Pin
    second: Pin
    third: Pin
    fourth: Pin
    wrong: Pin
    refused: Pin | None

    def name(self, pin: Pin | None) -> str:
        """What a PIN is called in the record of a scene, which must not show digits (N1)."""
        for name in ("theirs", "first", "second", "third", "fourth", "wrong", "refused"):
            if pin is not None and getattr(self, name) == pin:
                return name
        return "a hidden PIN" if pin is None else "an unknown PIN"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take on this bench, in seconds.

    `quiet_s`: when a lock has said nothing for so long, it will not say anything about what was done before.
    `commit_late_s`: how long a late write may show the old value. `lockout_s`: how long a locked keypad stays so.
    `call_s`: within what a port's call has to end, the driver's own time-outs included. `return_s`: within what a lock is
    back after the line was mended.
    """

    quiet_s: float
    commit_late_s: float
    lockout_s: float
    call_s: float
    return_s: float


class Door(Protocol):
    """The other side of the lock. Each method returns when the lock has done it; what the lock tells comes by its port."""

    async def memory(self) -> Mapping[Slot, Pin]:
        """What really opens the lock, by slot; a disabled code is left out."""
        ...

    async def press(self, pin: Pin) -> bool:
        """Type a PIN at the keypad. Whether the bolt opened."""
        ...

    async def program(self, slot: Slot, pin: Pin) -> None:
        """Store a PIN by hand, over whatever the slot holds."""
        ...

    async def erase(self, slot: Slot) -> None:
        """Empty a slot by hand."""
        ...

    async def reset(self) -> None:
        """Push the factory reset: every code is gone, and the lock says so."""
        ...

    async def wipe(self) -> None:
        """Lose every code without a word."""
        ...

    async def turn(self, *, is_locked: bool) -> None:
        """Turn the bolt by hand; it also frees a jam."""
        ...

    async def jam(self) -> None:
        """Stop the bolt half way."""
        ...

    async def battery(self, percent: int) -> None:
        """Set the charge."""
        ...

    async def tamper(self) -> None:
        """Take the cover off."""
        ...

    async def clock(self) -> Instant:
        """The lock's own clock as it really stands."""
        ...

    async def strike(self, mishap: Mishap) -> None:
        """Arm bad luck for the next command."""
        ...

    async def set_reach(self, *, is_reachable: bool) -> None:
        """Take the lock off the radio, or bring it back."""
        ...

    async def cut(self) -> None:
        """Break the driver's line to whatever stands between it and the radio, without a goodbye."""
        ...

    async def mend(self) -> None:
        """Restore that line."""
        ...

    async def unplug(self) -> None:
        """Pull the radio itself out of its socket."""
        ...

    async def plug(self) -> None:
        """Put it back."""
        ...


class Bench(Protocol):
    """One lock on a bench, ready for one scene: only `pins.theirs` in slot 1, bolt locked, battery full, good luck."""

    @property
    def lacking(self) -> Mapping[Need, str]:
        """What this bench does not have or cannot do, each with the reason in one line."""
        ...

    @property
    def lock_id(self) -> LockId:
        """The lock's name in the driver's settings."""
        ...

    @property
    def pins(self) -> Pins:
        """PINs that fit the lock."""
        ...

    @property
    def timing(self) -> Timing:
        """How long things take here."""
        ...

    @property
    def door(self) -> Door:
        """The other side of the lock."""
        ...

    def driver(self) -> DriverPort:
        """A driver that was not run yet and will bring this lock."""
        ...
