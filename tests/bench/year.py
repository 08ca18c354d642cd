"""Months of stays on one lock, played in a process of its own: `python -m tests.bench.year [MONTHS]`, twelve when not said.

Prints the memory at the end of each month as JSON. A month takes about 15 s of a core.
"""

import asyncio
import gc
import json
import sys
from pathlib import Path

from tests.bench.quiet_house import DAY_S, SETTLED_S, CountingLoop, quiet_house, stay

YEAR_MONTHS = 12
DAYS = 30
STAYS_A_DAY = 6


def rss_mib() -> float:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def play(count: int) -> list[dict[str, float]]:
    months = []
    async with quiet_house(1) as house:
        number = 0
        for _ in range(count):
            for _ in range(DAYS):
                for _ in range(STAYS_A_DAY):
                    number += 1
                    await house.applied("access_code.create", [stay(number, "lock-1")])
                    await asyncio.sleep(DAY_S / STAYS_A_DAY - SETTLED_S)
                    await house.applied("access_code.delete", [{"access_code_id": f"stay-{number}"}])
                    await asyncio.sleep(SETTLED_S)
                house.cloud.events.clear()
            gc.collect()
            months.append({"stays": number, "rss_mib": rss_mib()})
    return months


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else YEAR_MONTHS
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        sys.stdout.write(json.dumps(runner.run(play(count))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
