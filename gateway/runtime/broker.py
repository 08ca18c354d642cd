"""The embedded MQTT broker of `make run` and `make test`, as a process of its own: `python -m gateway.runtime.broker --port P`.

It listens on loopback only (N8), lets everybody in, speaks MQTT 3.1.1, and keeps sessions in memory for as long as it lives.
It is amqtt with its delivering half replaced, because amqtt 0.12.1 loses acknowledged messages (each seen in its source and
in our tests):

- a message under way is forgotten when its client dies or takes longer than 5 s: a killed hub would lose orders;
- what was queued for an absent client arrives with the retain flag, which a hub refuses;
- sessions of clients without a user name are thrown away after a second;
- all that is queued is sent at once, without a window;
- a client that comes twice is given the newer last will when the older connection ends, and is then marked as gone;
- a message that was acknowledged to a client that left at once may never be passed on.

Here every session has one outbox that outlives its connections: a message stays in it until its PUBACK, and is sent again, in
order and with the DUP flag, on the next connection. QoS 2 is not taken. Stopping this process forgets everything: that is
what the contract's own receipts are for (C3).
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, override

from amqtt.adapters import BufferReader, ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.errors import MQTTError
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.session import IncomingApplicationMessage, Session

log = logging.getLogger(__name__)

WINDOW = 20
"""QoS 1 messages under way to one client, as mosquitto's `max_inflight_messages`."""

WAITING_MAX = 50_000
"""Messages kept for one client, newest dropped with a warning: five times the orders of a month offline."""

SHUTDOWN_S = 3.0
CONNECT_S = 10.0
"""How long a client may take to say CONNECT."""

CONNECT_HEAD = b"\x10"
CONNECT_MIN = 12
CONNECT_MAX = 131_072
LENGTH_BITS_MAX = 28
LEVEL_AT = 6
"""MQTT 3.1.1 chapter 3.1: packet type 1; ten bytes of variable header and an empty client id; the level follows "MQTT"."""

MQTT_3_1_1 = 4
UNACCEPTABLE_VERSION = b"\x20\x02\x00\x01"
"""CONNACK with return code 1 (MQTT 3.1.1 table 3.1), which MQTT 5 clients understand too."""

_OUTBOX = "keypad-gateway.outbox"
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message for one client."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool = False


