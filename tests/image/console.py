"""The serial console of a machine, as a technician has it: a line that talks, and a root's shell on it.

Everything that comes is kept in a file, for the search for secrets. Commands travel in base64, and so do their words, packed: no line is
too long for the terminal, nothing is echoed, what the kernel says in between is no part of an answer, and a slow line has less to carry.
"""

import base64
import binascii
import contextlib
import gzip
import itertools
import re
import socket
import subprocess
import threading
from pathlib import Path
from typing import Final

from tests.image.patience import until

ASK_SIZE: Final = b"\x1b[6n"
TELL_SIZE: Final = b"\x1b[24;80R"
"""systemd asks a terminal for its size by where its cursor is (ECMA-48, DSR and CPR), and waits seconds for an answer."""

SHELL_IS_THERE: Final = b"(automatic login)"
"""What agetty prints when it logs somebody in without asking. Before that nothing may be typed: U-Boot stops at any key."""

BEGINS_ANEW: Final = re.compile(rb"U-Boot \d{4}\.\d\d")
"""The first words of a machine that was reset. After them nothing may be typed until there is a shell again."""

CONNECT_S = 10.0
PROBE_S = 5.0
COMMAND_S = 120.0
LINE_BYTES = 76
CHUNK_BYTES = 4096


class ConsoleGone(Exception):  # noqa: N818 - says what happened
    """The machine at the other end is no more, or was reset."""


class Console:
    """The near end of the line. `close` it; the machine may go earlier."""

    def __init__(self, path: Path, log: Path) -> None:
        """Connect to the socket where the machine has its serial port."""
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        until(lambda: self._connected(path), CONNECT_S)
        self._log = log.open("ab", buffering=0)
        self._heard = bytearray()
        self._shell_at = 0
        self._news = threading.Condition()
        self._is_open = True
        self._numbers = itertools.count(1)
        self._listener = threading.Thread(target=self._listen, name="console", daemon=True)
        self._listener.start()

    def _connected(self, path: Path) -> bool:
        with contextlib.suppress(OSError):
            self._line.connect(str(path))
            return True
        return False

    def _listen(self) -> None:
        while True:
            try:
                chunk = self._line.recv(CHUNK_BYTES)
            except OSError:
                chunk = b""
            with self._news:
                if not chunk:
                    self._is_open = False
                    self._news.notify_all()
                    return
                self._log.write(chunk)
                if ASK_SIZE in self._heard[-len(ASK_SIZE) + 1 :] + chunk:
                    with contextlib.suppress(OSError):
                        self._line.sendall(TELL_SIZE)
                self._heard += chunk
                self._news.notify_all()

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._listener.join()
        self._line.close()
        self._log.close()

    def heard(self) -> str:
        """Everything that came so far."""
        with self._news:
            return self._heard.decode(errors="replace")

    def mark(self) -> int:
        """Where the line is now, for waiting for what comes after."""
        with self._news:
            return len(self._heard)

    def wait_for(self, pattern: bytes, bound_s: float, since: int = 0) -> re.Match[bytes]:
        """Wait until the pattern came after `since`. Raises AssertionError with the last words, `ConsoleGone`."""
        found: re.Match[bytes] | None = None
        compiled = re.compile(pattern, re.DOTALL)

        def came() -> bool:
            nonlocal found
            found = compiled.search(self._heard, since)
            return found is not None or not self._is_open or self._is_reset(since)

        with self._news:
            is_over = self._news.wait_for(came, bound_s)
            tail = self._heard[-2000:].decode(errors="replace")
        assert is_over, f"not heard within {bound_s} s: {pattern!r}; last: {tail}"
        if found is None:
            raise ConsoleGone(tail)
        return found

    def log_in(self, bound_s: float, since: int = 0) -> None:
        """Wait for the shell and make it a quiet one. It is there when it answers, not when it is announced."""
        self._shell_at = 0  # whatever shell there was, this is about the next one
        self._shell_at = self.wait_for(re.escape(SHELL_IS_THERE), bound_s, since).end()
        for _ in range(round(bound_s / PROBE_S)):
            here = self.mark()
            self._send("\x15stty -echo; exec env PS1= PS2= ENV= sh; \necho there-$((40 + 2))\n")
            with contextlib.suppress(AssertionError):
                self.wait_for(rb"there-42", PROBE_S, here)
                break
        self.run("dmesg --console-level 1 2>/dev/null || dmesg -n 1; systemctl log-target journal 2>/dev/null || :")

    def ask(self, script: str, bound_s: float = COMMAND_S) -> subprocess.CompletedProcess[str]:
        """Run a script in the root's shell, whatever comes of it; both of its outputs are one. Raises like `wait_for`."""
        token = f"@{next(self._numbers)}@"
        coded = base64.encodebytes(script.encode()).decode()
        here = self.mark()
        self._send(
            f"base64 -d <<E >/run/asked\n{coded}E\nsh /run/asked </dev/null >/run/said 2>&1; "
            f"echo '{token[:-1]}''@begin' $?; gzip --stdout /run/said | base64; echo '{token}''end'\n"
        )
        code = int(self.wait_for(re.escape(token.encode()) + rb"begin (\d+)\r?\n", bound_s, here)[1])
        body = self.wait_for(
            re.escape(token.encode()) + rb"begin \d+\r?\n(.*?)" + re.escape(token.encode()) + rb"end", bound_s, here
        )
        return subprocess.CompletedProcess(script, code, _decoded(body[1]), "")

    def run(self, script: str, bound_s: float = COMMAND_S) -> str:
        """Run a script that must succeed; its words."""
        done = self.ask(script, bound_s)
        assert done.returncode == 0, f"{script}: {done.returncode} {done.stdout}"
        return done.stdout

    def leave(self, script: str) -> None:
        """Start a script after which there is nobody to answer."""
        self._send(f"{script}\n")

    def _is_reset(self, since: int) -> bool:
        """Whether the machine began anew after it had a shell, and after `since`."""
        return 0 < self._shell_at <= since and BEGINS_ANEW.search(self._heard, since) is not None

    def _send(self, words: str) -> None:
        with self._news:
            is_reset = self._is_reset(self._shell_at)
        if is_reset:
            raise ConsoleGone(self.heard()[-2000:])
        try:
            self._line.sendall(words.encode())
        except OSError as error:
            raise ConsoleGone(self.heard()[-2000:]) from error


def _decoded(body: bytes) -> str:
    """The words of a command; lines that are no base64 were the kernel's."""
    lines = [line for line in body.split() if re.fullmatch(rb"[A-Za-z0-9+/]+={0,2}", line) and len(line) <= LINE_BYTES]
    try:
        return gzip.decompress(base64.b64decode(b"".join(lines), validate=True)).decode(errors="replace")
    except (binascii.Error, gzip.BadGzipFile, EOFError) as error:
        raise AssertionError(f"the line was disturbed: {error}: {body[-300:]!r}") from None
