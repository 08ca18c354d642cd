"""The slot table: every combination has exactly one verdict, and the rules that carry the house hold in all of them."""

import itertools
from pathlib import Path

import pytest

from gateway.model.answers import SightingSource
from gateway.model.evidence import Evidence, Proof
from gateway.model.ids import CodeId
from gateway.model.slot import (
    JUDGEMENTS,
    Claim,
    Look,
    Operation,
    Outcome,
    SightedAs,
    SlotRecord,
    Standing,
    Verdict,
    Wanted,
    claim_of,
    judge,
    look_of,
    possible_pins,
    standing_of,
)
from tests.builders import NOON, digest, slot

OURS, EARLIER, STRANGER = digest("2580"), digest("1470"), digest("3690")
WRITES = {Verdict.DUE, Verdict.DRIFT_CHANGED, Verdict.DRIFT_DELETED}
CLEARS = {Verdict.ORPHAN, Verdict.REFUSED_LEFTOVER, Verdict.UNPROVEN_MASKED}


def every_record() -> list[tuple[SlotRecord, Wanted | None]]:
    """All combinations of what the table looks at, as records."""
    sightings = [
        (SightedAs.UNKNOWN, None),
        (SightedAs.EMPTY, None),
        (SightedAs.DISABLED, None),
        (SightedAs.MASKED, None),
        (SightedAs.HELD, OURS),
        (SightedAs.HELD, EARLIER),
        (SightedAs.HELD, STRANGER),
    ]
    found = []
    for lease, wanted, operation, intended, proven, proof, refused, was_empty, (
        sighted,
        shown,
    ), by in itertools.product(
        (None, CodeId("a")),
        (None, Wanted(OURS, 2)),
        (Operation.WRITE, Operation.CLEAR),
        (OURS, EARLIER),
        (None, OURS, EARLIER),
        (False, True),
        (None, 1, 2),
        (False, True),
        sightings,
        SightingSource,
    ):
        if lease is None and wanted is not None:
            continue
        found.append(
            (
                SlotRecord(
                    slot(1),
                    lease=lease,
                    operation=operation,
                    outcome=Outcome.PENDING,
                    intended=intended,
                    proven=proven,
                    proof=Proof(Evidence.SUPERVISED, NOON) if proof and proven else None,
                    refused_generation=refused,
                    was_empty=was_empty,
                    sighted=sighted,
                    sighted_digest=shown,
                    sighted_by=by,
                ),
                wanted,
            )
        )
    return found


EVERY = every_record()


def test_every_combination_has_a_verdict() -> None:
    assert len(EVERY) > 5_000
    for record, wanted in EVERY:
        assert isinstance(judge(record, wanted), Verdict)


def test_every_row_of_the_table_is_reached() -> None:
    reached = set()
    for record, wanted in EVERY:
        situation = (claim_of(record, wanted), standing_of(record, wanted), look_of(record, wanted))
        reached.add(
            next(i for i, row in enumerate(JUDGEMENTS) if row.matches(*situation, was_proven=record.proven is not None))
        )
    assert reached == set(range(len(JUDGEMENTS)))


def test_n2_a_slot_that_is_not_leased_is_free_only_when_the_lock_itself_showed_it_empty() -> None:
    for record, wanted in EVERY:
        if record.lease is None:
            is_free = judge(record, wanted) is Verdict.FREE
            assert is_free == (record.sighted is SightedAs.EMPTY and record.sighted_by is SightingSource.LOCK)


def test_a7_a_masked_slot_is_never_written_over() -> None:
    for record, wanted in EVERY:
        if record.sighted is SightedAs.MASKED and record.lease is not None:
            assert judge(record, wanted) not in WRITES


def test_a7_nothing_is_written_on_what_is_not_known() -> None:
    for record, wanted in EVERY:
        if record.sighted is SightedAs.UNKNOWN:
            assert judge(record, wanted) not in WRITES | CLEARS | {Verdict.GOOD, Verdict.FREE, Verdict.RELEASED}


def test_a7_good_needs_the_pin_seen_or_a_proof_of_the_wanted_pin_or_an_empty_slot_before_our_write() -> None:
    for record, wanted in EVERY:
        if judge(record, wanted) is Verdict.GOOD:
            assert wanted is not None
            is_seen = record.sighted is SightedAs.HELD and record.sighted_digest == OURS
            is_proven = record.proof is not None and record.proven == OURS
            wrote_into_empty = record.was_empty and record.intended == OURS and record.operation is Operation.WRITE
            assert is_seen or (record.sighted is SightedAs.MASKED and (is_proven or wrote_into_empty))


def test_a9_a_code_that_is_not_wanted_is_released_only_when_seen_empty_or_when_a_stranger_never_ours_is_there() -> None:
    for record, _ in EVERY:
        if record.lease is None:
            continue
        verdict = judge(record, None)
        if verdict is Verdict.RELEASED:
            assert record.sighted is SightedAs.EMPTY
        if verdict is Verdict.TAKEN_OVER:
            assert record.proven is None
            assert look_of(record, None) is Look.STRANGER


def test_a15_a_stranger_in_a_slot_where_we_were_proven_is_restored_and_cleared_at_the_end() -> None:
    for record, wanted in EVERY:
        if record.lease is not None and record.proven is not None and look_of(record, wanted) is Look.STRANGER:
            assert judge(record, wanted) is (Verdict.ORPHAN if wanted is None else Verdict.DRIFT_CHANGED)


def test_a8_a_refused_generation_is_not_written_again() -> None:
    for record, wanted in EVERY:
        if record.lease and wanted and standing_of(record, wanted) is Standing.REFUSED and record.proven is None:
            assert judge(record, wanted) not in WRITES


@pytest.mark.parametrize("claim", list(Claim))
def test_the_table_names_every_claim(claim: Claim) -> None:
    assert any(row.claim is claim for row in JUDGEMENTS)


def test_a10_a_pin_may_be_wherever_it_was_intended_until_the_slot_is_seen() -> None:
    record = SlotRecord(slot(1), lease=CodeId("a"), operation=Operation.CLEAR, intended=OURS, proven=EARLIER)
    assert possible_pins(record) == {OURS, EARLIER}
    seen = SlotRecord(slot(1), lease=CodeId("a"), intended=OURS, sighted=SightedAs.EMPTY)
    assert possible_pins(seen) == frozenset()


def printed_table() -> str:
    """The table as it stands in the README of the room."""
    lines = ["| slot is | last write of the wanted PIN | the lock shows | ours was proven | verdict | what follows |",
             "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for row in JUDGEMENTS:
        standing = ", ".join(sorted(row.standings)) or "any"
        looks = ", ".join(look.value for look in Look if look in row.looks) or "anything"
        proven = "any" if row.was_proven is None else "yes" if row.was_proven else "no"
        lines.append(f"| {row.claim} | {standing} | {looks} | {proven} | `{row.verdict}` | {row.meaning} |")
    return "\n".join(lines) + "\n"


def test_the_readme_shows_the_table_that_is_used() -> None:
    readme = Path(__file__).parents[2] / "gateway" / "model" / "README.md"
    text = readme.read_text()
    begin, end = "<!-- table: begin -->\n", "<!-- table: end -->"
    shown = text[text.index(begin) + len(begin) : text.index(end)]
    assert shown.strip() == printed_table().strip(), f"write this into {readme.name}:\n{printed_table()}"
