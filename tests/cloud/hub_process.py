"""A hub's cloud room as a process of its own, to be killed by tests: `python -m tests.cloud.hub_process FOLDER PORT PROTOCOL`.

With `--hold` it commits orders and never acknowledges them to the broker: what a kill between commit and acknowledge leaves.
"""

import asyncio
import sys
from pathlib import Path

from gateway.cloud.broker_settings import BrokerSettings, Protocol
from gateway.cloud.uplink import Uplink
from gateway.cloud.uplink.connection import PahoConnection
from tests.cloud.room import HUB, make_service, open_store


async def serve(folder: Path, port: int, protocol: Protocol) -> None:
    async with open_store(folder) as db:
        await make_service(db, Uplink(BrokerSettings("127.0.0.1", port, HUB, protocol))).run()


if __name__ == "__main__":
    if "--hold" in sys.argv:
        PahoConnection.acknowledge = lambda self, message: None  # type: ignore[method-assign]  # the fault of this run
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), Protocol(sys.argv[3])))
