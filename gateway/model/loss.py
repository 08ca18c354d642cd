"""When codes that were proven on a lock are lost from it again and again: a warning first, then an error (A8, A15)."""

from dataclasses import dataclass

from gateway.model.instant import DAY_MS, Instant

LOSSES_COUNT_TOGETHER_MS = DAY_MS
"""A code lost again within a day is lost repeatedly: somebody at the lock works against us, or its firmware drops new codes
(a Yale NF-YRD612 does after about 50 s)."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How often in a row a proven code was found changed or gone, and when last."""

    count: int
    last_at: Instant

    @property
    def is_repeated(self) -> bool:
        """Whether a warning is not enough any more."""
        return self.count > 1


def counted(loss: Loss | None, at: Instant) -> Loss:
    """One more loss at `at`; after a quiet day it is the first again."""
    is_again = loss is not None and at - loss.last_at <= LOSSES_COUNT_TOGETHER_MS
    return Loss(loss.count + 1 if loss is not None and is_again else 1, at)
