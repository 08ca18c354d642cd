"""Random command-class payloads into every kind of lock: no crash, no hang, bounded memory.

    python -m tests.drivers.simulator.fuzz_locks --payloads 100000 --seed 1

A payload is a command that the lock knows with a random body, or plain noise; half of them come inside Supervision. The same seed gives the same
payloads. Exit code 0: every payload was answered and every bound held.
"""

import argparse
import random
import sys
import time
from dataclasses import dataclass

from drivers.simulator.lock import memory
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model, shipped_profiles
from drivers.simulator.radio.cc.answer import CommandClass
from drivers.simulator.radio.cc.association import Association, AssociationGroupInfo
from drivers.simulator.radio.cc.identity import ManufacturerSpecific, Version, ZWavePlusInfo
from drivers.simulator.radio.cc.names import BY_PROFILE_NAME, COMMAND_NAMES, name_of
from drivers.simulator.radio.cc.registry import firmware_classes
from drivers.simulator.radio.cc.supervision import open_envelope

PAYLOAD_MAX = 46
"""Largest payload of a frame at 100 kbit/s."""

REPORT_MAX = 64
"""Longest report a lock may make; the longest honest one is an Association Group Info list."""

REPORTS_MAX = 4
ARMED = frozenset({Fault.COMMIT_LATE, Fault.DELETE_LATE, Fault.REFUSE_SCHEDULE, Fault.STICK_BOLT, Fault.REPORT_LATE})
"""Bad luck that keeps something for later, so that its bounds are tried too."""


@dataclass(slots=True)
class Target:
    """One lock with all of its command classes."""

    firmware: Firmware
    classes: dict[int, CommandClass]
    at: float = 0.0

    @property
    def known(self) -> list[tuple[int, int]]:
        """The commands of its classes."""
        return sorted(command for command in COMMAND_NAMES if command[0] in self.classes)


def target(key: str, chance: random.Random) -> Target:
    model = shipped_model(key)
    firmware = Firmware(model, strikes=lambda fault: fault in ARMED and chance.random() < 0.1)
    versions = {int(BY_PROFILE_NAME[name]): version for name, version in model.command_classes.items()}
    others: list[CommandClass] = [
        Association(2),
        AssociationGroupInfo(1),
        Version(model, 3, versions),
        ManufacturerSpecific(model, 2, bytes(4)),
        ZWavePlusInfo(model, 2),
    ]
    return Target(firmware, {one.identifier: one for one in others} | firmware_classes(firmware, versions))


def payload(chance: random.Random, known: list[tuple[int, int]]) -> bytes:
    """A command that the lock knows with a random body; sometimes noise; often under Supervision, whose length may lie."""
    if chance.random() < 0.1:
        return chance.randbytes(chance.randrange(PAYLOAD_MAX + 1))
    command_class, command = chance.choice(known)
    body = bytes(
        chance.choice((0, 1, 2, 3, 7, 30, 0x31, 0x34, 0x39, 0xFE, 0xFF, chance.randrange(256)))
        for _ in range(chance.randrange(20))
    )
    made = bytes([command_class, command]) + body
    if chance.random() < 0.5:
        made = bytes([0x6C, 0x01, chance.randrange(256), len(made) + chance.choice((0, 0, 0, 1, 255)) & 0xFF]) + made
    return made


def answer(lock: Target, made: bytes) -> int:
    """Let a lock execute a payload; returns how many bytes it answers. Raises `AssertionError` when a bound does not hold."""
    assert name_of(made) is not None
    envelope = open_envelope(made)
    command = envelope.command if envelope is not None else made
    if len(command) < 2 or command[0] not in lock.classes:
        return 0
    told = lock.classes[command[0]].answer(command[1], command[2:], lock.at)
    assert len(told.reports) <= REPORTS_MAX, "too many reports"
    assert all(len(report) <= REPORT_MAX for report in told.reports), f"a report of {name_of(command)} is too long"
    return sum(map(len, told.reports))


def check(lock: Target) -> None:
    """What may grow has its bound, and what is kept can be taken over again."""
    firmware = lock.firmware
    slots = firmware.model.slots
    assert len(firmware.occupied(lock.at)) <= slots
    assert len(firmware._late) <= 2 * slots
    assert len(firmware._uncommitted) <= slots
    assert len(firmware.drain_notices()) <= memory.NOTICES_MAX, "too many notices"
    image = firmware.image()
    again = Firmware(firmware.model)
    again.restore(image)
    assert again.image() == image, "an image does not come back as it was"


def fuzz(payloads: int, seed: int) -> dict[str, int]:
    """Throw payloads at every kind of lock in turn; returns how many bytes each kind answered."""
    chance = random.Random(seed)
    locks = {key: target(key, chance) for key in sorted(shipped_profiles())}
    known = {key: lock.known for key, lock in locks.items()}
    answered = dict.fromkeys(locks, 0)
    for number in range(payloads):
        key = chance.choice(list(locks))
        lock = locks[key]
        lock.at += chance.random()
        answered[key] += answer(lock, payload(chance, known[key]))
        if number % 100 == 0:
            check(lock)
    for lock in locks.values():
        check(lock)
    return answered


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payloads", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    started = time.perf_counter()
    answered = fuzz(arguments.payloads, arguments.seed)
    sys.stdout.write(
        f"{arguments.payloads} payloads in {time.perf_counter() - started:.1f} s; bytes answered: {answered}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
