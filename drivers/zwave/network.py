"""Locks join and leave: inclusion with S2, SmartStart, exclusion, and striking off a lock that is gone.

Theory. One task at a time, begun by a person at the shell and told as a story of sentences. The task runs in the driver, not in the
shell's session, because a person walks to the door meanwhile. It belongs to one life of the connection: when that ends, so does the
task. Events of the controller are gathered in a queue from before the first command, so that none is missed.
What a task opened is closed by `openings.py`, if not in this life then in the next.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, override

from zwave_js_server.const import InclusionStrategy, SecurityClass
from zwave_js_server.model.controller import Controller
from zwave_js_server.model.controller.inclusion_and_provisioning import InclusionGrant, ProvisioningEntry
from zwave_js_server.model.node import Node

from drivers.zwave.failures import CallFailed
from drivers.zwave.joining import PIN_DIGITS, SECURITY_WORDS, STRONG, fits, granted, is_whole, read_key
from drivers.zwave.node_trouble import is_keypad_lock
from drivers.zwave.openings import Openings, Told
from drivers.zwave.roster import Roster
from drivers.zwave.session import CALL_TIMEOUT_S, ask
from gateway.model.failures import Busy, Part, Unreachable, Unsupported
from gateway.model.ids import LockId
from gateway.model.network import NetworkOutcome, NetworkStory, NetworkTask, NetworkWish, Newcomer
from gateway.ports import NetworkPort

log = logging.getLogger(__name__)

JOIN_S: Final = 120.0
"""How long the stick listens for a lock. A person walks to a door and presses a button; Z-Wave JS itself never stops."""

SECURE_S: Final = 60.0
"""From "found" to "added". S2 takes 2 s in our measurement; the class gives a lock 4 minutes for a person to type (CC:009F), which we
do not need, because the PIN is asked for before."""

SMART_START_S: Final = 600.0
"""How long a task waits for an expected lock. A lock asks for ten minutes after power-on, at growing distances."""

INTERVIEW_S: Final = 300.0
"""From "added" to "ready". 1 to 4 s in our measurement; 250 slots of an S0 lock, one by one, take minutes."""

BUSY_RETRY_MS: Final = 5_000
"""When to ask again for another task; most end sooner, all within `SMART_START_S` and `INTERVIEW_S`."""

EVENTS_MAX: Final = 64
"""Events of one task that wait to be read; a join makes six."""

_EVENTS: Final = (
    "node found",
    "node added",
    "node removed",
    "grant security classes",
    "validate dsk and enter pin",
    "inclusion failed",
    "inclusion aborted",
    "exclusion failed",
)

_NOBODY_CAME: Final = "No lock came: bring it closer to the stick, press its button again, and try again. A lock that joined before is excluded first."
_NOT_JOINED: Final = "The lock did not join: bring it closer to the stick, and check its key."

type Event = Mapping[str, object]


class Network(NetworkPort):
    """The tasks of one driver, for the locks of its roster."""

    def __init__(self, roster: Roster) -> None:
        """Nothing was asked yet."""
        self._roster = roster
        self._controller: Controller | None = None
        self._wish: NetworkWish | None = None
        self._asked = asyncio.Event()
        self._story: NetworkStory | None = None
        self._news = asyncio.Event()
        self._openings = Openings()

    @override
    async def begin(self, wish: NetworkWish) -> None:
        """Start a task, see `NetworkPort`."""
        check(wish)
        if self._controller is None:
            raise Unreachable(Part.SERVER, "not connected to the Z-Wave server")
        if self._wish is not None:
            raise Busy(BUSY_RETRY_MS, "another lock is just joining or leaving")
        self._wish = wish
        self._story = NetworkStory(wish.task, NetworkOutcome.RUNNING, ())
        self._asked.set()

    @override
    def story(self) -> NetworkStory | None:
        """The last task."""
        return self._story

    @override
    async def wait_for_news(self, line_count: int) -> None:
        """Return when there is something new to read."""
        while (story := self._story) is not None:
            if story.outcome is not NetworkOutcome.RUNNING or len(story.lines) != line_count:
                return
            self._news.clear()
            await self._news.wait()

    async def serve(self, controller: Controller, *, is_ours: bool = True) -> None:
        """Carry out what is asked, for one life of the connection; until cancelled.

        First closes what an earlier life left open, unless the network is not the hub's (`is_ours`), which nothing is sent to.
        """
        self._controller = controller
        try:
            if is_ours:
                await self._openings.close_all(controller)
            while True:
                await self._asked.wait()
                self._asked.clear()
                if self._wish is not None:
                    await self._carry_out(controller, self._wish)
                    self._wish = None
        finally:
            self._controller = None
            if self._wish is not None:
                self._wish = None
                self._end(
                    NetworkOutcome.FAILED,
                    "The connection to the Z-Wave server broke: look what became of it, try again.",
                )

    async def _carry_out(self, controller: Controller, wish: NetworkWish) -> None:
        with _gathered(controller) as events:
            try:
                match wish.task:
                    case NetworkTask.INCLUDE:
                        await self._include(controller, wish, events)
                    case NetworkTask.PROVISION:
                        await self._provision(controller, wish, events)
                    case NetworkTask.EXCLUDE:
                        await self._exclude(controller, events)
                    case NetworkTask.REMOVE_FAILED:
                        await self._remove_failed(controller, wish, events)
            except Told as told:
                self._end(NetworkOutcome.FAILED, str(told))
            except CallFailed as error:
                self._end(NetworkOutcome.FAILED, f"The Z-Wave server did not do it: {error.failure.cause}.")

    async def _include(self, controller: Controller, wish: NetworkWish, events: asyncio.Queue[Event]) -> None:
        if wish.is_forced:
            begun = controller.async_begin_inclusion(InclusionStrategy.DEFAULT)
        else:
            begun = controller.async_begin_inclusion(InclusionStrategy.SECURITY_S2)
        async with self._openings.listening(begun, controller.async_stop_inclusion):
            self._say(f"The stick listens for {JOIN_S:.0f} s: put the lock into its joining (inclusion) mode now.")
            await self._follow(controller, wish, events, JOIN_S)

    async def _provision(self, controller: Controller, wish: NetworkWish, events: asyncio.Queue[Event]) -> None:
        key = read_key(wish.key or "")
        if key is None or not is_whole(key):
            raise Told("SmartStart needs the whole key: 40 digits in eight groups, as printed on the lock.")
        entry = ProvisioningEntry(key, list(STRONG))
        async with self._openings.expecting(controller, entry):
            self._say(
                f"The lock is expected. Give it power now: it joins by itself within {SMART_START_S / 60:.0f} minutes."
            )
            await self._follow(controller, wish, events, SMART_START_S)

    async def _follow(
        self, controller: Controller, wish: NetworkWish, events: asyncio.Queue[Event], patience_s: float
    ) -> None:
        limit_s, remedy = patience_s, _NOBODY_CAME
        is_found = is_aborted = False
        while True:
            event = await _next(events, limit_s, remedy)
            name = event.get("event")
            if not is_found and name not in {"node found", "inclusion failed"}:
                # The end of an earlier joining, told late: its lock is not the one that is awaited now.
                continue
            match name:
                case "node found":
                    self._say("A device answers; keys are exchanged.")
                    limit_s, remedy, is_found = (
                        SECURE_S,
                        "It did not finish joining: exclude it, then include it again.",
                        True,
                    )
                case "grant security classes":
                    await self._grant(controller, wish, event)
                case "validate dsk and enter pin":
                    await self._prove(controller, wish, event)
                case "node added" if is_aborted:
                    raise Told(_unused(_node_of(event).node_id, "without its keys"))
                case "node added":
                    await self._welcome(wish, _node_of(event), is_low=_is_low(event))
                    return
                case "inclusion aborted":
                    # Only the keys were refused: Z-Wave JS goes on to add the device, and takes no other task before that.
                    is_aborted, remedy = True, _NOT_JOINED
                case "inclusion failed":
                    raise Told(_NOT_JOINED)
                case "node removed" if is_aborted:
                    # So ends SmartStart without keys.
                    raise Told(_NOT_JOINED)
                case _:
                    continue

    async def _grant(self, controller: Controller, wish: NetworkWish, event: Event) -> None:
        asked = event.get("requested_grant")
        assert isinstance(asked, InclusionGrant), "the client library puts it there"
        classes = granted(asked.security_classes, has_key=wish.key is not None, is_forced=wish.is_forced)
        if not classes:
            words = ", ".join(SECURITY_WORDS[security] for security in asked.security_classes)
            self._say(f"It asks for {words} only, which is not enough for a lock.")
        await ask(
            controller.async_grant_security_classes(InclusionGrant(classes, client_side_auth=False)), CALL_TIMEOUT_S
        )

    async def _prove(self, controller: Controller, wish: NetworkWish, event: Event) -> None:
        told, key = str(event.get("dsk", "")), read_key(wish.key or "")
        if key is None or not fits(key, told):
            self._say(f"The device says that the rest of its key is {told}: that is not the lock of the key you typed.")
            # No PIN at all is a no; Z-Wave JS's own call for giving up does nothing while it waits for the PIN (15.29).
            key = ""
        await ask(controller.async_validate_dsk_and_enter_pin(key[:PIN_DIGITS]), CALL_TIMEOUT_S)

    async def _welcome(self, wish: NetworkWish, node: Node, *, is_low: bool) -> None:
        if is_low and not wish.is_forced:
            # Such a lock may not even answer the interview, so nobody waits for it.
            raise Told(_unused(node.node_id, "without its keys"))
        self._say(f"It joined as node {node.node_id}; the hub asks it what it can do.")
        ready = asyncio.Event()
        stop = node.on("ready", lambda _: ready.set())
        try:
            async with asyncio.timeout(INTERVIEW_S):
                while not node.ready:
                    await ready.wait()
        except TimeoutError:
            raise Told(
                f"Node {node.node_id} joined but does not tell what it is: bring it closer, then exclude it."
            ) from None
        finally:
            stop()
        found = node.highest_security_class
        security = SecurityClass.NONE if found is None else found
        words = SECURITY_WORDS.get(security, "unknown security")
        if security not in STRONG and not wish.is_forced:
            raise Told(_unused(node.node_id, f"with {words}"))
        if not is_keypad_lock(node):
            raise Told(f"Node {node.node_id} ({words}) keeps no PINs: it is no keypad lock. Exclude it.")
        label = f"{node.device_config.manufacturer or ''} {node.label or node.device_config.label or 'lock'}".strip()
        newcomer = Newcomer({"node": node.node_id}, label, words, wish.name)
        warning = "" if security in STRONG else " Its radio can be listened to and imitated: replace it when you can."
        self._say(f"{label} is node {node.node_id}, with {words}.{warning}")
        known = self._roster.at(node.node_id) or await self._roster.welcome(newcomer)
        if known is None:
            self._end(NetworkOutcome.DONE, "The hub does not know it yet: it stands in no configuration.", newcomer)
        else:
            line = f"It is the hub's lock “{known.name}” ({known.lock_id}) now, and takes codes."
            self._end(NetworkOutcome.DONE, line, newcomer, known.lock_id)

    async def _exclude(self, controller: Controller, events: asyncio.Queue[Event]) -> None:
        async with self._openings.listening(controller.async_begin_exclusion(), controller.async_stop_exclusion):
            self._say(f"The stick listens for {JOIN_S:.0f} s: put the lock into its leaving (exclusion) mode now.")
            number = await _removed(events, JOIN_S, "No device left: bring it closer to the stick, and try again.")
        self._end(NetworkOutcome.DONE, await self._farewell(number, "has left"))

    async def _remove_failed(self, controller: Controller, wish: NetworkWish, events: asyncio.Queue[Event]) -> None:
        number = None if wish.lock_id is None else self._roster.node_of(wish.lock_id)
        if number is None:
            raise Told("That lock is not in this network.")
        node = controller.nodes.get(number)
        if node is None:
            self._end(NetworkOutcome.DONE, await self._farewell(number, "is not in this network any more"))
            return
        self._say(f"The stick tries node {number} a last time.")
        try:
            await ask(controller.async_remove_failed_node(node), CALL_TIMEOUT_S)
        except CallFailed as error:
            raise Told(
                f"Node {number} stays: {error.failure.cause}. A lock that still answers is excluded instead; one that is gone "
                "must be without power."
            ) from None
        await _removed(events, SECURE_S, f"The stick did not say that node {number} is gone: try again.")
        self._end(NetworkOutcome.DONE, await self._farewell(number, "is struck off"))

    async def _farewell(self, number: int, how: str) -> str:
        """The last line about a device that is gone, and the hub's list without it."""
        known = self._roster.at(number)
        if known is None:
            return f"Node {number} {how}."
        if await self._roster.dismiss(known.lock_id):
            return f"Node {number} {how}: “{known.name}” is no lock of this hub any more."
        return f"Node {number} {how}: take “{known.name}” out of the hub's configuration."

    def _say(self, line: str) -> None:
        assert self._story is not None, "a task has a story"
        self._story = replace(self._story, lines=(*self._story.lines, line))
        log.info("network.step", extra={"task": self._story.task.value, "line": len(self._story.lines)})
        self._news.set()

    def _end(
        self, outcome: NetworkOutcome, line: str, newcomer: Newcomer | None = None, lock_id: LockId | None = None
    ) -> None:
        self._say(line)
        assert self._story is not None, "a task has a story"
        self._story = replace(self._story, outcome=outcome, newcomer=newcomer, lock_id=lock_id)
        log.info("network.task.ended", extra={"task": self._story.task.value, "outcome": outcome.value})


