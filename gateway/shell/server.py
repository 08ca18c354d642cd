"""The Unix socket: who may come in, how many at once, and how long anything may take.

The socket is for the group of maintainers only (mode 0660); who is at the other end is asked of the kernel, never of the
peer. A session that is silent, slow or talks too much is ended; none of them can hold up another, nor the daemon.
"""

import asyncio
import contextlib
import logging
import shutil
import socket
import stat
import struct
from pathlib import Path

from gateway.shell.context import Peer, ShellContext
from gateway.shell.session import REQUEST_BYTES_MAX, Answer, Failure, FailureKind, encode_answer
from gateway.shell.verbs import Shell, extra_s

log = logging.getLogger(__name__)

SOCKET_MODE = 0o660

SESSIONS_MAX = 8
"""Sessions at once: two technicians, a script and some forgotten windows."""

IDLE_S = 900.0
"""A session without a request is ended after a quarter of an hour; `gatewayctl` comes back by itself."""

REQUEST_S = 30.0
"""No verb takes longer, but for its own `extra_s`; `status` over 50 locks of 30 codes takes below a second (our measurement)."""

SEND_S = 10.0
"""A peer that does not read its answer within this is gone."""

BACKLOG = 16
"""Connections that the kernel keeps waiting."""


class SocketUnusable(Exception):  # noqa: N818 - says what it means for the caller
    """The socket cannot be made there; the text says why and what to do."""


class ShellServer:
    """Listens on one path until cancelled. `ready` is set while it listens; `failures` counts sessions that died of a bug."""

    def __init__(self, context: ShellContext, path: Path, *, group: str | None = None) -> None:
        """`group` is given the socket, such as `maint` on a device; the process must be a member of it."""
        self._shell = Shell(context)
        self._path = path
        self._group = group
        self._open_count = 0
        self.ready = asyncio.Event()
        self.failures = 0

    async def run(self) -> None:
        """Serve until cancelled. Raises `SocketUnusable` when the path cannot be listened on."""
        door = claim(self._path, self._group)
        async with asyncio.TaskGroup() as sessions:

            def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                if self._open_count >= SESSIONS_MAX:
                    log.warning("shell.session.refused", extra={"open": self._open_count})
                    failure = Failure(
                        FailureKind.FAILED, "too many sessions are open", "close one of the other gatewayctl"
                    )
                    writer.write(encode_answer(Answer(failure=failure)))
                    writer.close()
                    return
                self._open_count += 1
                sessions.create_task(self._session(reader, writer), name="shell session")

            server = await asyncio.start_unix_server(welcome, sock=door, limit=REQUEST_BYTES_MAX, backlog=BACKLOG)
            self.ready.set()
            log.info("shell.listening", extra={"socket": str(self._path)})
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.ready.clear()
                server.close()
                self._path.unlink(missing_ok=True)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer, peer_of(writer))
            writer.close()
            async with asyncio.timeout(SEND_S):
                await writer.wait_closed()
        except (ConnectionError, TimeoutError):
            log.debug("shell.session.broken")
        except Exception as error:  # noqa: BLE001 - a session is supervised: logged, counted, ended
            self.failures += 1
            # The exception's own text may hold what a person typed (N1).
            facts = {"error": type(error).__name__, "failures": self.failures}
            log.error("shell.session.died", extra=facts)  # noqa: TRY400 - see above
        finally:
            self._open_count -= 1
            # A peer that has not read by now has left its answer in our memory; closing alone would wait for it without end.
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):  # the peer may have gone first, which is all right
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                rule = f"a request line has at most {REQUEST_BYTES_MAX} bytes"
                await _send(writer, Answer(failure=Failure(FailureKind.USAGE, rule, "send one short line per request")))
                return
            limit_s = REQUEST_S + extra_s(line)
            try:
                async with asyncio.timeout(limit_s):
                    answer = await self._shell.answer(line, peer)
            except TimeoutError:
                log.warning("shell.verb.slow", extra={"limit_s": limit_s})
                message = f"the hub did not finish this within {limit_s:.0f} s"
                remedy = "look whether anything changed before you try again"
                answer = Answer(failure=Failure(FailureKind.FAILED, message, remedy))
            await _send(writer, answer)


def claim(path: Path, group: str | None = None) -> socket.socket:
    """A socket bound to `path`, not listening yet, so that nobody gets in before mode and group are set.

    A socket file that nobody listens on is left over from a crash and is removed. Raises `SocketUnusable` otherwise.
    """
    if path.exists() or path.is_symlink():
        if not stat.S_ISSOCK(path.lstat().st_mode):
            msg = f"{path} is in the way and no socket: move it away, or choose another socket path"
            raise SocketUnusable(msg)
        if _is_alive(path):
            msg = f"another gateway listens on {path}: stop it first, or choose another socket path"
            raise SocketUnusable(msg)
        path.unlink()
        log.info("shell.socket.stale_removed", extra={"socket": str(path)})
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        door.bind(str(path))
        path.chmod(SOCKET_MODE)
        if group is not None:
            shutil.chown(path, group=group)
    except (OSError, LookupError) as error:
        door.close()
        msg = f"{path} cannot be made ({error}): check that the folder is there and belongs to the gateway"
        raise SocketUnusable(msg) from error
    return door


def peer_of(writer: asyncio.StreamWriter) -> Peer:
    """Who is at the other end: `struct ucred` of SO_PEERCRED, three ints (unix(7))."""
    credentials = struct.Struct("3i")
    line: socket.socket = writer.get_extra_info("socket")
    pid, uid, gid = credentials.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size))
    return Peer(uid=uid, gid=gid, pid=pid)


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
        return True


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(encode_answer(answer))
    async with asyncio.timeout(SEND_S):
        await writer.drain()
