import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.shell import server as server_room
from gateway.shell.server import SESSIONS_MAX, ShellServer, SocketUnusable, claim
from gateway.shell.session import REQUEST_BYTES_MAX, Answer, Cell, parse_answer
from gateway.store import journal
from tests.shell.house import House

STATUS = b'{"verb": "status"}\n'


@asynccontextmanager
async def serving(house: House, path: Path) -> AsyncIterator[ShellServer]:
    server = ShellServer(house.context, path)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(server.run())
        async with asyncio.timeout(5):
            await server.ready.wait()
        try:
            yield server
        finally:
            running.cancel()


@asynccontextmanager
async def session(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(str(path), limit=8 * 1024 * 1024)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def answer(reader: asyncio.StreamReader) -> Answer:
    async with asyncio.timeout(5):
        return parse_answer(await reader.readline())


async def test_a_session_answers_request_after_request(house: House, tmp_path: Path) -> None:
    path = tmp_path / "maint.sock"
    async with serving(house, path), session(path) as (reader, writer):
        for _ in range(3):
            writer.write(STATUS)
            assert (await answer(reader)).failure is None
        writer.write(b"nonsense\n" + STATUS)
        assert (await answer(reader)).failure is not None
        assert (await answer(reader)).failure is None


async def test_the_socket_is_for_owner_and_group_only_and_goes_away_at_the_end(house: House, tmp_path: Path) -> None:
    path = tmp_path / "run" / "maint.sock"
    async with serving(house, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert not path.exists()


async def test_the_journal_names_the_user_that_the_kernel_names(house: House, tmp_path: Path) -> None:
    path = tmp_path / "maint.sock"
    async with serving(house, path), session(path) as (reader, writer):
        writer.write(b'{"verb": "delete", "arguments": {"code": "owner-1"}}\n')
        assert (await answer(reader)).failure is None
    lines = await house.db.read(journal.timeline)
    assert [line.body["uid"] for line in lines if line.kind == "shell.verb"] == [os.getuid()]


async def test_a_socket_left_over_from_a_crash_is_replaced(house: House, tmp_path: Path) -> None:
    path = tmp_path / "maint.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as crashed:
        crashed.bind(str(path))
    assert path.exists()
    async with serving(house, path), session(path) as (reader, writer):
        writer.write(STATUS)
        assert (await answer(reader)).failure is None


async def test_a_socket_that_somebody_listens_on_is_left_alone(house: House, tmp_path: Path) -> None:
    path = tmp_path / "maint.sock"
    async with serving(house, path), session(path) as (reader, writer):
        with pytest.raises(SocketUnusable, match="another gateway listens"):
            await ShellServer(house.context, path).run()
        writer.write(STATUS)
        assert (await answer(reader)).failure is None
        assert path.exists()


def test_a_file_in_the_way_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "maint.sock"
    path.write_text("precious")
    with pytest.raises(SocketUnusable, match="no socket"):
        claim(path)
    assert path.read_text() == "precious"


def test_a_path_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SocketUnusable, match="check that the folder"):
        claim(tmp_path / ("x" * 200) / "maint.sock")
    with pytest.raises(SocketUnusable, match="check that the folder"):
        claim(tmp_path / "maint.sock", group="no-such-group-here")


async def test_the_session_above_the_bound_is_turned_away_with_an_answer(house: House, tmp_path: Path) -> None:
    path = tmp_path / "maint.sock"
    async with serving(house, path):
        open_sessions = [await asyncio.open_unix_connection(str(path)) for _ in range(SESSIONS_MAX)]
        for reader, writer in open_sessions:
            writer.write(STATUS)
            assert (await answer(reader)).failure is None
        async with session(path) as (reader, _):
            refused = (await answer(reader)).failure
            assert refused is not None
            assert "too many sessions" in refused.message
        gone_reader, gone_writer = open_sessions.pop()
        gone_writer.write_eof()
        assert await gone_reader.read() == b""
        gone_writer.close()
        async with session(path) as (reader, writer):
            writer.write(STATUS)
            assert (await answer(reader)).failure is None
        for _, writer in open_sessions:
            writer.close()


async def test_a_request_line_that_is_too_long_is_answered_and_ends_the_session(house: House, tmp_path: Path) -> None:
    path = tmp_path / "maint.sock"
    async with serving(house, path):
        async with session(path) as (reader, writer):
            writer.write(b"x" * (REQUEST_BYTES_MAX + 10) + b"\n")
            refused = (await answer(reader)).failure
            assert refused is not None
            assert str(REQUEST_BYTES_MAX) in refused.message
        async with session(path) as (reader, writer):
            writer.write(STATUS)
            assert (await answer(reader)).failure is None


async def test_a_silent_session_is_ended(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_room, "IDLE_S", 0.05)
    path = tmp_path / "maint.sock"
    async with serving(house, path), session(path) as (reader, _):
        async with asyncio.timeout(5):
            assert await reader.read() == b""


async def test_a_request_that_takes_too_long_is_given_up_and_answered(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_room, "REQUEST_S", 0.05)
    path = tmp_path / "maint.sock"
    async with serving(house, path) as server, session(path) as (reader, writer):
        stuck = asyncio.Event()

        async def hang(_: bytes, __: object) -> Answer:
            await stuck.wait()
            return Answer()

        monkeypatch.setattr(server._shell, "answer", hang)
        writer.write(STATUS)
        given_up = (await answer(reader)).failure
        assert given_up is not None
        assert "did not finish" in given_up.message


async def test_a_verb_has_the_time_of_its_own_beside_that_of_all(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound of all others is over before it begins; a journal may take minutes to walk."""
    monkeypatch.setattr(server_room, "REQUEST_S", 0.0)
    path = tmp_path / "maint.sock"
    async with serving(house, path), session(path) as (reader, writer):
        writer.write(STATUS)
        assert (await answer(reader)).failure is not None
        writer.write(b'{"verb": "verify"}\n')
        assert (await answer(reader)).failure is None


async def test_a_peer_that_leaves_in_the_middle_harms_nobody(house: House, tmp_path: Path) -> None:
    path = tmp_path / "maint.sock"
    async with serving(house, path) as server:
        for sent in (b"", b'{"verb": "sta', STATUS, STATUS * 50):
            async with session(path) as (_, writer):
                writer.write(sent)
        async with session(path) as (reader, writer):
            writer.write(STATUS)
            assert (await answer(reader)).failure is None
        assert server.failures == 0


@pytest.mark.parametrize("says_no_more", [False, True])
async def test_a_peer_that_does_not_read_is_given_up_with_all_that_it_was_sent(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, says_no_more: bool
) -> None:
    """Sizes around what the kernel keeps for it: some are stuck in the middle of sending, some while closing."""
    for limit in ("SEND_S", "IDLE_S"):
        monkeypatch.setattr(server_room, limit, 0.05)
    path = tmp_path / "maint.sock"
    sizes = list(range(150_000, 400_000, 30_000))
    asked: asyncio.Queue[asyncio.Task[object] | None] = asyncio.Queue()

    async def answer_at_length(_: bytes, __: object) -> Answer:
        asked.put_nowait(asyncio.current_task())
        return Answer(lines=(Cell("x" * sizes.pop()),))

    async with serving(house, path) as server:
        with monkeypatch.context() as talkative:
            talkative.setattr(server._shell, "answer", answer_at_length)
            while sizes:
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.setblocking(False)
                    peer.connect(str(path))
                    peer.send(STATUS)
                    if says_no_more:
                        peer.shutdown(socket.SHUT_WR)
                    async with asyncio.timeout(5):
                        stuck = await asked.get()
                        assert stuck is not None
                        await asyncio.wait({stuck})
        async with session(path) as (reader, writer):
            writer.write(STATUS)
            assert (await answer(reader)).failure is None
        assert server.failures == 0


async def test_a_session_that_dies_of_a_bug_is_counted_and_the_next_one_served(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "maint.sock"
    async with serving(house, path) as server:
        with monkeypatch.context() as broken:

            def die(_: object) -> None:
                raise LookupError

            broken.setattr(server_room, "peer_of", die)
            async with session(path) as (reader, _):
                async with asyncio.timeout(5):
                    assert await reader.read() == b""
        assert server.failures == 1
        async with session(path) as (reader, writer):
            writer.write(STATUS)
            assert (await answer(reader)).failure is None


async def test_the_server_can_be_run_again_after_it_was_stopped(house: House, tmp_path: Path) -> None:
    path = tmp_path / "maint.sock"
    for _ in range(2):
        async with serving(house, path), session(path) as (reader, writer):
            writer.write(STATUS)
            assert (await answer(reader)).failure is None
