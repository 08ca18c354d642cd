"""PINs that an answer to the cloud carries: beside the event and never in the journal, until the cloud's receipt (A6, N1)."""

from collections.abc import Mapping
from typing import cast

from gateway.model.access_code import Origin
from gateway.model.commands import Order
from gateway.model.ids import CodeId, EventSeq, LockId
from gateway.model.pin import Pin
from gateway.store.database import Connection
from gateway.store.seal import PinSeal


def keep(con: Connection, seq: EventSeq, lock_id: LockId, pin: Pin, seal: PinSeal) -> None:
    """Let the event with this number carry a PIN."""
    con.execute(
        "INSERT INTO answer_pin (seq, lock_id, sealed) VALUES (?, ?, ?)",
        (seq, lock_id, seal.seal(pin, lock_id, _bound_to(seq))),
    )


def attach(con: Connection, order: Order, seq: EventSeq, lock_id: LockId, pin: Pin | None, seal: PinSeal) -> None:
    """Let the answer to an order of the cloud carry the PIN, if there is one; the shell shows its own on the screen."""
    if pin is not None and order.origin is Origin.CLOUD:
        keep(con, seq, lock_id, pin, seal)


def between(con: Connection, first: EventSeq, last: EventSeq, seal: PinSeal) -> Mapping[EventSeq, Pin]:
    """The PINs of the events from `first` to `last`."""
    rows = con.execute("SELECT seq, lock_id, sealed FROM answer_pin WHERE seq BETWEEN ? AND ?", (first, last))
    found = ((EventSeq(cast("int", row[0])), LockId(str(row[1])), cast("bytes", row[2])) for row in rows)
    return {seq: seal.open(sealed, lock_id, _bound_to(seq)) for seq, lock_id, sealed in found}


def forget(con: Connection, up_to: int) -> None:
    """The cloud has these events: their PINs are not kept any longer."""
    con.execute("DELETE FROM answer_pin WHERE seq <= ?", (up_to,))


def _bound_to(seq: EventSeq) -> CodeId:
    """What the seal ties the PIN to, in the place of a code: two answers cannot be swapped."""
    return CodeId(f"answer/{seq}")
