"""Which device a lock is, so that another one in its place is noticed (A17)."""

from dataclasses import dataclass
from typing import override


@dataclass(frozen=True, slots=True)
class LockIdentity:
    """What a device says of itself, in the driver's own words; empty is unknown and never a difference.

    `product` is maker, kind and model, `serial` the number of this one piece. Firmware is no part: it may be updated.
    """

    product: str = ""
    serial: str = ""

    def is_other_than(self, paired: "LockIdentity") -> bool:
        """Whether this is surely another device than the paired one: something that both tell differs."""
        pairs = ((self.product, paired.product), (self.serial, paired.serial))
        return any(one and two and one != two for one, two in pairs)

    def completing(self, paired: "LockIdentity") -> "LockIdentity":
        """What is known of the paired device, with what this look at it adds."""
        return LockIdentity(paired.product or self.product, paired.serial or self.serial)

    @override
    def __str__(self) -> str:
        """For people."""
        return f"{self.product or 'unknown product'}, {f'serial {self.serial}' if self.serial else 'no serial number'}"


UNKNOWN_DEVICE = LockIdentity()
"""A device that tells nothing of itself; never another one."""
