"""`python -m tests.contract`: plays every scene on the serial door and writes down how it ended.

With names of scenes only those are played and shown, and nothing is written.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from drivers.kit.play import play
from drivers.kit.stage import SceneBroken
from tests.contract import serial
from tests.contract.plays import ENDINGS, played
from tests.stack.zwave_stack import Stack


async def _played(stack: Stack, name: str) -> tuple[str, ...]:
    scene, kind = played()[name]
    bench = serial.SerialBench(stack, kind)
    await bench.prepare()
    try:
        return await play(scene, bench)
    finally:
        bench.close()


def main(names: list[str]) -> int:
    endings: dict[str, tuple[str, ...]] = {}
    broken = 0
    with tempfile.TemporaryDirectory(prefix="ct") as folder, serial.running(Path(folder)) as stack:
        for name in names or played():
            began = time.perf_counter()
            try:
                endings[name] = asyncio.run(_played(stack, name))
            except SceneBroken as error:
                broken += 1
                sys.stdout.write(f"BROKEN {name}: {error}\n")
                continue
            sys.stdout.write(f"{time.perf_counter() - began:6.2f} s  {name}\n")
            if names:
                sys.stdout.write("".join(f"          {line}\n" for line in endings[name]))
    if not names and not broken:
        ENDINGS.write_text(json.dumps(endings, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
