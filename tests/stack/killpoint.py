"""The daemon with a fuse inside: `python -m tests.stack.killpoint PLACE PASSAGE DELAY_MS <arguments of the daemon>`.

It is the daemon itself with one function wrapped. At the PASSAGE-th time that PLACE is passed, the process kills itself with
SIGKILL: nothing is flushed, closed or said, as when the power goes. DELAY_MS counts for `IN_CALL` only.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.cloud import pump, reception
from gateway.cloud.reception import Settled
from gateway.fleet import worker
from gateway.fleet.steps import Done, Step
from gateway.planner.actions import Action, ClearSlot, WriteSlot
from gateway.runtime.main import main as daemon
from gateway.store import database

NEW_ORDER = frozenset({"order.accepted", "order.rejected"})
"""What the reception calls an order that it had not known; a repeated one commits nothing."""

type Doing = Callable[..., Awaitable[object]]


class Place(StrEnum):
    """Where the daemon dies."""

    BEFORE_COMMIT = "before_commit"
    """All of a transaction is done but its commit."""
    AFTER_INTENT = "after_intent"
    """A write's intent is committed, the lock's driver was not called yet."""
    IN_CALL = "in_call"
    """The write is on its way to the lock."""
    AFTER_CALL = "after_call"
    """The lock has answered, the outcome is not committed."""
    AFTER_OUTCOME = "after_outcome"
    """The outcome is committed, the next look was not taken."""
    AFTER_INBOX = "after_inbox"
    """An order is committed, the broker's message not acknowledged."""
    AFTER_PUBLISH = "after_publish"
    """An event went to the broker."""


@dataclass
class Fuse:
    """Burns down one passage at a time."""

    left: int
    delay_s: float

    def is_last(self) -> bool:
        self.left -= 1
        return self.left == 0

    def burn(self) -> None:
        if self.is_last():
            die()


def die() -> None:
    """SIGKILL ourselves; does not return."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(place: Place, fuse: Fuse) -> None:
    """Wrap the one function that passes the place."""
    match place:
        case Place.BEFORE_COMMIT:
            _wrap(database, "_writing", lambda writing: _cut_transaction(writing, fuse))
        case Place.AFTER_INTENT:
            _wrap(worker.Worker, "_advance", lambda advance: _after_advance(advance, fuse, _has_intent))
        case Place.AFTER_OUTCOME:
            _wrap(worker.Worker, "_advance", lambda advance: _after_advance(advance, fuse, _has_outcome_only))
        case Place.IN_CALL:
            _wrap(worker, "perform", lambda perform: _in_call(perform, fuse))
        case Place.AFTER_CALL:
            _wrap(worker, "perform", lambda perform: _after_call(perform, fuse))
        case Place.AFTER_INBOX:
            _wrap(reception.InboxReception, "_commit", lambda commit: _after_inbox(commit, fuse))
        case Place.AFTER_PUBLISH:
            _wrap(pump.OutboxPump, "_send", lambda send: _after_publish(send, fuse))


def _wrap[F: Callable[..., object]](owner: object, name: str, wrapper: Callable[[F], F]) -> None:
    setattr(owner, name, wrapper(getattr(owner, name)))


def _cut_transaction(writing: Callable[..., object], fuse: Fuse) -> Callable[..., object]:
    def cut(connection: object, change: Callable[[object], object]) -> object:
        def changed(con: object) -> object:
            result = change(con)
            fuse.burn()
            return result

        return writing(connection, changed)

    return cut


def _after_advance(advance: Doing, fuse: Fuse, is_there: Callable[[Done | None, Step], bool]) -> Doing:
    async def advanced(self: object, done: Done | None, *, may_act: Callable[[Action], bool]) -> object:
        step = await advance(self, done, may_act=may_act)
        if isinstance(step, Step) and is_there(done, step):
            fuse.burn()
        return step

    return advanced


def _has_intent(_: Done | None, step: Step) -> bool:
    return step.intent is not None and isinstance(step.intent.action, WriteSlot | ClearSlot)


def _has_outcome_only(done: Done | None, step: Step) -> bool:
    return done is not None and isinstance(done.action, WriteSlot | ClearSlot) and not _has_intent(done, step)


def _in_call(perform: Doing, fuse: Fuse) -> Doing:
    async def performed(port: object, action: Action, pin: object, clock: object, *, old_pin: object = None) -> object:
        if isinstance(action, WriteSlot | ClearSlot) and fuse.is_last():
            asyncio.get_running_loop().call_later(fuse.delay_s, die)
        return await perform(port, action, pin, clock, old_pin=old_pin)

    return performed


def _after_call(perform: Doing, fuse: Fuse) -> Doing:
    async def performed(port: object, action: Action, pin: object, clock: object, *, old_pin: object = None) -> object:
        result = await perform(port, action, pin, clock, old_pin=old_pin)
        if isinstance(action, WriteSlot | ClearSlot):
            fuse.burn()
        return result

    return performed


def _after_inbox(commit: Doing, fuse: Fuse) -> Doing:
    async def committed(self: object, contents: Sequence[object]) -> object:
        outcomes = await commit(self, contents)
        assert isinstance(outcomes, list)
        if any(isinstance(outcome, Settled) and outcome.event in NEW_ORDER for outcome in outcomes):
            fuse.burn()
        return outcomes

    return committed


def _after_publish(send: Doing, fuse: Fuse) -> Doing:
    async def sent(self: object, epoch: int, stored: object) -> None:
        await send(self, epoch, stored)
        fuse.burn()

    return sent


if __name__ == "__main__":
    place_name, passage, delay_ms, *rest = sys.argv[1:]
    arm(Place(place_name), Fuse(int(passage), int(delay_ms) / 1000))
    sys.exit(daemon(rest))
