"""The verb that ends a lock's quarantine: `accept-lock` (A17)."""

from gateway.model.access_code import Origin
from gateway.model.events import Fact
from gateway.nudge import OUTBOX_BELL, lock_bell
from gateway.orders.pairing import accept
from gateway.shell.context import Peer, ShellContext
from gateway.shell.scenes import find_lock
from gateway.shell.session import Answer, Cell, Failure, FailureKind, NotDone, Request, Tone
from gateway.shell.story import VERB_NOTE
from gateway.store import journal, pairing
from gateway.store.database import Connection
from gateway.store.pairing import Pairing


async def accept_lock(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Take the device that was found in the lock's place; says which one it is."""
    view = find_lock(context, request.arguments["lock"])
    lock_id, at = view.lock_id, context.clock.reading().lo

    def change(con: Connection) -> Pairing | None:
        known = pairing.get(con, lock_id)
        if not accept(con, lock_id, Origin.SHELL, at):
            return None
        body: dict[str, Fact] = {"verb": request.verb.name, "uid": peer.uid, "outcome": "accepted"}
        journal.note(con, VERB_NOTE, at, lock_id=lock_id, code_id=None, body=body, actor=Origin.SHELL)
        return known

    try:
        was = await context.db.write(change)
    finally:
        context.nudges.ring(lock_bell(lock_id))
        context.nudges.ring(OUTBOX_BELL)
    if was is None:
        told = f"{view.name} is the device that was paired: there is nothing to accept"
        raise NotDone(Failure(FailureKind.REFUSED, told, "gatewayctl status tells of locks that were replaced", "LOCK"))
    lines = (
        Cell(f"{view.name} is now {was.found}.", Tone.GOOD),
        Cell("Its slots are listed, then the codes that belong on it are written, nearest start first."),
        Cell(f"It was {was.paired}; whatever that one holds, the hub can no longer remove.", Tone.WARN),
    )
    return Answer(lines, value={"device_id": lock_id, "paired": str(was.found), "before": str(was.paired)})
