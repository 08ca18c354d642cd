"""The first message of the server's WebSocket: whether anybody is there, and whether we share a schema."""

import asyncio
import json
from dataclasses import dataclass
from typing import Final

import aiohttp
from zwave_js_server.const import MAX_SERVER_SCHEMA_VERSION, MIN_SERVER_SCHEMA_VERSION

ANSWER_TIMEOUT_S: Final = 5.0
"""How long the server may take from connect to its version message. Our measurement: 2 to 4 ms on a PC."""

MESSAGE_BYTES_MAX: Final = 64 * 1024
"""Longest version message taken; a real one has 200 bytes. Our bound."""


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """What the server says of itself at connect."""

    server: str
    driver: str
    schema_min: int
    schema_max: int


def schema_conflict(
    version: ServerVersion,
    *,
    client_min: int = MIN_SERVER_SCHEMA_VERSION,
    client_max: int = MAX_SERVER_SCHEMA_VERSION,
) -> str | None:
    """Give the one line to stop with when server and client have no schema in common, else None."""
    if version.schema_min <= client_max and client_min <= version.schema_max:
        return None
    older = "server" if version.schema_max < client_min else "client"
    return (
        f"the Z-Wave JS server {version.server} speaks schema {version.schema_min} to {version.schema_max}, the client "
        f"needs {client_min} to {client_max}: the {older} is too old, install the pinned pair with `make setup`"
    )


def parse_version(text: str) -> ServerVersion | None:
    """Read the version message; None when it is something else."""
    try:
        message: object = json.loads(text)
    except ValueError:
        return None
    if not isinstance(message, dict) or message.get("type") != "version":
        return None
    lowest, highest = message.get("minSchemaVersion"), message.get("maxSchemaVersion")
    if not isinstance(lowest, int) or not isinstance(highest, int):
        return None
    return ServerVersion(str(message.get("serverVersion")), str(message.get("driverVersion")), lowest, highest)


async def ask_version(port: int, host: str = "127.0.0.1") -> ServerVersion | None:
    """Connect and read the version message; None when nobody listens yet or somebody else does."""
    try:
        async with (
            asyncio.timeout(ANSWER_TIMEOUT_S),
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://{host}:{port}", max_msg_size=MESSAGE_BYTES_MAX) as socket,
        ):
            message = await socket.receive()
    except (aiohttp.ClientError, OSError):  # TimeoutError is an OSError
        return None
    return parse_version(message.data) if message.type is aiohttp.WSMsgType.TEXT else None
