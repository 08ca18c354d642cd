"""The near end of a serial line, with a machine made of words at the far end."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.console import SHELL_IS_THERE, Console, ConsoleGone

BOUND_S = 10.0
BANNER = b"\r\nU-Boot 2025.01+dfsg-1 (Jan 01 2025)\r\nHit any key to stop autoboot:  2 \r\n"


class Board:
    """Says what it is told to say and answers the first question for a shell; keeps what it hears."""

    def __init__(self, path: Path) -> None:
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(path))
        self._door.listen(1)
        self.heard = b""
        self._line: socket.socket | None = None
        self._is_connected = threading.Event()
        self._task = threading.Thread(target=self._run, daemon=True)
        self._task.start()

    def _run(self) -> None:
        self._line, _ = self._door.accept()
        self._is_connected.set()
        while chunk := self._line.recv(4096):
            self.heard += chunk
            if b"there-$((40 + 2))" in chunk:
                self.say(b"there-42\r\n")
            if b"base64 -d <<E" in self.heard and self.heard.endswith(b"end'\n"):
                number = self.heard.rsplit(b"echo '@", 2)[-1].split(b"@", 1)[0]
                self.heard = b""
                # What `gzip | base64` makes of nothing.
                empty = b"H4sIAAAAAAAAAwMAAAAAAAAAAAA=\r\n"
                self.say(b"@%s@begin 0\r\n%s@%s@end\r\n" % (number, empty, number))

    def say(self, words: bytes) -> None:
        assert self._is_connected.wait(BOUND_S)
        assert self._line is not None
        self._line.sendall(words)

    def close(self) -> None:
        self._task.join(BOUND_S)
        for end in (self._line, self._door):
            if end is not None:
                end.close()


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    made = Board(tmp_path / "tty.sock")
    yield made
    made.close()


@pytest.fixture
def console(board: Board, tmp_path: Path) -> Iterator[Console]:
    opened = Console(tmp_path / "tty.sock", tmp_path / "console.log")
    yield opened
    opened.close()


def test_nothing_is_typed_into_a_machine_that_was_reset_until_its_next_shell(board: Board, console: Console) -> None:
    board.say(SHELL_IS_THERE + b"\r\n# ")
    console.log_in(BOUND_S)
    assert console.ask("true").returncode == 0
    here = console.mark()
    board.say(BANNER)
    console.wait_for(b"autoboot", BOUND_S)
    with pytest.raises(ConsoleGone, match="Hit any key"):
        console.run("true")
    assert board.heard == b""
    board.say(SHELL_IS_THERE + b"\r\n# ")
    console.log_in(BOUND_S, here)
    assert console.ask("true").returncode == 0


def test_a_reset_in_the_middle_of_a_command_is_told_at_once(board: Board, console: Console) -> None:
    board.say(SHELL_IS_THERE + b"\r\n# ")
    console.log_in(BOUND_S)
    here = console.mark()
    board.say(BANNER)
    with pytest.raises(ConsoleGone, match="Hit any key"):
        console.wait_for(b"never said", BOUND_S, here)
