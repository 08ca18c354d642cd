"""Rooms with spares, or with somebody else's code, and what is asked of them."""

from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import Held, Sighting, SightingSource, Written
from gateway.model.commands import CreateAccessCode, Receipt
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import HOUR_MS, Instant
from gateway.model.pin import Pin
from gateway.model.pool_commands import (
    PullBackupCode,
)
from gateway.model.slot import SightedAs, SlotRecord
from gateway.orders import pool as pools
from gateway.orders.pool import Cabinet
from gateway.store import codes, locks, slots
from gateway.store.database import Connection
from tests.builders import FRONT, NOON, make_profile
from tests.orders.conftest import Room

START, END = Instant(NOON + 2 * HOUR_MS), Instant(NOON + 5 * HOUR_MS)
LATER = Instant(END + HOUR_MS // 6)
STAY = CreateAccessCode(CodeId("guest"), FRONT, "Guest", Pin("258025"), START, END, use_backup_pool=True)


async def with_spares(room: Room, count: int, *, is_proven: bool = True) -> list[AccessCode]:
    """Spares in the first slots of the lock."""

    def stock(con: Connection) -> list[AccessCode]:
        locks.put_profile(con, FRONT, make_profile(slots=10))
        made = []
        for number in range(1, count + 1):
            code_id = pools.generate(con, Cabinet(FRONT, room.desk.seal, room.desk.entropy), NOON)
            assert code_id is not None
            code = codes.get(con, code_id)
            assert code is not None
            empty = SlotRecord(Slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON)
            record = ledger.intend_write(empty, code_id, code.digest, Instant(NOON + number))
            if is_proven:
                answer = Written(Evidence.SUPERVISED)
                record = ledger.ended(record, answer, Instant(NOON + number), 1, supervision_is_honest=True)
            slots.put(con, FRONT, record)
            made.append(code)
        return made

    return await room.database.write(stock)


async def with_stranger(room: Room, pin: str | None = "471147", seen_by: SightingSource = SightingSource.LOCK) -> None:
    """Somebody's code in slot 3."""

    def program(con: Connection) -> None:
        locks.put_profile(con, FRONT, make_profile(slots=10))
        held = Sighting(Held(None if pin is None else Pin(pin)), seen_by)
        slots.put(con, FRONT, ledger.sighted(SlotRecord(Slot(3)), held, NOON, room.desk.seal.digest))

    await room.database.write(program)


async def pull(room: Room, at: Instant = NOON, *, is_forced: bool = False) -> Receipt:
    return await room.order(
        PullBackupCode(CodeId("guest"), is_forced=is_forced), kind="access_code.pull_backup_access_code", at=at
    )


def reason(receipt: Receipt) -> tuple[str, str | None]:
    assert receipt.rejection is not None, receipt
    return receipt.rejection.reason.value, receipt.rejection.field
