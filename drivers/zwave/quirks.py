"""What a product can do: the table `quirks.toml`, the node's own facts, and what the hub's owner says, in that order.

Decision about models that no row names: a supervised success counts as proof (A7) when the node was included with S2
and Z-Wave JS lists Supervision for it. We chose it because CC:006C.01.02.11.007 defines SUCCESS as "executed", S2
certification tests it, and every model known to abuse Supervision has lost it in Z-Wave JS's own device files, so it
never shows up here. It halves the radio messages per code (2 instead of 4). S0 locks never count: the locks of that time
answer from the radio chip. We would change our mind at the first report of an S2 lock that says SUCCESS and keeps nothing.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Final, TypeIs, override

from drivers.zwave import pin_facts
from drivers.zwave.pin_facts import PinFacts, read_pin_facts
from gateway.model.identity import LockIdentity
from gateway.model.instant import MINUTE_MS
from gateway.model.lock import LockProfile, ReadBack, Schedule, ScheduleClock, ScheduleTrust
from gateway.model.pin import LONGEST_PIN, SHORTEST_PIN, PinRules

ANY_LENGTH: Final = frozenset(range(SHORTEST_PIN, LONGEST_PIN + 1))
"""Lengths of a lock that we know nothing about: CC:0063.01.01.11.006. The lock's own refusal is the judge."""

GRAIN_MS: Final = MINUTE_MS
"""A year-day schedule has minutes and no seconds (CC:004E.01.06)."""

SHIFT_MAX: Final = 255
"""A slot in an event has one byte (SDS13713)."""

OVERRIDES: Final = frozenset(
    {"lengths", "last_slot", "read_back", "supervision_is_honest", "schedules", "event_slot_shift", *pin_facts.NAMES}
)
"""What a hub's configuration may say about one lock, by the names of `quirks.toml`."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """One row. None means that the row does not say; the meaning of each field stands in `quirks.toml`."""

    lengths: frozenset[int] | None = None
    one_length_parameter: int | None = None
    last_slot: int | None = None
    read_back: ReadBack | None = None
    supervision_is_honest: bool | None = None
    schedules: ScheduleTrust | None = None
    event_slot_shift: int | None = None
    pins: PinFacts | None = None

    def under(self, other: "Quirks") -> "Quirks":
        """These quirks, where `other` does not say otherwise."""

        def pick[T](mine: T | None, theirs: T | None) -> T | None:
            return mine if theirs is None else theirs

        return Quirks(
            lengths=pick(self.lengths, other.lengths),
            # An owner who names the lengths knows better than a parameter that may not have been read.
            one_length_parameter=self.one_length_parameter if other.lengths is None else None,
            last_slot=pick(self.last_slot, other.last_slot),
            read_back=pick(self.read_back, other.read_back),
            supervision_is_honest=pick(self.supervision_is_honest, other.supervision_is_honest),
            schedules=pick(self.schedules, other.schedules),
            event_slot_shift=pick(self.event_slot_shift, other.event_slot_shift),
            pins=pick(self.pins, other.pins),
        )


@dataclass(frozen=True, slots=True)
class Product:
    """The three numbers of the Manufacturer Specific class; None where the interview did not get them."""

    manufacturer: int | None
    product_type: int | None
    product_id: int | None

    @property
    def is_known(self) -> bool:
        """Whether the interview got all three."""
        return None not in (self.manufacturer, self.product_type, self.product_id)

    @override
    def __str__(self) -> str:
        parts = (self.manufacturer, self.product_type, self.product_id)
        return ":".join("?" if part is None else f"{part:04x}" for part in parts)


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What the interview found out about one lock.

    `user_count` is the lock's own count of user identifiers, 0 when its interview did not get it; `parameters` holds its
    configuration parameters by number. `year_day_slots` is how many windows of the Schedule Entry Lock class a user can
    have, 0 without the class; `has_schedule_zone`: its version 2, which knows a time zone. `has_clock`: the Time Parameters
    class; `is_clock_in_utc`: whether Z-Wave JS surely sets that clock in UTC. `can_disable`: the lock lists the user status "disabled". `tells_hands`: it has notifications, so it
    says what people do to its codes.
    `serial` is the serial number that it gives of itself (CC:0072, Device Specific Report), empty when it gives none.
    """

    product: Product
    label: str
    is_s2: bool
    has_supervision: bool
    user_count: int
    shows_asterisks: bool
    parameters: Mapping[int, int] = field(default_factory=dict)
    year_day_slots: int = 0
    has_schedule_zone: bool = False
    has_clock: bool = False
    is_clock_in_utc: bool = False
    can_disable: bool = False
    tells_hands: bool = True
    serial: str = ""


def quirks_of(facts: NodeFacts, overrides: Quirks) -> Quirks:
    """What is known of one lock: its product's row under the owner's word."""
    return rows().get(facts.product, Quirks()).under(overrides)


