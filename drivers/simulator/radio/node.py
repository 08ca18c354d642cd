"""The radio side of one lock: listens, decrypts, has commands executed, and tells what the lock wants told.

Theory of operation. Four tasks share a lock's radio. *Listen* takes messages in order and executes each before the next. *Speak*
(`speech`) sends answers and notices in the order they were made. *Belong* (`joining`) gets the lock into a network, and its keys.
*Mind time* lets the firmware do what only time does. A lock obeys the highest key it was granted: commands of secured classes that come
under another key, or in the clear, are ignored (CL:0000). What the lock decides is all in its firmware, this file only carries it.
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
from drivers.simulator.radio.cc.names import BY_PROFILE_NAME, IDENTITY_CLASSES, OPEN_CLASSES, ClassId, name_of
from drivers.simulator.radio.cc.notification import Notification
from drivers.simulator.radio.cc.registry import firmware_classes
from drivers.simulator.radio.cc.supervision import Envelope, Sessions, open_envelope, working
from drivers.simulator.radio.cc.supervision import report as supervision_report
from drivers.simulator.radio.ether import STRANGER, Ether
from drivers.simulator.radio.joining import ECHO_EVERY_QUICK_S, ECHO_EVERY_S, Belonging
from drivers.simulator.radio.network import NODE_INFO, NODE_INFO_REQUEST, PROTOCOL, read_assignment
from drivers.simulator.radio.path import DIRECT, Path
from drivers.simulator.radio.security.envelopes import Envelopes, Membership, is_envelope
from drivers.simulator.radio.security.identity import Identity
from drivers.simulator.radio.security.s2 import HIGHEST_FIRST, SecurityClass
from drivers.simulator.radio.speech import Voice
from drivers.simulator.radio.trace import Aired
from drivers.simulator.stick.memory import STICK_NODE_ID

log = logging.getLogger(__name__)

INBOX_MAX = 64
"""Messages a lock holds unread; more are lost, and their sender gets no acknowledgement."""

BASIC_END_NODE = 0x04
GENERIC_ENTRY_CONTROL = 0x40
SPECIFIC_KEYPAD_LOCK = 0x03
"""Device classes of a keypad lock (SDS10242)."""

RESET_S = 2.0
"""How long after its goodbye a lock that was reset forgets the network: long enough for the repeats of a message."""

RESET_LOCALLY = bytes([ClassId.DEVICE_RESET_LOCALLY, 0x01])

COMMANDS_SUPPORTED_GET = {ClassId.SECURITY: 0x02, ClassId.SECURITY_2: 0x0D}
COMMANDS_SUPPORTED_REPORT = {ClassId.SECURITY: bytes([0x98, 0x03, 0x00]), ClassId.SECURITY_2: bytes([0x9F, 0x0E])}
"""The question which classes a key opens, and how its answer begins; Security 0 counts the reports that follow."""


@dataclass(frozen=True, slots=True)
class _Heard:
    payload: bytes = field(repr=False)
    aired: Aired


class LockNode:
    """One lock on the air."""

    def __init__(
        self,
        firmware: Firmware,
        *,
        identity: Identity,
        membership: Membership | None,
        path: Path = DIRECT,
        ether: Ether,
        entropy: Callable[[int], bytes],
        now: Callable[[], float],
        on_change: Callable[[], None],
    ) -> None:
        """Switch on, in a network already or waiting for one. `on_change` runs after every lasting change."""
        self.firmware = firmware
        self.identity = identity
        self.path = path
        self.membership: Membership | None = None
        self.voice = Voice(ether, now)
        self._ether = ether
        self._entropy = entropy
        self._now = now
        self._on_change = on_change
        self._inbox: asyncio.Queue[_Heard] = asyncio.Queue(INBOX_MAX)
        self._touched = asyncio.Event()
        self._leaves_at: float | None = None
        self._sessions = Sessions()
        self._kept_revision = firmware.revision
        self._classes = _classes_of(identity, firmware)
        self._envelopes: Envelopes | None = None
        self.belonging = Belonging(
            self, self._call, echo_every_s=ether.patience(ECHO_EVERY_S, ECHO_EVERY_QUICK_S), now=now
        )
        if membership is not None:
            self.enter(membership)

    @property
    def node_id(self) -> int:
        """Its address; 0 while it belongs to no network."""
        return self.membership.node_id if self.membership is not None else STRANGER

    @property
    def is_flirs(self) -> bool:
        """Whether it sleeps and wakes for beams."""
        return self.firmware.model.is_flirs

    @property
    def lost_count(self) -> int:
        """Messages the lock gave up for lack of a nonce or of room."""
        return self.voice.lost_count

    @property
    def envelopes(self) -> Envelopes | None:
        """What it seals with; None while it belongs to no network."""
        return self._envelopes

    @property
    def wishes(self) -> frozenset[SecurityClass]:
        """The keys it would like: the two high classes of Security 2, or that of Security 0."""
        versions = self.firmware.model.command_classes
        wished = set(HIGHEST_FIRST[:2]) if versions.get("security_2") else set()
        return frozenset(wished | ({SecurityClass.S0_LEGACY} if versions.get("security") else set()))

    @property
    def introduction(self) -> bytes:
        """What a Node Info says: the device classes, and what the lock takes without its key."""
        shown = bytes(number for number in self._versions() if number in self._open_classes())
        return bytes([BASIC_END_NODE, GENERIC_ENTRY_CONTROL, SPECIFIC_KEYPAD_LOCK]) + shown

    # -- belonging ---------------------------------------------------------------------------------------------------

    def enter(self, membership: Membership) -> None:
        """Belong to a network from here on, as fresh as from the factory apart from the codes."""
        self._ether.leave(self)
        self.membership = membership
        self._envelopes = Envelopes(membership, self._entropy)
        self._sessions = Sessions()
        self._classes = _classes_of(self.identity, self.firmware)
        self.voice.move(membership.node_id, self._envelopes)
        self._ether.join(self)

    def keep(self, keys: Mapping[SecurityClass, bytes]) -> None:
        """Keep the keys that an exchange handed over."""
        if self.membership is not None:
            self.membership = Membership(self.membership.home_id, self.membership.node_id, keys)
            self._on_change()

    def leave(self) -> None:
        """Belong to no network: address, keys and every code are forgotten, as locks do when they are excluded."""
        self._ether.leave(self)
        self.membership = self._envelopes = None
        self.voice.move(STRANGER, None)
        self.firmware.wipe(self._now())
        self.firmware.drain_notices()
        self._on_change()

    def reset_locally(self) -> None:
        """Say goodbye where the class exists, and forget network and codes a moment later, as the full factory reset does."""
        if ClassId.DEVICE_RESET_LOCALLY in self._classes:
            self._tell(RESET_LOCALLY)
        self._leaves_at = self._now() + RESET_S
        self._touched.set()

    def hear(self, payload: bytes, aired: Aired) -> bool:
        """Take a message off the air; False when the inbox is full or the radio too weak. An address is taken by the radio itself, at once."""
        assignment = read_assignment(payload)
        if assignment is not None:
            aired.label = "Assign Ids"
            self.belonging.assigned(*assignment)
            return True
        battery = self.firmware.battery
        if battery.radio_loss and self._entropy(1)[0] < battery.radio_loss * 256:
            return False
        # A message costs its hearing, and what it makes the lock say.
        self.firmware.talk(2, int(aired.is_beamed), self._now())
        try:
            self._inbox.put_nowait(_Heard(payload, aired))
        except asyncio.QueueFull:
            return False
        return True

    def forget_security(self) -> None:
        """Lose the agreed nonces and what was on its way, as when the battery is pulled."""
        if self._envelopes is not None:
            self._envelopes.forget()
        self.voice.forget()

    def settle(self) -> None:
        """Carry out what the firmware left behind: notices to tell, changes to keep, time to mind. Call after every touch."""
        battery, door_lock = self._classes[ClassId.BATTERY], self._classes[ClassId.DOOR_LOCK]
        notification = self._classes.get(ClassId.NOTIFICATION)
        for notice in self.firmware.drain_notices():
            if self.membership is None:
                continue
            if notice.kind is NoticeKind.LOW_BATTERY and isinstance(battery, Battery):
                self._tell(battery.warning())
                continue
            told = notification.report(notice) if isinstance(notification, Notification) else None
            if told is not None:
                self._tell(told)
            if (
                notice.kind in _BOLT_NOTICES
                and self.firmware.model.reports_operation
                and isinstance(door_lock, DoorLock)
            ):
                self._tell(door_lock.operation_report())
        if self.firmware.revision != self._kept_revision:
            self._kept_revision = self.firmware.revision
            self._on_change()
        self._touched.set()

    async def run(self) -> None:
        """Live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="lock listens")
            tasks.create_task(self.voice.run(), name="lock speaks")
            tasks.create_task(self.belonging.run(), name="lock belongs")
            tasks.create_task(self._mind_time(), name="lock minds time")

    async def _call(self, payload: bytes, label: str) -> None:
        """Call to whoever listens, in a network or outside any."""
        await self._ether.call_out(self, payload, label)

    # -- listening ---------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            heard = await self._inbox.get()
            payload = heard.payload
            if not payload or payload[0] == ClassId.NO_OPERATION:
                heard.aired.label = "No Operation"
            elif payload[0] == PROTOCOL:
                await self._take_protocol(heard)
            elif is_envelope(payload):
                await self._unseal(heard)
            else:
                heard.aired.label = name_of(payload)
                await self._execute(payload, None)

    async def _take_protocol(self, heard: _Heard) -> None:
        """Take a command of the network layer."""
        if heard.payload == NODE_INFO_REQUEST:
            heard.aired.label = "Node Info Request"
            introduction = NODE_INFO + self.introduction
            await self._ether.from_node(self.node_id, lambda: introduction, "Node Info")

    async def _unseal(self, heard: _Heard) -> None:
        if self._envelopes is None:
            heard.aired.label = name_of(heard.payload)
            return
        received = self._envelopes.open(STICK_NODE_ID, heard.payload, self._now())
        kind = "S0" if heard.payload[0] == ClassId.SECURITY else "S2"
        reply = received.reply
        heard.aired.label = name_of(heard.payload) if received.kind in _NAMED else f"{kind} {received.kind}"
        if reply is not None:
            node_id = self.node_id
            await self._ether.from_node(node_id, lambda: reply, f"{kind} Nonce Report")
        match received.kind:
            case "message" if received.plain is not None:
                heard.aired.label = f"{kind} > {name_of(received.plain)}" if received.plain else f"{kind} > nothing"
                await self._execute(received.plain, received.security)
            case "nonce_report":
                self.voice.nonce_arrived(SecurityClass.S0_LEGACY if kind == "S0" else None)
            case _:
                pass

    async def _execute(self, plain: bytes, security: SecurityClass | None) -> None:
        if plain[:1] in (bytes([ClassId.SECURITY]), bytes([ClassId.SECURITY_2])):
            self._take_security(plain, security)
            return
        envelope = open_envelope(plain) if self.firmware.model.is_supervised else None
        if envelope is None:
            answer = await self._dispatch(plain, security)
            self._say_all(answer, security)
        else:
            answer = None
            ended_with = self._sessions.repeated(STICK_NODE_ID, envelope)
            if ended_with is None:
                answer = await self._dispatch(envelope.command, security, envelope)
                if answer.is_silent:
                    self.settle()
                    return
                self._say_all(answer, security)
                ended_with = supervision_report(envelope.session, answer.outcome)
                self._sessions.close(STICK_NODE_ID, envelope, ended_with)
            if not self._is_working_on(answer) or envelope.wants_updates:
                self.voice.say(ended_with, security)
        self.settle()

    def _is_working_on(self, answer: Answer | None) -> bool:
        """Whether the lock said "working" instead of the end of a command."""
        return answer is not None and bool(answer.takes_s) and self.firmware.model.says_working

    def _take_security(self, plain: bytes, security: SecurityClass | None) -> None:
        """Say which classes a key opens, or go on with the exchange of keys."""
        which = ClassId(plain[0])
        is_own_class = (security is SecurityClass.S0_LEGACY) == (which is ClassId.SECURITY)
        if plain[1:2] != bytes([COMMANDS_SUPPORTED_GET[which]]):
            self.belonging.take(plain, security)
        elif self.membership is not None and security in self.membership.keys and is_own_class:
            secured = bytes(number for number in self._versions() if number not in self._open_classes())
            listed = secured if security is self.membership.granted else b""
            self.voice.say(COMMANDS_SUPPORTED_REPORT[which] + listed, security)

    async def _dispatch(
        self, command: bytes, security: SecurityClass | None, envelope: Envelope | None = None
    ) -> Answer:
        if len(command) < 2:
            return Answer(Outcome.NO_SUPPORT)
        command_class = self._classes.get(command[0])
        if command_class is None or not self._obeys(command[0], security):
            log.debug("lock.command.ignored", extra={"node": self.node_id, "command_class": command[0]})
            return Answer(Outcome.NO_SUPPORT)
        answer = command_class.answer(command[1], command[2:], self._now())
        if envelope is not None and self._is_working_on(answer):
            self.voice.say(working(envelope, answer.takes_s), security)
        if answer.takes_s:
            # The lock is busy with its memory; it hears nothing else meanwhile.
            await asyncio.sleep(answer.takes_s)
        return answer

    def _obeys(self, class_id: int, security: SecurityClass | None) -> bool:
        """Say whether a command of this class may come under this key, or with None in the clear."""
        granted = self.membership.granted if self.membership is not None else None
        return class_id in self._open_classes() or (granted is not None and security is granted)

    def _open_classes(self) -> tuple[ClassId, ...]:
        granted = self.membership.granted if self.membership is not None else None
        return OPEN_CLASSES if granted in HIGHEST_FIRST else (*OPEN_CLASSES, *IDENTITY_CLASSES)

    def _versions(self) -> Mapping[int, int]:
        """Class number to version, as the profile says."""
        return {BY_PROFILE_NAME[name]: version for name, version in self.firmware.model.command_classes.items()}

    def _say_all(self, answer: Answer, security: SecurityClass | None) -> None:
        for report in answer.reports:
            self.voice.say(report, security)

    def _tell(self, report: bytes) -> None:
        """Say something unasked; only under the lock's own key, for nobody else may know."""
        granted = self.membership.granted if self.membership is not None else None
        if granted is not None and not self.firmware.battery.is_empty:
            self.voice.say(report, granted)

    # -- time --------------------------------------------------------------------------------------------------------

    async def _mind_time(self) -> None:
        while True:
            self._touched.clear()
            dues = [due for due in (self.firmware.due_at(), self._leaves_at) if due is not None]
            due_at = min(dues, default=None)
            try:
                async with asyncio.timeout(None if due_at is None else max(0.0, due_at - self._now())):
                    await self._touched.wait()
            except TimeoutError:
                self.firmware.advance(self._now())
                self.settle()
                if self._leaves_at is not None and self._leaves_at <= self._now():
                    self._leaves_at = None
                    self.leave()


_NAMED = frozenset({"nonce_get", "nonce_report", "partial"})
"""What a trace calls by its name alone; a message is called by what is in it, the rest by why it was not read."""

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


def _classes_of(identity: Identity, firmware: Firmware) -> dict[int, CommandClass]:
    """Make the command classes a profile lists, each at its version."""
    model = firmware.model
    versions = {BY_PROFILE_NAME[name]: version for name, version in model.command_classes.items()}
    makers: dict[int, Callable[[int], CommandClass]] = {
        ClassId.ZWAVE_PLUS_INFO: lambda version: ZWavePlusInfo(model, version),
        ClassId.VERSION: lambda version: Version(model, version, {int(key): value for key, value in versions.items()}),
        ClassId.MANUFACTURER_SPECIFIC: lambda version: ManufacturerSpecific(model, version, identity.serial),
        ClassId.DEVICE_RESET_LOCALLY: DeviceResetLocally,
        ClassId.ASSOCIATION: Association,
        ClassId.ASSOCIATION_GROUP_INFO: AssociationGroupInfo,
    }
    made = {int(number): makers[number](version) for number, version in versions.items() if number in makers}
    return made | firmware_classes(firmware, {int(number): version for number, version in versions.items()})
