"""How a lock gets into a network, gets its keys, and gets out again.

Theory of operation. Somebody presses the button inside the lock: it calls its Node Info out for half a minute. A stick in add mode then
gives it an address, one in remove mode takes it away. A lock with an address and no keys waits for one exchange of keys (`kex`);
whatever comes of it, it stays a node, and without keys it obeys nobody. A lock with Security 2 that is switched on outside any network
also calls by SmartStart, again and again, at doubling intervals; when the exchange after that fails, it leaves and calls anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, assert_never

from drivers.simulator.radio.ether import STRANGER
from drivers.simulator.radio.network import INCLUDE_ME, NODE_INFO, PRIME, smart_start
from drivers.simulator.radio.security.envelopes import Envelopes, Membership
from drivers.simulator.radio.security.identity import Identity
from drivers.simulator.radio.security.kex import Effect as KexEffect
from drivers.simulator.radio.security.kex import Finish, Install, KeyExchange, Say, UseTemporary, Wait
from drivers.simulator.radio.security.s2 import HIGHEST_FIRST, SecurityClass
from drivers.simulator.radio.speech import Voice

log = logging.getLogger(__name__)

BUTTON_S = 30.0
"""How long a pressed button keeps the lock calling; locks give half a minute or so."""

CALL_EVERY_S = 1.0
"""How often it calls then; an assumption."""

ECHO_EVERY_S = 10.0
"""How often a lock repeats the message that waits for the PIN (SDS13783)."""

ECHO_EVERY_QUICK_S = 0.5
"""The same with airtime off, where everything is quick."""

INCLUDE_AFTER_S = 1.0
"""From the first call of SmartStart to the second; an assumption: time for the host to look up the label."""

SMART_START_FIRST_S, SMART_START_LAST_S = 16.0, 512.0
"""Pauses between two rounds of SmartStart calls: they double from the first to the last; an assumption, real locks draw them."""

AFTERMATH_S = 10.0
"""How long the temporary key outlives its exchange, for the last message to be sent under it."""

LEAVE_AFTER_S = 1.0
"""How long a lock that came by SmartStart and got no keys stays: long enough to say why, short enough that a ping finds it gone."""


class Lock(Protocol):
    """The lock that belongs, as this file needs it."""

    identity: Identity
    membership: Membership | None
    voice: Voice

    @property
    def envelopes(self) -> Envelopes | None:
        """What it seals with."""
        ...

    @property
    def wishes(self) -> frozenset[SecurityClass]:
        """The keys it would like."""
        ...

    @property
    def introduction(self) -> bytes:
        """What its Node Info says."""
        ...

    def enter(self, membership: Membership) -> None:
        """Belong to a network."""
        ...

    def keep(self, keys: Mapping[SecurityClass, bytes]) -> None:
        """Keep these keys."""
        ...

    def leave(self) -> None:
        """Belong to no network."""
        ...


class Belonging:
    """One lock's way in and out."""

    def __init__(
        self,
        lock: Lock,
        call: Callable[[bytes, str], Awaitable[None]],
        *,
        echo_every_s: float,
        now: Callable[[], float],
    ) -> None:
        """Start at rest. `call` sends a message to whoever listens, with its label for the trace."""
        self.outcome = ""
        """How the last exchange of keys ended, for people; empty before the first."""
        self._lock = lock
        self._call = call
        self._echo_every_s = echo_every_s
        self._now = now
        self._touched = asyncio.Event()
        self._exchange: KeyExchange | None = None
        self._exchange_due_at: float | None = None
        self._keys: dict[SecurityClass, bytes] = {}
        self._is_leaving = False
        self._came_by_label = False
        self._button_until = 0.0
        self._button_due_at: float | None = None
        self._label_due_at: float | None = None
        self._label_call = PRIME
        self._label_pause_s = SMART_START_FIRST_S

    # -- what people do ----------------------------------------------------------------------------------------------

    def press_button(self) -> None:
        """Press the button inside the lock: it calls for half a minute, to be let in or to be let go."""
        self._button_due_at = self._now()
        self._button_until = self._now() + BUTTON_S
        self._touched.set()

    def switch_on(self) -> None:
        """Put the batteries in: outside any network, a lock with Security 2 asks to be let in by the key on its label."""
        if self._lock.membership is None and self._lock.wishes & set(HIGHEST_FIRST):
            self._label_due_at = self._now()
            self._label_call = PRIME
            self._label_pause_s = SMART_START_FIRST_S
            self._touched.set()

    # -- what the air brings -----------------------------------------------------------------------------------------

    def assigned(self, home_id: bytes, node_id: int) -> None:
        """Take an address, and wait for keys; node 0 ends the membership."""
        was_called_by_label = self._label_due_at is not None and self._button_due_at is None
        if node_id == STRANGER:
            self._rest()
            self.outcome = ""
            if self._lock.membership is not None:
                self._lock.leave()
            return
        if self._lock.membership is not None:
            return
        self._rest()
        self._came_by_label = was_called_by_label
        self._lock.enter(Membership(home_id, node_id, {}))
        wishes = self._lock.wishes
        self._exchange = KeyExchange(
            self._lock.identity,
            wishes - {SecurityClass.S0_LEGACY},
            takes_s0=SecurityClass.S0_LEGACY in wishes,
            echo_every_s=self._echo_every_s,
        )
        self._perform(self._exchange.begin())

    def take(self, plain: bytes, security: SecurityClass | None) -> None:
        """Take a command of the exchange of keys."""
        if self._exchange is not None:
            self._perform(self._exchange.take(plain, security))

    async def run(self) -> None:
        """Call, repeat and give up in time, until cancelled."""
        while True:
            self._touched.clear()
            dues = (self._exchange_due_at, self._button_due_at, self._label_due_at)
            due_at = min((due for due in dues if due is not None), default=None)
            try:
                async with asyncio.timeout(None if due_at is None else max(0.0, due_at - self._now())):
                    await self._touched.wait()
            except TimeoutError:
                await self._do_what_is_due(self._now())

    # -- inside ------------------------------------------------------------------------------------------------------

    def _rest(self) -> None:
        self._exchange = None
        self._keys = {}
        self._is_leaving = self._came_by_label = False
        self._exchange_due_at = self._button_due_at = self._label_due_at = None
        self._touched.set()

    async def _do_what_is_due(self, at: float) -> None:
        if self._exchange_due_at is not None and self._exchange_due_at <= at:
            self._exchange_due_at = None
            self._exchange_timeout()
        if self._button_due_at is not None and self._button_due_at <= at:
            self._button_due_at = at + CALL_EVERY_S if at + CALL_EVERY_S <= self._button_until else None
            await self._call(NODE_INFO + self._lock.introduction, "Node Info")
        if self._label_due_at is not None and self._label_due_at <= at:
            await self._call_by_label(at)

    async def _call_by_label(self, at: float) -> None:
        kind = self._label_call
        if kind == PRIME:
            self._label_call, self._label_due_at = INCLUDE_ME, at + INCLUDE_AFTER_S
        else:
            self._label_call, self._label_due_at = PRIME, at + self._label_pause_s
            self._label_pause_s = min(self._label_pause_s * 2, SMART_START_LAST_S)
        label = "SmartStart Prime" if kind == PRIME else "SmartStart Include"
        await self._call(smart_start(kind, self._lock.identity.nwi_home_id, self._lock.introduction), label)

    def _exchange_timeout(self) -> None:
        if self._exchange is not None:
            self._perform(self._exchange.timeout())
            return
        # The aftermath of an exchange: what it said last is on its way, so the temporary key has done its work.
        if self._lock.envelopes is not None:
            self._lock.envelopes.use_temporary(None)
        if self._is_leaving:
            self._rest()
            self._lock.leave()
            self.switch_on()

    def _perform(self, effects: list[KexEffect]) -> None:
        envelopes = self._lock.envelopes
        if envelopes is None:
            return
        for effect in effects:
            match effect:
                case Say(plain, security):
                    self._lock.voice.say(plain, security)
                case UseTemporary(keys):
                    envelopes.use_temporary(keys)
                case Install(security, key):
                    envelopes.use(security, key)
                    self._keys[security] = key
                case Wait(after_s):
                    self._exchange_due_at = self._now() + after_s
                    self._touched.set()
                case Finish(is_complete, reason):
                    self._finish(is_complete=is_complete, reason=reason)
                case _:
                    assert_never(effect)

    def _finish(self, *, is_complete: bool, reason: str) -> None:
        self._exchange = None
        self.outcome = reason
        if is_complete:
            self._lock.keep(self._keys)
        else:
            # Keys that were handed over before it failed must not open anything.
            log.info("lock.keys.refused", extra={"reason": reason})
            if self._lock.envelopes is not None:
                for name in self._keys:
                    self._lock.envelopes.drop(name)
        self._is_leaving = self._came_by_label and not is_complete
        self._exchange_due_at = self._now() + (LEAVE_AFTER_S if self._is_leaving else AFTERMATH_S)
        self._touched.set()
