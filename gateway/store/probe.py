"""A transaction of the size of an order that leaves nothing behind: whether the database takes anything at all."""

from gateway.ports import Entropy
from gateway.store import facts
from gateway.store.database import Database

PROBE = "inbox.probe"
"""The fact that is written to see whether the database works, and forgotten again."""

PROBE_BYTES = 16 * 1024
"""About what the commit of an order writes (our measurement: 12 to 15 KB of pages; this one 21 KB): a disk with room for it has
room for the order."""


async def try_to_write(db: Database, entropy: Entropy) -> None:
    """Write the fact and forget it. Raises what the database raises.

    It is another text each time: what is there already is not written again, and a full disk takes a commit of nothing.
    """
    never_written = entropy.token(PROBE_BYTES // 2).hex()
    await db.write(lambda con: facts.write(con, PROBE, never_written))
    await db.write(lambda con: facts.forget(con, PROBE))
