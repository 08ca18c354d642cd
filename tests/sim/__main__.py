"""`make world`: plays worlds by their seeds, one line for each that broke a rule, one summary line last.

The exit code is 1 when any rule was broken. Each failing line ends with the command that plays exactly that world again,
with every line of its trace.
"""

import argparse
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count, islice
from multiprocessing import get_context

from gateway.model.instant import format_instant
from tests.orphans import die_with_parent
from tests.sim.play import Broken, Outcome, play_safely, play_world

FAULTS_SHOWN = 40

WORLDS_PER_PROCESS = 25
"""A process ends after so many worlds and takes its memory with it: at most that of the largest of them, 140 MB in thirty days (our
measurement). Starting the next one costs a second."""


@dataclass(slots=True)
class Sum:
    """Everything that was played."""

    worlds: int = 0
    days: float = 0.0
    orders: int = 0
    events: int = 0
    lives: int = 0
    calls: int = 0
    violations: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        tally = outcome.tally
        self.worlds += 1
        self.days += outcome.days
        self.orders += tally.orders
        self.events += tally.events
        self.lives += tally.lives
        self.calls += sum(tally.calls.values())
        self.faults += tally.faults
        self.violations += len(outcome.violations)

    def line(self, took_s: float, core_s: float) -> str:
        faults = ", ".join(f"{name} {number}" for name, number in self.faults.most_common(FAULTS_SHOWN))
        return (
            f"worlds {self.worlds}, days {self.days:g}, orders {self.orders}, events {self.events}, hub lives {self.lives}, "
            f"calls to locks {self.calls}, faults {sum(self.faults.values())} ({faults}), "
            f"violations {self.violations}, core seconds {core_s:.0f}, {core_s / max(self.days, 1):.2f} per world day, {took_s:.1f} s"
        )


def core_s() -> float:
    """Seconds of a core, user and system, of this process and of those that it has seen end."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def say(line: str) -> None:
    """One line for a person."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def play_all(seeds: Iterator[int], days: float, jobs: int, until_s: float | None) -> Iterator[Outcome | Broken]:
    """Play worlds until the seeds or the time run out."""
    began = time.perf_counter()

    def is_time_up() -> bool:
        return until_s is not None and time.perf_counter() - began > until_s

    if jobs == 1:
        for seed in seeds:
            if is_time_up():
                return
            yield play_safely(seed, days)
        return
    spawning = get_context("spawn")
    with ProcessPoolExecutor(
        jobs, mp_context=spawning, max_tasks_per_child=WORLDS_PER_PROCESS, initializer=die_with_parent
    ) as pool:
        waiting = {pool.submit(play_safely, seed, days) for seed in islice(seeds, jobs * 2)}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for finished in done:
                if not is_time_up() and (following := next(seeds, None)) is not None:
                    waiting.add(pool.submit(play_safely, following, days))
                yield finished.result()


def tell(outcome: Outcome | Broken, days: float) -> bool:
    """Print what went wrong in one world; whether anything did."""
    replay = f"python -m tests.sim --seeds 1 --days {days:g} --first {outcome.seed} --trace"
    if isinstance(outcome, Broken):
        last = outcome.told.strip().splitlines()[-1]
        say(f"FAILED seed {outcome.seed}: the world broke: {last} | replay: {replay}")
        sys.stderr.write(outcome.told)
        return True
    if not outcome.violations:
        return False
    first = outcome.violations[0]
    more = f" (and {len(outcome.violations) - 1} more)" if len(outcome.violations) > 1 else ""
    say(
        f"FAILED seed {outcome.seed}: {format_instant(first.at)} {first.auditor}: {first.told}{more} | replay: {replay}"
    )
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Play and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sim", description="Play simulated worlds, judged by auditors."
    )
    parser.add_argument("--seeds", type=int, default=10, help="how many worlds")
    parser.add_argument("--days", type=float, default=3, help="days of storm in each")
    parser.add_argument("--first", type=int, default=1, help="the first seed; the others follow")
    parser.add_argument("--minutes", type=float, help="play as many worlds as fit, instead of --seeds")
    parser.add_argument("--jobs", type=int, default=os.process_cpu_count() or 1, help="worlds at the same time")
    parser.add_argument("--trace", action="store_true", help="print everything that happens, PINs too")
    parser.add_argument("--hash", action="store_true", help="print each world's hash")
    told = parser.parse_args(arguments)
    began = time.perf_counter()
    numbers = count(told.first)
    seeds: Iterator[int] = islice(numbers, told.seeds) if told.minutes is None else numbers
    total, is_failed = Sum(), False
    if told.trace:
        outcomes: Iterator[Outcome | Broken] = (play_world(seed, told.days, say) for seed in seeds)
    else:
        outcomes = play_all(seeds, told.days, told.jobs, None if told.minutes is None else told.minutes * 60)
    for outcome in outcomes:
        is_failed |= tell(outcome, told.days)
        if isinstance(outcome, Broken):
            total.worlds += 1
            total.violations += 1
            continue
        total.add(outcome)
        if told.hash:
            say(f"seed {outcome.seed} hash {outcome.digest}")
    say(total.line(time.perf_counter() - began, core_s()))
    return 1 if is_failed else 0


if __name__ == "__main__":
    sys.exit(main())
