"""One keypad lock behind Z-Wave JS, as a `LockPort`.

One conversation per call. Reads and writes go to the User Code class directly (`invoke_cc_api`), not through the unified
access-control call, because that one reads back by itself on locks without Supervision: one port call would then be two
conversations, and its "unknown error" would hide which of them failed. Nothing is retried and nothing is verified here;
the planner orders a `read_slot` where a write was only acknowledged. Radio messages, counted: a supervised set or clear 2,
an unsupervised one 1, a read 2, a listing 0.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, override

from zwave_js_server.const import CommandClass, NodeStatus
from zwave_js_server.model.node import Node

from drivers.zwave import credentials, notices
from drivers.zwave.credentials import UserIdStatus
from drivers.zwave.failures import TIMED_OUT, CallFailed, Failure, of_read, of_write
from drivers.zwave.mailbox import Reports
from drivers.zwave.memory import battery_percent, cached_values, is_battery_low, remembered
from drivers.zwave.notices import BoltHint, LowBattery, SlotEcho
from drivers.zwave.quirks import NodeFacts
from drivers.zwave.schedules import Calls, Windows
from drivers.zwave.session import CALL_TIMEOUT_S, ask
from gateway.model.answers import Ambiguous, Listing, Sighting, SightingSource, Unknown, WriteAnswer, Written
from gateway.model.failures import LockFailure, Part, Unreachable, Unsupported
from gateway.model.ids import LockId, Slot
from gateway.model.lock import LockProfile, ReadBack
from gateway.model.pin import Pin
from gateway.model.reports import (
    BatteryLevel,
    FactoryReset,
    Locked,
    Method,
    Reachability,
    Report,
    SlotChange,
    SlotChanged,
    Unlocked,
)
from gateway.model.window import Window
from gateway.ports import LockPort

log = logging.getLogger(__name__)

DUPLICATE_NOTICE_S: Final = 0.5
"""How long a refusal without a reason waits for the lock's complaint about a duplicate (Notification 6/0x0F), which
locks send right before or after it. One S2 message takes 24 ms on the air at 100 kbit/s, so this allows for a busy radio."""

ECHO_SETTLE_S: Final = 0.2
"""How long changes of what Z-Wave JS remembers are gathered: status and code of a slot come as two events, and an erased
lock or a new interview makes two per slot in one burst of some milliseconds each."""

ECHO_SLOTS_MAX: Final = 8
"""From here on a burst is told as "any slot may have changed", which a look at the whole lock answers more cheaply."""

BOLT_GRACE_S: Final = 2.0
"""How long a bolt that moved by its value alone waits for the notification that says how. Locks send both within the turn
of the motor, about 2 s (Yale)."""


class ZWaveLock(LockPort):
    """The port of one node, from its arrival to its departure."""

    def __init__(
        self,
        lock_id: LockId,
        node: Node,
        facts: NodeFacts,
        profile: LockProfile,
        on_call: Callable[[Failure | None], None],
        slot_shift: int = 0,
    ) -> None:
        """Begin to listen to the node's events; call `close` at the departure.

        `on_call` hears of each call how it failed, or None when it did not. `slot_shift`: what the lock adds to slots in its events.
        """
        self._slot_shift = slot_shift
        self._on_call = on_call
        self._lock_id = lock_id
        self._node = node
        self._profile = profile
        self._reports = Reports(lock_id)
        self._windows = self._windows_of(facts, profile)
        self._departed_because: str | None = None
        self._writing: Slot | None = None
        self._reading: Slot | None = None
        self._held_echoes: list[SlotEcho] = []
        self._complained = asyncio.Event()
        self._told: dict[Slot, dict[str, object]] = {}
        self._changed_slots: set[Slot] = set()
        self._echo_timer: asyncio.TimerHandle | None = None
        self._bolt_timer: asyncio.TimerHandle | None = None
        self._bolt_told_at: float | None = None
        self._unsubscribe: list[Callable[[], None]] = [
            node.on("notification", self._on_notification),
            node.on("value added", self._on_value),
            node.on("value updated", self._on_value),
            node.on("dead", lambda _: self._tell(Reachability(is_reachable=False, cause="the lock does not answer"))),
            node.on("alive", lambda _: self._tell(Reachability(is_reachable=True))),
            node.on("wake up", lambda _: self._tell(Reachability(is_reachable=True))),
        ]

        if node.status is NodeStatus.DEAD:
            # It died before this life of the connection, so its event is history.
            self._tell(Reachability(is_reachable=False, cause="the lock does not answer"))
        if (percent := battery_percent(node)) is not None:
            # What the interview asked, so that a person sees a charge before the lock next speaks of it.
            self._tell(BatteryLevel(percent, is_low=is_battery_low(node)))

    @property
    @override
    def lock_id(self) -> LockId:
        """The lock's name in the configuration."""
        return self._lock_id

    @property
    @override
    def profile(self) -> LockProfile:
        """What this lock can do. Read-back turns to masked for good at the first masked answer."""
        return self._profile

    @property
    def node(self) -> Node:
        """The client library's node behind this port."""
        return self._node

    def close(self, cause: str) -> None:
        """End the port: reports run out, and every later call is `Unreachable`."""
        self._departed_because = cause
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for timer in (self._bolt_timer, self._echo_timer):
            if timer is not None:
                timer.cancel()
        self._reports.close()

    @override
    async def read_slot(self, slot: Slot) -> Sighting:
        """Ask the lock itself; `Unknown` when it acknowledged and did not answer, or not in time."""
        self._check(slot)
        self._reading = slot
        try:
            answer = await self._invoke(CommandClass.USER_CODE, "get", (int(slot),))
            if isinstance(answer, Mapping):
                self._told[slot] = dict(answer)
                if credentials.is_masked(answer.get(credentials.CODE_PROPERTY)):
                    self._profile = replace(self._profile, read_back=ReadBack.MASKED)
            return credentials.from_report(answer)
        except CallFailed as error:
            if error.failure == TIMED_OUT:
                return Sighting(Unknown(), SightingSource.LOCK)
            raise of_read(error.failure) from None
        finally:
            self._reading = None
            held, self._held_echoes = self._held_echoes, []
            for echo in held:
                self._hear_echo(echo)

    @override
    async def read_all(self) -> Listing:
        """What Z-Wave JS remembers from its interview and from later reports; no radio message."""
        self._check_here()
        checksum = await self._cached_checksum()
        return credentials.listing(cached_values(self._node), self._profile.slots, checksum)

    @override
    async def write_slot(self, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> WriteAnswer:
        """Set the code and its status in one supervised command where the lock knows Supervision."""
        self._check(slot)
        if window is None:
            return await self._freed(slot, await self._put(slot, pin, UserIdStatus.ENABLED), has_pin=True)
        if self._windows is None or self._profile.schedule is None:
            msg = "the lock keeps no schedules"
            raise Unsupported(msg)
        return await self._windows.write(slot, pin, window, old_pin)

    @override
    async def clear_slot(self, slot: Slot, *, old_pin: Pin | None) -> WriteAnswer:
        """Make the slot available, and erase its schedule if it may have one."""
        self._check(slot)
        answer = await self._erase(slot)
        if isinstance(answer, Written):
            # What the lock or Z-Wave JS still has of a schedule is dealt with again before the next PIN.
            await self._freed(slot, answer, has_pin=False)
        return answer

    @override
    def reports(self) -> AsyncIterator[Report]:
        """What the lock says, until `close`."""
        return self._reports.stream()

    async def _cached_checksum(self) -> int | None:
        # Internal to Z-Wave JS, so it is not among the node's values, but the server tells it from memory.
        if not any(known.id == CommandClass.USER_CODE and known.version >= 2 for known in self._node.command_classes):
            return None
        try:
            checksum = await remembered(self._node, CommandClass.USER_CODE, "userCodeChecksum")
        except CallFailed as error:
            raise of_read(error.failure) from None
        return checksum if isinstance(checksum, int) else None

    async def _put(self, slot: Slot, pin: Pin, status: UserIdStatus) -> WriteAnswer:
        return await self._write("set", slot, credentials.set_arguments(slot, pin, status))

    async def _erase(self, slot: Slot) -> WriteAnswer:
        return await self._write("clear", slot, credentials.clear_arguments(slot))

    async def _freed(self, slot: Slot, answer: WriteAnswer, *, has_pin: bool) -> WriteAnswer:
        # After the PIN, because a lock may take nothing about schedules for a slot without one (CC:004E).
        if self._windows is None or not isinstance(answer, Written):
            return answer
        try:
            await self._windows.free(slot, has_pin=has_pin)
        except CallFailed as error:
            return Ambiguous(f"the PIN is on the lock, an old schedule may be too: {error.failure.cause}")
        return answer

    def _windows_of(self, facts: NodeFacts, profile: LockProfile) -> Windows | None:
        if profile.schedule is None or not facts.year_day_slots:
            return None
        calls = Calls(
            invoke=self._invoke,
            known=partial(remembered, self._node),
            put=self._put,
            erase=self._erase,
            look=self.read_slot,
            learn_none=self._learn_no_schedule,
        )
        return Windows(calls, profile.schedule, facts, supervision_is_honest=profile.supervision_is_honest)

    def _learn_no_schedule(self) -> None:
        self._profile = replace(self._profile, schedule=None)

    async def _write(self, method: str, slot: Slot, arguments: tuple[object, ...]) -> WriteAnswer:
        self._writing = slot
        self._complained.clear()
        try:
            result = await self._invoke(CommandClass.USER_CODE, method, arguments)
            if credentials.is_plain_refusal(result):
                await self._hear_complaint()
            return credentials.answer_of(result, was_duplicate=self._complained.is_set())
        except CallFailed as error:
            answer = of_write(error.failure)
            if isinstance(answer, LockFailure):
                raise answer from None
            return answer
        finally:
            self._writing = None
            # Only now: the second half of a look's echo may come after its answer, and this call was in between.
            self._told.pop(slot, None)

    async def ask_lock[T](self, call: Awaitable[T]) -> T:
        """Make a call that uses the radio and changes nothing that could be doubted. Raises what a read raises."""
        self._check_here()
        try:
            return await self._radio(call)
        except CallFailed as error:
            raise of_read(error.failure) from None

    def tell_reset(self) -> None:
        """The lock said that it was reset (A17)."""
        self._tell(FactoryReset())

    def forget_zone(self) -> None:
        """Somebody may have told the lock another time zone: see to it before the next window."""
        if self._windows is not None:
            self._windows.forget_zone()

    async def _invoke(self, command_class: CommandClass, method: str, arguments: tuple[object, ...]) -> object:
        return await self._radio(
            self._node.async_invoke_cc_api(command_class, method, *arguments, wait_for_result=True)
        )

    async def _radio[T](self, call: Awaitable[T]) -> T:
        try:
            result = await ask(call, CALL_TIMEOUT_S)
        except CallFailed as error:
            self._on_call(error.failure)
            raise
        self._on_call(None)
        return result

    async def _hear_complaint(self) -> None:
        try:
            async with asyncio.timeout(DUPLICATE_NOTICE_S):
                await self._complained.wait()
        except TimeoutError:
            return

    def _check_here(self) -> None:
        if self._departed_because is not None:
            raise Unreachable(Part.SERVER, self._departed_because)

    def _check(self, slot: Slot) -> None:
        self._check_here()
        if slot not in self._profile.slots:
            msg = f"slot {slot} is not one of this lock's {len(self._profile.slots)} slots"
            raise Unsupported(msg)

    def _tell(self, report: Report) -> None:
        self._reports.put(report)

    def _on_notification(self, event: Mapping[str, object]) -> None:
        # Events are plain dicts of the server's JSON with a few objects added by the client library.
        command_class, args = event.get("ccId"), event.get("args")
        if not isinstance(command_class, int) or not isinstance(args, Mapping):
            return
        notice = notices.from_notification(command_class, args, self._slot_shift)
        match notice:
            case None:
                return
            case LowBattery():
                self._tell(BatteryLevel(0, is_low=True))
                return
            case Locked() | Unlocked():
                self._forget_bolt_hint()
            case SlotChanged(change=SlotChange.ALL_DELETED):
                self._changed_slots.clear()  # Z-Wave JS blanks what it remembers of each slot right before
            case SlotChanged(change=SlotChange.DUPLICATE_REFUSED, slot=slot) if slot in {None, self._writing}:
                if self._writing is not None:
                    self._complained.set()
            case _:
                pass
        self._tell(notice)

    def _on_value(self, event: Mapping[str, object]) -> None:
        args = event.get("args")
        if not isinstance(args, Mapping):
            return
        match notices.from_value(args):
            case None:
                return
            case BoltHint() as hint:
                self._hold_bolt_hint(hint)
            case SlotEcho() as echo:
                self._hear_echo(echo)
            case LowBattery():
                self._tell(BatteryLevel(0, is_low=True))
            case BatteryLevel(percent=percent):
                self._tell(BatteryLevel(percent, is_low=is_battery_low(self._node)))
            case report:
                self._tell(report)

    def _hear_echo(self, echo: SlotEcho) -> None:
        # What a read of ours told the planner already is no news. The echo may come before the answer or after it, so
        # the echoes of a slot that is being read wait for the answer; there are at most two of them per report.
        if echo.slot == self._reading:
            self._held_echoes.append(echo)
            return
        if self._told.get(echo.slot, {}).get(echo.name) == echo.value:
            return
        if not self._changed_slots:
            self._echo_timer = asyncio.get_running_loop().call_later(ECHO_SETTLE_S, self._tell_changed_slots)
        self._changed_slots.add(echo.slot)

    def _tell_changed_slots(self) -> None:
        changed, self._changed_slots = self._changed_slots, set()
        if len(changed) > ECHO_SLOTS_MAX:
            self._tell(SlotChanged(SlotChange.CHANGED))
            return
        for slot in sorted(changed):
            self._tell(SlotChanged(SlotChange.CHANGED, slot))

    def _hold_bolt_hint(self, hint: BoltHint) -> None:
        loop = asyncio.get_running_loop()
        if self._bolt_told_at is not None and loop.time() - self._bolt_told_at < BOLT_GRACE_S:
            return
        if self._bolt_timer is not None:
            self._bolt_timer.cancel()
        report = Locked(Method.UNKNOWN) if hint.is_locked else Unlocked(Method.UNKNOWN)
        self._bolt_timer = loop.call_later(BOLT_GRACE_S, self._tell, report)

    def _forget_bolt_hint(self) -> None:
        self._bolt_told_at = asyncio.get_running_loop().time()
        if self._bolt_timer is not None:
            self._bolt_timer.cancel()
            self._bolt_timer = None
