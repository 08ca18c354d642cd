"""The other side of the contract: a small cloud for the demo, for tests, and as a model for cloud developers.

It shows what a cloud has to do, and no more: repeat an order until the hub's own `command.received` names it (a broker's
acknowledgement proves nothing), ask the hub to resume when it has come itself, take events by epoch and sequence number, each
once and without gaps, and send cumulative receipts. It keeps its state in memory; a real cloud keeps orders and the last receipted number in its database.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping

from gateway.cloud import topics
from gateway.cloud.backoff import Backoff, Pace
from gateway.cloud.link import Connection, Link, LinkDown, Message
from gateway.cloud.report import (
    CloudEvent,
    EventReceipt,
    Presence,
    decode_event,
    decode_presence,
    encode_order,
    encode_receipt,
    encode_resume,
)
from gateway.model.events import EventKind, Fact
from gateway.model.ids import CommandId, HubId
from gateway.ports import Entropy

log = logging.getLogger(__name__)

REPEAT_S = 30.0
"""How long an order may stay without the hub's receipt before it is sent again; also at every connect, of either side."""

FINAL = frozenset({EventKind.COMMAND_REJECTED, EventKind.COMMAND_APPLIED, EventKind.COMMAND_FAILED})
"""Exactly one of these ends an order (C2)."""


