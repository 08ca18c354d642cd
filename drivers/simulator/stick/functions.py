"""The Serial API of a 700-series stick, with bridge or static firmware: one handler per function, in one table.

A handler takes the request's payload and returns the response's payload, or None where the function has no response. What takes
time (a transmission, a callback) is handed to `transmit.Transmitter`. A function that is not in the table gets no response; it is
counted and logged, as a host that asks for it should have read the list of functions first.

Node ids are one byte until the host asks for two (function 0B, command 80), and one byte again after every reset.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from enum import IntEnum

from drivers.simulator.lock.faults import Faults
from drivers.simulator.radio.ether import STRANGER, Ether, Listener
from drivers.simulator.radio.network import NODE_INFO, PROTOCOL
from drivers.simulator.stick.frame import Frame, FrameType
from drivers.simulator.stick.memory import STICK_NODE_ID, NodeCard, StickMemory
from drivers.simulator.stick.registrar import ADD, REMOVE, REMOVE_FAILED, REPLACE_FAILED, Registrar
from drivers.simulator.stick.transmit import (
    NODE_INFO_DONE,
    RECEIVED,
    RECEIVED_BRIDGED,
    UPDATE,
    NodeInfoRequest,
    RouteChange,
    Transmission,
    Transmitter,
    rx_frame,
)

log = logging.getLogger(__name__)

RESET_S = 0.1
"""How long the stick needs from a soft reset to its first frame; real ones need 0.1 to 1 s."""

SERIAL_API_STARTED = 0x0A
FIRMWARE_VERSION = bytes([7, 23])
MANUFACTURER = bytes.fromhex("0000 0004 0004")
"""Silicon Labs, UZB-7 class stick."""

LIBRARY = b"Z-Wave 7.23\x00"
LIBRARY_TYPES = {True: 0x07, False: 0x01}
"""What a bridge controller and a static controller call themselves."""

API_VERSION = 0x0A
"""Serial API version 10, as SDK 7 reports."""

CHIP_700 = bytes([0x07, 0x00])
INIT_FLAGS_SIS = 0x08
CONTROLLER_FLAGS = 0x1C
"""Static id server present, was the real primary, is the static update controller."""

PAYLOAD_MAX = 46
"""Most application bytes per radio message at 100 kbit/s without routing."""

REGION_EUROPE = 0x00

SETUP_COMMANDS = (0x01, 0x02, 0x10, 0x13, 0x20, 0x80)
"""Setup commands this stick knows: list, TX report, payload size, power, region, node id width."""

SETUP_LEGACY_MASK = 0x01 | 0x02 | 0x10 | 0x20 | 0x80
CHANNELS = 3
"""Radio channels whose noise function 3B tells."""

OK, REFUSED = b"\x01", b"\x00"

FUNCTIONS_MAX = 256

TIMEOUTS = bytes([150, 15])
"""Waits for an ACK and for a byte, in 10 ms, that function 06 answers with as the former ones; the link keeps its own."""


class WakeReason(IntEnum):
    """Why the stick started, as it tells the host (INS12350, Serial API Started)."""

    WATCHDOG = 0x03
    POWER = 0x05
    SOFTWARE = 0x07


class Stick:
    """One stick: takes frames from the link, gives frames to it, hears the air."""

    def __init__(
        self,
        memory: StickMemory,
        ether: Ether,
        transmitter: Transmitter,
        *,
        faults: Faults,
        emit: Callable[[Frame], None],
        forget: Callable[[], None],
        on_change: Callable[[], None],
        is_bridge: bool = True,
        noise_dbm: int = -96,
    ) -> None:
        """Start powered.

        `emit` hands a frame to the link, `forget` makes the link drop what it has not sent, and `on_change` runs after every change
        of the nodes it knows. `noise_dbm` is what it hears on each channel while nobody speaks; -96 is a quiet house.
        """
        self.is_plugged = True
        self._is_booting = False
        self.unknown: Counter[int] = Counter()
        """Functions asked for that this stick does not have."""
        self.resets_count = 0
        self._memory = memory
        self._ether = ether
        self._is_bridge = is_bridge
        self._noise = bytes([noise_dbm & 0xFF] * CHANNELS)
        self._transmitter = transmitter
        self._emit = emit
        self._forget = forget
        self._has_wide_ids = False
        self.registrar = Registrar(
            memory, ether, transmitter, faults, emit=emit, id_bytes=self._id_bytes, on_change=on_change
        )
        self._handlers = self._table()
        ether.attach(self)

    @property
    def is_powered(self) -> bool:
        """Whether it hears the air: plugged in, and not in the middle of a reset."""
        return self.is_plugged and not self._is_booting

    def take(self, frame: Frame) -> None:
        """Execute one frame of the host."""
        if frame.frame_type is not FrameType.REQUEST:
            log.warning("stick.frame.unexpected", extra={"function": frame.function})
            return
        handler = self._handlers.get(frame.function)
        if handler is None:
            self.unknown[frame.function] += 1
            log.warning("stick.function.unknown", extra={"function": hex(frame.function)})
            return
        try:
            response = handler(frame.payload)
        except IndexError:
            log.warning("stick.frame.short", extra={"function": hex(frame.function)})
            return
        if response is not None:
            self._emit(Frame(FrameType.RESPONSE, frame.function, response))
            self._transmitter.release()

    def hear(self, node_id: int, payload: bytes) -> None:
        """Take a message off the air and pass it to the host."""
        if payload[:1] == bytes([PROTOCOL]):
            if payload.startswith(NODE_INFO):
                introduction = payload[len(NODE_INFO) :]
                body = bytes([NODE_INFO_DONE]) + self._id_bytes(node_id) + bytes([len(introduction)]) + introduction
                self._emit(Frame(FrameType.REQUEST, UPDATE, body))
            return
        self.pass_on(node_id, payload)

    def pass_on(self, node_id: int, payload: bytes) -> None:
        """Hand a message to the host, in the shape of this firmware."""
        to, by, rssi = self._id_bytes(STICK_NODE_ID), self._id_bytes(node_id), self._ether.path(node_id).rssi_byte
        self._emit(rx_frame(to, by, payload, rssi=rssi, is_bridge=self._is_bridge))

    def hear_call(self, caller: Listener, payload: bytes) -> None:
        """Take the call of a lock whose button was pressed: it comes, it goes, or it only says that it is there."""
        if not self.registrar.hear_call(caller, payload) and caller.node_id != STRANGER:
            self.hear(caller.node_id, payload)

    def restart(self, reason: WakeReason = WakeReason.SOFTWARE) -> None:
        """Lose everything a reset loses; the host hears of it shortly."""
        self.resets_count += 1
        self._is_booting = True
        self._has_wide_ids = False
        self._transmitter.reset()
        self.registrar.reset()
        self._forget()
        asyncio.get_running_loop().call_later(RESET_S, self._announce, reason)

    def _announce(self, reason: WakeReason) -> None:
        self._is_booting = False
        if self.is_plugged:
            # Wake-up reason; no watchdog; always listening; static controller; no classes; no Long Range.
            self._emit(
                Frame(FrameType.REQUEST, SERIAL_API_STARTED, bytes([reason, 0x00, 0x01, 0x02, 0x07, 0x00, 0x00]))
            )

    def _table(self) -> dict[int, Callable[[bytes], bytes | None]]:
        bridged: dict[int, Callable[[bytes], bytes | None]] = {0xA9: self._send_bridged} if self._is_bridge else {}
        return bridged | {
            0x02: self._init_data,
            0x03: _ignored,
            0x05: lambda _payload: bytes([CONTROLLER_FLAGS]),
            0x06: lambda _payload: TIMEOUTS,
            0x07: self._capabilities,
            0x08: self._soft_reset,
            0x09: lambda _payload: bytes([0x00, 7, 23, 0]) + bytes(18),
            0x0B: self._setup,
            0x13: self._send,
            0x15: lambda _payload: LIBRARY + bytes([LIBRARY_TYPES[self._is_bridge]]),
            0x16: self._abort,
            0x20: lambda _payload: self._memory.home_id + self._id_bytes(STICK_NODE_ID),
            0x3B: lambda _payload: self._noise,
            0x41: self._protocol_info,
            0x46: self._change_route(0x46),
            0x47: self._change_route(0x47),
            0x48: self._update_neighbours,
            ADD: self._add,
            REMOVE: self._remove,
            0x51: self._change_route(0x51),
            0x55: self._change_route(0x55),
            0x56: lambda _payload: self._id_bytes(STICK_NODE_ID),
            0x60: self._request_node_info,
            REMOVE_FAILED: self._remove_failed,
            0x62: self._is_failed,
            REPLACE_FAILED: self._replace_failed,
            0x80: lambda _payload: self._memory.node_mask(),
        }

    # -- who the stick is --------------------------------------------------------------------------------------------

    def _init_data(self, _payload: bytes) -> bytes:
        mask = self._memory.node_mask()
        return bytes([API_VERSION, INIT_FLAGS_SIS, len(mask)]) + mask + CHIP_700

    def _capabilities(self, _payload: bytes) -> bytes:
        mask = bytearray(FUNCTIONS_MAX // 8)
        # What the stick only ever sends on its own, a host wants to see in the list too.
        spoken = (SERIAL_API_STARTED, UPDATE, RECEIVED_BRIDGED if self._is_bridge else RECEIVED)
        for function in (*self._handlers, *spoken):
            mask[(function - 1) // 8] |= 1 << ((function - 1) % 8)
        return FIRMWARE_VERSION + MANUFACTURER + bytes(mask)

    def _setup(self, payload: bytes) -> bytes:
        match payload[0]:
            case 0x01:
                mask = bytearray(0x80 // 8)
                for command in SETUP_COMMANDS:
                    mask[(command - 1) // 8] |= 1 << ((command - 1) % 8)
                return bytes([0x01, SETUP_LEGACY_MASK]) + bytes(mask)
            case 0x02:
                return bytes([0x02, 0x01])
            case 0x10:
                return bytes([0x10, PAYLOAD_MAX])
            case 0x13:
                return bytes([0x13, 0, 0, 0, 0])
            case 0x20:
                return bytes([0x20, REGION_EUROPE])
            case 0x80:
                self._has_wide_ids = payload[1] == 0x02
                return bytes([0x80, 0x01])
            case _:
                # Serial API: an unknown setup command is answered with command 0.
                return b"\x00"

    def _soft_reset(self, _payload: bytes) -> None:
        self.restart()

    # -- the network -------------------------------------------------------------------------------------------------

    def _protocol_info(self, payload: bytes) -> bytes:
        node_id, _rest = self._take_id(payload)
        card = self._memory.nodes.get(node_id)
        if node_id == STICK_NODE_ID:
            card = NodeCard(node_id, is_listening=True, is_flirs=False, basic=2, generic=2, specific=7)
        if card is None:
            return bytes(6)
        # Byte 0: listening 80, routing 40, 40 kbit/s 10, protocol version 3. Byte 1: optional classes 80, beam-woken 40, beams 10,
        # routing end node 08, specific class 04, security 01. Byte 2: 100 kbit/s 01.
        first = (0x80 if card.is_listening else 0) | 0x53
        second = 0x95 | (0x40 if card.is_flirs else 0) | (0x02 if node_id == STICK_NODE_ID else 0x08)
        return bytes([first, second, 0x01, card.basic, card.generic, card.specific])

    def _request_node_info(self, payload: bytes) -> bytes:
        node_id, _rest = self._take_id(payload)
        return self._queued(NodeInfoRequest(node_id))

    def _change_route(self, function: int) -> Callable[[bytes], bytes | None]:
        # One hop away, no lock needs a route; the callback says that all went well.
        return lambda payload: self._queued(RouteChange(function, payload[-1]))

    def _update_neighbours(self, payload: bytes) -> None:
        for status in (0x21, 0x22):  # started, done
            self._emit(Frame(FrameType.REQUEST, 0x48, bytes([payload[-1], status])))

    def _add(self, payload: bytes) -> None:
        self.registrar.add(payload)

    def _remove(self, payload: bytes) -> None:
        self.registrar.remove(payload)

    def _remove_failed(self, payload: bytes) -> bytes:
        node_id, rest = self._take_id(payload)
        return self.registrar.remove_failed(node_id, rest[0])

    def _replace_failed(self, payload: bytes) -> bytes:
        node_id, rest = self._take_id(payload)
        return self.registrar.replace_failed(node_id, rest[0])

    def _is_failed(self, payload: bytes) -> bytes:
        node_id, _rest = self._take_id(payload)
        return OK if self._transmitter.has_failed(node_id) else REFUSED

    # -- sending -----------------------------------------------------------------------------------------------------

    def _send(self, payload: bytes) -> bytes:
        node_id, rest = self._take_id(payload)
        length = rest[0]
        return self._queued(Transmission(0x13, node_id, rest[1 : 1 + length], rest[2 + length]))

    def _send_bridged(self, payload: bytes) -> bytes:
        _source, rest = self._take_id(payload)
        node_id, rest = self._take_id(rest)
        length = rest[0]
        # After the command: transmit options, four unused bytes of a route, callback id.
        return self._queued(Transmission(0xA9, node_id, rest[1 : 1 + length], rest[6 + length]))

    def _abort(self, _payload: bytes) -> None:
        self._transmitter.abort()

    def _queued(self, job: Transmission | NodeInfoRequest | RouteChange) -> bytes:
        return OK if self._transmitter.queue(job) else REFUSED

    # -- node ids ----------------------------------------------------------------------------------------------------

    def _id_bytes(self, node_id: int) -> bytes:
        return node_id.to_bytes(2 if self._has_wide_ids else 1)

    def _take_id(self, payload: bytes) -> tuple[int, bytes]:
        width = 2 if self._has_wide_ids else 1
        if len(payload) < width:
            raise IndexError(width)
        return int.from_bytes(payload[:width]), payload[width:]


def _ignored(_payload: bytes) -> None:
    """Take what the host wants to be shown as; no lock here asks."""
