"""The maintenance shell as its owner has it: a serial line that asks for a name and a password, and no other way in."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from gateway.runtime.entropy import SystemEntropy
from tests.image.hub import READY_S
from tests.image.machine import SHELL_S, Machine
from tests.image.medium import Medium
from tests.image.patience import until
from tests.image.record import Secrets
from tests.image.surroundings import SEED, Surroundings
from tests.image.usb_stick import STRANGERS
from tests.stack.house import LOCKS

STRANGER = STRANGERS[0]
RULE = (
    f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{STRANGER.vendor:04x}", ATTRS{{product}}=="{STRANGER.product_name}", SYMLINK+="zwave", '
    'GROUP="zwave", MODE="0660", TAG+="systemd", ENV{SYSTEMD_WANTS}+="zwave-stick.service"\n'
)
"""As systemd/README.md tells the owner of a stick that is in no table."""

ANSWER_S = 120.0
"""For one answer of an emulated machine that may still be starting."""


@pytest.fixture(scope="module")
def password(secrets: Secrets) -> str:
    """Whatever the console echoes or the card keeps of it, the search for secrets finds."""
    return secrets.pin(SystemEntropy().token(8).hex())


@pytest.fixture(scope="module")
def machine(around: Surroundings, card: Medium, password: str) -> Iterator[Machine]:
    """The hub of the story, with a password and a stick of another kind from its owner, and a serial line that nobody opened for us."""
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=password.encode(), check=True, capture_output=True
    )
    card.put("firmware", f"{SEED}/service.password", hashed.stdout)
    card.put("firmware", f"{SEED}/stick.rules", RULE.encode())
    made = around.machine(card)
    made.is_open = False
    made.switch_on()
    around.plug(made, STRANGER)
    try:
        yield made
    finally:
        around.pull()
        made.cut()


def say(machine: Machine, words: str, answer: bytes, bound_s: float = ANSWER_S) -> re.Match[bytes]:
    """Type a line; wait for what has to follow it."""
    here = machine.console.mark()
    machine.console.leave(words)
    return machine.console.wait_for(answer, bound_s, here)


def test_the_console_asks_and_lets_nobody_in_without_the_owners_password(machine: Machine) -> None:
    machine.console.wait_for(rb"login: ", SHELL_S)
    for name in ("root", "service"):
        say(machine, name, rb"Password: ")
        say(machine, "letmein", rb"Login incorrect.*login: ")


def test_a_service_person_sees_the_hub_with_its_stick_and_none_of_its_secrets(machine: Machine, password: str) -> None:
    say(machine, "service", rb"Password: ")
    say(machine, password, rb"gatewayctl.*\$ ")
    ready = f"{len(LOCKS)} of {len(LOCKS)} locks".encode()
    asks = "gatewayctl --json status | tr -d '\\n'; echo; echo ask''ed"
    until(lambda: ready in say(machine, asks, rb"(.*)asked\r?\n")[1], READY_S)
    for line, answer in {
        "journalctl --no-pager -n 1 -u gateway -o json | head -c 2; echo": rb'\{"',
        "cat /etc/credstore/gateway.secret": rb"Permission denied",
        "cat /var/lib/gateway/gateway.db": rb"Permission denied",
        "touch /etc/probe": rb"(Read-only file system|Permission denied)",
        "gatewayctl locks": rb"Front door",
        "exit": rb"login: ",
    }.items():
        say(machine, line, answer)
