"""What can go wrong, by name, armed from outside and counted when it strikes.

A fault is armed for its next N chances (`times`) or with a probability (`rate`), for one node or for every node. The place where
it strikes asks `strikes(name, node_id)` at each chance; nothing else in the simulator decides on bad luck.

Some faults are acts rather than chances (`IMMEDIATE`); the home performs them at once, and only the count is kept here.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

ARMED_MAX = 64
"""Most faults armed at one time; a bound so that a script in a loop cannot grow the list without end."""

TIMES_MAX = 1_000_000
"""Largest `times`; above it a person means "always" and should arm a rate of 1."""


class Place(StrEnum):
    """Where a fault happens in life."""

    SERIAL = "serial"
    RADIO = "radio"
    LOCK = "lock"


class Fault(StrEnum):
    """Every fault that can be injected; the sentence each one means is in `MEANINGS`."""

    LOSE_ACK_TO_HOST = "lose_ack_to_host"
    NAK_HOST = "nak_host"
    CAN_HOST = "can_host"
    COLLIDE = "collide"
    CORRUPT_TO_HOST = "corrupt_to_host"
    DROP_HOST_FRAME = "drop_host_frame"
    MISSING_CALLBACK = "missing_callback"
    LATE_CALLBACK = "late_callback"
    SPLIT_TO_HOST = "split_to_host"
    QUEUE_FULL = "queue_full"
    DUPLICATE_CALLBACK = "duplicate_callback"
    WATCHDOG_RESET = "watchdog_reset"
    STUCK = "stuck"
    UNSTUCK = "unstuck"
    BOOTLOADER = "bootloader"
    STRANGE_FRAME = "strange_frame"
    STRANGE_CALL = "strange_call"
    AIR_JAMMED = "air_jammed"
    LOSE_TO_NODE = "lose_to_node"
    LOSE_FROM_NODE = "lose_from_node"
    LOSE_RADIO_ACK = "lose_radio_ack"
    DUPLICATE_TO_NODE = "duplicate_to_node"
    REUSE_NODE_ID = "reuse_node_id"
    NODE_DEAD = "node_dead"
    NODE_ALIVE = "node_alive"
    REFUSE_WRITE = "refuse_write"
    SILENT_REFUSE = "silent_refuse"
    COMMIT_LATE = "commit_late"
    REFUSE_SCHEDULE = "refuse_schedule"
    IGNORE_CLOCK = "ignore_clock"
    DELETE_LATE = "delete_late"
    DROP_WRITE = "drop_write"
    REPORT_LATE = "report_late"
    NO_REPORT = "no_report"
    HIDE_CHANGE = "hide_change"
    HIDE_USE = "hide_use"
    WRONG_SLOT = "wrong_slot"
    STICK_BOLT = "stick_bolt"
    WIPE = "wipe"
    LOST_S2_STATE = "lost_s2_state"
    CLOCK_JUMP = "clock_jump"
    POWER_LOSS = "power_loss"


MEANINGS: dict[Fault, str] = {
    Fault.LOSE_ACK_TO_HOST: "the stick takes a host frame, but its ACK never arrives",
    Fault.NAK_HOST: "the stick answers a host frame with NAK and does not take it",
    Fault.CAN_HOST: "the stick answers a host frame with CAN and does not take it",
    Fault.COLLIDE: "both sides speak at once: a frame of the stick's own arrives, and the host's is answered with CAN and not taken",
    Fault.CORRUPT_TO_HOST: "one bit of a frame to the host is flipped; the host's NAK makes the stick repeat it",
    Fault.DROP_HOST_FRAME: "a host frame vanishes on the wire: no answer at all",
    Fault.MISSING_CALLBACK: "a transmission is made, but its callback never comes",
    Fault.LATE_CALLBACK: "a transmission is made, its callback comes five seconds late",
    Fault.SPLIT_TO_HOST: "a frame to the host comes in two pieces with a pause between them",
    Fault.QUEUE_FULL: "the stick has no room for a transmission and says so",
    Fault.DUPLICATE_CALLBACK: "a transmission is made, its callback comes twice",
    Fault.WATCHDOG_RESET: "the stick's watchdog restarts it now, unasked",
    Fault.STUCK: "the stick hangs: no ACK, no frame, until unstuck or plugged in anew",
    Fault.UNSTUCK: "the stick goes on where it hung",
    Fault.BOOTLOADER: "the stick falls into its bootloader now and shows a menu, until the host chooses to run it",
    Fault.STRANGE_FRAME: "a frame of a node that does not exist arrives now",
    Fault.STRANGE_CALL: "a lock that nobody knows calls by SmartStart now",
    Fault.AIR_JAMMED: "the air never gets free: the stick gives up after no time at all (status 2, 0 ticks)",
    Fault.LOSE_TO_NODE: "a message to the lock is lost on all its attempts; the stick reports no acknowledgement",
    Fault.LOSE_FROM_NODE: "the lock executed a command, but a message of it is lost on all its attempts",
    Fault.LOSE_RADIO_ACK: "the lock got the message, but the stick never hears the acknowledgement",
    Fault.DUPLICATE_TO_NODE: "a message reaches the lock twice",
    Fault.REUSE_NODE_ID: "the next node that joins gets the lowest free id, as after a stick was restored, instead of a new one",
    Fault.NODE_DEAD: "the lock is out of reach until node_alive",
    Fault.NODE_ALIVE: "the lock is in reach again",
    Fault.REFUSE_WRITE: "the lock refuses a write and says so",
    Fault.SILENT_REFUSE: "the lock drops a write and claims success",
    Fault.COMMIT_LATE: "the lock accepts a write, but shows the old value for two seconds",
    Fault.REFUSE_SCHEDULE: "the lock refuses a schedule and says so",
    Fault.IGNORE_CLOCK: "the lock says that it took the time, and goes on with its own",
    Fault.DELETE_LATE: "the lock accepts a new code and deletes it again by itself after a minute",
    Fault.DROP_WRITE: "the lock hears a write, does nothing and answers nothing",
    Fault.REPORT_LATE: "the lock answers a question about a slot only after eight seconds",
    Fault.NO_REPORT: "the lock hears a question about a slot and never answers it",
    Fault.HIDE_CHANGE: "a code is changed by hand and the lock does not tell",
    Fault.HIDE_USE: "the lock opens by a code and does not tell",
    Fault.WRONG_SLOT: "the lock tells of a use with slot 0 instead of its own",
    Fault.STICK_BOLT: "the bolt jams at its next move",
    Fault.WIPE: "the lock silently loses all its codes now",
    Fault.POWER_LOSS: "the lock's batteries are out and in again now: what was not stored yet, the time and the nonces are gone",
    Fault.CLOCK_JUMP: "the lock's clock goes an hour ahead now",
    Fault.LOST_S2_STATE: "the lock loses its security state now, as if its battery were pulled",
}
"""One sentence per fault, for people; also the list of what exists."""


def place_of(fault: Fault) -> Place:
    """Say where a fault happens, for the table that `ctl faults` prints."""
    match fault:
        case (
            Fault.LOSE_ACK_TO_HOST
            | Fault.NAK_HOST
            | Fault.CAN_HOST
            | Fault.COLLIDE
            | Fault.CORRUPT_TO_HOST
            | Fault.DROP_HOST_FRAME
            | Fault.MISSING_CALLBACK
            | Fault.LATE_CALLBACK
            | Fault.SPLIT_TO_HOST
            | Fault.QUEUE_FULL
            | Fault.DUPLICATE_CALLBACK
            | Fault.WATCHDOG_RESET
            | Fault.STUCK
            | Fault.UNSTUCK
            | Fault.BOOTLOADER
            | Fault.STRANGE_FRAME
            | Fault.STRANGE_CALL
            | Fault.REUSE_NODE_ID
        ):
            return Place.SERIAL
        case (
            Fault.LOSE_TO_NODE
            | Fault.LOSE_FROM_NODE
            | Fault.LOSE_RADIO_ACK
            | Fault.DUPLICATE_TO_NODE
            | Fault.AIR_JAMMED
            | Fault.NODE_DEAD
            | Fault.NODE_ALIVE
        ):
            return Place.RADIO
        case (
            Fault.REFUSE_WRITE
            | Fault.SILENT_REFUSE
            | Fault.COMMIT_LATE
            | Fault.REFUSE_SCHEDULE
            | Fault.IGNORE_CLOCK
            | Fault.DELETE_LATE
            | Fault.DROP_WRITE
            | Fault.REPORT_LATE
            | Fault.NO_REPORT
            | Fault.HIDE_CHANGE
            | Fault.HIDE_USE
            | Fault.WRONG_SLOT
            | Fault.STICK_BOLT
            | Fault.WIPE
            | Fault.LOST_S2_STATE
            | Fault.CLOCK_JUMP
            | Fault.POWER_LOSS
        ):
            return Place.LOCK
        case _:
            assert_never(fault)


STICK_ACTS = frozenset(
    {
        Fault.WATCHDOG_RESET,
        Fault.STUCK,
        Fault.UNSTUCK,
        Fault.BOOTLOADER,
        Fault.STRANGE_FRAME,
        Fault.STRANGE_CALL,
    }
)
"""Faults that are acts upon the stick, performed by the home the moment they are asked for."""

IMMEDIATE = STICK_ACTS | {
    Fault.NODE_DEAD,
    Fault.NODE_ALIVE,
    Fault.WIPE,
    Fault.LOST_S2_STATE,
    Fault.POWER_LOSS,
    Fault.CLOCK_JUMP,
}
"""All acts; those that are not upon the stick are upon one lock."""


@dataclass(slots=True)
class Armed:
    """One standing order for bad luck.

    `node_id` None means any node (and is the only choice for serial faults). Exactly one of `times` (chances left) and `rate`
    (0 to 1) is set.
    """

    fault: Fault
    node_id: int | None
    times: int | None
    rate: float | None


class FaultRefused(ValueError):  # noqa: N818 - it is an answer to a person, not a failure
    """The order itself is wrong; the text says which part and what to write instead."""


class Faults:
    """All standing orders and the count of every strike.

    `chance` returns numbers in [0, 1); it is handed in so that a seeded world stays reproducible.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        """Start with good luck: nothing armed, nothing counted."""
        self._chance = chance
        self._armed: list[Armed] = []
        self.counts: Counter[tuple[Fault, int | None]] = Counter()

    def arm(
        self, fault: Fault, *, node_id: int | None = None, times: int | None = None, rate: float | None = None
    ) -> None:
        """Order `fault` for the next `times` chances (1 when neither is given) or at `rate` until disarmed.

        Raises `FaultRefused` for an immediate fault, a bad count or rate, or a full list.
        """
        if fault in IMMEDIATE:
            raise FaultRefused(f"{fault} is an act, not a chance: the home performs it at once")
        if times is not None and rate is not None:
            raise FaultRefused("give either times or rate, not both")
        if times is not None and not 1 <= times <= TIMES_MAX:
            raise FaultRefused(f"times must be 1 to {TIMES_MAX}")
        if rate is not None and not 0 < rate <= 1:
            raise FaultRefused("rate must be above 0 and at most 1")
        if node_id is not None and place_of(fault) is Place.SERIAL:
            raise FaultRefused(f"{fault} happens on the wire to the host, which no node has; leave the node out")
        if len(self._armed) >= ARMED_MAX:
            raise FaultRefused(f"{ARMED_MAX} faults are armed already; disarm some first")
        if times is None and rate is None:
            times = 1
        self._armed.append(Armed(fault, node_id, times, rate))

    def disarm(self, fault: Fault | None = None) -> int:
        """Cancel every order for `fault`, or all orders; return how many were cancelled."""
        kept = [armed for armed in self._armed if fault is not None and armed.fault is not fault]
        cancelled = len(self._armed) - len(kept)
        self._armed = kept
        return cancelled

    def strikes(self, fault: Fault, node_id: int | None = None) -> bool:
        """Decide one chance of `fault`, consuming one of its `times`; a strike is counted."""
        for armed in self._armed:
            if armed.fault is not fault or armed.node_id not in (None, node_id):
                continue
            if armed.rate is not None:
                if self._chance() >= armed.rate:
                    continue
            elif armed.times is not None:
                armed.times -= 1
                if armed.times == 0:
                    self._armed.remove(armed)
            self.count(fault, node_id)
            return True
        return False

    def count(self, fault: Fault, node_id: int | None) -> None:
        """Record one strike; the home calls it for the immediate faults."""
        self.counts[fault, node_id] += 1

    def armed(self) -> tuple[Armed, ...]:
        """Return the standing orders, oldest first."""
        return tuple(self._armed)

    def struck(self, fault: Fault) -> int:
        """Count the strikes of one fault over all nodes."""
        return sum(count for (name, _node_id), count in self.counts.items() if name is fault)
