"""The cloud's own book: what it ordered, and what must hold given the orders that the hub has accepted.

This is the judge's model of the product, and shares no code with it: an order's fields laid over those of the orders before
it, in the order of their generations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.model.events import Fact
from gateway.model.instant import Instant, format_instant, parse_instant


@dataclass(frozen=True, slots=True)
class Wish:
    """One access code as it should be now. `pin` is None while only the hub knows it."""

    code_id: str
    lock_id: str
    pin: str | None
    starts_at: Instant | None
    ends_at: Instant | None
    generation: int
    order_id: str
    is_change_allowed: bool = False
    is_deleted: bool = False

    def opens_at(self, lead_ms: int) -> Instant:
        """From when the PIN may be on the lock."""
        return Instant(0 if self.starts_at is None else self.starts_at - lead_ms)

    def is_over(self, at: Instant) -> bool:
        return self.is_deleted or (self.ends_at is not None and at >= self.ends_at)

    def is_wanted(self, at: Instant, lead_ms: int) -> bool:
        """Whether its PIN belongs on the lock at this instant."""
        has_ended = self.is_deleted or (self.ends_at is not None and at >= self.ends_at)
        return not has_ended and (self.starts_at is None or at >= self.starts_at - lead_ms)


CHANGING = frozenset({"access_code.create", "access_code.update", "access_code.delete"})
"""Orders that say what is wanted."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An order as it was sent."""

    order_id: str
    kind: str
    body: Mapping[str, Fact]

    @property
    def is_changing(self) -> bool:
        """Whether it says what is wanted; the others ask for something that is done at once."""
        return self.kind in CHANGING

    @property
    def code_id(self) -> str:
        return str(self.body["access_code_id"])


class Book:
    """All orders, and the wishes that follow from the accepted ones."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = {}
        self.accepted: dict[str, int] = {}
        """Generation by order."""
        self.wishes: dict[str, Wish] = {}
        self.last_order: dict[str, str] = {}
        """The newest accepted order of each code."""

    def send(self, sent: Sent) -> None:
        self.sent[sent.order_id] = sent

    def accept(self, order_id: str, generation: int) -> Wish:
        """The hub has accepted an order, as its journal says; returns the wish that now holds."""
        sent = self.sent[order_id]
        body = sent.body
        self.accepted[order_id] = generation
        self.last_order[sent.code_id] = order_id
        before = self.wishes.get(sent.code_id)
        match sent.kind:
            case "access_code.create":
                wish = Wish(
                    code_id=sent.code_id,
                    lock_id=str(body["device_id"]),
                    pin=_text(body.get("code")),
                    starts_at=_instant(body.get("starts_at")),
                    ends_at=_instant(body.get("ends_at")),
                    generation=generation,
                    order_id=order_id,
                    is_change_allowed=body.get("is_external_modification_allowed") is True,
                )
            case "access_code.update":
                assert before is not None, "an update of a code that was never created was accepted"
                wish = replace(
                    before,
                    pin=before.pin if body.get("code") is None else _text(body["code"]),
                    starts_at=_instant(body["starts_at"]) if "starts_at" in body else before.starts_at,
                    ends_at=_instant(body["ends_at"]) if "ends_at" in body else before.ends_at,
                    is_change_allowed=body.get("is_external_modification_allowed", before.is_change_allowed) is True,
                )
            case _:
                assert before is not None, "a delete of a code that was never created was accepted"
                wish = replace(before, is_deleted=True)
        self.wishes[sent.code_id] = replace(wish, generation=generation, order_id=order_id)
        return self.wishes[sent.code_id]

    def learn_pin(self, code_id: str, pin: str) -> None:
        """The hub drew the PIN of a code."""
        self.wishes[code_id] = replace(self.wishes[code_id], pin=pin)

    def of_lock(self, lock_id: str) -> list[Wish]:
        return [wish for wish in self.wishes.values() if wish.lock_id == lock_id]


def text(at: Instant | None) -> str | None:
    """An instant as orders carry it."""
    return None if at is None else format_instant(at)


def _text(value: Fact) -> str | None:
    return None if value is None else str(value)


def _instant(value: Fact) -> Instant | None:
    return None if value is None else parse_instant(str(value))