@dataclass(slots=True)
class Outbox:
    """What a client is still to get; it belongs to the session and outlives connections."""

    waiting: deque[Parcel] = field(default_factory=deque)
    under_way: OrderedDict[int, Parcel] = field(default_factory=OrderedDict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    next_id: int = 1

    def put(self, parcel: Parcel) -> bool:
        """Queue a message; False when there is no room."""
        if len(self.waiting) >= WAITING_MAX:
            return False
        self.waiting.append(parcel)
        self.changed.set()
        return True

    def start_next(self) -> tuple[int, Parcel] | None:
        """Take the next message for sending, with its packet number (0 for QoS 0); None when none may go now."""
        if not self.waiting or len(self.under_way) >= WINDOW:
            return None
        parcel = self.waiting.popleft()
        if parcel.qos == 0:
            return 0, parcel
        while self.next_id in self.under_way:
            self.next_id = self.next_id % 65_535 + 1
        number, self.next_id = self.next_id, self.next_id % 65_535 + 1
        self.under_way[number] = parcel
        return number, parcel

    def finish(self, number: int) -> None:
        """The client has the message."""
        if self.under_way.pop(number, None) is not None:
            self.changed.set()


@dataclass(frozen=True, slots=True)
class Will:
    """A last will as it was when its connection began."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool


def outbox_of(session: Session) -> Outbox:
    """The outbox of a session, made at first use."""
    return cast("Outbox", session.attributes.setdefault(_OUTBOX, Outbox()))


class PatientHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt ships no types
    """One connection: what arrives is kept here until it was passed on."""

    def __init__(self, plugins_manager: object) -> None:
        super().__init__(plugins_manager)
        self.arrived: asyncio.Queue[IncomingApplicationMessage | None] = asyncio.Queue()
        self.ended: asyncio.Future[DisconnectPacket | None] = asyncio.get_running_loop().create_future()
        self.is_settled = False

    @override
    async def _retry_deliveries(self) -> None:
        """Repetition is the outbox's business."""

    @override
    async def handle_publish(self, publish_packet: PublishPacket) -> None:
        if publish_packet.qos > 1 or publish_packet.topic_name is None or publish_packet.data is None:
            log.warning("broker.publish.refused", extra={"qos": publish_packet.qos})
            await self.handle_disconnect(None)
            return
        number = publish_packet.variable_header.packet_id
        message = IncomingApplicationMessage(
            number, publish_packet.topic_name, publish_packet.qos, publish_packet.data, publish_packet.retain_flag
        )
        message.publish_packet = publish_packet
        self.arrived.put_nowait(message)
        if publish_packet.qos == 1:
            await self._send_packet(PubackPacket.build(number))

    @override
    async def handle_puback(self, puback: PubackPacket) -> None:
        if self.session is not None:
            outbox_of(self.session).finish(puback.variable_header.packet_id)

    @override
    async def handle_disconnect(self, disconnect: DisconnectPacket | None) -> None:
        if not self.ended.done():
            self.ended.set_result(disconnect)

    @override
    async def handle_connect(self, connect: object) -> None:
        await self.handle_disconnect(None)  # a second CONNECT on one connection is an offence: MQTT-3.1.0-2

    async def send_parcels(self, outbox: Outbox) -> None:
        """Send again what was under way, then what waits, until cancelled."""
        for number, parcel in list(outbox.under_way.items()):
            await self._send_parcel(number, parcel, is_repeated=True)
        while True:
            outbox.changed.clear()
            while (started := outbox.start_next()) is not None:
                await self._send_parcel(*started, is_repeated=False)
            await outbox.changed.wait()

    async def _send_parcel(self, number: int, parcel: Parcel, *, is_repeated: bool) -> None:
        packet = PublishPacket.build(
            parcel.topic, parcel.payload, number or None, is_repeated, parcel.qos, parcel.is_retained
        )
        await self._send_packet(packet)


class PatientBroker(Broker):  # type: ignore[misc]  # amqtt ships no types
    """amqtt's broker with deliveries that survive connections."""

    @override
    async def _authenticate(self, session: Session, _: object) -> bool:
        return True

    @override
    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[PatientHandler, Session]:
        try:
            async with asyncio.timeout(CONNECT_S):
                connect, level = await _read_connect(reader)
            if level != MQTT_3_1_1:
                # amqtt would wait for ever inside the properties of an MQTT 5 CONNECT; a client on "auto" needs this answer.
                writer.write(UNACCEPTABLE_VERSION)
                msg = f"protocol level {level}"
                raise MQTTError(msg)
        except (MQTTError, TimeoutError, asyncio.IncompleteReadError) as error:
            await writer.close()
            raise MQTTError(str(error)) from error
        replay = BufferReader(connect)
        _, session = await super()._initialize_client_session(replay, writer, remote_address, remote_port)
        return PatientHandler(self.plugins_manager), session

    @override
    async def _publish_session_retained_messages(self, session: Session) -> None:
        """Nothing is kept there: the outbox has it."""

    @override
    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Retained messages go out with a subscription only, never again with a connect (MQTT-3.3.1-6)."""
        handler = self._get_handler(session)
        if handler is None or not handler.is_settled:
            return
        wanted, qos = subscription
        for topic, retained in self._retained_messages.items():
            if self._matches(topic, wanted):
                self._post(session, Parcel(topic, bytes(retained.data), min(qos, retained.qos or 0), is_retained=True))

    @override
    async def _run_broadcast(self, running_tasks: object) -> None:
        broadcast = await self._broadcast_queue.get()
        topic, payload = broadcast["topic"], bytes(broadcast["data"] or b"")
        for wanted, subscribers in self._subscriptions.items():
            if not self._matches(topic, wanted):
                continue
            for session, qos in subscribers:
                if session.transitions.is_connected() or (qos > 0 and not session.clean_session):
                    self._post(session, Parcel(topic, payload, min(qos, 1)))

    def _post(self, session: Session, parcel: Parcel) -> None:
        if not outbox_of(session).put(parcel):
            log.warning("broker.outbox.full", extra={"client": session.client_id, "topic": parcel.topic})

    @override
    async def _client_message_loop(self, client_session: Session, handler: PatientHandler) -> None:
        session = client_session
        if not session.transitions.is_connected():
            session.transitions.connect()  # the older connection of a client that came twice has just ended
        will = _will_of(session)
        handler.is_settled = True
        async with asyncio.TaskGroup() as group:
            helpers = (
                group.create_task(handler.send_parcels(outbox_of(session))),
                group.create_task(self._answer_subscriptions(session, handler)),
                group.create_task(self._answer_unsubscriptions(session, handler)),
            )
            group.create_task(self._pass_on(session, handler))
            farewell = await handler.ended
            for helper in helpers:
                helper.cancel()
            handler.arrived.put_nowait(None)
        await self._part(session, handler, will if farewell is None else None)

    async def _answer_subscriptions(self, session: Session, handler: PatientHandler) -> None:
        while True:
            asked = await handler.get_next_pending_subscription()
            await self._handle_subscription(session, handler, _settled(asked))

    async def _answer_unsubscriptions(self, session: Session, handler: PatientHandler) -> None:
        while True:
            asked = await handler.get_next_pending_unsubscription()
            await self._handle_unsubscription(session, handler, _settled(asked))

    async def _pass_on(self, session: Session, handler: PatientHandler) -> None:
        while (message := await handler.arrived.get()) is not None:
            if not await self._handle_message_delivery(session, handler, _settled(message)):
                await handler.handle_disconnect(None)

    async def _part(self, session: Session, handler: PatientHandler, will: Will | None) -> None:
        if will is not None:
            await self._broadcast_message(session, will.topic, will.payload, will.qos)
            if will.is_retained:
                await self.retain_message(session, will.topic, will.payload, will.qos)
        await self._stop_handler(handler)
        if self._get_handler(session) is handler:
            session.transitions.disconnect()


async def _read_connect(reader: ReaderAdapter) -> tuple[bytes, int]:
    """The whole first packet and its protocol level. Raises `MQTTError` when it is no CONNECT."""
    head = await reader.read(1)
    length, shift, byte = 0, 0, 0x80
    while byte >= 0x80 and shift < LENGTH_BITS_MAX:
        byte = (await reader.read(1))[0]
        head += bytes([byte])
        length |= (byte & 0x7F) << shift
        shift += 7
    if head[:1] != CONNECT_HEAD or not CONNECT_MIN <= length <= CONNECT_MAX:
        msg = "the first packet is no CONNECT"
        raise MQTTError(msg)
    body = await reader.read(length)
    return head + body, body[LEVEL_AT]


def _will_of(session: Session) -> Will | None:
    if not session.will_flag or session.will_topic is None:
        return None
    return Will(
        session.will_topic, bytes(session.will_message or b""), session.will_qos or 0, bool(session.will_retain)
    )


def _settled(result: object) -> asyncio.Future[object]:
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future


async def serve(port: int, ready_file: Path | None) -> None:
    """Serve until SIGTERM or SIGINT. Raises `amqtt.errors.BrokerError` when the port is taken."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    broker = PatientBroker({"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": {}})
    await broker.start()
    line = f"{_READY} 127.0.0.1:{port}\n"
    sys.stdout.write(line)
    sys.stdout.flush()
    if ready_file is not None:
        await asyncio.to_thread(ready_file.write_text, line)
    await stop.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SHUTDOWN_S):
            await broker.shutdown()


def main(arguments: list[str] | None = None) -> int:
    """Run the program; 1 when the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m gateway.runtime.broker", description="Embedded MQTT 3.1.1 broker.")
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1")
    parser.add_argument("--ready-file", type=Path, help="written when the broker takes connections")
    parser.add_argument("--log-level", default="ERROR", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if options.log_level == "ERROR":
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)  # it prints a trace for what we say in one line
    try:
        asyncio.run(serve(options.port, options.ready_file))
    except Exception as error:  # noqa: BLE001 - the top of a program: one line instead of a trace
        sys.stderr.write(f"broker: cannot serve on port {options.port}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
