"""Association (0x85) and Association Group Information (0x59): the lifeline, over which a lock reports on its own."""

from dataclasses import dataclass, field

from drivers.simulator.radio.cc.answer import DONE, FAILED, UNSUPPORTED, Answer, Outcome
from drivers.simulator.radio.cc.names import ClassId

LIFELINE = 1
"""The only group these locks have."""

LIFELINE_NODES_MAX = 3

LIFELINE_NAME = b"Lifeline"

LIFELINE_PROFILE = bytes([0x00, 0x01])
"""General profile, lifeline (CC:0059.01.04.11.005)."""

LIFELINE_COMMANDS = bytes(
    [
        ClassId.BATTERY,
        0x03,
        ClassId.DOOR_LOCK,
        0x03,
        ClassId.NOTIFICATION,
        0x05,
        ClassId.DEVICE_RESET_LOCALLY,
        0x01,
    ]
)
"""Reports the lock sends to its lifeline: class and command, pair by pair."""


@dataclass(slots=True)
class Association:
    """Keeps who hears the lock's own reports; at first the stick that included it."""

    version: int
    nodes: list[int] = field(default_factory=lambda: [1])
    identifier: int = ClassId.ASSOCIATION

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        del at  # nothing here depends on time
        match command:
            case 0x01:
                return self._add(body)
            case 0x02:
                report = bytes([self.identifier, 0x03, LIFELINE, LIFELINE_NODES_MAX, 0]) + bytes(self.nodes)
                return Answer(reports=(report,))
            case 0x04:
                self.nodes = [] if len(body) < 2 else [node for node in self.nodes if node not in body[1:]]
                return DONE
            case 0x05:
                return Answer(reports=(bytes([self.identifier, 0x06, 1]),))
            case 0x0B:
                return Answer(reports=(bytes([self.identifier, 0x0C, 0]),))
            case _:
                return UNSUPPORTED

    def _add(self, body: bytes) -> Answer:
        if body[:1] != bytes([LIFELINE]):
            return FAILED
        wanted = [*self.nodes, *(node for node in body[1:] if node not in self.nodes)]
        if len(wanted) > LIFELINE_NODES_MAX:
            return Answer(Outcome.FAIL)
        self.nodes = wanted
        return DONE


@dataclass(frozen=True, slots=True)
class AssociationGroupInfo:
    """Says what the lifeline is for."""

    version: int
    identifier: int = ClassId.ASSOCIATION_GROUP_INFO

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        del body, at  # there is one group, and it does not change
        match command:
            case 0x01:
                name = bytes([self.identifier, 0x02, LIFELINE, len(LIFELINE_NAME)]) + LIFELINE_NAME
                return Answer(reports=(name,))
            case 0x03:
                info = bytes([self.identifier, 0x04, 1, LIFELINE, 0]) + LIFELINE_PROFILE + bytes(3)
                return Answer(reports=(info,))
            case 0x05:
                commands = bytes([self.identifier, 0x06, LIFELINE, len(LIFELINE_COMMANDS)]) + LIFELINE_COMMANDS
                return Answer(reports=(commands,))
            case _:
                return UNSUPPORTED
