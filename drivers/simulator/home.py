"""A whole simulated home: one stick, the air, the locks, and what people do at the doors."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from drivers.simulator.doors.serial import SerialDoor
from drivers.simulator.keys import Keys
from drivers.simulator.lock.faults import IMMEDIATE, MEANINGS, STICK_ACTS, Fault, FaultRefused, Faults, place_of
from drivers.simulator.lock.firmware import Firmware, How, PressOutcome, WriteResult
from drivers.simulator.radio.ether import STRANGER, Ether
from drivers.simulator.radio.node import LockNode
from drivers.simulator.radio.security.envelopes import Membership
from drivers.simulator.radio.security.identity import Identity
from drivers.simulator.radio.trace import Trace
from drivers.simulator.resident import Resident
from drivers.simulator.scene import Scene, SceneLock
from drivers.simulator.state import Kept, KeptLock, StateError, load_state, save_state
from drivers.simulator.stick.accidents import Accidents
from drivers.simulator.stick.frame import Frame
from drivers.simulator.stick.functions import Stick, WakeReason
from drivers.simulator.stick.memory import StickMemory
from drivers.simulator.stick.transmit import Transmitter

log = logging.getLogger(__name__)

CLOCK_JUMP_S = 3600.0
"""How far `clock_jump` puts a lock's clock ahead: what a wrong idea of summer time does."""

FRAMES_SHOWN_MAX = 5000
"""Most frames one question about the trace is answered with."""


class NotAtHome(ValueError):  # noqa: N818 - it is an answer to a person, not a failure
    """What was asked for does not exist here; the text says what does."""


