"""How a lock speaks: its answers and notices in the order they were made, each under its key, with a nonce asked for when none is there.

Under Security 2 a Nonce Report that was not asked for means that the host could not read our last message: it is said once more. Under
Security 0 every message costs a nonce of its own, and a long one goes in two halves.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.simulator.radio.cc.names import name_of
from drivers.simulator.radio.ether import Ether, Said
from drivers.simulator.radio.security.envelopes import Envelopes
from drivers.simulator.radio.security.s2 import SecurityClass
from drivers.simulator.stick.memory import STICK_NODE_ID

log = logging.getLogger(__name__)

OUTBOX_MAX = 128
"""Messages a lock holds unsent: its notices, and the answers of a full inbox."""

NONCE_TIMEOUT_S = 3.0
"""How long a lock waits for the nonce it asked for (SDS13783: the host answers within 10 s at most)."""

NONCE_ATTEMPTS_MAX = 3
"""How often a lock asks for a nonce before it gives a message up."""

REPEAT_WITHIN_S = 10.0
"""How long after a message the host may still say that it could not read it (SDS13783, nonce time-out)."""


@dataclass(frozen=True, slots=True)
class _Saying:
    """A message to say; `security` None: in the clear."""

    plain: bytes = field(repr=False)
    security: SecurityClass | None


class Voice:
    """One lock's outgoing messages."""

    def __init__(self, ether: Ether, now: Callable[[], float]) -> None:
        """Start silent and outside any network."""
        self.lost_count = 0
        """Messages the lock gave up for lack of a nonce or of room."""
        self._ether = ether
        self._now = now
        self._node_id = 0
        self._envelopes: Envelopes | None = None
        self._outbox: asyncio.Queue[_Saying] = asyncio.Queue(OUTBOX_MAX)
        self._nonce_came = asyncio.Event()
        self._is_nonce_wanted = False
        self._last_said: tuple[_Saying, float] | None = None

    def move(self, node_id: int, envelopes: Envelopes | None) -> None:
        """Speak in another network from here on, or with None in none; what was unsaid is dropped."""
        self._node_id = node_id
        self._envelopes = envelopes
        self._last_said = None
        while not self._outbox.empty():
            self._outbox.get_nowait()

    def forget(self) -> None:
        """Lose what was said last, as when the battery is pulled."""
        self._last_said = None

    def say(self, plain: bytes, security: SecurityClass | None) -> None:
        """Say this when its turn comes."""
        self._queue(_Saying(plain, security))

    def nonce_arrived(self, security: SecurityClass | None) -> None:
        """Take note of a nonce; under Security 2 one that nobody asked for makes the last message be said again."""
        if self._is_nonce_wanted or security is SecurityClass.S0_LEGACY:
            self._nonce_came.set()
            return
        last, self._last_said = self._last_said, None
        if last is not None and self._now() - last[1] <= REPEAT_WITHIN_S:
            self._queue(last[0])

    async def run(self) -> None:
        """Speak until cancelled."""
        while True:
            saying = await self._outbox.get()
            security, envelopes = saying.security, self._envelopes
            if envelopes is None:
                continue
            if security is None:
                await self._speak_openly(saying.plain)
            else:
                await self._speak_sealed(saying, security, envelopes)

    def _queue(self, saying: _Saying) -> None:
        try:
            self._outbox.put_nowait(saying)
        except asyncio.QueueFull:
            self._give_up("outbox full")

    async def _speak_openly(self, plain: bytes) -> None:
        await self._ether.from_node(self._node_id, lambda: plain, name_of(plain))

    async def _speak_sealed(self, saying: _Saying, security: SecurityClass, envelopes: Envelopes) -> None:
        parts = envelopes.parts(saying.plain, security)
        if parts is None:
            self._give_up("too long")
            return
        for place in range(len(parts)):
            if place:
                # The first half asked for the second one's nonce.
                await self._await_nonce()
            self._nonce_came.clear()
            if not await self._send_part(saying, parts, place, security, envelopes):
                self._give_up("no nonce")
                return

    def _give_up(self, reason: str) -> None:
        self.lost_count += 1
        log.warning("lock.message.dropped", extra={"node": self._node_id, "reason": reason})

    async def _send_part(
        self, saying: _Saying, parts: list[bytes], place: int, security: SecurityClass, envelopes: Envelopes
    ) -> bool:
        """Send one part, asking for a nonce where needed; False when none came."""
        half = f" ({place + 1} of {len(parts)})" if len(parts) > 1 else ""
        label = f"{_short(security)} > {name_of(saying.plain)}{half}"
        for _attempt in range(NONCE_ATTEMPTS_MAX):
            said = await self._ether.from_node(
                self._node_id, lambda: self._seal(parts, place, security, envelopes), label
            )
            if said is not Said.NOT_SENT:
                self._last_said = None if security is SecurityClass.S0_LEGACY else (saying, self._now())
                return True
            if envelopes is not self._envelopes or not envelopes.has(security):
                return False
            await self._get_nonce(security, envelopes)
        return False

    def _seal(self, parts: list[bytes], place: int, security: SecurityClass, envelopes: Envelopes) -> bytes | None:
        if envelopes is not self._envelopes or not envelopes.has(security):
            # The lock left the network, or the exchange of keys ended, while the air was busy.
            return None
        return envelopes.seal(STICK_NODE_ID, parts, place, security)

    async def _get_nonce(self, security: SecurityClass, envelopes: Envelopes) -> None:
        """Ask the host for a nonce and wait for it; without one the next attempt asks again."""
        self._nonce_came.clear()
        self._is_nonce_wanted = True
        try:
            ask = envelopes.nonce_get(STICK_NODE_ID, security)
            await self._ether.from_node(self._node_id, lambda: ask, f"{_short(security)} Nonce Get")
            await self._await_nonce()
        finally:
            self._is_nonce_wanted = False

    async def _await_nonce(self) -> None:
        try:
            async with asyncio.timeout(NONCE_TIMEOUT_S):
                await self._nonce_came.wait()
        except TimeoutError:
            log.debug("lock.nonce.missing", extra={"node": self._node_id})


def _short(security: SecurityClass) -> str:
    return "S0" if security is SecurityClass.S0_LEGACY else "S2"
