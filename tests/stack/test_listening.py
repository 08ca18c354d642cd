"""Nothing of ours can be reached from another machine: no listening TCP socket but on loopback (N8)."""

import ipaddress
import os
import socket
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.stack.house import family, running_house

pytestmark = pytest.mark.stack

LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp (proc_pid_net(5))."""


def listening(pids: Iterable[int]) -> dict[str, set[int]]:
    """Addresses that these processes listen on, with the ports, by the kernel's tables."""
    owned = {str(link.readlink()) for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    found: dict[str, set[int]] = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == LISTEN and f"socket:[{columns[9]}]" in owned:
                address, _, port = columns[1].partition(":")
                found.setdefault(_address(address), set()).add(int(port, 16))
    return found


def _address(text: str) -> str:
    """An address as the kernel writes it: words of four bytes, each in the machine's own order."""
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def is_loopback(address: str) -> bool:
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def test_a_socket_that_is_open_to_others_is_found() -> None:
    with socket.create_server(("", 0)), socket.create_server(("127.0.0.1", 0)):
        found = listening([os.getpid()])
    assert {address for address in found if not is_loopback(address)} == {"0.0.0.0"}  # noqa: S104 - what is looked for
    assert {address for address in found if is_loopback(address)} >= {"127.0.0.1"}


async def test_n8_no_part_listens_beyond_loopback() -> None:
    with running_house(has_server=False) as house:
        house.start_daemon()
        await house.met()
        assert house.daemon is not None
        assert house.broker.process is not None
        parts = {
            "daemon and Z-Wave server": house.daemon.pid,
            "broker": house.broker.process.pid,
            "simulated home": house.stack.home_process.pid,
        }
        found = {name: listening(family(pid)) for name, pid in parts.items()}
        assert house.broker.port in set().union(*found["broker"].values())
        assert found["daemon and Z-Wave server"], "Z-Wave JS listens somewhere"
        assert not found["simulated home"]
        assert {address for of_part in found.values() for address in of_part if not is_loopback(address)} == set()
