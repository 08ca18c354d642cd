"""`make rules`: rule -> tests -> mutation, each shown green without the mutation and red with it.

Exits 1 when a cell of the table is empty, a test is red on the program as it is, or a mutation goes unnoticed.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from tests.rules.table import ROOT, Row, read_table

BROKEN_LIMIT_S = 480
"""A broken program may hang: after this long it counts as noticed by nobody. A sound one takes some seconds on a quiet machine."""

SOUND_LIMIT_S = 1_800
"""All tests of the table on the program as it is, the real stack's too; two minutes on a quiet machine."""

PLAIN = ("-p", "no:cacheprovider", "-p", "no:randomly")

_RESULT = re.compile(r"^(PASSED|FAILED|ERROR) (\S+?)(\[.*\])?( - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of pytest said: the ids that were green, those that were red, and its last words."""

    green: frozenset[str]
    red: frozenset[str]
    told: str


def run_pytest(command: Sequence[str], tests: Iterable[str], limit_s: float) -> Run:
    """Run the tests in a process of their own, in the order of the table: the quickest stand first there."""
    with TemporaryDirectory(prefix="keypad-rules-") as folder:
        environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": folder}
        whole = [sys.executable, "-m", *command, "-rA", "--tb=no", "-q", *PLAIN, *tests]
        try:
            done = subprocess.run(
                whole, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
            )
        except subprocess.TimeoutExpired:
            return Run(frozenset(), frozenset(), f"nothing within {limit_s} s")
    results = _RESULT.findall(done.stdout)
    red = frozenset(test for verdict, test, *_ in results if verdict == "FAILED")
    broken = frozenset(test for verdict, test, *_ in results if verdict == "ERROR")
    green = frozenset(test for verdict, test, *_ in results if verdict == "PASSED") - red - broken
    return Run(green, red, (done.stdout + done.stderr).strip()[-300:])


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def short(test: str) -> str:
    """A test's id without the folder that all share."""
    return test.removeprefix("tests/")


def tell(row: Row, sound: Run, broken: Sequence[Run]) -> bool:
    """Print one rule; whether it holds. `broken` has the run of each of its mutations."""
    say(f"{row.rule:<4}{row.says}")
    for test in row.tests:
        say(f"    {'green' if test in sound.green else 'RED  '} {short(test)}")
    for hole in row.holes:
        say(f"    MISSING {hole}")
    for mutation, run in zip(row.mutations, broken, strict=False):
        say(f"    broken: {mutation.does} ({mutation.file})")
        for test in sorted(run.red):
            say(f"    red with it: {short(test)}")
        if not run.red:
            say(f"    UNNOTICED: {run.told.splitlines()[-1] if run.told else 'no words'}")
    return not row.holes and set(row.tests) <= sound.green and all(run.red for run in broken)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rules", description="Prove that each rule has a test.")
    parser.add_argument("rules", nargs="*", help="only these rules")
    parser.add_argument("--jobs", type=int, default=os.process_cpu_count() or 1, help="broken programs at one time")
    asked = parser.parse_args(arguments)
    table: Mapping[str, Row] = read_table()
    rows = [row for rule, row in table.items() if not asked.rules or rule in asked.rules]
    began = time.perf_counter()
    at_once = ["-n", str(asked.jobs), "--dist", "loadfile"]
    sound = run_pytest(["pytest", *at_once], sorted({test for row in rows for test in row.tests}), SOUND_LIMIT_S)
    whole = [row for row in rows if not row.holes]
    failed = 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        runs = {
            row.rule: [
                pool.submit(
                    run_pytest, ["tests.rules.sabotage", f"{row.rule}.{way}", "-x"], row.reachable, BROKEN_LIMIT_S
                )
                for way, _ in enumerate(row.mutations, 1)
            ]
            for row in whole
        }
        for row in rows:
            failed += not tell(row, sound, [run.result() for run in runs.get(row.rule, [])])
    mutations = sum(len(row.mutations) for row in rows)
    took_s = time.perf_counter() - began
    say(f"rules {len(rows)}, whole {len(whole)}, mutations {mutations}, failed {failed}, {took_s:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
