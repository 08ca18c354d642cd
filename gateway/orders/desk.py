"""What receiving an order needs besides the database."""

from dataclasses import dataclass

from gateway.model.ids import LockId
from gateway.model.personal import SALT_BYTES, Personal
from gateway.orders.rules import HubRules
from gateway.ports import Entropy
from gateway.store import lock_time
from gateway.store.database import Connection
from gateway.store.seal import PinSeal


@dataclass(frozen=True, slots=True)
class Desk:
    """The hub's rules, its seal, and chance."""

    hub: HubRules
    seal: PinSeal
    entropy: Entropy

    def lead_ms(self, con: Connection, lock_id: LockId) -> int:
        """How long before its start a code may be on this lock, in milliseconds: longer on a weak link (A4)."""
        settings = self.hub.locks.get(lock_id)
        return 0 if settings is None else lock_time.get(con, lock_id).link.lead_ms(settings.lead_ms)

    def personal(self, text: str) -> Personal:
        """Mark a name, so that the journal can erase it (A19)."""
        return Personal(text, self.entropy.token(SALT_BYTES))
