"""What is secret in a run, and must be found nowhere but in its own place."""

from dataclasses import dataclass, field


@dataclass
class Secrets:
    """PINs that were ordered, and what was said meanwhile. Keys are read off the card at the end."""

    pins: set[str] = field(default_factory=set)
    journals: list[str] = field(default_factory=list)
    """All that the system's journal of each start said; it lies in memory and is gone with the power."""

    def pin(self, digits: str) -> str:
        """Remember a PIN that is about to be ordered."""
        self.pins.add(digits)
        return digits
