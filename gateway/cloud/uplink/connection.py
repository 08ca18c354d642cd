"""One connection to a real broker: the only door to paho.

Theory of operation. Every connection is a new paho client, with its own thread and `reconnect_on_failure=False`: paho's own
reconnection has no jitter and keeps state that we keep better (the journal and the inbox). So a connection, its packet
numbers and its unacknowledged messages begin and end together, and nothing can be acknowledged on the wrong one. paho's
callbacks run in its thread and only hand over to the event loop. The session is never thrown away (`clean_start=False` is said every
time: paho's default throws it away at the first connect of a process).
"""

import asyncio
import contextlib
import logging
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import override

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.cloud.broker_settings import BrokerSettings, Protocol, refusal_sentence, trouble_sentence
from gateway.cloud.link import (
    IN_FLIGHT_MAX,
    QOS,
    LinkDown,
    Message,
    NotTaken,
    Outgoing,
    PayloadTooLarge,
)
from gateway.cloud.strict_json import PAYLOAD_MAX

log = logging.getLogger(__name__)

SESSION_EXPIRY_S = 90 * 24 * 3600
"""How long an MQTT 5 broker keeps our session: a season offline. What it forgets, the contract heals (C3, C4)."""

PACKET_MAX = 131_072
"""Largest packet we accept, announced to MQTT 5 brokers: the limit of the big clouds. MQTT 3.1.1 has no word for it, so it is
enforced as well."""

ENVELOPE_MAX = 1024
"""Room for topic and properties inside a packet of a broker's maximum size."""

CONNACK_TIMEOUT_S = 20.0
ACKNOWLEDGE_TIMEOUT_S = 30.0
"""How long a broker may keep a SUBACK or PUBACK; a longer silence is a dead connection, whatever TCP says."""

GOODBYE_TIMEOUT_S = 2.0
INBOUND_MAX = 100
"""Messages between paho's thread and the reception: 4.8 MB at the largest payload. When full, paho's thread stops reading,
so that TCP holds the rest on brokers without a receive maximum."""

INBOUND_PATIENCE_S = 20.0
"""How long paho's thread may stand still when that is full; below the keep-alive, so that the broker does not hang up."""

_RETAIN_NOT_SUPPORTED = 154
_BUSY = frozenset({3, 136, 137, 151, 159})
"""Server unavailable or busy, quota exceeded, connection rate exceeded (MQTT 5 table 2-6; 3 is MQTT 3.1.1's)."""


class VersionRefused(LinkDown):
    """The broker does not speak this MQTT version, or hung up on it without a word."""


class RetainRefused(LinkDown):
    """The broker keeps no retained messages, and must not let in whoever asks for one in a will (MQTT-3.2.2-13)."""


_REFUSALS: Mapping[int, type[LinkDown]] = {132: VersionRefused, _RETAIN_NOT_SUPPORTED: RetainRefused}
"""Reason codes of a CONNACK after which another CONNECT may be taken (MQTT 5 table 2-6)."""


class _BoundedClient(paho.Client):
    """A client that ends its connection rather than read a packet above `PACKET_MAX`.

    paho reads every packet into memory as a whole, up to the 256 MB that MQTT allows, and the daemon has less in all.
    """

    refused_bytes = 0
    """How long the packet was that was not read; 0 when there was none."""

    @override
    def _sock_recv(self, bufsize: int) -> bytes:
        # paho asks first for all that the packet's head tells; there is no public place between the head and the rest.
        if bufsize > PACKET_MAX:
            self.refused_bytes = bufsize
            msg = "the packet is too large"
            raise ConnectionError(msg)
        return super()._sock_recv(bufsize)


