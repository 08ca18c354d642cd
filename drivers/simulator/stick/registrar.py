"""How nodes come into the stick's network and leave it: add, remove, SmartStart, and failed nodes.

Theory. The host puts the stick into a mode and hears of each step through callbacks that carry the number it gave. Add (function 4A):
ready 1, found 2, end node 3 with its Node Info, protocol done 5, and after the host's own stop done 6. Remove (4B): ready 1, found 2,
end node 3, done 6. Remove failed (61): a ping decides; 1 removed, 0 it answered. Replace failed (63): ready 3, done 4; the new node gets
the id of the old. In SmartStart listen mode a lock's call is handed to the host (49, state 85), who answers with add by label (4A, mode
8). A soft reset forgets the mode. Sources: INS12350 and INS13954, checked against Z-Wave JS 15.29.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum, auto

from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.radio.ether import PING, STRANGER, Ether, Listener
from drivers.simulator.radio.network import (
    FIND_NODES,
    NO_HOME,
    NODE_INFO,
    PRIME,
    assignment,
    read_smart_start,
)
from drivers.simulator.stick.frame import Frame, FrameType
from drivers.simulator.stick.memory import NodeCard, StickMemory
from drivers.simulator.stick.transmit import UPDATE, Errand, Transmitter

log = logging.getLogger(__name__)

ADD, REMOVE, REMOVE_FAILED, REPLACE_FAILED = 0x4A, 0x4B, 0x61, 0x63
MODE_MASK = 0x0F
MODE_STOP, MODE_STOP_REPLICATION, MODE_BY_LABEL, MODE_LISTEN = 0x05, 0x06, 0x08, 0x09
LABEL_BYTES = 4
"""Length of the home id of a SmartStart call."""

SMART_START_HEARD = 0x85
"""State of an application update: a lock calls by SmartStart."""

STARTED, NOT_FAILED, BUSY = b"\x00", b"\x08", b"\x10"
"""First answers to 61 and 63: it begins, the node is not known as failed, or there is no room for more work."""

FAILED_OK, FAILED_REMOVED, REPLACE_READY, REPLACE_DONE, REPLACE_FAILED_STATUS = 0x00, 0x01, 0x03, 0x04, 0x05
INTRODUCTION_MIN = 3
"""Basic, generic and specific class."""


class Status(IntEnum):
    """Steps that a callback of 4A or 4B tells."""

    READY = 0x01
    FOUND = 0x02
    END_NODE = 0x03
    PROTOCOL_DONE = 0x05
    DONE = 0x06
    FAILED = 0x07


class Purpose(Enum):
    """What the stick waits for."""

    ADD = auto()
    REMOVE = auto()
    REPLACE = auto()
    LISTEN = auto()


@dataclass(slots=True)
class _Session:
    """One mode, from its beginning to the host's stop."""

    purpose: Purpose
    callback_id: int
    label: bytes | None = None
    """Only the lock that calls with this home id may come in."""
    node_id: int = 0
    """Who came in; before that, whom to replace."""
    is_busy: bool = False
    """Somebody is on the way in or out; others are not heard."""


