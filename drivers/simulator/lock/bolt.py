"""The bolt: who moved it, whether it stuck, and when it throws itself again."""

from collections.abc import Callable

from drivers.simulator.lock.profiles import LockModel
from drivers.simulator.lock.values import Bolt, How, NoticeKind

LOCKED_BY: dict[How, NoticeKind] = {
    How.KEYPAD: NoticeKind.KEYPAD_LOCKED,
    How.MANUAL: NoticeKind.MANUALLY_LOCKED,
    How.RADIO: NoticeKind.RADIO_LOCKED,
    How.AUTO: NoticeKind.AUTO_LOCKED,
}
UNLOCKED_BY: dict[How, NoticeKind] = {
    How.KEYPAD: NoticeKind.KEYPAD_UNLOCKED,
    How.MANUAL: NoticeKind.MANUALLY_UNLOCKED,
    How.RADIO: NoticeKind.RADIO_UNLOCKED,
    How.AUTO: NoticeKind.MANUALLY_UNLOCKED,
}
"""What is told about a move, by who made it. No lock opens by itself; one that did could only blame a hand."""

type Tell = Callable[[NoticeKind, float, int | None], None]
"""How a part of the lock says something: what, when, and about which slot."""


class BoltWork:
    """Moves the bolt of one lock. Instants are the firmware's."""

    def __init__(self, model: LockModel, tell: Tell) -> None:
        """Begin locked."""
        self.state = Bolt.LOCKED
        self.moves = 0
        self.relock_at: float | None = None
        self._model = model
        self._tell = tell

    def lock(self, at: float, how: How) -> None:
        """Throw it; that also frees a jam."""
        self._move(Bolt.LOCKED)
        self.relock_at = None
        self._tell(LOCKED_BY[how], at, None)

    def unlock(self, at: float, how: How, user_id: int | None) -> None:
        """Draw it; a model with auto relock throws it again after its time."""
        self._move(Bolt.UNLOCKED)
        if self._model.auto_relock_s:
            self.relock_at = at + self._model.auto_relock_s
        self._tell(UNLOCKED_BY[how], at, user_id)

    def jam(self, at: float) -> None:
        """Stop it half way."""
        self._move(Bolt.JAMMED)
        self.relock_at = None
        self._tell(NoticeKind.JAMMED, at, None)

    def settle(self, at: float) -> None:
        """Throw it by itself when the time has come."""
        if self.relock_at is not None and self.relock_at <= at:
            self.lock(at, How.AUTO)

    def _move(self, state: Bolt) -> None:
        self.moves += 1
        self.state = state
