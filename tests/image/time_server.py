"""A time server for machines under test (SNTP, RFC 4330), on the loopback of this network namespace. Switched on, it tells the truth."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Final

PORT: Final = 123
NTP_TO_UNIX_S: Final = 2_208_988_800
"""From 1900 to 1970 (RFC 4330, section 3)."""

PACKET: Final = struct.Struct("!BBbb11I")
SERVER_V4: Final = 0x24
LOOK_S = 0.5


class TimeServer:
    """Answers while `is_on`."""

    def __init__(self) -> None:
        self.is_on = True
        self.answer_count = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(LOOK_S)
        self._socket.bind(("127.0.0.1", PORT))
        self._is_over = False
        self._thread = threading.Thread(target=self._serve, name="time", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._is_over:
            try:
                asked, who = self._socket.recvfrom(512)
            except TimeoutError:
                continue
            if self.is_on and len(asked) >= PACKET.size:
                now = _now()
                # Stratum 1, precision about a microsecond; the client's transmit time comes back as the originate time.
                originate = struct.unpack_from("!II", asked, 40)
                answer = PACKET.pack(SERVER_V4, 1, asked[2] % 128, -20, 0, 0, 0x4C4F434C, *now, *originate, *now, *now)
                self._socket.sendto(answer, who)
                self.answer_count += 1

    def close(self) -> None:
        """Serve no more."""
        self._is_over = True
        self._thread.join()
        self._socket.close()


def _now() -> tuple[int, int]:
    seconds, rest_ns = divmod(time.time_ns(), 1_000_000_000)
    return seconds + NTP_TO_UNIX_S, (rest_ns << 32) // 1_000_000_000


@contextlib.contextmanager
def running_time_server() -> Iterator[TimeServer]:
    """One that is closed at the end."""
    server = TimeServer()
    try:
        yield server
    finally:
        server.close()
