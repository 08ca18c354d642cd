"""What the stick does on the radio, one job after the other, and the callbacks that tell the host.

A job is accepted at once (the response) and done in its turn (the callback). A soft reset forgets all jobs, and a callback that was
on its way then is never sent. An abort ends the running job for the host at once, as not acknowledged; the air is not freed earlier.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import assert_never

from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.radio.cc.names import name_of
from drivers.simulator.radio.ether import Ether, Sent
from drivers.simulator.radio.network import NODE_INFO_REQUEST
from drivers.simulator.radio.path import REPEATERS_MAX
from drivers.simulator.stick.frame import Frame, FrameType

log = logging.getLogger(__name__)

JOBS_MAX = 8
"""Jobs a stick holds; real ones hold about that many transmissions and answer "queue full" beyond."""

LATE_CALLBACK_S = 5.0
"""How late the fault `late_callback` makes a callback."""

UPDATE = 0x49
NODE_INFO_DONE = 0x84
NODE_INFO_FAILED = bytes([0x81, 0x00, 0x00])
"""Function "application update" with its states: node information came, or the request failed."""

RECEIVED, RECEIVED_BRIDGED = 0x04, 0xA8
"""How a static and a bridge controller hand over a message."""

TX_SCHEME_LAST_WORKING = 0x03
"""Routing scheme of a TX report: the route that worked last."""

RSSI_NONE = 0x7F
TX_OK, TX_NO_ACK, TX_FAIL = 0x00, 0x01, 0x02

NOTHING_SENT = Sent(is_acked=False, took_s=0.0, attempts=0, is_beamed=False)
"""How a transmission went that the air had no place for."""

BEAM_1000_MS = 0x40
TICK_S = 0.01
"""Unit of the transmission time in a TX report."""


@dataclass(frozen=True, slots=True)
class Transmission:
    """Send a message to a node and call back; `callback_id` 0: do not."""

    function: int
    node_id: int
    payload: bytes = field(repr=False)
    callback_id: int


@dataclass(frozen=True, slots=True)
class NodeInfoRequest:
    """Ask a node what it is."""

    node_id: int


@dataclass(frozen=True, slots=True)
class RouteChange:
    """Change a return route; succeeds without radio, for every lock is in direct reach."""

    function: int
    callback_id: int


@dataclass(frozen=True, slots=True)
class Errand:
    """Anything longer that must not be interrupted by other jobs: letting a node in or out."""

    work: Callable[[], Awaitable[None]]


Job = Transmission | NodeInfoRequest | RouteChange | Errand


class Transmitter:
    """Does the stick's jobs in order."""

    def __init__(self, ether: Ether, faults: Faults, emit: Callable[[Frame], None]) -> None:
        """Start with nothing to do. `emit` hands a frame to the link."""
        self._ether = ether
        self._faults = faults
        self._emit = emit
        self._jobs: asyncio.Queue[Job] = asyncio.Queue(JOBS_MAX)
        self._accepted: list[Job] = []
        self._running: Transmission | None = None
        self._failed: set[int] = set()
        self._life = 0

    def queue(self, job: Job) -> bool:
        """Accept a job, to be started by `release` once the response is on its way; False when there is no room."""
        is_refused = isinstance(job, Transmission) and self._faults.strikes(Fault.QUEUE_FULL)
        if is_refused or self._jobs.qsize() + len(self._accepted) >= JOBS_MAX:
            return False
        self._accepted.append(job)
        return True

    def release(self) -> None:
        """Start what was accepted."""
        for job in self._accepted:
            self._jobs.put_nowait(job)
        self._accepted.clear()

    def reset(self) -> None:
        """Forget every job."""
        self._life += 1
        self._running = None
        self._accepted.clear()
        while not self._jobs.empty():
            self._jobs.get_nowait()

    def abort(self) -> None:
        """End the running transmission for the host, as not acknowledged."""
        running, self._running = self._running, None
        if running is not None:
            self._call_back(running, Sent(is_acked=False, took_s=0.0, attempts=1, is_beamed=False))

    def run_errand(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Take an errand that no response announces; False when there is no room."""
        if not self.queue(Errand(work)):
            return False
        self.release()
        return True

    def note(self, node_id: int, sent: Sent) -> None:
        """Remember whether a node that an errand spoke to is there."""
        self._remember(node_id, sent)

    def has_failed(self, node_id: int) -> bool:
        """Say whether the last transmission to a node was not acknowledged."""
        return node_id in self._failed

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            job = await self._jobs.get()
            life = self._life
            match job:
                case Transmission():
                    await self._transmit(job, life)
                case NodeInfoRequest():
                    await self._ask_for_node_info(job, life)
                case RouteChange():
                    report = bytes([job.callback_id, TX_OK]) + tx_report(Sent(True, TICK_S, 1, is_beamed=False))
                    self._emit(Frame(FrameType.REQUEST, job.function, report))
                case Errand(work):
                    await work()
                case _:
                    assert_never(job)

    async def _transmit(self, job: Transmission, life: int) -> None:
        if self._faults.strikes(Fault.AIR_JAMMED, job.node_id):
            if job.callback_id:
                body = bytes([job.callback_id, TX_FAIL]) + tx_report(NOTHING_SENT, ticks_min=0)
                self._emit(Frame(FrameType.REQUEST, job.function, body))
            return
        self._running = job
        sent = await self._ether.to_node(job.node_id, job.payload, name_of(job.payload))
        self._remember(job.node_id, sent)
        if life != self._life or self._running is not job:
            return
        self._running = None
        if self._faults.strikes(Fault.MISSING_CALLBACK):
            return
        if self._faults.strikes(Fault.LATE_CALLBACK):
            asyncio.get_running_loop().call_later(LATE_CALLBACK_S, self._call_back_in, life, job, sent)
            return
        self._call_back(job, sent)
        if self._faults.strikes(Fault.DUPLICATE_CALLBACK):
            self._call_back(job, sent)

    async def _ask_for_node_info(self, job: NodeInfoRequest, life: int) -> None:
        sent = await self._ether.to_node(job.node_id, NODE_INFO_REQUEST, "Node Info Request")
        self._remember(job.node_id, sent)
        if not sent.is_acked and life == self._life:
            self._emit(Frame(FrameType.REQUEST, UPDATE, NODE_INFO_FAILED))

    def _remember(self, node_id: int, sent: Sent) -> None:
        if sent.is_acked:
            self._failed.discard(node_id)
        else:
            self._failed.add(node_id)

    def _call_back_in(self, life: int, job: Transmission, sent: Sent) -> None:
        if life == self._life:
            self._call_back(job, sent)

    def _call_back(self, job: Transmission, sent: Sent) -> None:
        if job.callback_id:
            status = TX_OK if sent.is_acked else TX_NO_ACK
            body = bytes([job.callback_id, status]) + tx_report(sent)
            self._emit(Frame(FrameType.REQUEST, job.function, body))


def tx_report(sent: Sent, *, ticks_min: int = 1) -> bytes:
    """Build the 19 bytes that tell how a transmission went (INS13954, TX status report).

    Ticks are at least 1 but for a jammed radio: a failure with 0 ticks is what hosts know that by.
    """
    ticks = max(ticks_min, min(0xFFFF, round(sent.took_s / TICK_S)))
    path = sent.path
    rssi = path.rssi_byte if sent.is_acked else RSSI_NONE
    repeaters = bytes(path.repeaters[:REPEATERS_MAX]).ljust(REPEATERS_MAX, b"\0")
    heard = bytes([rssi] * len(path.repeaters[:REPEATERS_MAX])).ljust(REPEATERS_MAX, bytes([RSSI_NONE]))
    speed = (BEAM_1000_MS if sent.is_beamed else 0) | path.speed_code
    head = ticks.to_bytes(2) + bytes([len(path.repeaters), rssi]) + heard
    return head + bytes([0, 0, TX_SCHEME_LAST_WORKING]) + repeaters + bytes([speed, sent.attempts, 0, 0])


def rx_frame(destination: bytes, source: bytes, payload: bytes, *, rssi: int, is_bridge: bool) -> Frame:
    """Build the frame that hands a radio message to the host; the ids are already as wide as the host wants them."""
    body = source + bytes([len(payload)]) + payload
    if not is_bridge:
        return Frame(FrameType.REQUEST, RECEIVED, b"\0" + body + bytes([rssi]))
    return Frame(FrameType.REQUEST, RECEIVED_BRIDGED, b"\0" + destination + body + bytes([0x00, rssi, 0x00]))
