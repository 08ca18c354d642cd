"""No process that a test or a world started goes on when who started it was killed."""

import ctypes
import signal

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal a child gets when its parent dies."""


def die_with_parent() -> None:
    """Called in a child, as its first act."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