class PahoConnection:
    """One paho client from CONNECT to its end; a `Connection`."""

    def __init__(
        self, settings: BrokerSettings, protocol: Protocol, loop: asyncio.AbstractEventLoop, *, can_retain: bool = True
    ) -> None:
        """`can_retain` is false for a broker that is known to keep no retained messages."""
        self.can_retain = can_retain
        self._settings = settings
        self._protocol = protocol
        self._loop = loop
        self.has_session = False
        self.window = IN_FLIGHT_MAX
        self._payload_max = PAYLOAD_MAX
        self._down: LinkDown | None = None
        self._is_closing = False
        self._is_abandoned = False
        self._connack: asyncio.Future[None] = loop.create_future()
        self._suback: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._unacknowledged: dict[int, tuple[asyncio.Future[None], asyncio.TimerHandle]] = {}
        self._inbound: asyncio.Queue[Message | None] = asyncio.Queue()
        self._room = threading.Semaphore(INBOUND_MAX)
        self._arrived: deque[tuple[int, int]] = deque()
        self._finished: set[int] = set()
        self._count = 0
        self._client = self._make_client()

    @property
    def protocol(self) -> str:
        """The MQTT version spoken."""
        return self._protocol.value

    def _make_client(self) -> _BoundedClient:
        is_v5 = self._protocol is Protocol.V5
        client = _BoundedClient(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.client_id,
            clean_session=None if is_v5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if is_v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_inflight_messages_set(IN_FLIGHT_MAX)
        client.connect_timeout = self._settings.connect_timeout_s
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, self._settings.password)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    async def open(self, will: Outgoing | None, listen_to: str) -> None:
        """Connect and ask for the subscription. Raises `LinkDown`."""
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=QOS, retain=will.is_retained and self.can_retain)
        trouble: str | None = None
        try:
            await asyncio.to_thread(self._dial)
        except (OSError, ValueError) as error:
            trouble = trouble_sentence(self._settings, error)
        if trouble is not None:
            # Outside the handler: the error's traceback would keep paho's half-made socket open for the whole back-off.
            raise LinkDown(trouble, was_sent=False)
        self._client.loop_start()
        try:
            async with asyncio.timeout(CONNACK_TIMEOUT_S):
                await self._connack
        except TimeoutError:
            cause = f"{self._settings.address} takes connections but does not answer as an MQTT broker: check the port"
            raise LinkDown(cause) from None
        result, _ = self._client.subscribe(listen_to, qos=QOS)
        if result is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkDown(f"{self._settings.address} hung up right after the connect; trying again")
        timer = self._loop.call_later(ACKNOWLEDGE_TIMEOUT_S, self._silent, "the subscription")
        self._suback.add_done_callback(lambda _: timer.cancel())

    def _dial(self) -> None:
        """Make the TCP and TLS connection and send CONNECT; runs in a thread of its own."""
        if self._settings.tls is not None:
            self._client.tls_set_context(self._settings.tls.context())
        properties = None
        if self._protocol is Protocol.V5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            properties.ReceiveMaximum = IN_FLIGHT_MAX
            properties.MaximumPacketSize = PACKET_MAX
        self._client.connect(
            self._settings.host,
            self._settings.port,
            keepalive=self._settings.keepalive_s,
            clean_start=False if self._protocol is Protocol.V5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
        )
        if self._is_closing:
            self._cut()

    async def ready(self) -> None:
        """See `Connection.ready`."""
        await asyncio.shield(self._suback)

    async def messages(self) -> AsyncIterator[Message]:
        """See `Connection.messages`."""
        while (message := await self._inbound.get()) is not None:
            self._room.release()
            yield message
        raise self._down or LinkDown("closed")

    def acknowledge(self, message: Message) -> None:
        """See `Connection.acknowledge`."""
        if self._down is not None:
            return
        self._finished.add(message.number)
        while self._arrived and self._arrived[0][0] in self._finished:
            number, mid = self._arrived.popleft()
            self._finished.discard(number)
            self._client.ack(mid, QOS)

    def publish(self, topic: str, payload: bytes, *, is_retained: bool = False) -> asyncio.Future[None]:
        """See `Connection.publish`."""
        if len(payload) > self._payload_max:
            msg = f"{len(payload)} bytes for {topic}, the limit is {self._payload_max}"
            raise PayloadTooLarge(msg)
        future: asyncio.Future[None] = self._loop.create_future()
        if self._down is not None:
            _fail(future, self._down)
            return future
        handed = self._client.publish(topic, payload, qos=QOS, retain=is_retained and self.can_retain)
        if handed.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            _fail(future, LinkDown("the connection broke while sending; trying again"))
            return future
        timer = self._loop.call_later(ACKNOWLEDGE_TIMEOUT_S, self._silent, "a message")
        self._unacknowledged[handed.mid] = (future, timer)
        return future

    def abandon(self) -> None:
        """See `Connection.abandon`."""
        self._is_abandoned = True

    async def say_goodbye(self) -> None:
        """End with DISCONNECT, unless abandoned: the broker drops the last will."""
        if self._down is None and not self._is_abandoned:
            self._client.disconnect()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                    await asyncio.shield(self._ended)
        await self.hang_up("closed by us")

    async def hang_up(self, cause: str) -> None:
        """End without a word: the broker publishes the last will."""
        self._is_closing = True
        self._end(LinkDown(cause))
        self._room.release()
        self._cut()
        await asyncio.to_thread(self._client.loop_stop)
        # paho 2.2 closes the pair of sockets that wakes its thread only when it is collected, and nobody knows when that is.
        self._client._reset_sockets()  # noqa: SLF001  # no public call does it alone

    def _cut(self) -> None:
        """Shut the socket, which ends paho's thread."""
        wire = self._client.socket()
        if isinstance(wire, socket.socket):
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    # Below: in the event loop, called by what paho's thread hands over.

    def _end(self, down: LinkDown) -> None:
        if self._down is not None:
            return
        self._down = down
        for future in (self._connack, self._suback):
            if not future.done():
                _fail(future, down)
        for future, timer in self._unacknowledged.values():
            timer.cancel()
            if not future.done():
                _fail(future, down)
        self._unacknowledged.clear()
        self._inbound.put_nowait(None)

    def _silent(self, subject: str) -> None:
        cause = (
            f"{self._settings.address} did not acknowledge {subject} for {ACKNOWLEDGE_TIMEOUT_S:.0f} s; trying again"
        )
        self._end(LinkDown(cause))

    def _connected(self, reason: ReasonCode, properties: Properties | None, *, has_session: bool) -> None:
        if self._connack.done():
            return
        if reason.is_failure:
            cause = refusal_sentence(self._settings, reason.value, str(reason))
            kind = _REFUSALS.get(reason.value, LinkDown)
            self._end(kind(cause, is_busy=reason.value in _BUSY))
            return
        self.has_session = has_session
        self.window = min(IN_FLIGHT_MAX, getattr(properties, "ReceiveMaximum", IN_FLIGHT_MAX))
        self._payload_max = min(PAYLOAD_MAX, getattr(properties, "MaximumPacketSize", PACKET_MAX) - ENVELOPE_MAX)
        self.can_retain = self.can_retain and getattr(properties, "RetainAvailable", 1) == 1
        self._connack.set_result(None)

    def _disconnected(self, reason: ReasonCode) -> None:
        if not self._ended.done():
            self._ended.set_result(None)
        if not self._connack.done():
            cause = f"{self._settings.address} hung up before answering the connect: check port, TLS and credentials"
            self._end(VersionRefused(cause))
        elif self._client.refused_bytes:
            size = f"a message of {self._client.refused_bytes} bytes"
            self._end(LinkDown(f"{self._settings.address} holds {size} for this hub: remove it there"))
        else:
            # Whoever overlooked what CONNACK says of retaining may be told so at the message (MQTT 5, 3.14.2.1).
            self.can_retain = self.can_retain and reason.value != _RETAIN_NOT_SUPPORTED
            cause = refusal_sentence(self._settings, reason.value, str(reason))
            self._end(LinkDown(cause, is_busy=reason.value in _BUSY))

    def _subscribed(self, reasons: list[ReasonCode]) -> None:
        if self._suback.done():
            return
        if any(reason.is_failure for reason in reasons):
            self._end(LinkDown(f"{self._settings.address} refuses our subscription: allow this client its own topics"))
        else:
            self._suback.set_result(None)

    def _published(self, mid: int, reason: ReasonCode) -> None:
        future, timer = self._unacknowledged.pop(mid, (None, None))
        if future is None or timer is None:
            return
        timer.cancel()
        if future.done():
            return
        if reason.is_failure:
            _fail(future, NotTaken(str(reason)))
        else:
            future.set_result(None)

    def _take(self, message: Message, mid: int, qos: int) -> None:
        if qos > 0:
            self._arrived.append((message.number, mid))
        self._inbound.put_nowait(message)

    # Below: paho's callbacks, in paho's thread.

    def _hand_over[**P](self, function: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(lambda: function(*arguments, **named))

    def _on_connect(
        self,
        _client: object,
        _user: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._hand_over(self._connected, reason, properties, has_session=flags.session_present)

    def _on_disconnect(self, _client: object, _user: object, _flags: object, reason: ReasonCode, _more: object) -> None:
        self._hand_over(self._disconnected, reason)

    def _on_subscribe(
        self, _client: object, _user: object, _mid: int, reasons: list[ReasonCode], _more: object
    ) -> None:
        self._hand_over(self._subscribed, reasons)

    def _on_publish(self, _client: object, _user: object, mid: int, reason: ReasonCode, _more: object) -> None:
        self._hand_over(self._published, mid, reason)

    def _on_message(self, _client: object, _user: object, arrived: paho.MQTTMessage) -> None:
        if not self._room.acquire(timeout=INBOUND_PATIENCE_S):
            self._hand_over(self._end, LinkDown("orders come faster than they can be stored; connecting anew"))
            return
        if self._is_closing:
            return
        self._count += 1
        try:
            topic = arrived.topic
        except UnicodeDecodeError:
            topic = ""  # a topic that is no UTF-8 is none of ours; it still has to be acknowledged
        message = Message(topic, bytes(arrived.payload), arrived.retain, self._count)
        self._hand_over(self._take, message, arrived.mid, arrived.qos)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    """Fail a future that perhaps nobody awaits any more; reading the exception keeps asyncio from complaining."""
    future.set_exception(error)
    future.exception()
