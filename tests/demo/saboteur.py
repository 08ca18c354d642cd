"""Runs the hub with one thing broken inside: `python -m tests.demo.saboteur NAME [arguments of the hub]`.

Each sabotage patches planner, worker, driver call or pump in the hub's own process and then starts the real program. The
demo has to notice every one of them; a demo that cannot fail proves nothing.
"""

import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateway.cloud.pump import OutboxPump
from gateway.fleet import steps, usage, worker
from gateway.fleet.executor import Result, perform
from gateway.fleet.looks import Bench
from gateway.fleet.worker import Worker
from gateway.model.access_code import AccessCode
from gateway.model.answers import Written
from gateway.model.clock import ClockReading
from gateway.model.events import EventKind
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import HOUR_MS, Instant
from gateway.model.pin import Pin
from gateway.planner import diff, plan
from gateway.planner.actions import Action, WriteSlot
from gateway.planner.announce import Announcement
from gateway.planner.desired import Desire, desire
from gateway.planner.native import Timing
from gateway.ports import Clock, LockPort
from gateway.runtime.main import main
from gateway.store import journal
from gateway.store.database import Connection
from gateway.store.journal import StoredEvent

type Call = Callable[[], Awaitable[Result]]

GUEST = "guest-"
STRAY_PIN = Pin("73190462")
FREE_SLOT = Slot(9)
log = logging.getLogger("gateway.sabotaged")


@dataclass(frozen=True, slots=True)
class Sabotage:
    """What is broken, how, and the check that has to notice."""

    does: str
    noticed_by: str
    patch: Callable[[], None]


def _put(owner: object, name: str, broken: object) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} to break"
    setattr(owner, name, broken)


def _skip_removal() -> None:
    """The planner: a code that is over is never cleared."""
    _put(diff, "_clear", lambda *_: None)


def _shifted(shift_ms: Callable[[AccessCode], tuple[int, int]]) -> None:
    """The planner: sees start and end of codes at other instants than ordered."""

    def broken(
        code: AccessCode,
        reading: ClockReading,
        when: Timing,
        *,
        is_on_lock: bool,
        stay_ms: int,
        ordered_off_at: Instant | None,
    ) -> Desire:
        earlier_ms, later_ms = shift_ms(code)
        window = code.window
        ends_at = None if window.ends_at is None else Instant(window.ends_at + later_ms)
        moved = replace(code, window=replace(window, ends_at=ends_at))
        opens_at = when.opens_on_lock_at
        early = replace(when, opens_on_lock_at=None if opens_at is None else Instant(opens_at - earlier_ms))
        return desire(moved, reading, early, is_on_lock=is_on_lock, stay_ms=stay_ms, ordered_off_at=ordered_off_at)

    _put(plan, "desire", broken)


def _write_early() -> None:
    _shifted(lambda _: (HOUR_MS, 0))


def _remove_early() -> None:
    _shifted(lambda code: (0, -3_000 if code.code_id.startswith(GUEST) else 0))


def _performing(broken: Callable[[LockPort, Action, Pin | None, Call], Awaitable[Result]]) -> None:
    """The worker: uses this in place of the one call that reaches a lock; it may make that call itself."""

    async def instead(
        port: LockPort, action: Action, pin: Pin | None, clock: Clock, *, old_pin: Pin | None = None
    ) -> Result:
        return await broken(port, action, pin, lambda: perform(port, action, pin, clock, old_pin=old_pin))

    _put(worker, "perform", instead)


def _foreign_slot() -> None:
    """The worker: writes over what somebody made by hand."""

    async def broken(port: LockPort, action: Action, pin: Pin | None, call: Call) -> Result:
        if isinstance(action, WriteSlot) and port.lock_id == "front-door":
            await port.write_slot(Slot(1), STRAY_PIN, window=None, old_pin=None)
        return await call()

    _performing(broken)


def _stray_slot() -> None:
    """The worker: writes a slot that no order explains."""

    async def broken(port: LockPort, action: Action, pin: Pin | None, call: Call) -> Result:
        if isinstance(action, WriteSlot):
            await port.write_slot(FREE_SLOT, STRAY_PIN, window=None, old_pin=None)
        return await call()

    _performing(broken)


