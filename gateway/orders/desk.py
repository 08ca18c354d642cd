"""What receiving an order needs besides the database."""

from dataclasses import dataclass

from gateway.model.personal import SALT_BYTES, Personal
from gateway.orders.rules import HubRules
from gateway.ports import Entropy
from gateway.store.seal import PinSeal


@dataclass(frozen=True, slots=True)
class Desk:
    """The hub's rules, its seal, and chance."""

    hub: HubRules
    seal: PinSeal
    entropy: Entropy

    def personal(self, text: str) -> Personal:
        """Mark a name, so that the journal can erase it (A19)."""
        return Personal(text, self.entropy.token(SALT_BYTES))
