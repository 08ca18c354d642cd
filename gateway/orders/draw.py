"""Draws PINs for codes of this hub: never weak, never used before, far from every living one (A11, A12)."""

from gateway.model.access_code import AccessCode
from gateway.model.ids import LockId
from gateway.model.pin import ANY_LOCK, Pin, draw_pin
from gateway.model.pin_rules import PLAIN
from gateway.orders.relations import foreign_slot
from gateway.ports import Entropy
from gateway.store import codes, locks, pool
from gateway.store.database import Connection
from gateway.store.seal import PinSeal

DRAWS_MAX = 1_000
"""Bound on drawing a PIN: with 250 codes of six digits on a lock one draw in seventy is too near to a living one."""


def draw_free(con: Connection, lock_id: LockId, seal: PinSeal, entropy: Entropy) -> Pin | None:
    """A PIN that the lock should take and that no code of this hub ever had; None when none is found.

    One slip of a finger must not open another guest's door, so it differs from every living PIN of the lock in more than
    one digit. Where that leaves nothing, as on a crowded lock with four digits, near ones will do; used ones never.
    """
    row = locks.get(con, lock_id)
    rules = ANY_LOCK if row is None else row.profile.pin_rules
    relations = PLAIN if row is None else row.profile.pin_relations
    living = [pin for code in codes.unfinished(con, lock_id) if (pin := _pin(con, code, seal)) is not None]
    nearest: Pin | None = None
    for _ in range(DRAWS_MAX):
        try:
            pin = draw_pin(rules, entropy.token)
        except ValueError:
            break
        digest = seal.digest(pin)
        if any(relations.clash(pin, other) is not None for other in living):
            continue
        if pool.was_ever_used(con, digest) or foreign_slot(con, lock_id, pin, seal) is not None:
            continue
        if not any(pin.is_near(other) for other in living):
            return pin
        nearest = nearest or pin
    return nearest


def _pin(con: Connection, code: AccessCode, seal: PinSeal) -> Pin | None:
    sealed = codes.sealed_pin(con, code.code_id)
    return None if sealed is None else seal.open(sealed, code.lock_id, code.code_id)
