"""Pure: device specific keys, and what a lock is granted when it joins.

A lock joins with S2 Access Control, or with S2 Authenticated where it asks for nothing better; the person proves by the first five
digits of the key that this is the lock in front of them. S2 Unauthenticated, S0 and no security are refused unless forced:
whoever listens while such a lock joins can speak to it for ever after.
"""

import re
from collections.abc import Iterable
from typing import Final

from zwave_js_server.const import SecurityClass

PIN_DIGITS: Final = 5
"""CC:009F: the part of the key that a person types is one group of five digits."""

KEY_GROUPS: Final = 8
"""CC:009F: a key has 16 bytes, written as eight groups of five digits."""

GROUP_MAX: Final = 0xFFFF

STRONG: Final = (SecurityClass.S2_ACCESS_CONTROL, SecurityClass.S2_AUTHENTICATED)
"""Classes that are granted unforced, best first."""

_SPACING: Final = re.compile(r"[\s-]+")

SECURITY_WORDS: Final = {
    SecurityClass.S2_ACCESS_CONTROL: "S2 Access Control",
    SecurityClass.S2_AUTHENTICATED: "S2 Authenticated",
    SecurityClass.S2_UNAUTHENTICATED: "S2 Unauthenticated",
    SecurityClass.S0_LEGACY: "S0",
    SecurityClass.NONE: "no security",
}


def read_key(text: str) -> str | None:
    """What a person typed, as the driver wants it: five digits, or eight groups with hyphens. None when it is neither."""
    digits = _SPACING.sub("", text)
    if not (digits.isascii() and digits.isdigit()):
        return None
    groups = [digits[place : place + PIN_DIGITS] for place in range(0, len(digits), PIN_DIGITS)]
    if len(digits) not in {PIN_DIGITS, PIN_DIGITS * KEY_GROUPS} or any(int(group) > GROUP_MAX for group in groups):
        return None
    return "-".join(groups)


def is_whole(key: str) -> bool:
    """Whether a read key is the whole one, as SmartStart needs it."""
    return len(key) > PIN_DIGITS


def fits(key: str, told: str) -> bool:
    """Whether a lock that tells its key without the first group, as Z-Wave JS passes it on, can be the lock of `key`."""
    return not is_whole(key) or key[PIN_DIGITS:] == told[-len(key) + PIN_DIGITS :]


def granted(requested: Iterable[SecurityClass], *, has_key: bool, is_forced: bool) -> list[SecurityClass]:
    """The classes to grant; none means that the lock is not wanted like this. Nobody proves a strong one without a key."""
    asked = list(requested)
    strong: list[SecurityClass] = [security for security in STRONG if security in asked and has_key]
    return strong if strong or not is_forced else [security for security in asked if security not in STRONG]
