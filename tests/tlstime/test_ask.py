"""Asking a local web server over real TLS: who is believed, and who is not (T2)."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import format_datetime
from pathlib import Path

import pytest

from gateway.cloud.broker_settings import TlsFiles
from gateway.model.instant import SECOND_MS
from gateway.tlstime.answer import SERVER_SLACK_MS
from gateway.tlstime.ask import HEAD_MAX, Host, TlsWitness
from tests.cloud.test_tls import Authority

THEN = datetime.datetime(2027, 1, 31, 12, tzinfo=datetime.UTC)
THEN_MS = round(THEN.timestamp() * SECOND_MS)


def date_answer(at: datetime.datetime = THEN) -> bytes:
    return f"HTTP/1.1 200 OK\r\nDate: {format_datetime(at, usegmt=True)}\r\nContent-Length: 0\r\n\r\n".encode()


@asynccontextmanager
async def serving(files: TlsFiles, answer: bytes) -> AsyncIterator[Host]:
    """A web server on a free port that says the same to everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert files.certificate is not None
    context.load_cert_chain(files.certificate, files.key)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readuntil(b"\r\n\r\n")
        assert question.startswith(b"HEAD / HTTP/1.1\r\nHost: localhost:")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=context)
    try:
        yield Host("localhost", server.sockets[0].getsockname()[1])
    finally:
        server.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


async def test_t2_a_server_with_a_verified_certificate_tells_the_time(authority: Authority) -> None:
    async with serving(authority.issue("web"), date_answer()) as host:
        told = await TlsWitness([host], authority.certificate).tell()
    assert told is not None
    assert told.at - told.slack_ms <= THEN_MS <= told.at + told.slack_ms
    assert told.slack_ms < 2 * SERVER_SLACK_MS


async def test_t2_the_hub_s_own_clock_is_not_asked_whether_a_certificate_is_valid(authority: Authority) -> None:
    """A hub in 1970 would believe no certificate at all; this one was valid for a day, long ago or far ahead."""
    day = datetime.timedelta(days=1)
    for then in (THEN.replace(year=2021), THEN.replace(year=2090)):
        files = authority.issue(f"web-{then.year}", then - day, then + day)
        async with serving(files, date_answer(then)) as host:
            assert await TlsWitness([host], authority.certificate).tell() is not None
        async with serving(files, date_answer(then + 2 * day)) as host:
            assert await TlsWitness([host], authority.certificate).tell() is None


@pytest.mark.parametrize("year", ["99999999999999999999", "99999"])
async def test_t2_one_server_s_nonsense_silences_no_other(authority: Authority, year: str) -> None:
    files = authority.issue("web")
    nonsense = f"HTTP/1.1 200 OK\r\nDate: Sun, 31 Jan {year} 12:00:00 GMT\r\n\r\n".encode()
    async with (
        serving(files, date_answer()) as one,
        serving(files, date_answer()) as two,
        serving(files, nonsense) as odd,
    ):
        assert await TlsWitness([one, two, odd], authority.certificate).tell() is not None


async def test_t2_a_name_that_is_none_silences_no_other(authority: Authority) -> None:
    files = authority.issue("web")
    async with serving(files, date_answer()) as one, serving(files, date_answer()) as two:
        assert await TlsWitness([one, two, Host("time..example")], authority.certificate).tell() is not None


async def test_t2_nobody_is_believed_whose_certificate_is_not(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    async with serving(stranger.issue("web"), date_answer()) as host:
        assert await TlsWitness([host], authority.certificate).tell() is None
        assert await TlsWitness([host], stranger.certificate).tell() is not None
    async with serving(authority.issue("web"), date_answer()) as host:
        assert await TlsWitness([Host("127.0.0.1", host.port)], authority.certificate).tell() is None


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n" + b"x" * 2 * HEAD_MAX, b"\r\n\r\n"]
)
async def test_t2_an_answer_without_sense_or_end_is_none(authority: Authority, answer: bytes) -> None:
    async with serving(authority.issue("web"), answer) as host:
        assert await TlsWitness([host], authority.certificate).tell() is None


async def test_t2_a_host_that_is_not_there_leaves_the_others(authority: Authority) -> None:
    files = authority.issue("web")
    async with serving(files, date_answer()) as gone:
        pass
    async with serving(files, date_answer()) as one, serving(files, date_answer()) as two:
        assert await TlsWitness([gone, one, two], authority.certificate).tell() is not None
        assert await TlsWitness([gone, one], authority.certificate).tell() is None