def check(wish: NetworkWish) -> None:
    """Whether a wish can be meant at all. Raises `Unsupported` with what is wrong."""
    needs_key = wish.task is NetworkTask.PROVISION or (wish.task is NetworkTask.INCLUDE and not wish.is_forced)
    if needs_key and read_key(wish.key or "") is None:
        msg = "the key is five digits (its PIN), or 40 digits in eight groups, none above 65535, as printed on the lock"
        raise Unsupported(msg)


def _node_of(event: Event) -> Node:
    node = event.get("node")
    assert isinstance(node, Node), "the client library puts it there"
    return node


def _is_low(event: Event) -> bool:
    result = event.get("result")
    return isinstance(result, Mapping) and result.get("lowSecurity") is True


def _unused(number: int, how: str) -> str:
    return (
        f"Node {number} joined {how} and is not used: exclude it, then include it again. Was the key right? A lock that can do "
        "no better needs --force, and whoever listens while it joins can open it."
    )


@contextmanager
def _gathered(controller: Controller) -> Iterator[asyncio.Queue[Event]]:
    events: asyncio.Queue[Event] = asyncio.Queue(EVENTS_MAX)

    def keep(event: Event) -> None:
        if events.full():
            events.get_nowait()
        events.put_nowait(event)

    unsubscribe = [controller.on(name, keep) for name in _EVENTS]
    try:
        yield events
    finally:
        for stop in unsubscribe:
            stop()


async def _next(events: asyncio.Queue[Event], limit_s: float, remedy: str) -> Event:
    try:
        async with asyncio.timeout(limit_s):
            return await events.get()
    except TimeoutError:
        raise Told(remedy) from None


async def _removed(events: asyncio.Queue[Event], limit_s: float, remedy: str) -> int:
    while True:
        event = await _next(events, limit_s, remedy)
        node = event.get("node")
        if event.get("event") == "node removed" and isinstance(node, Node):
            return node.node_id
        if event.get("event") == "exclusion failed":
            raise Told(remedy)
