"""The digits alone, guarded: a PIN never prints itself (N1).

Two PINs are compared by their digest under the hub's own key (A11): the space of six digits is a million, so an
unkeyed hash would be no protection at all. The core only ever sees digests; the digits are unsealed for the one call
that hands them to a lock.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NewType, Self, override

PinDigest = NewType("PinDigest", bytes)
"""First 16 bytes of HMAC-SHA-256 over the digits under the hub's key. 128 bits: no collision among a hub's codes."""

DIGEST_BYTES = 16

SHORTEST_PIN = 4
LONGEST_PIN = 10
"""Bounds of any PIN: CC:0063.01 (User Code version 1) allows 4 to 10 digits; a lock's own profile is narrower."""

DRAW_TRIES_MAX = 1_000
"""Bound on drawing a PIN; with the rules of all known locks fewer than one draw in three is thrown away."""


class Pin:
    """The digits of one PIN. `reveal()` is the only way to them; a tidy test lists who may call it."""

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        """Take the digits. Raises `ValueError`, without repeating the text, when they are not 4 to 10 ASCII digits."""
        if not (digits.isascii() and digits.isdigit()):
            msg = "a PIN has digits only"
            raise ValueError(msg)
        if not SHORTEST_PIN <= len(digits) <= LONGEST_PIN:
            msg = f"a PIN has {SHORTEST_PIN} to {LONGEST_PIN} digits, this one has {len(digits)}"
            raise ValueError(msg)
        self._digits = digits

    def reveal(self) -> str:
        """The digits in clear, for the lock, the seal and an explicit `reveal` only (N1)."""
        return self._digits

    def digest(self, key: bytes) -> PinDigest:
        """What stands for this PIN wherever two PINs are compared (A11)."""
        return PinDigest(hmac.digest(key, self._digits.encode(), hashlib.sha256)[:DIGEST_BYTES])

    def is_near(self, other: "Pin") -> bool:
        """Whether one slip of a finger makes one of the other: a wrong digit, two swapped neighbours, a digit too few."""
        one, two = self._digits, other.reveal()
        if len(one) != len(two):
            return one.startswith(two) or two.startswith(one)
        wrong = [place for place in range(len(one)) if one[place] != two[place]]
        is_swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1 and one[wrong[0]] == two[wrong[1]]
        return len(wrong) <= 1 or (is_swapped and one[wrong[1]] == two[wrong[0]])

    def __len__(self) -> int:
        """Count of digits; not a secret, a lock's refusal tells it."""
        return len(self._digits)

    @override
    def __repr__(self) -> str:
        return "Pin(••••)"

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pin) and hmac.compare_digest(self._digits, other._digits)

    @override
    def __hash__(self) -> int:
        return hash(("Pin", self._digits))

    @override
    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        """Refuse to be pickled: a pickle would carry the digits in clear (N1)."""
        msg = "a PIN is not pickled"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class PinRule:
    """One predicate that a PIN has to meet on a lock (D5), as data so that a profile can be stored.

    `must_match` is a regular expression for the whole PIN; `text` completes the sentence "the PIN must …".
    """

    name: str
    text: str
    must_match: str

    def holds(self, digits: str) -> bool:
        """Whether these digits meet the rule."""
        return re.fullmatch(self.must_match, digits) is not None


@dataclass(frozen=True, slots=True)
class PinRules:
    """All rules of one lock: the lengths (an open set of numbers) and any further predicates."""

    lengths: frozenset[int]
    further: tuple[PinRule, ...] = ()

    def broken(self, pin: Pin) -> PinRule | None:
        """The first rule that the PIN breaks, or None when the lock should take it."""
        return next((rule for rule in self.all() if not rule.holds(pin.reveal())), None)

    def all(self) -> Iterator[PinRule]:
        """Every rule, the lengths first."""
        allowed = sorted(self.lengths)
        pattern = "|".join(rf"\d{{{length}}}" for length in allowed)
        yield PinRule("pin_length", f"have a length of {', '.join(str(length) for length in allowed)} digits", pattern)
        yield from self.further


_RUNS = "|".join(
    run[start : start + length]
    for run in ("01234567890", "09876543210")
    for length in range(SHORTEST_PIN, LONGEST_PIN + 1)
    for start in range(len(run) - length + 1)
)
NOT_ALL_SAME = PinRule("not_all_same", "not repeat one digit only", r"(\d)(?!\1*$)\d*")
NO_RUN = PinRule("no_run", "not be one ascending or descending run", rf"(?!(?:{_RUNS})$)\d*")
NO_BLOCKS = PinRule("no_blocks", "not be one block of digits repeated, such as 1212", r"(?!(\d+)\1+$)\d*")
THREE_DIGITS = PinRule("three_digits", "have three different digits", r"(\d)\d*?(?!\1)(\d)\d*?(?!\1|\2)(\d)\d*")
STRONG: tuple[PinRule, ...] = (NOT_ALL_SAME, NO_RUN, NO_BLOCKS, THREE_DIGITS)
"""What we ask of PINs that we draw ourselves. People's own choices are bound by the lock's rules only (A11)."""

ANY_LOCK = PinRules(frozenset(range(SHORTEST_PIN, LONGEST_PIN + 1)))
"""Rules used while a lock has never been seen: what no keypad lock allows is refused at once all the same."""


def draw_pin(
    rules: PinRules, chance: Callable[[int], bytes], taken: Sequence[Pin] = (), length: int | None = None
) -> Pin:
    """Draw a PIN that meets the lock's rules, is not weak, and is not `taken` (A11).

    Uniform over the digits: bytes of 250 and more are thrown away. The length is `length`, else the longest
    of six digits or fewer, else the shortest the lock takes. Raises `ValueError` when no PIN can be found.
    """
    wanted = length or max((n for n in rules.lengths if n <= 6), default=min(rules.lengths))
    for _ in range(DRAW_TRIES_MAX):
        digits = ""
        while len(digits) < wanted:
            digits += "".join(str(byte % 10) for byte in chance(wanted * 2) if byte < 250)
        pin = Pin(digits[:wanted])
        if rules.broken(pin) is None and all(rule.holds(pin.reveal()) for rule in STRONG) and pin not in taken:
            return pin
    msg = f"no free PIN of {wanted} digits found in {DRAW_TRIES_MAX} draws"
    raise ValueError(msg)
