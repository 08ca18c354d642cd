"""How a lock gets its keys when it joins: the joining side of both key exchanges, without time or I/O.

Theory. After the network layer let the lock in, the including side has half a minute to begin. With Security 2:

    9F 04                     KEX Get              in the clear
    9F 05 00 02 01 keys       KEX Report           the lock asks for classes
    9F 06 00 02 01 keys       KEX Set              a person granted some of them
    9F 08 00 key(32)          Public Key Report    the lock's; bytes 0 and 1 are left out, they are the PIN on its label
    9F 08 01 key(32)          Public Key Report    the other's; both sides now make the temporary key
    9F 06 01 …, 9F 05 01 …    both lists again     under the temporary key: whoever changed them is found out
    9F 09 bit, 9F 0A bit key  Network Key Get and Report, under the temporary key, for every class granted
    9F 0B                     Network Key Verify   under the new key
    9F 0C 02                  Transfer End         "verified", under the temporary key
    9F 0C 01                  Transfer End         "complete", by the lock

The other side cannot read the lock's first encrypted message before the person has typed the PIN, so the lock says it again and again.
A wrong PIN makes another temporary key: nothing can be read, and the other side sends KEX Fail. With Security 0:

    98 04 00, 98 05 00        Scheme Get and Report, in the clear
    98 06 key                 Network Key Set, sealed with sixteen zeros
    98 07                     Network Key Verify, sealed with the new key

Every step has its time limit; a lock whose exchange failed stays without keys. Sources: SDS13783 (time-outs TB1 to TBI1, KEX Fail types),
SDS10865, and what Z-Wave JS 15.29 sends.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from drivers.simulator.radio.security.crypto import TempKeys, expand_temp_key, extract_temp_key
from drivers.simulator.radio.security.identity import Identity
from drivers.simulator.radio.security.s2 import HIGHEST_FIRST, SecurityClass

BEGIN_S: Final = 30.0
"""TB1: how long the lock waits for the first command of an exchange (SDS13783)."""

GRANT_S: Final = 240.0
"""TB2: how long for KEX Set, which a person grants (SDS13783)."""

STEP_S: Final = 10.0
"""TB3 to TB5: how long for any other command (SDS13783); SDS10865 allows the same between the steps of Security 0."""

PIN_S: Final = 240.0
"""TBI1: how long the lock repeats its first encrypted message (SDS13783)."""

S2: Final = 0x9F
S0: Final = 0x98
SCHEMES, CURVES = 0x02, 0x01
"""KEX scheme 1 and Curve25519: the only ones defined (SDS13783)."""

KEY_BITS: Final = {
    SecurityClass.UNAUTHENTICATED: 0x01,
    SecurityClass.AUTHENTICATED: 0x02,
    SecurityClass.ACCESS_CONTROL: 0x04,
}
"""How a list of keys names them. Bit 7 would ask for the key of Security 0; no lock here does, for it has a better one then."""

AUTHENTICATING = frozenset({SecurityClass.ACCESS_CONTROL, SecurityClass.AUTHENTICATED})
"""Classes for which a person must type the PIN."""

PUBLIC_KEY_BYTES = 32
PIN_BYTES = 2
NETWORK_KEY_BYTES = 16


class S2Command(IntEnum):
    """Commands of the exchange in class 0x9F."""

    KEX_GET = 0x04
    KEX_REPORT = 0x05
    KEX_SET = 0x06
    KEX_FAIL = 0x07
    PUBLIC_KEY_REPORT = 0x08
    NETWORK_KEY_GET = 0x09
    NETWORK_KEY_REPORT = 0x0A
    NETWORK_KEY_VERIFY = 0x0B
    TRANSFER_END = 0x0C


class S0Command(IntEnum):
    """Commands of the exchange in class 0x98."""

    SCHEME_GET = 0x04
    SCHEME_REPORT = 0x05
    NETWORK_KEY_SET = 0x06
    NETWORK_KEY_VERIFY = 0x07
    SCHEME_INHERIT = 0x08


class Failure(IntEnum):
    """Reasons a KEX Fail gives (SDS13783)."""

    NO_KEY_MATCH = 0x01
    NO_SCHEME = 0x02
    NO_CURVE = 0x03
    CANCELLED = 0x06
    WRONG_LEVEL = 0x07
    NOT_VERIFIED = 0x09
    OTHER_KEY = 0x0A


class Step(Enum):
    """What the lock waits for."""

    BEGIN = auto()
    KEX_SET = auto()
    PUBLIC_KEY = auto()
    ECHO = auto()
    KEY = auto()
    VERIFIED = auto()
    S0_KEY = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Say:
    """Send this; `security` None: in the clear."""

    plain: bytes = field(repr=False)
    security: SecurityClass | None


@dataclass(frozen=True, slots=True)
class UseTemporary:
    """From here on the temporary key can be used."""

    keys: TempKeys


@dataclass(frozen=True, slots=True)
class Install:
    """From here on this network key can be used."""

    security: SecurityClass
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Call `timeout` after so many seconds, instead of any earlier time."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The exchange is over; without any key when `is_complete` is false. `reason` is for people."""

    is_complete: bool
    reason: str


