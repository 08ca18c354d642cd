"""The monitor of QEMU (QMP): what one does to a machine from outside, and what it counts."""

import json
import socket
import time
from pathlib import Path

from tests.image.patience import now_s, until

ANSWER_S = 30.0

type Plain = dict[str, object]


class Monitor:
    """One connection to the monitor. Events are passed over, but kept by name for `saw`."""

    def __init__(self, path: Path) -> None:
        """Connect and greet."""
        until(path.exists, ANSWER_S)
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._line.settimeout(ANSWER_S)
        self._line.connect(str(path))
        self._stream = self._line.makefile("rwb")
        self.events: list[str] = []
        self.told: list[str] = []
        """The same with QEMU's particulars: who asked for a reset, and what an expired watchdog did."""
        self._last_s: dict[str, float] = {}
        self._next()
        self.ask("qmp_capabilities")

    def ask(self, command: str, **arguments: object) -> object:
        """Execute one command; its result. Raises AssertionError with QEMU's word when it refuses, OSError when it is gone."""
        self._stream.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        self._stream.flush()
        while True:
            answer = self._next()
            if "event" in answer:
                self.events.append(str(answer["event"]))
                self.told.append(f"{answer['event']} {json.dumps(answer.get('data', {}))}")
                self._last_s[str(answer["event"])] = _at_s(answer["timestamp"])
            elif "error" in answer:
                raise AssertionError(f"{command}: {answer['error']}")
            else:
                return answer.get("return")

    def written(self) -> "Written":
        """What the machine wrote to its disk since it was switched on."""
        told = self.ask("query-blockstats")
        rows = told if isinstance(told, list) else []
        stats = next(row["stats"] for row in rows if row.get("device") == "disk" or "disk" in str(row.get("qdev")))
        return Written(int(stats["wr_bytes"]), int(stats["wr_operations"]), int(stats["flush_operations"]))

    def saw(self, event: str) -> bool:
        """Whether QEMU told of this since the start."""
        self.ask("query-status")
        return event in self.events

    def last_s(self, event: str) -> float:
        """When the last of these events was, by the clock of `now_s`. Raises KeyError when there was none."""
        return self._last_s[event]

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._line.close()

    def _next(self) -> Plain:
        line = self._stream.readline()
        if not line:
            raise ConnectionResetError("the monitor is gone")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer


def _at_s(timestamp: object) -> float:
    """QEMU tells events by the wall clock of the host (QMP, 2.5)."""
    assert isinstance(timestamp, dict)
    passed_s = time.time_ns() / 1e9 - (int(timestamp["seconds"]) + int(timestamp["microseconds"]) / 1e6)
    return now_s() - passed_s


class Written:
    """Bytes, writes and flushes of a disk."""

    __slots__ = ("byte_count", "flush_count", "write_count")

    def __init__(self, byte_count: int, write_count: int, flush_count: int) -> None:
        self.byte_count, self.write_count, self.flush_count = byte_count, write_count, flush_count

    def since(self, earlier: "Written") -> "Written":
        """What came after an earlier look."""
        return Written(
            self.byte_count - earlier.byte_count,
            self.write_count - earlier.write_count,
            self.flush_count - earlier.flush_count,
        )
