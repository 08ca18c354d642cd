"""The air: half-duplex, slow, and the place where messages get lost.

One message is on the air at a time; how long it takes, `path` says: 6 ms or so at 100 kbit/s, its acknowledgement 5 ms. A lock that sleeps between
its once-per-second looks is woken by a beam of 1.1 s first, unless it was awake within the last half second. All of it can be
switched off; then a message still takes `SMALL_DELAY_S`, so that a lock never answers before the driver is ready to hear.

The sender's radio repeats what is not acknowledged, `ATTEMPTS_MAX` sends in all, and then reports failure.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.radio.path import DIRECT, Path
from drivers.simulator.radio.trace import Aired, Direction, Fate, Trace

BEAM_S = 1.1
"""Wake-up beam for a lock that looks once per second (G.9959: 1.0 to 1.1 s)."""

AWAKE_S = 0.5
"""How long a lock stays awake after a message; an assumption, real locks vary."""

SMALL_DELAY_S = 2e-3
"""What a message takes with airtime off."""

ATTEMPTS_MAX = 3
"""Sends of one message before the radio gives up (G.9959: up to two repeats)."""

STRANGER = 0
"""Node id of everybody who belongs to no network (G.9959: 0 is "not assigned")."""

PING = b"\x00"
"""No Operation: a message with nothing but its class."""


class Listener(Protocol):
    """A lock as the air sees it."""

    @property
    def node_id(self) -> int:
        """Its address."""
        ...

    @property
    def is_flirs(self) -> bool:
        """Whether it needs a beam when asleep."""
        ...

    @property
    def path(self) -> Path:
        """The way to it."""
        ...

    def hear(self, payload: bytes, aired: Aired) -> bool:
        """Take a message; False when its inbox is full. `aired` wants a better label."""
        ...


class Receiver(Protocol):
    """The stick as the air sees it."""

    @property
    def is_powered(self) -> bool:
        """Whether it hears anything at all."""
        ...

    def hear(self, node_id: int, payload: bytes) -> None:
        """Take a message of a node."""
        ...

    def hear_call(self, caller: Listener, payload: bytes) -> None:
        """Take what a lock calls out whose button was pressed; the answer is for this very lock, whatever its address."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """How a transmission ended. `took_s` counts from the moment the air was free for it."""

    is_acked: bool
    took_s: float
    attempts: int
    is_beamed: bool
    path: Path = DIRECT


class Said(Enum):
    """How a lock's own transmission ended."""

    ACKED = auto()
    LOST = auto()
    NOT_SENT = auto()


