"""Whether the database is the one that ran last, or an older copy that was put back (C4).

Theory of operation. Each life of the hub has a name, kept in the database and in a file beside it. A copy that is put back brings an
older name than the file has, so the hub begins another epoch before it tells anything: under the old one it would use numbers
again that the cloud has taken for other events. The cloud's receipt shows that too, but only while the copy has not caught up.

The database takes the new name first, together with the name that the file still has; then the file follows. So a power cut between
the two, a full disk, or a folder that takes no file are no reason for an epoch, however often they come in a row.

What this does not show: a copy of the whole folder, and a copy that was taken from under a running hub and is put back before the
next start. Those are left to the receipt.
"""

import logging
from pathlib import Path

from gateway.durable import put_file
from gateway.model.instant import Instant
from gateway.store import facts
from gateway.store.database import Connection, Database, is_of_the_disk

log = logging.getLogger(__name__)

FILE_NAME = "gateway.life"
NAME_BYTES = 16

_NAME = "life.name"
_IN_FILE = "life.in_file"
_NO_FILE = ""


async def begin(database: Database, file: Path, name: str, candidate: int, at: Instant) -> None:
    """Begin a life under a name that no other has; `candidate` is the epoch of a new database, or of one that was put back.

    Raises what the database raises, but for a full disk under a database that has its epoch: that waits for the next start.
    """
    try:
        told = _read(file)
    except OSError:
        log.warning("life.not_known", exc_info=True)
        await database.write(lambda con: facts.begin_epoch(con, candidate))
        return

    def change(con: Connection) -> int | None:
        is_new = facts.epoch(con) == 0
        facts.begin_epoch(con, candidate)
        return None if _enter(con, told, name) or is_new else facts.begin_next_epoch(con, candidate, at)

    try:
        begun = await database.write(change)
    except Exception as error:
        if not is_of_the_disk(error):
            raise
        log.warning("life.not_kept", exc_info=True)
        # Writes nothing where there is an epoch, and so gets by without room.
        await database.write(lambda con: facts.begin_epoch(con, candidate))
        return
    if begun is not None:
        log.warning("epoch.begun", extra={"cause": f"the database is an older copy that was put back: epoch {begun}"})
    try:
        put_file(file, name.encode("ascii"))
    except OSError:
        log.warning("life.not_kept", exc_info=True)


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("ascii", "replace")
    except FileNotFoundError:
        return _NO_FILE


def _enter(con: Connection, told: str, name: str) -> bool:
    """Give the database its new name; whether the file belongs to it, or to none yet."""
    current = facts.read(con, _NAME)
    known = {_NO_FILE} if current is None else {current, facts.read(con, _IN_FILE)}
    facts.write(con, _NAME, name)
    facts.write(con, _IN_FILE, told)
    return told in known
