"""Worlds from seeds: no rule broken, and the same seed the same world, in any process."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.fleet import steps
from gateway.fleet.looks import Bench, scene_of
from gateway.fleet.steps import Step, advance
from gateway.model.clock import ClockReading
from gateway.model.instant import Instant
from gateway.planner.plan import plan
from gateway.store.database import Connection
from tests.sim import __main__ as program
from tests.sim import play
from tests.sim.auditors import Violation
from tests.sim.play import Outcome, play_world

ROOT = Path(__file__).parents[2]
SEEDS = (1, 2, 4)
DAYS = 1.0
"""A taste; `make test` plays forty seeds of seven days beside the tests."""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_breaks_no_rule(seed: int) -> None:
    outcome = play_world(seed, DAYS)
    assert outcome.violations == (), "\n".join(outcome.tail)
    assert outcome.tally.events > 0
    assert sum(outcome.tally.calls.values()) > 0


def test_the_same_seed_is_the_same_world_in_any_process() -> None:
    found = set()
    for hash_seed in ("1", "2"):
        command = [
            sys.executable,
            "-m",
            "tests.sim",
            "--seeds",
            "1",
            "--days",
            "0.5",
            "--first",
            "4",
            "--hash",
            "--jobs",
            "1",
        ]
        told = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(re.search(r"seed 4 hash (\w+)", told.stdout)[1])  # type: ignore[index] # there is one, or the test fails
    found.add(play_world(4, 0.5).digest)
    assert len(found) == 1
    assert play_world(5, 0.5).digest not in found


def test_a_broken_rule_is_told_with_the_line_that_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(seed: int, days: float) -> Outcome:
        return Outcome(seed, days, "0", (Violation("window", Instant(0), "on the lock before its lead"),) * (seed == 8))

    monkeypatch.setattr(play, "play_world", broken)
    assert program.main(["--seeds", "3", "--days", "2", "--first", "7", "--jobs", "1"]) == 1
    failed, summary = capsys.readouterr().out.splitlines()
    assert failed.startswith("FAILED seed 8: 1970-01-01T00:00:00.000Z window: on the lock before its lead")
    assert failed.endswith("replay: python -m tests.sim --seeds 1 --days 2 --first 8 --trace")
    assert summary.startswith("worlds 3, days 6, orders 0")
    assert re.search(r"violations 1, core seconds \d+, \d+\.\d\d per world day, \d+\.\d s$", summary)


def test_a_world_that_crashes_is_told_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def crash(seed: int, days: float) -> Outcome:
        raise ZeroDivisionError(f"{seed} {days}")

    monkeypatch.setattr(play, "play_world", crash)
    assert program.main(["--seeds", "1", "--jobs", "1"]) == 1
    assert "FAILED seed 1: the world broke: ZeroDivisionError" in capsys.readouterr().out


def test_minutes_bound_the_play(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(play, "play_world", lambda seed, days: Outcome(seed, days, "0", ()))
    assert program.main(["--minutes", "0.001", "--jobs", "1"]) == 0
    assert re.match(r"worlds \d+, days", capsys.readouterr().out)


def test_what_a_worker_keeps_of_its_lock_is_what_the_store_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that is kept, or put right in memory after the news were told, is the one that reading anew would give."""
    compared = 0

    def watched(con: Connection, bench: Bench, reading: ClockReading, **given: Any) -> Step | None:
        nonlocal compared
        step = advance(con, bench, reading, **given)
        if step is not None and step.look.changes == con.total_changes:
            compared += 1
            scene = scene_of(con, bench)
            assert scene is not None
            assert step.look.scene == scene
            assert step.look.plan == plan(scene, reading)
        return step

    monkeypatch.setattr(steps, "advance", watched)
    for seed in SEEDS:
        assert play_world(seed, DAYS).violations == ()
    assert compared > 100