class Home:
    """A running home. Make it inside the event loop; `run` lives until cancelled."""

    def __init__(
        self,
        scene: Scene,
        keys: Keys,
        *,
        link_path: Path,
        state_path: Path | None,
        entropy: Callable[[int], bytes],
    ) -> None:
        """Build everything; nothing is on the wire or the air before `run`. Raises `StateError` for a bad state file."""
        self._scene = scene
        self._state_path = state_path
        self._now = asyncio.get_running_loop().time
        self._started_at = self._now()
        self.faults = Faults(lambda: int.from_bytes(entropy(4)) / 2**32)
        for fault in scene.faults:
            self.faults.arm(fault.fault, node_id=fault.node_id, times=fault.times, rate=fault.rate)
        self.trace = Trace()
        self._ether = Ether(has_airtime=scene.has_airtime, faults=self.faults, trace=self.trace, now=self._now)
        kept = load_state(state_path) if state_path is not None else None
        self.residents = tuple(self._move_in(lock, keys, entropy, kept) for lock in scene.locks)
        cards = {resident.node.node_id: resident.card() for resident in self.residents if resident.node.node_id}
        self._memory = StickMemory(scene.home_id, cards)
        if kept is not None:
            self._memory.nodes = {node_id: cards[node_id] for node_id in kept.nodes if node_id in cards}
            self._memory.last_node_id = kept.last_node_id
        self._transmitter = Transmitter(self._ether, self.faults, self._emit)
        self.stick = Stick(
            self._memory,
            self._ether,
            self._transmitter,
            faults=self.faults,
            emit=self._emit,
            forget=self._forget,
            on_change=self._save,
            is_bridge=scene.is_bridge,
            noise_dbm=scene.noise_dbm,
        )
        self.door = SerialDoor(link_path, self.faults, self.stick.take, self._interrupt)
        self._accidents = Accidents(self.stick, self.door)

    async def run(self, ready: asyncio.Event) -> None:
        """Plug the stick in, set `ready`, and live until cancelled. Raises `OSError` when the port cannot be made."""
        self._save()
        self.door.plug()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._transmitter.run(), name="stick transmits")
                for resident in self.residents:
                    tasks.create_task(resident.node.run(), name=f"lock {resident.name}")
                ready.set()
        finally:
            self.door.unplug()

    # -- what people do ----------------------------------------------------------------------------------------------

    def press(self, lock: str, digits: str) -> dict[str, object]:
        """Type digits at a lock's keypad."""
        resident = self.find(lock)
        press = resident.node.firmware.press(digits, self._now())
        resident.node.settle()
        return {
            "lock": resident.name,
            "outcome": press.outcome.value,
            "slot": press.user_id,
            "is_opened": press.outcome is PressOutcome.OPENED,
        }

    def program(self, lock: str, slot: int, pin: str) -> dict[str, object]:
        """Store a PIN by hand at the keypad."""
        resident = self.find(lock)
        return self._written(resident, slot, resident.node.firmware.program_at_keypad(slot, pin, self._now()))

    def erase(self, lock: str, slot: int) -> dict[str, object]:
        """Empty a slot by hand at the keypad."""
        resident = self.find(lock)
        return self._written(resident, slot, resident.node.firmware.delete_at_keypad(slot, self._now()))

    def reset(self, lock: str) -> dict[str, object]:
        """Push the lock's factory reset: every code is gone, the network stays."""
        resident = self.find(lock)
        resident.node.firmware.factory_reset(self._now())
        resident.node.settle()
        return {"lock": resident.name}

    def leave(self, lock: str) -> dict[str, object]:
        """Push the full factory reset: the lock says goodbye, and forgets codes and network two seconds later."""
        resident = self.find(lock)
        resident.node.reset_locally()
        return {"lock": resident.name}

    def turn(self, lock: str, direction: str) -> dict[str, object]:
        """Turn the bolt by hand, `lock` or `unlock`."""
        resident = self.find(lock)
        match direction:
            case "lock":
                resident.node.firmware.lock(self._now(), How.MANUAL)
            case "unlock":
                resident.node.firmware.unlock(self._now(), How.MANUAL)
            case _:
                raise NotAtHome("a bolt is turned to lock or unlock")
        resident.node.settle()
        return {"lock": resident.name, "bolt": resident.node.firmware.bolt.value}

    def jam(self, lock: str) -> dict[str, object]:
        """Stop the bolt half way."""
        resident = self.find(lock)
        resident.node.firmware.jam(self._now())
        resident.node.settle()
        return {"lock": resident.name, "bolt": resident.node.firmware.bolt.value}

    def battery(self, lock: str, percent: int) -> dict[str, object]:
        """Set a lock's charge."""
        resident = self.find(lock)
        resident.node.firmware.set_battery(percent, self._now())
        resident.node.settle()
        return {"lock": resident.name, "battery": resident.node.firmware.battery_percent}

    def switch(self, lock: str, slot: int, state: str) -> dict[str, object]:
        """Disable a code by hand, or enable it again: `off` or `on`."""
        resident = self.find(lock)
        if state not in ("on", "off"):
            raise NotAtHome("a code is switched on or off")
        result = resident.node.firmware.switch_at_keypad(slot, self._now(), is_enabled=state == "on")
        return self._written(resident, slot, result)

    def cover(self, lock: str, state: str) -> dict[str, object]:
        """Take the cover of a lock off, or put it on again: `open` or `closed`."""
        resident = self.find(lock)
        if state not in ("open", "closed"):
            raise NotAtHome("a cover is open or closed")
        resident.node.firmware.move_cover(self._now(), is_open=state == "open")
        resident.node.settle()
        return {"lock": resident.name, "cover": state}

    def power(self, lock: str) -> dict[str, object]:
        """Take a lock's batteries out and put fresh ones in: what it had not stored yet is gone, and its time."""
        resident = self.find(lock)
        resident.node.firmware.lose_power(self._now())
        resident.node.firmware.set_battery(100, self._now())
        resident.node.forget_security()
        resident.node.belonging.switch_on()
        resident.node.settle()
        return {"lock": resident.name}

    def clock(self, lock: str, seconds: int) -> dict[str, object]:
        """Put a lock's clock wrong by so many seconds more; below 0: back."""
        resident = self.find(lock)
        resident.node.firmware.clock.jump(seconds, self._now())
        return {
            "lock": resident.name,
            "clock": resident.node.firmware.clock.utc(self._now()).isoformat(timespec="seconds"),
        }

    # -- what is true ------------------------------------------------------------------------------------------------

    def truth(self, lock: str | None = None) -> list[dict[str, object]]:
        """Tell what is really in one lock or in all, PINs in clear."""
        chosen = [self.find(lock)] if lock is not None else list(self.residents)
        told: list[dict[str, object]] = []
        for resident in chosen:
            firmware, membership = resident.node.firmware, resident.node.membership
            firmware.advance(self._now())
            resident.node.settle()
            told.append(
                {
                    "lock": resident.name,
                    "node": resident.node.node_id,
                    "profile": firmware.model.key,
                    "dsk": resident.node.identity.dsk,
                    "security": membership.granted.value if membership and membership.granted else "none",
                    **firmware.truth(self._now()),
                }
            )
        return told

    def frames(self, since: int = 0, lock: str | None = None) -> dict[str, object]:
        """Return the decoded trace above a number; `last` is the number to ask from next time."""
        node_id = self.find(lock).node.node_id if lock is not None else None
        shown = [
            {**aired.plain(), "at": round(aired.at - self._started_at, 4), "lock": self._name(aired.node_id)}
            for aired in self.trace.since(since, node_id)
        ]
        return {"last": self.trace.last_number, "frames": shown[-FRAMES_SHOWN_MAX:]}

    def counts(self) -> dict[str, object]:
        """Return the counters of every lock, of the stick and of the serial line."""
        locks = [
            {
                "lock": resident.name,
                "node": resident.node.node_id,
                **self.trace.counts(resident.node.node_id).plain(),
                "given_up": resident.node.lost_count,
            }
            for resident in self.residents
        ]
        stick = {
            "is_plugged": self.door.is_plugged,
            "resets": self.stick.resets_count,
            "unknown_functions": {hex(function): count for function, count in sorted(self.stick.unknown.items())},
        }
        return {"locks": locks, "serial": dict(sorted(self.door.counts.items())), "stick": stick}

    # -- bad luck ----------------------------------------------------------------------------------------------------

    def list_faults(self) -> list[dict[str, object]]:
        """Return every fault with its meaning, how often it struck, and what is armed."""
        armed = self.faults.armed()
        return [
            {
                "fault": fault.value,
                "place": place_of(fault).value,
                "struck": self.faults.struck(fault),
                "armed": [
                    {"node": order.node_id, "times": order.times, "rate": order.rate}
                    for order in armed
                    if order.fault is fault
                ],
                "meaning": meaning,
            }
            for fault, meaning in MEANINGS.items()
        ]

    def inject(
        self, name: str, *, lock: str | None = None, times: int | None = None, rate: float | None = None
    ) -> dict[str, object]:
        """Arm a fault, or perform it at once if it is an act. Raises `NotAtHome` or `FaultRefused`."""
        try:
            fault = Fault(name)
        except ValueError:
            raise NotAtHome(f"there is no fault {name!r}; there are {', '.join(Fault)}") from None
        resident = self.find(lock) if lock is not None else None
        node_id = resident.node.node_id if resident is not None else None
        if fault not in IMMEDIATE:
            self.faults.arm(fault, node_id=node_id, times=times, rate=rate)
            return {"fault": fault.value, "armed": True}
        if fault in STICK_ACTS:
            self._accidents.befall(fault)
            self.faults.count(fault, None)
            return {"fault": fault.value, "armed": False}
        if resident is None:
            raise FaultRefused(f"{fault} happens to one lock; say which")
        self._perform(fault, resident)
        self.faults.count(fault, resident.node.node_id)
        return {"fault": fault.value, "armed": False, "lock": resident.name}

    def calm(self) -> dict[str, object]:
        """Cancel every armed fault; a lock out of reach stays there until `node_alive`."""
        return {"cancelled": self.faults.disarm()}

    def unplug(self) -> dict[str, object]:
        """Pull the stick out of the computer."""
        self.door.unplug()
        self.stick.is_plugged = False
        return {"is_plugged": False}

    def plug(self) -> dict[str, object]:
        """Push the stick in again; it starts afresh."""
        if not self.door.is_plugged:
            self.door.plug()
            self.stick.is_plugged = True
            self.stick.restart(WakeReason.POWER)
        return {"is_plugged": True}

    def find(self, lock: str) -> Resident:
        """Find a lock by name or node number; raises `NotAtHome` naming those that exist."""
        for resident in self.residents:
            node_id = resident.node.node_id
            if (node_id != STRANGER and lock == str(node_id)) or lock.casefold() == resident.name.casefold():
                return resident
        known = ", ".join(f"{resident.name!r} ({resident.node.node_id})" for resident in self.residents)
        raise NotAtHome(f"there is no lock {lock!r}; there are {known}")

    # -- inside ------------------------------------------------------------------------------------------------------

    def _move_in(self, lock: SceneLock, keys: Keys, entropy: Callable[[int], bytes], kept: Kept | None) -> Resident:
        firmware = Firmware(
            lock.model, memory=lock.codes, strikes=lambda fault: self._strikes(fault, lock.name), at=self._now()
        )
        membership = None
        if lock.node_id != STRANGER:
            granted = {lock.security: keys.of(lock.security)} if lock.security is not None else {}
            membership = Membership(self._scene.home_id, lock.node_id, granted)
        mine = kept.locks.get(lock.name) if kept is not None else None
        if mine is not None:
            membership = mine.membership
            try:
                firmware.restore(mine.image)
            except ValueError:
                raise StateError(f"{self._state_path}: {lock.name!r} is damaged; remove the file") from None
        node = LockNode(
            firmware,
            identity=Identity.of(lock.name),
            membership=membership,
            path=lock.path,
            ether=self._ether,
            entropy=entropy,
            now=self._now,
            on_change=self._save,
        )
        return Resident(lock.name, node)

    def _strikes(self, fault: Fault, name: str) -> bool:
        return self.faults.strikes(fault, self.find(name).node.node_id)

    def _perform(self, fault: Fault, resident: Resident) -> None:
        match fault:
            case Fault.WIPE:
                resident.node.firmware.wipe(self._now())
                resident.node.settle()
            case Fault.LOST_S2_STATE:
                resident.node.forget_security()
            case Fault.POWER_LOSS:
                self.power(resident.name)
            case Fault.CLOCK_JUMP:
                resident.node.firmware.clock.jump(CLOCK_JUMP_S, self._now())
            case Fault.NODE_DEAD:
                self._ether.set_reach(resident.node.node_id, is_within=False)
            case _:
                self._ether.set_reach(resident.node.node_id, is_within=True)

    def _written(self, resident: Resident, slot: int, result: WriteResult) -> dict[str, object]:
        resident.node.settle()
        refusal = result.refusal.value if result.refusal is not None else None
        return {"lock": resident.name, "slot": slot, "is_stored": result.is_ok, "refusal": refusal}

    def _emit(self, frame: Frame) -> None:
        self.door.emit(frame)

    def _interrupt(self) -> None:
        self._accidents.befall(Fault.STRANGE_FRAME)

    def _forget(self) -> None:
        self.door.forget()

    def _save(self) -> None:
        if self._state_path is not None:
            locks = {
                resident.name: KeptLock(resident.node.firmware.image(), resident.node.membership)
                for resident in self.residents
            }
            save_state(self._state_path, Kept(locks, tuple(self._memory.nodes), self._memory.last_node_id))

    def _name(self, node_id: int) -> str:
        names = (resident.name for resident in self.residents if resident.node.node_id == node_id != STRANGER)
        return next(names, f"node {node_id}")
