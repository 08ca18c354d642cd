"""The radio side of one lock: listens, decrypts, has commands executed, answers, and tells what the lock wants told.

Theory of operation. Three tasks share a lock's radio. *Listen* takes messages in order and executes each before the next. *Speak*
sends answers and notices in the order they were made, and gets a nonce first when none is agreed. *Mind time* lets the firmware do
what only time does. A Nonce Report that speak did not ask for means that the host could not read our last message: it is said once
more. Commands of secured classes are ignored unless they came under Security 2 (CL:0000); what the lock decides is all in its
firmware, this file only carries it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drivers.simulator.lock.firmware import Firmware, NoticeKind
from drivers.simulator.radio.cc.answer import Answer, CommandClass, Outcome
from drivers.simulator.radio.cc.association import Association, AssociationGroupInfo
from drivers.simulator.radio.cc.battery import Battery
from drivers.simulator.radio.cc.door_lock import DoorLock
from drivers.simulator.radio.cc.identity import DeviceResetLocally, ManufacturerSpecific, Version, ZWavePlusInfo
from drivers.simulator.radio.cc.names import BY_PROFILE_NAME, OPEN_CLASSES, ClassId, name_of
from drivers.simulator.radio.cc.notification import Notification
from drivers.simulator.radio.cc.registry import firmware_classes
from drivers.simulator.radio.cc.supervision import Sessions, open_envelope
from drivers.simulator.radio.cc.supervision import report as supervision_report
from drivers.simulator.radio.ether import Ether, Said
from drivers.simulator.radio.security.s2 import S2Endpoint, SecurityClass
from drivers.simulator.radio.trace import Aired
from drivers.simulator.stick.memory import STICK_NODE_ID

log = logging.getLogger(__name__)

INBOX_MAX = 64
"""Messages a lock holds unread; more are lost, and their sender gets no acknowledgement."""

OUTBOX_MAX = 128
"""Messages a lock holds unsent: its notices, and the answers of a full inbox."""

NONCE_TIMEOUT_S = 3.0
"""How long a lock waits for the nonce it asked for (SDS13783: the host answers within 10 s at most)."""

NONCE_ATTEMPTS_MAX = 3
"""How often a lock asks for a nonce before it gives a message up."""

REPEAT_WITHIN_S = 10.0
"""How long after a message the host may still say that it could not read it (SDS13783, nonce time-out)."""

BASIC_END_NODE = 0x04
GENERIC_ENTRY_CONTROL = 0x40
SPECIFIC_KEYPAD_LOCK = 0x03
"""Device classes of a keypad lock (SDS10242)."""

PROTOCOL = 0x01
NODE_INFO = b"\x01\x01"
NODE_INFO_REQUEST = b"\x01\x02"
"""Network layer commands: a lock says what it is when asked (G.9959 network layer)."""

COMMANDS_SUPPORTED_GET = bytes([ClassId.SECURITY_2, 0x0D])
COMMANDS_SUPPORTED_REPORT = bytes([ClassId.SECURITY_2, 0x0E])


@dataclass(frozen=True, slots=True)
class _Heard:
    payload: bytes = field(repr=False)
    aired: Aired


@dataclass(frozen=True, slots=True)
class _Saying:
    """A message to say; `security` None: in the clear."""

    plain: bytes = field(repr=False)
    security: SecurityClass | None


class LockNode:
    """One lock on the air."""

    def __init__(
        self,
        node_id: int,
        firmware: Firmware,
        *,
        endpoint: S2Endpoint,
        granted: SecurityClass,
        ether: Ether,
        now: Callable[[], float],
        on_change: Callable[[], None],
    ) -> None:
        """Join the air. `granted` is the highest class of the keys in `endpoint`; `on_change` runs after every lasting change."""
        self.firmware = firmware
        self.lost_count = 0
        """Messages the lock gave up for lack of a nonce or of room."""
        self._node_id = node_id
        self._endpoint = endpoint
        self._granted = granted
        self._ether = ether
        self._now = now
        self._on_change = on_change
        self._inbox: asyncio.Queue[_Heard] = asyncio.Queue(INBOX_MAX)
        self._outbox: asyncio.Queue[_Saying] = asyncio.Queue(OUTBOX_MAX)
        self._touched = asyncio.Event()
        self._nonce_came = asyncio.Event()
        self._is_nonce_wanted = False
        self._last_said: tuple[_Saying, float] | None = None
        self._sessions = Sessions()
        self._kept_revision = firmware.revision
        self._classes = _classes_of(node_id, firmware)
        ether.join(self)

    @property
    def node_id(self) -> int:
        """Its address."""
        return self._node_id

    @property
    def is_flirs(self) -> bool:
        """Whether it sleeps and wakes for beams."""
        return self.firmware.model.is_flirs

    def hear(self, payload: bytes, aired: Aired) -> bool:
        """Take a message off the air; False when the inbox is full."""
        try:
            self._inbox.put_nowait(_Heard(payload, aired))
        except asyncio.QueueFull:
            return False
        return True

    def forget_security(self) -> None:
        """Lose the agreed nonces and what was on its way, as when the battery is pulled."""
        self._endpoint.forget()
        self._last_said = None

    def settle(self) -> None:
        """Carry out what the firmware left behind: notices to tell, changes to keep, time to mind. Call after every touch."""
        battery, door_lock = self._classes[ClassId.BATTERY], self._classes[ClassId.DOOR_LOCK]
        notification = self._classes.get(ClassId.NOTIFICATION)
        for notice in self.firmware.drain_notices():
            if notice.kind is NoticeKind.LOW_BATTERY and isinstance(battery, Battery):
                self._say(battery.warning())
                continue
            told = notification.report(notice) if isinstance(notification, Notification) else None
            if told is not None:
                self._say(told)
            if (
                notice.kind in _BOLT_NOTICES
                and self.firmware.model.reports_operation
                and isinstance(door_lock, DoorLock)
            ):
                self._say(door_lock.operation_report())
        if self.firmware.revision != self._kept_revision:
            self._kept_revision = self.firmware.revision
            self._on_change()
        self._touched.set()

    async def run(self) -> None:
        """Live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name=f"lock {self._node_id} listens")
            tasks.create_task(self._speak(), name=f"lock {self._node_id} speaks")
            tasks.create_task(self._mind_time(), name=f"lock {self._node_id} minds time")

    # -- listening ---------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            heard = await self._inbox.get()
            if not heard.payload or heard.payload[0] == ClassId.NO_OPERATION:
                heard.aired.label = "No Operation"
            elif heard.payload[0] == PROTOCOL:
                await self._introduce(heard)
            elif heard.payload[0] == ClassId.SECURITY_2:
                await self._unseal(heard)
            else:
                heard.aired.label = name_of(heard.payload)
                await self._execute(heard.payload, None)

    async def _introduce(self, heard: _Heard) -> None:
        heard.aired.label = "Node Info Request"
        if heard.payload == NODE_INFO_REQUEST:
            shown = bytes(number for number in OPEN_CLASSES if number in self._versions())
            device = bytes([BASIC_END_NODE, GENERIC_ENTRY_CONTROL, SPECIFIC_KEYPAD_LOCK])
            await self._ether.from_node(self._node_id, lambda: NODE_INFO + device + shown, "Node Info")

    async def _unseal(self, heard: _Heard) -> None:
        received = self._endpoint.receive(STICK_NODE_ID, heard.payload)
        match received.kind:
            case "message" if received.plain is not None:
                heard.aired.label = f"S2 > {name_of(received.plain)}" if received.plain else "S2 > nothing"
                await self._execute(received.plain, received.security)
            case "nonce_report":
                heard.aired.label = "S2 Nonce Report"
                self._nonce_arrived()
            case _:
                heard.aired.label = f"S2 {received.kind.replace('_', ' ')}"
                reply = received.reply
                if reply is not None:
                    await self._ether.from_node(self._node_id, lambda: reply, "S2 Nonce Report")

    def _nonce_arrived(self) -> None:
        if self._is_nonce_wanted:
            self._nonce_came.set()
            return
        # Not asked for: the host could not read what we said last. Say it once more, and only once.
        last, self._last_said = self._last_said, None
        if last is not None and self._now() - last[1] <= REPEAT_WITHIN_S:
            self._queue(last[0])

    async def _execute(self, plain: bytes, security: SecurityClass | None) -> None:
        if plain[:2] == COMMANDS_SUPPORTED_GET and security is not None:
            secured = bytes(number for number in self._versions() if number not in OPEN_CLASSES)
            listed = secured if security is self._granted else b""
            self._say(COMMANDS_SUPPORTED_REPORT + listed, security)
            return
        envelope = open_envelope(plain) if self.firmware.model.is_supervised else None
        if envelope is None:
            answer = await self._dispatch(plain, security)
            self._say_all(answer, security)
        else:
            ended_with = self._sessions.repeated(STICK_NODE_ID, envelope)
            if ended_with is None:
                answer = await self._dispatch(envelope.command, security)
                self._say_all(answer, security)
                ended_with = supervision_report(envelope.session, answer.outcome)
                self._sessions.close(STICK_NODE_ID, envelope, ended_with)
            self._say(ended_with, security)
        self.settle()

    async def _dispatch(self, command: bytes, security: SecurityClass | None) -> Answer:
        if len(command) < 2:
            return Answer(Outcome.NO_SUPPORT)
        command_class = self._classes.get(command[0])
        if command_class is None or (security is not self._granted and command[0] not in OPEN_CLASSES):
            log.debug("lock.command.ignored", extra={"node": self._node_id, "command_class": command[0]})
            return Answer(Outcome.NO_SUPPORT)
        answer = command_class.answer(command[1], command[2:], self._now())
        if answer.takes_s:
            # The lock is busy with its memory; it hears nothing else meanwhile.
            await asyncio.sleep(answer.takes_s)
        return answer

    def _versions(self) -> Mapping[int, int]:
        """Class number to version, as the profile says."""
        return {BY_PROFILE_NAME[name]: version for name, version in self.firmware.model.command_classes.items()}

    # -- speaking ----------------------------------------------------------------------------------------------------

    def _say_all(self, answer: Answer, security: SecurityClass | None) -> None:
        for report in answer.reports:
            self._queue(_Saying(report, security))

    def _say(self, plain: bytes, security: SecurityClass | None = SecurityClass.ACCESS_CONTROL) -> None:
        self._queue(_Saying(plain, security))

    def _queue(self, saying: _Saying) -> None:
        try:
            self._outbox.put_nowait(saying)
        except asyncio.QueueFull:
            self.lost_count += 1
            log.warning("lock.message.dropped", extra={"node": self._node_id, "reason": "outbox full"})

    async def _speak(self) -> None:
        while True:
            saying = await self._outbox.get()
            if saying.security is None:
                await self._speak_openly(saying.plain)
            else:
                await self._speak_sealed(saying, saying.security)

    async def _speak_openly(self, plain: bytes) -> None:
        await self._ether.from_node(self._node_id, lambda: plain, name_of(plain))

    async def _speak_sealed(self, saying: _Saying, security: SecurityClass) -> None:
        label = f"S2 > {name_of(saying.plain)}"
        for _attempt in range(NONCE_ATTEMPTS_MAX):
            said = await self._ether.from_node(
                self._node_id, lambda: self._endpoint.encapsulate(STICK_NODE_ID, saying.plain, security), label
            )
            if said is not Said.NOT_SENT:
                self._last_said = (saying, self._now())
                return
            if not await self._get_nonce():
                continue
        self.lost_count += 1
        log.warning("lock.message.dropped", extra={"node": self._node_id, "reason": "no nonce"})

    async def _get_nonce(self) -> bool:
        """Ask the host for its entropy and wait for it; False when it did not come."""
        self._nonce_came.clear()
        self._is_nonce_wanted = True
        try:
            await self._ether.from_node(self._node_id, lambda: self._endpoint.nonce_get(STICK_NODE_ID), "S2 Nonce Get")
            async with asyncio.timeout(NONCE_TIMEOUT_S):
                await self._nonce_came.wait()
        except TimeoutError:
            return False
        finally:
            self._is_nonce_wanted = False
        return True

    # -- time --------------------------------------------------------------------------------------------------------

    async def _mind_time(self) -> None:
        while True:
            self._touched.clear()
            due_at = self.firmware.due_at()
            try:
                async with asyncio.timeout(None if due_at is None else max(0.0, due_at - self._now())):
                    await self._touched.wait()
            except TimeoutError:
                self.firmware.advance(self._now())
                self.settle()