class Counterpart:
    """A cloud that has one hub.

    `repeat_s` None trusts the broker with every order: only for tests that ask what a broker keeps.
    """

    def __init__(
        self,
        *,
        link: Link,
        hub_id: HubId,
        entropy: Entropy,
        pace: Pace | None = None,
        repeat_s: float | None = REPEAT_S,
        received_up_to: EventReceipt | None = None,
    ) -> None:
        self.events: list[CloudEvent] = []
        """Every event, each once, in the hub's order."""
        self.presence: Presence | None = None
        """The hub's newest birth or last will."""
        self.presences: list[Presence] = []
        """All of them, as they came."""
        self.is_receipting = True
        self.duplicate_count = 0
        self.gap_count = 0
        self.missed_count = 0
        """Events that were receipted in our name and will not come: by a cloud before us, or before a restore of our database."""
        self._link = link
        self._hub_id = hub_id
        self._entropy = entropy
        self._backoff = Backoff(pace or Pace(), entropy)
        self._repeat_s = repeat_s
        self._position = received_up_to
        self._receipted: EventReceipt | None = None
        self._unanswered: dict[CommandId, bytes] = {}
        self._raw: deque[tuple[str, bytes, bool, asyncio.Future[None]]] = deque()
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._is_connected = False
        self._sent: set[CommandId] = set()

    @property
    def is_connected(self) -> bool:
        """Whether this side is connected and subscribed."""
        return self._is_connected

    @property
    def is_hub_online(self) -> bool:
        """What birth and last will say about the hub."""
        return self.presence is not None and self.presence.is_online

    def order(self, kind: str, body: Mapping[str, Fact], command_id: str | None = None) -> CommandId:
        """Order something; it is sent, and sent again, until the hub has it. Returns its id."""
        chosen = CommandId(command_id or self._entropy.token(16).hex())
        self._unanswered[chosen] = encode_order(chosen, kind, body, self._hub_id)
        self._wake.set()
        return chosen

    async def send(self, payload: bytes, channel: topics.Down = topics.Down.CMD, *, is_retained: bool = False) -> None:
        """Send bytes as they are, once, and wait for the broker's acknowledgement. Raises `LinkDown`."""
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._raw.append((topics.down(self._hub_id, channel), payload, is_retained, sent))
        self._wake.set()
        await sent

    def receipt(self) -> None:
        """Send the receipt again that is due; after `is_receipting` was switched back on."""
        self._receipted = None
        self._wake.set()

    def answers(self, command_id: str) -> tuple[CloudEvent, ...]:
        """The events that answer one order, in order."""
        return tuple(
            event
            for event in self.events
            if event.kind.startswith("command.") and event.body.get("command_id") == command_id
        )

    def of_code(self, access_code_id: str) -> tuple[CloudEvent, ...]:
        """The events about one access code, in order."""
        return tuple(event for event in self.events if event.body.get("access_code_id") == access_code_id)

    async def ended(self, command_id: str, timeout_s: float) -> CloudEvent:
        """Wait for the one final answer of an order. Raises `TimeoutError`."""

        def final() -> list[CloudEvent]:
            return [event for event in self.answers(command_id) if event.kind in FINAL]

        await self.wait_for(lambda _: bool(final()), timeout_s)
        return final()[0]

    async def wait_for(self, is_met: Callable[["Counterpart"], bool], timeout_s: float) -> None:
        """Wait until the predicate holds for this cloud. Raises `TimeoutError` with what was seen last."""
        try:
            async with asyncio.timeout(timeout_s):
                while not is_met(self):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            tail = ", ".join(f"{event.seq} {event.kind}" for event in self.events[-8:]) or "no event"
            state = "online" if self.is_hub_online else "offline"
            at = "nowhere" if self._position is None else f"epoch {self._position.epoch}, {self._position.seq}"
            passed = f"{self.gap_count} beyond a gap, {self.duplicate_count} known ones, {self.missed_count} missed"
            msg = f"not seen within {timeout_s} s; the hub is {state}; last: {tail}; we stand at {at} ({passed})"
            raise TimeoutError(msg) from None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._live_once()
            except* LinkDown as downs:
                log.info("counterpart.link.down", extra={"cause": str(downs.exceptions[0])})
            self._is_connected = False
            self._changed.set()
            await asyncio.sleep(self._backoff.next_s())

    async def _live_once(self) -> None:
        async with (
            self._link.connect(will=None, listen_to=topics.all_up(self._hub_id)) as connection,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._listen(connection))
            group.create_task(self._speak(connection))

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.messages():
            try:
                self._take(message)
            except ValueError as error:
                log.warning("counterpart.message.refused", extra={"topic": message.topic, "cause": str(error)})
            connection.acknowledge(message)
            self._changed.set()

    def _take(self, message: Message) -> None:
        match topics.which_up(self._hub_id, message.topic):
            case topics.Up.EVT:
                self._take_event(decode_event(message.payload))
            case topics.Up.STATUS:
                self._take_presence(decode_presence(message.payload), is_kept=message.is_retained)
            case _:
                log.debug("counterpart.message.ignored", extra={"topic": message.topic})

    def _take_presence(self, heard: Presence, *, is_kept: bool) -> None:
        known = self.presence
        if known is not None and heard.epoch == known.epoch and heard.session < known.session:
            return  # a late will of an older connect
        if not heard.is_online and known is not None and heard.epoch != known.epoch:
            return  # the will of a database that is gone
        self.presence = heard
        self.presences.append(heard)
        if heard.is_online and self._repeat_s is not None:
            self._sent.clear()  # the hub has connected anew: its broker may have lost what waited for it
            self._wake.set()
        is_new_stream = self._position is None or self._position.epoch != heard.epoch
        if heard.is_online and is_new_stream and not is_kept:
            # A birth that comes live tells where the hub starts to send; a retained one may be long out of date.
            self._position = EventReceipt(heard.epoch, heard.acknowledged_seq)
        elif (
            heard.is_online
            and not is_kept
            and self._position is not None
            and heard.acknowledged_seq > self._position.seq
        ):
            self.missed_count += heard.acknowledged_seq - self._position.seq
            self._position = EventReceipt(heard.epoch, heard.acknowledged_seq)

    def _take_event(self, event: CloudEvent) -> None:
        position = self._position
        if position is None or event.epoch != position.epoch:
            return  # no birth has told where that stream begins, or it is of a database that is gone
        if event.seq <= position.seq:
            self.duplicate_count += 1
            self.receipt()
        elif event.seq > position.seq + 1:
            self.gap_count += 1  # not receipted, so the hub will repeat from the gap
        else:
            self._position = EventReceipt(event.epoch, event.seq)
            self.events.append(event)
            command_id = event.body.get("command_id")
            if event.kind == EventKind.COMMAND_RECEIVED and isinstance(command_id, str):
                self._unanswered.pop(CommandId(command_id), None)
            self._wake.set()

    async def _speak(self, connection: Connection) -> None:
        await connection.ready()
        self._is_connected = True
        self._backoff.reset()
        self._changed.set()
        self._receipted = None
        time = asyncio.get_running_loop().time
        self._sent.clear()
        under_way: deque[asyncio.Future[None]] = deque()
        repeat_at = None if self._repeat_s is None else time() + self._repeat_s
        receipt: asyncio.Future[None] | None = None
        is_resumed = False

        async def publish(topic: str, payload: bytes, *, is_retained: bool = False) -> asyncio.Future[None]:
            while len(under_way) >= connection.window:
                await under_way.popleft()
            published = connection.publish(topic, payload, is_retained=is_retained)
            under_way.append(published)
            return published

        while True:
            self._wake.clear()
            for command_id, payload in list(self._unanswered.items()):
                if command_id not in self._sent:
                    self._sent.add(command_id)
                    await publish(topics.down(self._hub_id, topics.Down.CMD), payload)
            while self._raw:
                topic, payload, is_retained, told = self._raw.popleft()
                _pass_on(await publish(topic, payload, is_retained=is_retained), told)
            if (receipt is None or receipt.done()) and (due := self._due_receipt()) is not None:
                receipt = await publish(topics.down(self._hub_id, topics.Down.ACK), encode_receipt(due))
                receipt.add_done_callback(self._wake_up)
            if not is_resumed:
                # After the receipt: what we have need not come again.
                await publish(topics.down(self._hub_id, topics.Down.ACK), encode_resume())
                is_resumed = True
            try:
                async with asyncio.timeout_at(repeat_at):
                    await self._wake.wait()
            except TimeoutError:
                self._sent.clear()
                repeat_at = None if self._repeat_s is None else time() + self._repeat_s

    def _due_receipt(self) -> EventReceipt | None:
        """The receipt to send now: one at a time is under way, so that a burst of events costs few receipts."""
        if not self.is_receipting or self._position == self._receipted:
            return None
        self._receipted = self._position
        return self._position

    def _wake_up(self, _: object) -> None:
        self._wake.set()


def _pass_on(published: asyncio.Future[None], told: asyncio.Future[None]) -> None:
    """Tell whoever waits for `told` how a publication ended."""

    def tell(done: asyncio.Future[None]) -> None:
        if told.done():
            return
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if error is None:
            told.set_result(None)
        else:
            told.set_exception(error)

    published.add_done_callback(tell)
