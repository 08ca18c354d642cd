"""Commands of the network layer (class 0x01, G.9959 and the Z-Wave network layer) that a stick and a lock exchange here.

    01 01 basic generic specific CC…      Node Info: what a node is
    01 02                                 Node Info Request
    01 03 node home(4)                    Assign Ids: you are this node of that home; node 0: of none
    01 04                                 Find Nodes In Range; carried for its airtime alone, for every lock is in direct reach
    01 1D kind home(4) basic …            SmartStart: a lock that wants to be let in by the key on its label calls with its own home id

The numbers of the last two are not published for the air; no host ever sees them.
"""

from drivers.simulator.stick.memory import NODE_ID_MAX

PROTOCOL = 0x01
NODE_INFO = b"\x01\x01"
NODE_INFO_REQUEST = b"\x01\x02"
ASSIGN_IDS = b"\x01\x03"
FIND_NODES = b"\x01\x04"
SMART_START = b"\x01\x1d"
PRIME, INCLUDE_ME = 0x01, 0x02
"""The two calls of SmartStart: "is my label on your list?" and "then let me in"."""

HOME_ID_BYTES = 4
NO_HOME = bytes(HOME_ID_BYTES)


def assignment(home_id: bytes, node_id: int) -> bytes:
    """Build the command that gives a lock its address; `NO_HOME` and 0 take it away."""
    return ASSIGN_IDS + bytes([node_id]) + home_id


def read_assignment(payload: bytes) -> tuple[bytes, int] | None:
    """Read home id and node id out of Assign Ids; None for anything else."""
    if len(payload) != len(ASSIGN_IDS) + 1 + HOME_ID_BYTES or not payload.startswith(ASSIGN_IDS):
        return None
    node_id = payload[2]
    return (payload[3:], node_id) if node_id <= NODE_ID_MAX else None


def smart_start(kind: int, nwi_home_id: bytes, introduction: bytes) -> bytes:
    """Build a call of SmartStart."""
    return SMART_START + bytes([kind]) + nwi_home_id + introduction


def read_smart_start(payload: bytes) -> tuple[int, bytes, bytes] | None:
    """Read kind, home id and introduction out of a call of SmartStart; None for anything else."""
    if len(payload) <= len(SMART_START) + 1 + HOME_ID_BYTES or not payload.startswith(SMART_START):
        return None
    return payload[2], payload[3 : 3 + HOME_ID_BYTES], payload[3 + HOME_ID_BYTES :]
