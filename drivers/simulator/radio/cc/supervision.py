"""Supervision (0x6C) version 1: a command in an envelope that wants to know how it ended.

A repeated session is answered with the same report and not executed again. A repeat is the same session number with the same
command inside: a host that restarts draws its session numbers anew, and one in 64 would otherwise meet the last one used.
"""

import math
from dataclasses import dataclass, field

from drivers.simulator.radio.cc.answer import Outcome
from drivers.simulator.radio.cc.names import ClassId

GET, REPORT = 0x01, 0x02

SESSION_MASK = 0x3F
"""Session numbers are six bits."""

MORE_UPDATES = 0x80
"""Flag beside the session number: more reports are wanted, or will follow."""

DURATION_MAX_S = 0x7F
"""Longest duration in whole seconds; above it minutes are counted, which no lock needs."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A command that came under Supervision."""

    session: int
    command: bytes = field(repr=False)
    wants_updates: bool = False
    """Whether the sender wants to be told the end of a command that is still at work (CC:006C.01.01.11.002)."""


def open_envelope(payload: bytes) -> Envelope | None:
    """Take the command out of a Supervision Get; None when it is not one or is cut short."""
    if len(payload) < 4 or payload[:2] != bytes([ClassId.SUPERVISION, GET]):
        return None
    command = payload[4 : 4 + payload[3]]
    if not command or len(command) != payload[3]:
        return None
    return Envelope(payload[2] & SESSION_MASK, command, bool(payload[2] & MORE_UPDATES))


def report(session: int, outcome: Outcome) -> bytes:
    """Build the report that ends a session; duration 0, for there is nothing more to come."""
    return bytes([ClassId.SUPERVISION, REPORT, session, outcome.value, 0])


def working(envelope: Envelope, takes_s: float) -> bytes:
    """Build the report that says how long a command will take, rounded up to seconds."""
    more = MORE_UPDATES if envelope.wants_updates else 0
    duration = min(math.ceil(takes_s), DURATION_MAX_S)
    return bytes([ClassId.SUPERVISION, REPORT, envelope.session | more, Outcome.WORKING.value, duration])


class Sessions:
    """Remembers the last session of each peer."""

    def __init__(self) -> None:
        """Start with no peer known."""
        self._last: dict[int, tuple[Envelope, bytes]] = {}

    def repeated(self, peer: int, envelope: Envelope) -> bytes | None:
        """Return the report already given to this very envelope; None for a new one."""
        last = self._last.get(peer)
        return last[1] if last is not None and last[0] == envelope else None

    def close(self, peer: int, envelope: Envelope, ended_with: bytes) -> None:
        """Remember how a session ended. Peers are nodes, of which there are 232 at most."""
        self._last[peer] = (envelope, ended_with)
