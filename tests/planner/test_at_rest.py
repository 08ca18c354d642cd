"""Codes at rest are passed over at once; the plan is to the letter what it would be if each were gone through."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import pytest

from gateway.model import ledger
from gateway.model.answers import Empty, Held, Sighting, SightingSource, Written
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, CommandId
from gateway.model.instant import DAY_MS, HOUR_MS, Instant
from gateway.model.issues import Issue, Status
from gateway.model.pin import Pin
from gateway.model.pool import Backup, Pool
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import Announced, LockSnapshot, OpenOrder
from gateway.model.window import Window
from gateway.planner.announce import is_at_rest
from gateway.planner.plan import plan
from tests.builders import KEY, NOON, make_code, make_snapshot, reading, slot

STAY = Window(Instant(NOON + HOUR_MS), Instant(NOON + DAY_MS))
TIMES = (NOON, Instant(NOON + HOUR_MS), Instant(NOON + DAY_MS))
EMPTY = SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_at=NOON)
CODE = make_code(starts_at=STAY.starts_at, ends_at=STAY.ends_at)


def records() -> Mapping[str, SlotRecord]:
    """The slot of a code in every state that matters here."""
    meant = ledger.intend_write(EMPTY, CODE.code_id, CODE.digest, NOON)
    proven = ledger.ended(meant, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)

    def showing(value: Empty | Held) -> SlotRecord:
        return ledger.sighted(proven, Sighting(value, SightingSource.LOCK), NOON, lambda pin: pin.digest(KEY))

    windowed = ledger.intend_write(EMPTY, CODE.code_id, CODE.digest, NOON, STAY)
    return {
        "empty": EMPTY,
        "meant": meant,
        "proven": proven,
        "deleted": showing(Empty()),
        "changed": showing(Held(Pin("9999"))),
        "windowed": ledger.ended(windowed, Written(Evidence.SUPERVISED, STAY), NOON, 1, supervision_is_honest=True),
    }


TOLD = (
    Announced(),
    Announced(Status.SET, CODE.digest),
    Announced(Status.SET, make_code(pin="1470").digest),
    Announced(Status.SET, CODE.digest, frozenset({Issue.DELAY_IN_SETTING})),
    Announced(Status.SET, CODE.digest, scheduled=STAY),
    Announced(Status.SETTING, CODE.digest),
)


def snapshots() -> list[LockSnapshot]:
    found = []
    stand_in = Pool(backups={CodeId("backup"): Backup(CodeId("backup"), CODE.code_id, NOON)})
    for record, told, code in product(records().values(), TOLD, (CODE, replace(CODE, deleted_at=NOON))):
        plain = replace(make_snapshot(code, slots=[record]), announced={code.code_id: told})
        order = OpenOrder(CommandId("order"), code.code_id, 1, is_delete=False)
        found += [plain, replace(plain, orders=(order,)), replace(plain, is_quarantined=True)]
        found += [replace(plain, is_reachable=False), replace(plain, pool=stand_in)]
    return found


def test_passing_over_codes_at_rest_changes_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [(snapshot, now) for snapshot in snapshots() for now in TIMES]
    quick = [plan(snapshot, reading(now)) for snapshot, now in cases]
    passed_over = []

    def pass_nothing_over(*asked: object) -> bool:
        passed_over.append(is_at_rest(*asked))  # type: ignore[arg-type] # passed on
        return False

    monkeypatch.setattr("gateway.planner.plan.is_at_rest", pass_nothing_over)
    assert [plan(snapshot, reading(now)) for snapshot, now in cases] == quick
    assert any(passed_over)