def _claim_set() -> None:
    """The worker: says that a guest's code is proven, and never wrote it."""

    async def broken(port: LockPort, action: Action, pin: Pin | None, call: Call) -> Result:
        if isinstance(action, WriteSlot) and action.code_id.startswith(GUEST):
            return Written(Evidence.READ_BACK)
        return await call()

    _performing(broken)


def _log_pin() -> None:
    """The worker: a helpful line for those who look for a fault."""

    async def broken(port: LockPort, action: Action, pin: Pin | None, call: Call) -> Result:
        if pin is not None:
            log.debug("sabotage.write", extra={"lock": port.lock_id, "sent": pin.reveal().encode().hex()})
        return await call()

    _performing(broken)


def _look_at_start() -> None:
    """The worker: has a look at a slot whenever a lock arrives, just to be sure."""
    look = Worker._look

    async def broken(self: Worker) -> Instant | None:
        if self._port is not None:
            await self._port.read_slot(FREE_SLOT)
        return await look(self)

    _put(Worker, "_look", broken)


def _sending(broken: Callable[[OutboxPump, int, StoredEvent], Awaitable[None]]) -> None:
    _put(OutboxPump, "_send", broken)


def _drop_event() -> None:
    """The pump: loses what it says about an opened door."""
    send = OutboxPump._send

    async def broken(self: OutboxPump, epoch: int, stored: StoredEvent) -> None:
        if stored.event.kind is EventKind.LOCK_UNLOCKED:
            self._sent = stored.seq
        else:
            await send(self, epoch, stored)

    _sending(broken)


def _repeat_event() -> None:
    """The pump: sends everything twice."""
    send = OutboxPump._send

    async def broken(self: OutboxPump, epoch: int, stored: StoredEvent) -> None:
        await send(self, epoch, stored)
        await send(self, epoch, stored)

    _sending(broken)


def _answer_twice() -> None:
    """The worker's transaction: tells twice that an order is done."""
    announce = steps._announce

    def broken(con: Connection, news: Announcement, at: Instant) -> None:
        announce(con, news, at)
        for event in news.events:
            if event.kind is EventKind.COMMAND_APPLIED:
                journal.append(con, event, at)

    _put(steps, "_announce", broken)


def _mix_up_codes() -> None:
    """The driver's report: names another code than the one that opened."""
    used = usage._used

    def broken(con: Connection, bench: Bench, slot: Slot, at: Instant) -> AccessCode | None:
        code = used(con, bench, slot, at)
        return None if code is None else replace(code, code_id=CodeId("owner-front-door"))

    _put(usage, "_used", broken)


SABOTAGES = {
    "skip-removal": Sabotage("the planner never clears a slot", "checkout-on-time", _skip_removal),
    "write-early": Sabotage("the planner takes an hour more of lead", "not-before-lead", _write_early),
    "remove-early": Sabotage("the planner ends a stay too soon", "whole-window", _remove_early),
    "foreign-slot": Sabotage("the worker writes over a code made by hand", "foreign-untouched", _foreign_slot),
    "stray-slot": Sabotage("the worker writes a slot that nobody ordered", "no-stray-pin", _stray_slot),
    "claim-set": Sabotage("the worker says set and wrote nothing", "word-is-true", _claim_set),
    "log-pin": Sabotage("the worker logs the PIN as hex", "no-leak", _log_pin),
    "look-at-start": Sabotage("the worker asks each lock at its start", "restart-silent", _look_at_start),
    "drop-event": Sabotage("the pump loses an event", "who-opened", _drop_event),
    "repeat-event": Sabotage("the pump sends every event twice", "events-once", _repeat_event),
    "answer-twice": Sabotage("an order is answered twice", "answered-once", _answer_twice),
    "mix-up-codes": Sabotage("an opening is put down to the wrong code", "who-opened", _mix_up_codes),
}

if __name__ == "__main__":
    SABOTAGES[sys.argv[1]].patch()
    sys.exit(main(sys.argv[2:]))