class Ether:
    """The air of one home."""

    def __init__(self, *, has_airtime: bool, faults: Faults, trace: Trace, now: Callable[[], float]) -> None:
        """Start silent. `now` is the loop's monotonic clock, in seconds."""
        self._has_airtime = has_airtime
        self._faults = faults
        self._trace = trace
        self._now = now
        self._free = asyncio.Lock()
        self._listeners: dict[int, Listener] = {}
        self._awake_until: dict[int, float] = {}
        self._dead: set[int] = set()
        self._receiver: Receiver | None = None

    def join(self, listener: Listener) -> None:
        """Let a lock be reached under its node id. Whoever had it before is reached no more."""
        self._listeners[listener.node_id] = listener
        self._dead.discard(listener.node_id)

    def leave(self, listener: Listener) -> None:
        """Let a lock be reached under its node id no more, unless another has the id by now."""
        if self._listeners.get(listener.node_id) is listener:
            del self._listeners[listener.node_id]

    def attach(self, receiver: Receiver) -> None:
        """Put the stick within reach."""
        self._receiver = receiver

    def patience(self, full_s: float, quick_s: float) -> float:
        """Choose how long something repeats on this air: in full, or quickly where airtime is off."""
        return full_s if self._has_airtime else quick_s

    def set_reach(self, node_id: int, *, is_within: bool) -> None:
        """Take a lock out of reach, or bring it back."""
        if is_within:
            self._dead.discard(node_id)
        else:
            self._dead.add(node_id)

    def is_within_reach(self, node_id: int) -> bool:
        """Say whether a lock can be reached at all."""
        return node_id in self._listeners and node_id not in self._dead

    def path(self, node_id: int) -> Path:
        """Tell the way to a node; of one that is not there, the shortest."""
        listener = self._listeners.get(node_id)
        return listener.path if listener is not None else DIRECT

    async def to_node(self, node_id: int, payload: bytes, label: str) -> Sent:
        """Carry a message from the stick to a lock and say whether it was acknowledged."""
        async with self._free:
            began_at = self._now()
            counts = self._trace.counts(node_id)
            counts.to_lock += 1
            counts.pings += payload == PING
            aired = self._trace.add(
                at=began_at, direction=Direction.TO_LOCK, node_id=node_id, label=label, size=len(payload)
            )
            listener, path = self._listeners.get(node_id), self.path(node_id)
            aired.is_beamed = await self._wake(node_id, listener)
            if (
                listener is None
                or not self.is_within_reach(node_id)
                or self._faults.strikes(Fault.LOSE_TO_NODE, node_id)
            ):
                await self._lose(aired, node_id)
                return Sent(False, self._now() - began_at, ATTEMPTS_MAX, aired.is_beamed, path)
            await self._carry(node_id, len(payload))
            is_heard = listener.hear(payload, aired)
            if is_heard and self._faults.strikes(Fault.DUPLICATE_TO_NODE, node_id):
                counts.repeats += 1
                await self._carry(node_id, len(payload))
                listener.hear(payload, aired)
            if not is_heard or self._faults.strikes(Fault.LOSE_RADIO_ACK, node_id):
                aired.fate = Fate.UNACKNOWLEDGED
                return Sent(False, self._now() - began_at, ATTEMPTS_MAX, aired.is_beamed, path)
            await self._acknowledge(node_id)
            return Sent(True, self._now() - began_at, 1, aired.is_beamed, path)

    async def from_node(self, node_id: int, seal: Callable[[], bytes | None], label: str) -> Said:
        """Carry a message from a lock to the stick and say how that ended.

        `seal` gives the bytes at the moment the air is free, so that nothing heard meanwhile outdates a message's nonce; it
        gives None when the message cannot be sealed now, and then nothing is sent.
        """
        async with self._free:
            payload = seal()
            if payload is None:
                return Said.NOT_SENT
            counts = self._trace.counts(node_id)
            counts.from_lock += 1
            aired = self._trace.add(
                at=self._now(), direction=Direction.FROM_LOCK, node_id=node_id, label=label, size=len(payload)
            )
            receiver = self._receiver
            if (
                receiver is None
                or not receiver.is_powered
                or not self.is_within_reach(node_id)
                or self._faults.strikes(Fault.LOSE_FROM_NODE, node_id)
            ):
                await self._lose(aired, node_id)
                return Said.LOST
            await self._carry(node_id, len(payload))
            await self._acknowledge(node_id)
            receiver.hear(node_id, payload)
            return Said.ACKED

    async def to_caller(self, caller: Listener, payload: bytes, label: str) -> Sent:
        """Carry a message from the stick to a lock that has just called, and is awake therefore."""
        async with self._free:
            began_at, node_id = self._now(), caller.node_id
            self._trace.counts(node_id).to_lock += 1
            aired = self._trace.add(
                at=began_at, direction=Direction.TO_LOCK, node_id=node_id, label=label, size=len(payload)
            )
            if self._faults.strikes(Fault.LOSE_TO_NODE, node_id):
                await self._lose(aired, node_id)
                return Sent(False, self._now() - began_at, ATTEMPTS_MAX, is_beamed=False)
            await self._carry(node_id, len(payload))
            if not caller.hear(payload, aired):
                aired.fate = Fate.UNACKNOWLEDGED
                return Sent(False, self._now() - began_at, ATTEMPTS_MAX, is_beamed=False)
            await self._acknowledge(node_id)
            return Sent(True, self._now() - began_at, 1, is_beamed=False)

    async def call_out(self, caller: Listener, payload: bytes, label: str) -> None:
        """Carry what a lock calls out to whoever listens; nobody acknowledges a call."""
        async with self._free:
            node_id = caller.node_id
            self._trace.counts(node_id).from_lock += 1
            aired = self._trace.add(
                at=self._now(), direction=Direction.FROM_LOCK, node_id=node_id, label=label, size=len(payload)
            )
            receiver = self._receiver
            if (
                receiver is None
                or not receiver.is_powered
                or node_id in self._dead
                or self._faults.strikes(Fault.LOSE_FROM_NODE, node_id)
            ):
                await self._lose(aired, node_id)
                return
            await self._carry(node_id, len(payload))
            receiver.hear_call(caller, payload)

    async def _wake(self, node_id: int, listener: Listener | None) -> bool:
        """Send the beam a sleeping lock needs; say whether one was sent."""
        is_asleep = listener is not None and listener.is_flirs and self._awake_until.get(node_id, 0.0) < self._now()
        if is_asleep:
            self._trace.counts(node_id).beams += 1
            if self._has_airtime:
                self._trace.counts(node_id).airtime_ms += BEAM_S * 1000
                await asyncio.sleep(BEAM_S)
        return is_asleep

    async def _carry(self, node_id: int, size: int) -> None:
        took_s = self.path(node_id).message_s(size) if self._has_airtime else SMALL_DELAY_S
        self._trace.counts(node_id).airtime_ms += took_s * 1000
        await asyncio.sleep(took_s)
        self._awake_until[node_id] = self._now() + AWAKE_S

    async def _acknowledge(self, node_id: int) -> None:
        self._trace.counts(node_id).acks += 1
        if self._has_airtime:
            took_s = self.path(node_id).acknowledgement_s()
            self._trace.counts(node_id).airtime_ms += took_s * 1000
            await asyncio.sleep(took_s)

    async def _lose(self, aired: Aired, node_id: int) -> None:
        """Spend the air on every attempt of a message that nobody acknowledges."""
        aired.fate = Fate.LOST
        counts = self._trace.counts(node_id)
        counts.lost += 1
        counts.repeats += ATTEMPTS_MAX - 1
        for _attempt in range(ATTEMPTS_MAX):
            took_s = self.path(node_id).message_s(aired.size) if self._has_airtime else SMALL_DELAY_S
            counts.airtime_ms += took_s * 1000
            await asyncio.sleep(took_s)
