"""The keypad's patience: wrong presses in a row switch it off for a while."""

from drivers.simulator.lock import rules
from drivers.simulator.lock.profiles import LockModel


class Keypad:
    """Counts what is typed wrong. Instants are the firmware's."""

    def __init__(self, model: LockModel) -> None:
        """Start patient."""
        self._model = model
        self._wrong = 0
        self.off_until: float | None = None
        """When a keypad that is switched off comes back."""

    def right(self) -> None:
        """A right PIN starts the count anew."""
        self._wrong = 0

    def wrong(self, at: float) -> bool:
        """Count a wrong press; True when it switches the keypad off."""
        self._wrong += 1
        if not rules.locks_out(self._model, self._wrong):
            return False
        self._wrong = 0
        self.off_until = at + self._model.lockout_s
        return True

    def settle(self, at: float) -> None:
        """Come back when the time is over."""
        if self.off_until is not None and self.off_until <= at:
            self.off_until = None

    def lose_power(self) -> None:
        """Forget everything."""
        self._wrong = 0
        self.off_until = None