_BOLT_NOTICES = frozenset(
    {
        NoticeKind.KEYPAD_UNLOCKED,
        NoticeKind.KEYPAD_LOCKED,
        NoticeKind.MANUALLY_UNLOCKED,
        NoticeKind.MANUALLY_LOCKED,
        NoticeKind.RADIO_UNLOCKED,
        NoticeKind.RADIO_LOCKED,
        NoticeKind.AUTO_LOCKED,
        NoticeKind.JAMMED,
    }
)
"""Notices that go with a move of the bolt."""


def _classes_of(node_id: int, firmware: Firmware) -> dict[int, CommandClass]:
    """Make the command classes a profile lists, each at its version."""
    model = firmware.model
    versions = {BY_PROFILE_NAME[name]: version for name, version in model.command_classes.items()}
    makers: dict[int, Callable[[int], CommandClass]] = {
        ClassId.ZWAVE_PLUS_INFO: lambda version: ZWavePlusInfo(model, version),
        ClassId.VERSION: lambda version: Version(model, version, {int(key): value for key, value in versions.items()}),
        ClassId.MANUFACTURER_SPECIFIC: lambda version: ManufacturerSpecific(model, version, node_id.to_bytes(4)),
        ClassId.DEVICE_RESET_LOCALLY: DeviceResetLocally,
        ClassId.ASSOCIATION: Association,
        ClassId.ASSOCIATION_GROUP_INFO: AssociationGroupInfo,
    }
    made = {int(number): makers[number](version) for number, version in versions.items() if number in makers}
    return made | firmware_classes(firmware, {int(number): version for number, version in versions.items()})