Effect = Say | UseTemporary | Install | Wait | Finish
"""What the owner of an exchange must do, in order."""


class KeyExchange:
    """One attempt of one lock to get keys."""

    def __init__(
        self, identity: Identity, requested: Iterable[SecurityClass], *, takes_s0: bool, echo_every_s: float
    ) -> None:
        """Ask for these S2 classes, if any; take the key of Security 0 too when it is offered instead.

        `echo_every_s`: how often the lock repeats the message that cannot be read before the PIN was typed.
        """
        self.step = Step.BEGIN
        self._identity = identity
        self._requested = frozenset(requested)
        self._takes_s0 = takes_s0
        self._granted: frozenset[SecurityClass] = frozenset()
        self._wanted: list[SecurityClass] = []
        self._echo_every_s = echo_every_s
        self._echoes_left = max(1, round(PIN_S / echo_every_s))

    def begin(self) -> list[Effect]:
        """Wait for the other side."""
        return [Wait(BEGIN_S)]

    def timeout(self) -> list[Effect]:
        """Take the end of the time that the last `Wait` asked for."""
        if self.step is Step.ECHO and self._echoes_left > 0:
            return self._echo()
        return self._finish(is_complete=False, reason=f"nothing came at step {self.step.name.lower()}")

    def take(self, plain: bytes, security: SecurityClass | None) -> list[Effect]:
        """Take one command of class 0x9F or 0x98 and the key it came under; what does not belong here is ignored."""
        if len(plain) < 2 or self.step is Step.OVER:
            return []
        if plain[0] == S0:
            return self._take_s0(plain[1], plain[2:], security)
        if plain[1] == S2Command.KEX_FAIL:
            return self._finish(is_complete=False, reason=f"the other side gave up, reason {plain[2:3].hex()}")
        return self._take_s2(plain, plain[2:], security)

    # -- Security 2 --------------------------------------------------------------------------------------------------

    def _take_s2(self, plain: bytes, body: bytes, security: SecurityClass | None) -> list[Effect]:
        match self.step, plain[1]:
            case (Step.BEGIN | Step.KEX_SET, S2Command.KEX_GET) if security is None and self._requested:
                self.step = Step.KEX_SET
                return [Say(self._report(echo=False), None), Wait(GRANT_S)]
            case Step.KEX_SET, S2Command.KEX_SET if len(body) >= 4 and security is None:
                return self._take_grant(body)
            case Step.PUBLIC_KEY, S2Command.PUBLIC_KEY_REPORT if len(body) > PUBLIC_KEY_BYTES:
                return self._take_public_key(body[1 : 1 + PUBLIC_KEY_BYTES])
            case Step.ECHO, S2Command.KEX_REPORT:
                return self._take_echo(plain, security)
            case Step.KEY, S2Command.NETWORK_KEY_REPORT if len(body) > NETWORK_KEY_BYTES:
                return self._take_key(body, security)
            case Step.VERIFIED, S2Command.TRANSFER_END if body:
                return self._take_verdict(body[0], security)
            case _:
                return []

    def _report(self, *, echo: bool) -> bytes:
        return bytes([S2, S2Command.KEX_REPORT, int(echo), SCHEMES, CURVES, _bits(self._requested)])

    def _take_grant(self, body: bytes) -> list[Effect]:
        _flags, schemes, curves, keys = body[:4]
        granted = frozenset(name for name, bit in KEY_BITS.items() if keys & bit)
        if schemes != SCHEMES:
            return self._fail(Failure.NO_SCHEME, None)
        if curves != CURVES:
            return self._fail(Failure.NO_CURVE, None)
        if not granted or not granted <= self._requested or _bits(granted) != keys:
            return self._fail(Failure.NO_KEY_MATCH, None)
        self._granted = granted
        self._wanted = [name for name in HIGHEST_FIRST if name in granted]
        shown = self._identity.public_key
        if granted & AUTHENTICATING:
            shown = bytes(PIN_BYTES) + shown[PIN_BYTES:]
        self.step = Step.PUBLIC_KEY
        return [Say(bytes([S2, S2Command.PUBLIC_KEY_REPORT, 0]) + shown, None), Wait(STEP_S)]

    def _take_public_key(self, including_key: bytes) -> list[Effect]:
        own = X25519PrivateKey.from_private_bytes(self._identity.private_key)
        try:
            secret = own.exchange(X25519PublicKey.from_public_bytes(including_key))
        except ValueError:
            # A point of small order: the secret would be all zeros.
            return self._fail(Failure.NO_CURVE, None)
        extracted = extract_temp_key(secret, including_key=including_key, joining_key=self._identity.public_key)
        self.step = Step.ECHO
        return [UseTemporary(expand_temp_key(extracted)), *self._echo()]

    def _echo(self) -> list[Effect]:
        self._echoes_left -= 1
        granted = bytes([S2, S2Command.KEX_SET, 0x01, SCHEMES, CURVES, _bits(self._granted)])
        return [Say(granted, SecurityClass.TEMPORARY), Wait(self._echo_every_s)]

    def _take_echo(self, plain: bytes, security: SecurityClass | None) -> list[Effect]:
        if security is not SecurityClass.TEMPORARY or plain[:6] != self._report(echo=True):
            return self._fail(Failure.WRONG_LEVEL, SecurityClass.TEMPORARY)
        return self._ask_next()

    def _ask_next(self) -> list[Effect]:
        if not self._wanted:
            complete = Say(bytes([S2, S2Command.TRANSFER_END, 0x01]), SecurityClass.TEMPORARY)
            return [complete, *self._finish(is_complete=True, reason="all keys are there")]
        self.step = Step.KEY
        ask = bytes([S2, S2Command.NETWORK_KEY_GET, KEY_BITS[self._wanted[0]]])
        return [Say(ask, SecurityClass.TEMPORARY), Wait(STEP_S)]

    def _take_key(self, body: bytes, security: SecurityClass | None) -> list[Effect]:
        wanted = self._wanted[0]
        if security is not SecurityClass.TEMPORARY:
            return self._fail(Failure.WRONG_LEVEL, SecurityClass.TEMPORARY)
        if body[0] != KEY_BITS[wanted]:
            return self._fail(Failure.OTHER_KEY, SecurityClass.TEMPORARY)
        self.step = Step.VERIFIED
        verify = Say(bytes([S2, S2Command.NETWORK_KEY_VERIFY]), wanted)
        return [Install(wanted, body[1 : 1 + NETWORK_KEY_BYTES]), verify, Wait(STEP_S)]

    def _take_verdict(self, flags: int, security: SecurityClass | None) -> list[Effect]:
        if security is not SecurityClass.TEMPORARY:
            return self._fail(Failure.WRONG_LEVEL, SecurityClass.TEMPORARY)
        if not flags & 0x02:
            return self._fail(Failure.NOT_VERIFIED, SecurityClass.TEMPORARY)
        self._wanted.pop(0)
        return self._ask_next()

    # -- Security 0 --------------------------------------------------------------------------------------------------

    def _take_s0(self, command: int, body: bytes, security: SecurityClass | None) -> list[Effect]:
        if not self._takes_s0:
            return []
        match self.step, command:
            case (Step.BEGIN | Step.KEX_SET | Step.S0_KEY, S0Command.SCHEME_GET) if security is None:
                self.step = Step.S0_KEY
                return [Say(bytes([S0, S0Command.SCHEME_REPORT, 0]), None), Wait(STEP_S)]
            case Step.S0_KEY, S0Command.NETWORK_KEY_SET if (
                security is SecurityClass.S0_LEGACY and len(body) >= NETWORK_KEY_BYTES
            ):
                install = Install(SecurityClass.S0_LEGACY, body[:NETWORK_KEY_BYTES])
                verify = Say(bytes([S0, S0Command.NETWORK_KEY_VERIFY]), SecurityClass.S0_LEGACY)
                return [install, verify, *self._finish(is_complete=True, reason="the key is there")]
            case _:
                return []

    # -- the end -----------------------------------------------------------------------------------------------------

    def _fail(self, why: Failure, security: SecurityClass | None) -> list[Effect]:
        told = Say(bytes([S2, S2Command.KEX_FAIL, why]), security)
        return [told, *self._finish(is_complete=False, reason=why.name.lower().replace("_", " "))]

    def _finish(self, *, is_complete: bool, reason: str) -> list[Effect]:
        self.step = Step.OVER
        return [Finish(is_complete, reason)]


def _bits(names: Iterable[SecurityClass]) -> int:
    """Write a list of keys as the byte of the exchange."""
    return sum(KEY_BITS[name] for name in names)