def profile_of(facts: NodeFacts, overrides: Quirks) -> LockProfile:
    """The profile of one lock: what is known of it, and the node's facts where that says nothing."""
    quirks = quirks_of(facts, overrides)
    is_masked = quirks.read_back is ReadBack.MASKED or (quirks.read_back is None and facts.shows_asterisks)
    can_prove = facts.is_s2 if quirks.supervision_is_honest is None else quirks.supervision_is_honest
    pins = quirks.pins or PinFacts()
    bounds = (count for count in (facts.user_count, quirks.last_slot) if count)
    return LockProfile(
        model=f"{facts.label} ({facts.product})",
        slots=range(1, min(bounds, default=0) + 1),
        pin_rules=PinRules(_lengths(quirks, facts.parameters), pins.further),
        pin_relations=pins.relations,
        read_back=ReadBack.MASKED if is_masked else ReadBack.CLEAR,
        supervision_is_honest=can_prove and facts.has_supervision,
        tells_hands=facts.tells_hands,
        schedule=_schedule(quirks, facts),
        identity=LockIdentity(str(facts.product) if facts.product.is_known else "", facts.serial),
    )


def read_overrides(options: Mapping[str, object]) -> tuple[Quirks, list[str]]:
    """The owner's word about one lock, and one line per mistake in it."""
    readers = (
        ("lengths", _read_lengths),
        ("last_slot", _read_last_slot),
        ("read_back", _read_read_back),
        ("supervision_is_honest", _read_honest),
        ("schedules", _read_schedules),
        ("event_slot_shift", _read_shift),
    )
    quirks, mistakes = Quirks(), []
    for name, reader in readers:
        if name not in options:
            continue
        found = reader(options[name])
        if isinstance(found, str):
            mistakes.append(f"{name} {found}")
        else:
            quirks = quirks.under(found)
    pins, wrong = read_pin_facts(options)
    return replace(quirks, pins=pins), [*mistakes, *wrong]


@cache
def rows() -> Mapping[Product, Quirks]:
    """All rows of `quirks.toml`, one entry per product. Raises `ValueError` naming a row that is wrong."""
    table = tomllib.loads((files("drivers.zwave") / "quirks.toml").read_text(encoding="utf-8"))
    found: dict[Product, Quirks] = {}
    for row in table["lock"]:
        label = row["label"]
        if not row.get("source"):
            msg = f"quirks.toml: {label}: no source"
            raise ValueError(msg)
        quirks, mistakes = read_overrides({name: value for name, value in row.items() if name in OVERRIDES})
        if mistakes:
            msg = f"quirks.toml: {label}: {'; '.join(mistakes)}"
            raise ValueError(msg)
        quirks = replace(quirks, one_length_parameter=row.get("one_length_parameter"))
        for product_type, product_id in row["products"]:
            product = Product(row["manufacturer"], product_type, product_id)
            if product in found:
                msg = f"quirks.toml: {label}: product {product} has two rows"
                raise ValueError(msg)
            found[product] = quirks
    return found


def _schedule(quirks: Quirks, facts: NodeFacts) -> Schedule | None:
    # A lock that can only hold one window per user is enough; one whose clock nobody can set is not (T4), nor one whose clock may
    # be in a zone that we do not know: its windows would be off by as much (D6, T5).
    trust = quirks.schedules or ScheduleTrust.CLAIMED
    if not facts.year_day_slots or not (facts.has_clock and facts.is_clock_in_utc) or trust is ScheduleTrust.NONE:
        return None
    return Schedule(GRAIN_MS, ScheduleClock.UTC, shortest_ms=GRAIN_MS, longest_ms=None, enforced=trust)


def _lengths(quirks: Quirks, parameters: Mapping[int, int]) -> frozenset[int]:
    allowed = quirks.lengths or ANY_LENGTH
    if quirks.one_length_parameter is None:
        return allowed
    only = parameters.get(quirks.one_length_parameter)
    return frozenset({only}) & allowed or allowed if only is not None else allowed


def _read_lengths(value: object) -> Quirks | str:
    if not _is_list_of(value, int) or not value:
        return "must be a list of numbers, such as [4, 6]"
    lengths = frozenset(value)
    if not lengths <= ANY_LENGTH:
        return f"must lie within {SHORTEST_PIN} to {LONGEST_PIN}"
    return Quirks(lengths=lengths)


def _read_last_slot(value: object) -> Quirks | str:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        return "must be a slot number from 1"
    return Quirks(last_slot=value)


def _read_read_back(value: object) -> Quirks | str:
    if value not in set(ReadBack):
        return f"must be one of: {', '.join(ReadBack)}"
    return Quirks(read_back=ReadBack(str(value)))


def _read_honest(value: object) -> Quirks | str:
    return Quirks(supervision_is_honest=value) if isinstance(value, bool) else "must be true or false"


def _read_schedules(value: object) -> Quirks | str:
    if value not in set(ScheduleTrust):
        return f"must be one of: {', '.join(ScheduleTrust)}"
    return Quirks(schedules=ScheduleTrust(str(value)))


def _read_shift(value: object) -> Quirks | str:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > SHIFT_MAX:
        return f"must be a whole number from -{SHIFT_MAX} to {SHIFT_MAX}"
    return Quirks(event_slot_shift=value)


def _is_list_of[T](value: object, kind: type[T]) -> TypeIs[Sequence[T]]:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(type(item) is kind for item in value)
