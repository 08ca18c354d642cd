"""What a command class makes of one command."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Outcome(Enum):
    """How a command ended, as Supervision reports it (CC:006C.01.02.11.007)."""

    NO_SUPPORT = 0x00
    WORKING = 0x01
    FAIL = 0x02
    SUCCESS = 0xFF


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back: reports in order, the outcome for Supervision, and how long the lock thinks first, in seconds."""

    outcome: Outcome = Outcome.SUCCESS
    reports: tuple[bytes, ...] = field(default=(), repr=False)
    takes_s: float = 0.0
    is_silent: bool = False
    """Whether the lock says nothing at all, not even under Supervision."""


UNSUPPORTED = Answer(Outcome.NO_SUPPORT)
"""For a command the class does not know."""

FAILED = Answer(Outcome.FAIL)
"""For a command that was understood and refused."""

SILENCE = Answer(is_silent=True)
"""For a lock that heard a command and keeps quiet about it."""

DONE = Answer()
"""For a command that was executed and has nothing to report."""


class CommandClass(Protocol):
    """One command class of one lock."""

    @property
    def identifier(self) -> int:
        """Its number."""
        ...

    @property
    def version(self) -> int:
        """The version the lock claims."""
        ...

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command; `body` is what follows the command byte. Short bodies are `FAILED`, never an exception."""
        ...
