"""Predicates that PINs have to meet (A11, D5), made from a few facts of a lock, and the relations between two PINs.

A driver composes a lock's rules from these; nothing here knows a brand. Which lock needs which is said, with its source, in the
driver's own table. Every rule is data, a name and a pattern, so that a profile can be stored and a refusal can name it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from gateway.model.pin import Pin, PinDigest, PinRule

type _Likeness = tuple[str, int, str | int]
"""Something that two PINs may share, by its kind."""

_RISING, _FALLING = "0123456789", "9876543210"


def only_digits(alphabet: str) -> PinRule:
    """Keypads that lack keys, or keep some for themselves (documented as `no_zeros`, `cannot_contain_089`)."""
    return PinRule("alphabet", f"use only the digits {', '.join(alphabet)}", f"[{alphabet}]*")


def not_starting_with(*prefixes: str) -> PinRule:
    """Beginnings that a lock keeps for itself (documented as `cannot_start_with_12`)."""
    return PinRule("first_digits", f"not begin with {' or '.join(prefixes)}", rf"(?!{'|'.join(prefixes)})\d*")


def at_least_distinct(count: int) -> PinRule:
    """So many different digits (documented as `at_least_three_unique_digits`)."""
    first, *others = (_another(number) for number in range(count))
    return PinRule(
        "distinct_digits", f"have {count} different digits", first + "".join(rf"\d*?{o}" for o in others) + r"\d*"
    )


def leading_distinct(count: int) -> PinRule:
    """The first `count` digits differ from each other (documented as `unique_first_four_digits`)."""
    pattern = "".join(_another(number) for number in range(count)) + r"\d*"
    return PinRule("leading_distinct", f"have {count} different digits at its beginning", pattern)


def runs_at_most(length: int) -> PinRule:
    """No longer run of equal, rising or falling digits (documented as `no_triple_consecutive_ints`)."""
    runs = [line[start : start + length + 1] for line in (_RISING, _FALLING) for start in range(10 - length)]
    pattern = rf"(?!\d*(?:(\d)\1{{{length}}}|{'|'.join(runs)}))\d*"
    return PinRule("runs", f"have no more than {length} equal or consecutive digits in a row", pattern)


def _another(number: int) -> str:
    """A digit that differs from the `number` digits caught before it."""
    earlier = "|".join(rf"\{group}" for group in range(1, number + 1))
    return rf"(?!{earlier})(\d)" if earlier else r"(\d)"


@dataclass(frozen=True, slots=True)
class PinRelations:
    """What may not hold between two PINs that are on a lock at one time (A10, D5). The PINs being equal never may.

    `shared_keys`: digits that share a key, such as ("12", "34"): then the key presses count, not the digits.
    `neighbours`: numbers this close to each other are taken for one another. `distinct_prefix`: so many leading digits differ.
    """

    shared_keys: tuple[str, ...] = ()
    neighbours: int = 0
    distinct_prefix: int = 0

    def clash(self, one: Pin, two: Pin) -> PinRule | None:
        """The rule that the two break together, or None when both may be on the lock. `must_match` is empty: it takes two."""
        digits, others = one.reveal(), two.reveal()
        if self.presses(digits) == self.presses(others):
            return PinRule("key_presses", "not be typed with the same keys as another code", "")
        is_near = len(digits) == len(others) and abs(int(digits) - int(others)) <= self.neighbours
        if self.neighbours and is_near:
            return PinRule("neighbours", f"differ by more than {self.neighbours} from another code", "")
        if self.distinct_prefix and digits[: self.distinct_prefix] == others[: self.distinct_prefix]:
            return PinRule(
                "distinct_prefix", f"differ from another code in its first {self.distinct_prefix} digits", ""
            )
        return None

    def alike(self, pins: Mapping[PinDigest, Pin]) -> Mapping[PinDigest, frozenset[PinDigest]]:
        """For each of these PINs the others that it clashes with, if there are any; in steps by their number, not by their pairs."""
        groups: defaultdict[_Likeness, set[PinDigest]] = defaultdict(set)
        for digest, pin in pins.items():
            for likeness in self._likenesses(pin.reveal()):
                groups[likeness].add(digest)
        found: dict[PinDigest, frozenset[PinDigest]] = {}
        for digest, pin in pins.items():
            digits = pin.reveal()
            near = (("number", len(digits), int(digits) + by) for by in range(-self.neighbours, self.neighbours + 1))
            wanted = (*self._likenesses(digits), *near)
            if others := frozenset[PinDigest]().union(*(groups.get(likeness, ()) for likeness in wanted)) - {digest}:
                found[digest] = others
        return found

    def _likenesses(self, digits: str) -> Iterator[_Likeness]:
        """What another PIN must not share with this one."""
        yield ("presses", len(digits), self.presses(digits))
        if self.distinct_prefix:
            yield ("prefix", self.distinct_prefix, digits[: self.distinct_prefix])
        if self.neighbours:
            yield ("number", len(digits), int(digits))

    def all_like(self, pin: Pin) -> Iterator[Pin]:
        """Every PIN that this lock takes for `pin` by its keys or its number, `pin` itself first; at most a thousand or so.

        Where only the digest of a PIN is known, such as a stranger's, one of these has to have it. Beginnings are left out:
        far too many PINs share one.
        """
        digits = pin.reveal()
        keys = {digit: group for group in self.shared_keys for digit in group}
        typed = ("".join(one) for one in product(*(keys.get(digit, digit) for digit in digits)))
        near = (str(int(digits) + step).zfill(len(digits)) for step in range(-self.neighbours, self.neighbours + 1))
        others = {other for other in (*typed, *near) if other.isdigit() and len(other) == len(digits)} - {digits}
        yield pin
        yield from (Pin(other) for other in sorted(others))

    def presses(self, digits: str) -> str:
        """The keys that are pressed for these digits, each named by its first digit."""
        key_of = {digit: keys[0] for keys in self.shared_keys for digit in keys}
        return "".join(key_of.get(digit, digit) for digit in digits)

    @property
    def is_plain(self) -> bool:
        """Whether only equal PINs clash."""
        return self == PLAIN


PLAIN = PinRelations()
"""Every digit has its own key, and only equal PINs clash."""
