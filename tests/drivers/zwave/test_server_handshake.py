"""Server and client must share a schema; the line that says otherwise is one line."""

import asyncio

import pytest

from drivers.zwave.server.handshake import ServerVersion, ask_version, parse_version, schema_conflict


def version(schema_min: int, schema_max: int) -> ServerVersion:
    return ServerVersion("3.10.2", "15.29.0", schema_min, schema_max)


def test_pinned_pair_meets() -> None:
    # @zwave-js/server 3.10.2 speaks 0 to 50; the bounds of the client come from the installed package.
    assert schema_conflict(version(0, 50)) is None


@pytest.mark.parametrize(("client_min", "client_max"), [(50, 60), (0, 0), (10, 20), (0, 60)])
def test_ranges_that_touch_meet(client_min: int, client_max: int) -> None:
    assert schema_conflict(version(0, 50), client_min=client_min, client_max=client_max) is None


def test_client_that_needs_a_newer_schema_is_told_in_one_line() -> None:
    line = schema_conflict(version(0, 50), client_min=51, client_max=51)
    assert line == (
        "the Z-Wave JS server 3.10.2 speaks schema 0 to 50, the client needs 51 to 51: "
        "the server is too old, install the pinned pair with `make setup`"
    )


def test_client_that_is_too_old_is_named() -> None:
    line = schema_conflict(version(60, 70), client_min=49, client_max=50)
    assert line is not None
    assert "the client is too old" in line


def test_version_message_is_read() -> None:
    text = (
        '{"type":"version","driverVersion":"15.29.0","serverVersion":"3.10.2","homeId":1,'
        '"minSchemaVersion":0,"maxSchemaVersion":50}'
    )
    assert parse_version(text) == version(0, 50)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '"version"',
        '{"type":"result"}',
        '{"type":"version"}',
        '{"type":"version","minSchemaVersion":"0","maxSchemaVersion":50}',
    ],
)
def test_anything_else_is_not_a_version_message(text: str) -> None:
    assert parse_version(text) is None


async def test_stranger_on_the_port_is_not_our_server() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail ready\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as stranger:
        port = stranger.sockets[0].getsockname()[1]
        assert await ask_version(port) is None
