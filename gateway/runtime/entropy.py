"""The system's chance behind the Entropy port. With `clock.py` the only file that may touch such sources."""

import secrets  # noqa: TID251 - this is the one door


class SystemEntropy:
    """Unpredictable bytes from the kernel."""

    def token(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        return secrets.token_bytes(count)

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return secrets.randbits(53) / (1 << 53)
