"""PINs that a lock cannot tell apart: the same key presses, neighbours, equal beginnings (A10, A11).

Digests cannot show such a likeness, so the PINs of the lock's living codes are unsealed for the comparison, one at a time and for
locks with such a rule only. Of strangers' PINs there is nothing but digests: there the PINs like the wanted one are gone through.
"""

from collections.abc import Iterator
from dataclasses import replace

from gateway.model.access_code import AccessCode
from gateway.model.commands import Rejection, RejectionReason
from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.pin import Pin, PinRule
from gateway.model.pin_rules import PLAIN
from gateway.model.slot import possible_pins
from gateway.model.snapshot import LockSnapshot
from gateway.orders.rules import do_meet
from gateway.store import codes, locks, placed, pool, slots
from gateway.store.database import Connection
from gateway.store.seal import PinSeal


def related_rival(con: Connection, code: AccessCode, pin: Pin | None, seal: PinSeal, lead_ms: int) -> Rejection | None:
    """A living code of the lock that would be on it at the same time, with a PIN that the lock takes for this one's.

    `pin` is None when the order leaves the PIN as it is. Equal PINs are found by their digests before, and spares give way (A10).
    """
    for other, broken in _clashes(con, code, pin, seal):
        if not pool.is_spare(con, other.code_id) and do_meet(code, other, lead_ms):
            message = f"rule {broken.name}: the PIN must {broken.text}, {other.code_id} here: choose another PIN"
            return Rejection(RejectionReason.DUPLICATE_ACCESS_CODE, "code", message, rival=other.code_id)
    return None


def spares_like(con: Connection, code: AccessCode, pin: Pin | None, seal: PinSeal) -> list[CodeId]:
    """The spares with this code's PIN, or with one that the lock takes for it: they give way to it (A10)."""
    alike = [other for other, _ in _clashes(con, code, pin, seal)]
    found = {other.code_id: other for other in (*codes.unfinished_with_pin(con, code.lock_id, code.digest), *alike)}
    return [code_id for code_id, other in found.items() if not other.is_deleted and pool.is_spare(con, code_id)]


def with_lookalikes(con: Connection, scene: LockSnapshot, seal: PinSeal) -> LockSnapshot:
    """The lock with the PINs that it cannot tell apart, of its codes and of what is or may be in its slots.

    A lock that tells all PINs apart costs nothing; codes of others keep their PINs to themselves (A14).
    """
    relations = scene.profile.pin_relations
    if relations.is_plain:
        return scene
    pins = {code.digest: pin for code in scene.codes if (pin := _open(con, code, seal)) is not None}
    for (slot, digest), sealed in placed.of_lock(con, scene.lock_id).items():
        record = scene.slots.get(slot)
        if record is not None and record.lease is not None and digest in possible_pins(record):
            pins.setdefault(digest, seal.open(sealed, scene.lock_id, record.lease))
    return replace(scene, lookalikes=relations.alike(pins))


def foreign_slot(con: Connection, lock_id: LockId, pin: Pin, seal: PinSeal) -> Slot | None:
    """A slot of nobody that showed this PIN, or one that the lock takes for it, when it was last seen (A10, A14)."""
    row = locks.get(con, lock_id)
    relations = PLAIN if row is None else row.profile.pin_relations
    theirs = slots.foreign_pins(con, lock_id)
    return next((theirs[digest] for other in relations.all_like(pin) if (digest := seal.digest(other)) in theirs), None)


def _open(con: Connection, code: AccessCode, seal: PinSeal) -> Pin | None:
    sealed = codes.sealed_pin(con, code.code_id)
    return None if sealed is None else seal.open(sealed, code.lock_id, code.code_id)


def _clashes(con: Connection, code: AccessCode, pin: Pin | None, seal: PinSeal) -> Iterator[tuple[AccessCode, PinRule]]:
    row = locks.get(con, code.lock_id)
    if row is None or row.profile.pin_relations.is_plain:
        return
    wanted = pin if pin is not None else _open(con, code, seal)
    for other in codes.unfinished(con, code.lock_id):
        theirs = None if wanted is None or other.code_id == code.code_id else _open(con, other, seal)
        broken = None if wanted is None or theirs is None else row.profile.pin_relations.clash(wanted, theirs)
        if broken is not None:
            yield other, broken
