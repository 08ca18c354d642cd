"""A set of batteries that empties by what the lock is made to do, and takes the radio down with it.

The charge is counted in milliampere-hours. What an act costs is a fact of the profile; the shipped figures are estimates, chosen so that ten
uses a day over an idle radio empty a set in a good year, which is what makers of deadbolts promise.
"""

from drivers.simulator.lock.profiles import LockModel

HOUR_S = 3600
MILLI = 1000

RADIO_WEAK_PERCENT = 10
"""Below this charge the radio begins to fail: the voltage of four alkaline cells then sinks under load (our estimate)."""


class Battery:
    """One set of batteries. Instants are the firmware's."""

    def __init__(self, model: LockModel, at: float) -> None:
        """Put a full set in."""
        self._model = model
        self._left_mah = model.battery_mah
        self._counted_at = at

    @property
    def percent(self) -> int:
        """The charge left, as a lock reports it, 0 to 100."""
        return round(100 * self._left_mah / self._model.battery_mah)

    @property
    def is_low(self) -> bool:
        """Whether the charge is at or below the model's threshold."""
        return self.percent <= self._model.battery_low_percent

    @property
    def is_empty(self) -> bool:
        """Whether the lock is dead: no keypad, no bolt, no radio."""
        return self.percent == 0

    @property
    def radio_loss(self) -> float:
        """Which share of messages the weak radio loses, 0 to 1."""
        return max(0.0, 1 - self.percent / RADIO_WEAK_PERCENT)

    def put(self, percent: int) -> None:
        """Have a charge from here on."""
        self._left_mah = self._model.battery_mah * max(0, min(100, percent)) / 100

    def idle(self, at: float) -> None:
        """Spend what sleeping and listening cost up to now."""
        passed_s = max(0.0, at - self._counted_at)
        self._counted_at = max(self._counted_at, at)
        self._spend(self._model.idle_ua / MILLI * passed_s / HOUR_S)

    def move_bolt(self) -> None:
        """Spend one run of the motor."""
        self._spend(self._model.bolt_mas / HOUR_S)

    def press(self) -> None:
        """Spend the light and sound of one PIN typed."""
        self._spend(self._model.press_mas / HOUR_S)

    def talk(self, messages: int, beams: int) -> None:
        """Spend radio messages heard or sent, and beams that woke the lock."""
        self._spend((messages * self._model.message_mas + beams * self._model.beam_mas) / HOUR_S)

    def _spend(self, mah: float) -> None:
        self._left_mah = max(0.0, self._left_mah - mah)
