"""What a lock leaves the factory with: its key pair, and the DSK on its label that a person reads from it."""

import hashlib
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

DSK_BYTES = 16
"""The DSK is the first half of the public key (SDS13783)."""

GROUP_BYTES, GROUP_DIGITS = 2, 5
"""On the label every two bytes are five decimal digits; the first group is the PIN."""

HOME_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Identity:
    """One lock, whatever network it is in. The keys are 32 bytes each (Curve25519)."""

    private_key: bytes = field(repr=False)
    public_key: bytes = field(repr=False)

    @classmethod
    def of(cls, name: str) -> Self:
        """Make the identity of the lock with this name: always the same, so that a label outlives the simulator."""
        private_key = hashlib.sha256(f"simulated lock {name}".encode()).digest()
        return cls(private_key, X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw())

    @property
    def dsk(self) -> str:
        """The label: eight groups of five digits."""
        raw = self.public_key[:DSK_BYTES]
        groups = (raw[at : at + GROUP_BYTES] for at in range(0, DSK_BYTES, GROUP_BYTES))
        return "-".join(f"{int.from_bytes(group):0{GROUP_DIGITS}}" for group in groups)

    @property
    def nwi_home_id(self) -> bytes:
        """The home id under which the lock asks to be let in by SmartStart: DSK bytes 9 to 12 (SDS13783, NWI HomeID)."""
        raw = self.public_key[8 : 8 + HOME_ID_BYTES]
        return bytes([raw[0] | 0xC0]) + raw[1:3] + bytes([raw[3] & 0xFE])

    @property
    def serial(self) -> bytes:
        """A serial number of 4 bytes, different for every lock."""
        return self.public_key[-4:]
