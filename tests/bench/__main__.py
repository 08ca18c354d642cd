"""`make bench`: measure, write build/bench.json, print the table. Exits 0 whether goals are met or not: it tells.

`--year` plays twelve months of stays instead of three.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from tests.bench import inside, outside, radio, weeks
from tests.bench.figure import Figure, table
from tests.bench.year import YEAR_MONTHS

OUTPUT = Path("build/bench.json")


async def measure(folder: Path) -> list[Figure]:
    figures = list(inside.planner())
    figures.extend(await inside.order_to_intent(folder))
    figures.extend(await inside.queued_orders(folder))
    figures.extend([figure async for figure in outside.daily(folder)])
    figures.extend([figure async for figure in outside.airtime()])
    figures.extend([figure async for figure in radio.s0()])
    figures.extend([figure async for figure in radio.rivals()])
    figures.extend([figure async for figure in radio.cold_locks()])
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the figures of the product.")
    parser.add_argument(
        "--year", action="store_true", help="memory over a whole simulated year; takes some minutes more"
    )
    count = YEAR_MONTHS if parser.parse_args().year else weeks.MONTHS
    with tempfile.TemporaryDirectory(prefix="kpbench-") as folder:
        figures = asyncio.run(measure(Path(folder)))
    figures += [*weeks.code_life(), *weeks.house_at_rest(), *weeks.months(count)]
    machine = {"system": platform.platform(), "processors": os.cpu_count(), "python": platform.python_version()}
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(
        json.dumps({"machine": machine, "figures": [figure.plain() for figure in figures]}, indent=2) + "\n"
    )
    sys.stdout.write(table(figures) + f"\n\nwritten to {OUTPUT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
