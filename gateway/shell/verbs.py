"""From a request line to an answer: the verb is found, carried out, and whatever it raises becomes an answer."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace

from gateway.model.instant import Instant
from gateway.planner.explain import local_time
from gateway.shell import (
    verbs_codes,
    verbs_hub,
    verbs_locks,
    verbs_network,
    verbs_orders,
    verbs_pool,
    verbs_record,
    verbs_time,
)
from gateway.shell.catalogue import CATALOGUE
from gateway.shell.context import Peer, ShellContext
from gateway.shell.session import Answer, Cell, Failure, FailureKind, NotDone, Request, Tone, parse_request
from gateway.shell.times import known_now
from gateway.store.database import is_of_the_disk

log = logging.getLogger(__name__)

type Doer = Callable[[ShellContext, Peer, Request], Awaitable[Answer]]

DOERS: Mapping[str, Doer] = {
    "status": verbs_hub.status,
    "locks": verbs_locks.locks,
    "codes": verbs_codes.codes,
    "slots": verbs_locks.slots,
    "plan": verbs_locks.plan,
    "why": verbs_codes.why,
    "timeline": verbs_codes.timeline,
    "create": verbs_orders.create,
    "update": verbs_orders.update,
    "delete": verbs_orders.delete,
    "pool": verbs_pool.pool,
    "pull": verbs_pool.pull,
    "reveal": verbs_pool.reveal,
    "generate": verbs_pool.generate,
    "unmanaged": verbs_pool.unmanaged,
    "adopt": verbs_pool.adopt,
    "delete-unmanaged": verbs_pool.delete_unmanaged,
    "verify": verbs_hub.verify,
    "set-time": verbs_time.set_time,
    "confirm-time": verbs_time.confirm_time,
    "check-native": verbs_time.check_native,
    "accept-lock": verbs_record.accept_lock,
    "include": verbs_network.include,
    "provision": verbs_network.provision,
    "exclude": verbs_network.exclude,
    "remove-failed": verbs_network.remove_failed,
    "network": verbs_network.network,
}
"""Who carries out which verb of the catalogue."""

LOOK_FIRST = "look whether anything changed before you try again"

ACTING_FIRST = frozenset(
    {"set-time", "confirm-time", "check-native", "include", "provision", "exclude", "remove-failed"}
)
"""Verbs that do something, or write one thing, before they write another. All others are one transaction."""


COUNT_FROM_NOW = frozenset({"locks", "codes", "slots", "plan", "why", "pool", "unmanaged"})
"""Verbs whose screens count times from now. `status` says by itself what an unknown time means."""


def extra_s(line: bytes) -> float:
    """How much longer than others the verb of a request line may take; nothing for a line that is no request."""
    try:
        return parse_request(line, CATALOGUE).verb.extra_s
    except NotDone:
        return 0.0


class Shell:
    """Answers requests. One for the whole daemon; it has no memory but a counter."""

    def __init__(self, context: ShellContext) -> None:
        self._context = context
        self.failures = 0
        """Requests that died of a bug."""

    async def answer(self, line: bytes, peer: Peer) -> Answer:
        """The answer to one request line. Never raises for what the request says, nor for a bug in a verb."""
        try:
            request = parse_request(line, CATALOGUE)
            return await self._carry_out(request, peer)
        except NotDone as refusal:
            return Answer(failure=refusal.failure)
        except Exception as error:  # noqa: BLE001 - a verb is supervised: logged, counted, answered
            self.failures += 1
            # Neither the arguments nor the exception's own text go into the log: either may hold a PIN (N1).
            trace = "".join(traceback.format_tb(error.__traceback__))
            kind = type(error).__name__
            log.error("shell.verb.died", extra={"error": kind, "failures": self.failures, "trace": trace})  # noqa: TRY400 - see above
            message = f"the hub failed at this; {LOOK_FIRST}"
            return Answer(failure=Failure(FailureKind.FAILED, message, "send the hub's log to the maker"))

    async def _carry_out(self, request: Request, peer: Peer) -> Answer:
        verb = request.verb
        try:
            answer = await DOERS[verb.name](self._context, peer, request)
        except Exception as error:
            if not (verb.is_mutating and is_of_the_disk(error) and self._context.db.is_refusing()):
                raise  # a look that failed after the change was kept is not told as no change
            log.warning("shell.verb.not_written", extra={"verb": verb.name, "cause": str(error)})
            done = LOOK_FIRST if verb.name in ACTING_FIRST else "nothing was changed"
            message = f"the hub's disk cannot be written; {done}"
            return Answer(failure=Failure(FailureKind.FAILED, message, "free space on it, then try again"))
        if verb.is_mutating:
            log.info("shell.verb.done", extra={"verb": verb.name, "uid": peer.uid})
        if verb.name in COUNT_FROM_NOW and answer.failure is None:
            return replace(answer, notes=(*answer.notes, *self._of_now()))
        return answer

    def _of_now(self) -> Iterator[Cell]:
        """What "in 2 h" means while nobody knows the time: the earliest that it can be may lag by days (T1, T2)."""
        reading = self._context.clock.reading()
        if known_now(reading) is None:
            earliest = local_time(reading.lo, Instant(0), self._context.zone)
            yield Cell(f"The hub does not know the time; what is told from now is counted from {earliest}.", Tone.WARN)
