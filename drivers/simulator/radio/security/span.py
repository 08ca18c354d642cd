"""The singlecast pre-agreed nonce (SPAN) two nodes share, and the four states of agreeing on it.

Theory. Both ends run the same generator and draw from it for every message, whoever sends. It is seeded from two
entropy inputs: the receiver's, carried by a Nonce Report, and the sender's, carried by the SPAN extension of the first
message. Until a message has been decrypted, nothing is shared, so one side may hold any of:

    NoSpan        nothing is known
    LocalNonce    our entropy went out; the peer may use it once, in its next first message
    RemoteNonce   the peer's entropy came in; our next message uses it up and makes a Span
    Span          a running generator under one security class

Every state that waits for an entropy input forgets it when it is used. That is what makes a replayed first message
worthless: the receiver's share of the seed is never the same twice. Source: SDS13783, SPAN management.
"""

from dataclasses import dataclass, field
from typing import Final

from drivers.simulator.radio.security.crypto import (
    BLOCK_BYTES,
    NONCE_BYTES,
    DrbgState,
    NetworkKeys,
    TempKeys,
    drbg_generate,
    drbg_instantiate,
    mix_entropy,
    unseal,
)

LOOK_AHEAD_STEPS: Final = 5
"""How many consecutive nonces a receiver tries on one message before it gives up.

Source: Z-Wave JS 15.29 tries the same number; SDS13783 leaves a maximum to the receiver. Each lost message costs
one step, so four lost messages in a row are bridged without a new Nonce Report.
"""


@dataclass(frozen=True, slots=True)
class NoSpan:
    """Nothing is agreed with this peer."""


@dataclass(frozen=True, slots=True)
class LocalNonce:
    """We sent our entropy in a Nonce Report and wait for the first message made with it."""

    receiver_entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoteNonce:
    """The peer sent its entropy; our next message to it starts the generator."""

    receiver_entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Span[Key]:
    """A running generator, bound to the key (and the name of that key) it was agreed under."""

    name: Key
    keys: NetworkKeys | TempKeys
    generator: DrbgState

    def next_nonce(self) -> tuple[bytes, "Span[Key]"]:
        """Draw the nonce of the next message, 13 bytes, and give the SPAN after it."""
        drawn, generator = drbg_generate(self.generator, BLOCK_BYTES)
        return drawn[:NONCE_BYTES], Span(self.name, self.keys, generator)

    def open(self, sealed: bytes, associated: bytes, *, steps: int) -> tuple[bytes, "Span[Key]"] | None:
        """Decrypt with one of the next `steps` nonces; give the plain text and the SPAN after the one that fitted.

        None when none fitted; this value is immutable, so nothing has been used up then.
        """
        ahead = self
        for _ in range(steps):
            nonce, ahead = ahead.next_nonce()
            plain = unseal(self.keys.ccm, nonce, sealed, associated)
            if plain is not None:
                return plain, ahead
        return None


type SpanState[Key] = NoSpan | LocalNonce | RemoteNonce | Span[Key]


def agree[Key](name: Key, keys: NetworkKeys | TempKeys, *, sender_entropy: bytes, receiver_entropy: bytes) -> Span[Key]:
    """Start the shared generator from both entropy inputs (SDS13783, SPAN instantiation)."""
    mixed = mix_entropy(sender=sender_entropy, receiver=receiver_entropy)
    return Span(name, keys, drbg_instantiate(mixed, keys.personalization))