class Registrar:
    """The part of the stick that knows who belongs."""

    def __init__(
        self,
        memory: StickMemory,
        ether: Ether,
        transmitter: Transmitter,
        faults: Faults,
        *,
        emit: Callable[[Frame], None],
        id_bytes: Callable[[int], bytes],
        on_change: Callable[[], None],
    ) -> None:
        """Start in no mode. `id_bytes` writes a node id as wide as the host wants it; `on_change` runs when a node came or went."""
        self._memory = memory
        self._ether = ether
        self._transmitter = transmitter
        self._faults = faults
        self._emit = emit
        self._id_bytes = id_bytes
        self._on_change = on_change
        self._session: _Session | None = None

    def reset(self) -> None:
        """Forget the mode."""
        self._session = None

    # -- what the host asks ------------------------------------------------------------------------------------------

    def add(self, payload: bytes) -> None:
        """Function 4A."""
        mode, callback_id = payload[0] & MODE_MASK, payload[1]
        if mode in (MODE_STOP, MODE_STOP_REPLICATION):
            came = self._session.node_id if self._session is not None and self._session.purpose is Purpose.ADD else 0
            self._session = None
            self._tell(ADD, callback_id, Status.DONE, self._id_bytes(came) + b"\x00")
            return
        if mode == MODE_LISTEN:
            self._session = _Session(Purpose.LISTEN, 0)
            return
        label = payload[2 : 2 + LABEL_BYTES] if mode == MODE_BY_LABEL else None
        self._session = _Session(Purpose.ADD, callback_id, label)
        self._tell(ADD, callback_id, Status.READY, self._id_bytes(0) + b"\x00")

    def remove(self, payload: bytes) -> None:
        """Function 4B."""
        mode, callback_id = payload[0] & MODE_MASK, payload[1]
        is_stop = mode == MODE_STOP
        self._session = None if is_stop else _Session(Purpose.REMOVE, callback_id)
        self._tell(REMOVE, callback_id, Status.DONE if is_stop else Status.READY, self._id_bytes(0) + b"\x00")

    def remove_failed(self, node_id: int, callback_id: int) -> bytes:
        """Function 61: forget a node that does not answer."""
        if node_id not in self._memory.nodes or not self._transmitter.has_failed(node_id):
            return NOT_FAILED
        return STARTED if self._transmitter.queue(Errand(lambda: self._bury(node_id, callback_id))) else BUSY

    def replace_failed(self, node_id: int, callback_id: int) -> bytes:
        """Function 63: give the id of a node that does not answer to the next one that calls."""
        if node_id not in self._memory.nodes or not self._transmitter.has_failed(node_id):
            return NOT_FAILED
        return (
            STARTED
            if self._transmitter.queue(Errand(lambda: self._prepare_replacement(node_id, callback_id)))
            else BUSY
        )

    # -- what the air brings -----------------------------------------------------------------------------------------

    def hear_call(self, caller: Listener, payload: bytes) -> bool:
        """Take the call of a lock whose button was pressed; True when it comes in or goes out by that."""
        session = self._session
        if session is None or session.is_busy:
            return False
        by_label = read_smart_start(payload)
        if by_label is not None:
            return self._hear_label(session, caller, *by_label)
        introduction = payload[len(NODE_INFO) :] if payload.startswith(NODE_INFO) else b""
        if len(introduction) < INTRODUCTION_MIN or session.label is not None:
            return False
        match session.purpose:
            case Purpose.ADD | Purpose.REPLACE if caller.node_id == STRANGER:
                session.is_busy = self._transmitter.run_errand(lambda: self._adopt(session, caller, introduction))
            case Purpose.REMOVE:
                session.is_busy = self._transmitter.run_errand(lambda: self._release(session, caller))
            case _:
                pass
        return session.is_busy

    def _hear_label(self, session: _Session, caller: Listener, kind: int, label: bytes, introduction: bytes) -> bool:
        """Take a call of SmartStart: the host looks the label up, or has done so and waits for this very lock."""
        if session.purpose is Purpose.LISTEN and kind == PRIME:
            body = bytes([SMART_START_HEARD]) + self._id_bytes(STRANGER) + b"\x00" + label
            body += bytes([len(introduction)]) + introduction
            self._emit(Frame(FrameType.REQUEST, UPDATE, body))
        elif session.label == label and len(introduction) >= INTRODUCTION_MIN:
            session.is_busy = self._transmitter.run_errand(lambda: self._adopt(session, caller, introduction))
        return session.is_busy

    # -- coming in ---------------------------------------------------------------------------------------------------

    async def _adopt(self, session: _Session, caller: Listener, introduction: bytes) -> None:
        is_replacement = session.purpose is Purpose.REPLACE
        node_id = session.node_id if is_replacement else self._free_node_id()
        if session is not self._session:
            return
        if node_id is None:
            self._tell(ADD, session.callback_id, Status.FAILED)
            return
        if not is_replacement:
            self._tell(ADD, session.callback_id, Status.FOUND, self._id_bytes(0) + b"\x00")
        sent = await self._ether.to_caller(caller, assignment(self._memory.home_id, node_id), "Assign Ids")
        if session is not self._session:
            return
        if not sent.is_acked:
            session.is_busy = False
            self._tell_failure(session)
            return
        basic, generic, specific = introduction[:INTRODUCTION_MIN]
        self._memory.keep(NodeCard(node_id, not caller.is_flirs, caller.is_flirs, basic, generic, specific))
        self._on_change()
        session.node_id = node_id
        if not is_replacement:
            shown = self._id_bytes(node_id) + bytes([len(introduction)]) + introduction
            self._tell(ADD, session.callback_id, Status.END_NODE, shown)
        self._transmitter.note(node_id, await self._ether.to_node(node_id, FIND_NODES, "Find Nodes In Range"))
        if session is not self._session:
            return
        if is_replacement:
            self._session = None
            self._emit(Frame(FrameType.REQUEST, REPLACE_FAILED, bytes([session.callback_id, REPLACE_DONE])))
        else:
            self._tell(ADD, session.callback_id, Status.PROTOCOL_DONE, self._id_bytes(node_id) + b"\x00")

    def _free_node_id(self) -> int | None:
        return self._memory.free_node_id(reuses=self._faults.strikes(Fault.REUSE_NODE_ID))

    def _tell_failure(self, session: _Session) -> None:
        if session.purpose is Purpose.REPLACE:
            body = bytes([session.callback_id, REPLACE_FAILED_STATUS])
            self._emit(Frame(FrameType.REQUEST, REPLACE_FAILED, body))
        else:
            self._tell(ADD, session.callback_id, Status.FAILED, self._id_bytes(0) + b"\x00")

    async def _prepare_replacement(self, node_id: int, callback_id: int) -> None:
        sent = await self._ether.to_node(node_id, PING, "No Operation")
        self._transmitter.note(node_id, sent)
        if not sent.is_acked:
            self._session = _Session(Purpose.REPLACE, callback_id, node_id=node_id)
        status = FAILED_OK if sent.is_acked else REPLACE_READY
        self._emit(Frame(FrameType.REQUEST, REPLACE_FAILED, bytes([callback_id, status])))

    # -- going out ---------------------------------------------------------------------------------------------------

    async def _release(self, session: _Session, caller: Listener) -> None:
        # A node that this stick does not know belongs to another network, or was removed as failed: the host hears of node 0.
        node_id = caller.node_id
        known_id = node_id if node_id in self._memory.nodes else STRANGER
        self._tell(REMOVE, session.callback_id, Status.FOUND, self._id_bytes(0) + b"\x00")
        self._tell(REMOVE, session.callback_id, Status.END_NODE, self._id_bytes(known_id) + b"\x00")
        sent = await self._ether.to_caller(caller, assignment(NO_HOME, STRANGER), "Assign Ids")
        if sent.is_acked and not self._ether.is_within_reach(node_id):
            self._memory.forget(node_id)
            self._on_change()
        if session is not self._session:
            return
        session.is_busy = False
        status = Status.DONE if sent.is_acked else Status.FAILED
        self._tell(REMOVE, session.callback_id, status, self._id_bytes(known_id) + b"\x00")

    async def _bury(self, node_id: int, callback_id: int) -> None:
        sent = await self._ether.to_node(node_id, PING, "No Operation")
        self._transmitter.note(node_id, sent)
        if not sent.is_acked:
            self._memory.forget(node_id)
            self._on_change()
        status = FAILED_OK if sent.is_acked else FAILED_REMOVED
        self._emit(Frame(FrameType.REQUEST, REMOVE_FAILED, bytes([callback_id, status])))

    # -- the host ----------------------------------------------------------------------------------------------------

    def _tell(self, function: int, callback_id: int, status: Status, rest: bytes = b"") -> None:
        if callback_id:
            self._emit(Frame(FrameType.REQUEST, function, bytes([callback_id, status]) + rest))
