"""Both ways a lock seals its messages, behind one door: which key a message came under, and what to say under which key.

A lock has this only while it belongs to a network: the keys, the nonces and the address are all of that network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drivers.simulator.radio.security.crypto import TempKeys
from drivers.simulator.radio.security.s0 import COMMAND_CLASS as S0
from drivers.simulator.radio.security.s0 import ENVELOPE_COMMANDS as S0_ENVELOPES
from drivers.simulator.radio.security.s0 import TEMPORARY_KEY, S0Endpoint, split
from drivers.simulator.radio.security.s2 import COMMAND_CLASS as S2
from drivers.simulator.radio.security.s2 import (
    HIGHEST_FIRST,
    MESSAGE_ENCAPSULATION,
    NONCE_GET,
    NONCE_REPORT,
    Received,
    S2Endpoint,
    SecurityClass,
)

_S2_ENVELOPES = frozenset({NONCE_GET, NONCE_REPORT, MESSAGE_ENCAPSULATION})


@dataclass(frozen=True, slots=True)
class Membership:
    """A lock's place in a network: home id (4 bytes), node id, and the keys it was granted (16 bytes each)."""

    home_id: bytes
    node_id: int
    keys: Mapping[SecurityClass, bytes] = field(repr=False)

    @property
    def granted(self) -> SecurityClass | None:
        """The highest class it has a key of: the only one under which it takes commands. None: it got no key."""
        for name in (*HIGHEST_FIRST, SecurityClass.S0_LEGACY):
            if name in self.keys:
                return name
        return None


def is_envelope(payload: bytes) -> bool:
    """Say whether a message is sealed or speaks of nonces, and so belongs to `Envelopes.open`."""
    if len(payload) < 2:
        return False
    return payload[1] in {S2: _S2_ENVELOPES, S0: S0_ENVELOPES}.get(payload[0], frozenset())


class Envelopes:
    """The two endpoints of one lock in one network."""

    def __init__(self, membership: Membership, entropy: Callable[[int], bytes]) -> None:
        """Start with the keys of the membership and nothing agreed with anybody."""
        s2_keys = {name: membership.keys[name] for name in HIGHEST_FIRST if name in membership.keys}
        self._s2 = S2Endpoint(membership.home_id, membership.node_id, s2_keys, entropy)
        s0_key = membership.keys.get(SecurityClass.S0_LEGACY, TEMPORARY_KEY)
        self._s0 = S0Endpoint(membership.node_id, s0_key, entropy)

    def open(self, src: int, payload: bytes, at: float) -> Received:
        """Take a message for which `is_envelope` holds; see `Received`. `at` in seconds."""
        return self._s2.receive(src, payload) if payload[0] == S2 else self._s0.receive(src, payload, at)

    def has(self, security: SecurityClass) -> bool:
        """Say whether the key is there to seal with; Security 0 has always one, if only that of an inclusion."""
        return security is SecurityClass.S0_LEGACY or self._s2.has(security)

    def parts(self, plain: bytes, security: SecurityClass) -> list[bytes] | None:
        """Cut a message into what one envelope holds; None when it is too long to be sent at all."""
        return split(plain) if security is SecurityClass.S0_LEGACY else [plain]

    def seal(self, dst: int, parts: list[bytes], place: int, security: SecurityClass) -> bytes | None:
        """Seal one part; None when a nonce must be asked for first. Raises ValueError without the key, see `has`."""
        if security is SecurityClass.S0_LEGACY:
            return self._s0.seal(dst, parts[place], place=place, count=len(parts))
        return self._s2.encapsulate(dst, parts[place], security)

    def nonce_get(self, dst: int, security: SecurityClass) -> bytes:
        """Give the message that asks for a nonce."""
        return self._s0.nonce_get() if security is SecurityClass.S0_LEGACY else self._s2.nonce_get(dst)

    def use(self, security: SecurityClass, key: bytes) -> None:
        """Add a network key that an exchange handed over."""
        if security is SecurityClass.S0_LEGACY:
            self._s0.use(key)
        else:
            self._s2.use(security, key)

    def drop(self, security: SecurityClass) -> None:
        """Forget a network key that was handed over."""
        if security is SecurityClass.S0_LEGACY:
            self._s0.use(TEMPORARY_KEY)
        else:
            self._s2.drop(security)

    def use_temporary(self, keys: TempKeys | None) -> None:
        """Add the key of an exchange in progress, or drop it."""
        self._s2.use_temporary(keys)

    def forget(self) -> None:
        """Lose all nonces, as when the battery is pulled."""
        self._s2.forget()
        self._s0.forget()
