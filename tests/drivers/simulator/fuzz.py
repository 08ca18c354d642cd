"""Throws frames at a stick: random bytes, and frames a host really sends with some of their bits, bytes and lengths changed.

    python -m tests.drivers.simulator.fuzz --frames 100000 --seed 1

What must hold: nothing raises, nothing waits for ever, and what is kept stays below its bounds. Payloads of command classes are not
thrown here but at the locks themselves.
"""

import argparse
import asyncio
import logging
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import override

from drivers.simulator.lock.faults import Faults
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from drivers.simulator.radio.ether import Ether
from drivers.simulator.radio.node import LockNode
from drivers.simulator.radio.path import DIRECT, Path
from drivers.simulator.radio.security.identity import Identity
from drivers.simulator.radio.trace import TRACE_MAX, Aired, Direction, Trace
from drivers.simulator.stick.frame import Broken, Control, Frame, FrameReader, FrameType, Garbage
from drivers.simulator.stick.functions import Stick
from drivers.simulator.stick.link import QUEUE_MAX, Deliver, Effect, GaveUp, Link, Send, SetTimer
from drivers.simulator.stick.memory import NODE_ID_MAX, NodeCard, StickMemory
from drivers.simulator.stick.transmit import JOBS_MAX, Transmitter

READER_BYTES_MAX = 257
"""The longest frame: start, length and 255 bytes."""

TURN_EVERY = 64
"""Chunks between two turns of the loop, in which the stick does its jobs."""

HOST_REQUESTS = tuple(
    Frame(FrameType.REQUEST, function, bytes.fromhex(payload))
    for function, payload in (
        (0x07, ""),
        (0x02, ""),
        (0x15, ""),
        (0x0B, "01"),
        (0x0B, "80 02"),
        (0x0B, "80 01"),
        (0x20, ""),
        (0x41, "02"),
        (0x60, "02"),
        (0x62, "02"),
        (0xA9, "01 02 02 80 02 25 00 00 00 00 07"),
        (0x13, "02 02 80 02 25 07"),
        (0x16, ""),
        (0x4A, "c1 05"),
        (0x4A, "49 00"),
        (0x4A, "c8 05 c0ffee00 00000001"),
        (0x4A, "c5 06"),
        (0x4B, "c1 07"),
        (0x61, "02 08"),
        (0x63, "02 09"),
        (0x48, "02 0a"),
        (0x46, "02 03 0b"),
        (0x55, "02 0c"),
        (0x80, "02 00 00"),
        (0x08, ""),
    )
)
"""One of every function a host asks for."""


SECURITY_COMMANDS = (*range(0x0F), 0x1D, 0x40, 0x80, 0x81, 0xC1)
"""Commands of the network layer, of Security 0 and of Security 2, and some that none of them has."""


class Ear:
    """A lock that hears everything and says nothing."""

    node_id = 2
    is_flirs = True
    path: Path = DIRECT

    def hear(self, payload: bytes, aired: Aired) -> bool:
        del payload, aired
        return True


@dataclass
class Tally:
    """What became of the chunks."""

    chunks: int = 0
    frames: int = 0
    broken: int = 0
    controls: int = 0
    garbage_bytes: int = 0
    answers: int = 0
    given_up: int = 0

    @override
    def __str__(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in vars(self).items())


class Target:
    """Reader, link and stick as the serial door joins them, with the timers in the fuzzer's hand."""

    def __init__(self, chance: random.Random) -> None:
        faults = Faults(chance.random)
        self.trace = Trace()
        ether = Ether(has_airtime=False, faults=faults, trace=self.trace, now=asyncio.get_running_loop().time)
        ether.join(Ear())
        self.reader, self.link = FrameReader(), Link()
        self.transmitter = Transmitter(ether, faults, self.emit)
        self.memory = StickMemory(bytes.fromhex("C0FFEE01"), {2: NodeCard(2, False, True, 4, 0x40, 3)})
        self.stick = Stick(
            self.memory,
            ether,
            self.transmitter,
            faults=faults,
            emit=self.emit,
            forget=self.forget,
            on_change=lambda: None,
        )
        self.tally = Tally()
        self.is_timer_set = False

    def take(self, chunk: bytes) -> None:
        self.tally.chunks += 1
        for received in self.reader.feed(chunk):
            match received:
                case Frame():
                    self.tally.frames += 1
                    self.perform(self.link.arrived(received))
                case Control():
                    self.tally.controls += 1
                    self.perform(self.link.control(received))
                case Broken():
                    self.tally.broken += 1
                    self.perform(self.link.arrived_broken())
                case Garbage(count):
                    self.tally.garbage_bytes += count
        self.check()

    def emit(self, frame: Frame) -> None:
        self.perform(self.link.submit(frame))

    def forget(self) -> None:
        self.perform(self.link.forget())

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(Frame() as frame):
                    self.tally.answers += 1
                    frame.encode()
                case Deliver(frame):
                    self.stick.take(frame)
                case SetTimer(after_s):
                    self.is_timer_set = after_s is not None
                case GaveUp():
                    self.tally.given_up += 1
                case Send():
                    pass

    def check(self) -> None:
        """Everything that grows has its bound."""
        assert len(self.reader._buffer) < READER_BYTES_MAX
        assert self.link.queued <= QUEUE_MAX
        assert self.transmitter._jobs.qsize() + len(self.transmitter._accepted) <= JOBS_MAX
        assert len(self.memory.nodes) < NODE_ID_MAX
        assert len(self.stick.unknown) <= 256
        assert len(self.trace._frames) <= TRACE_MAX


def chunks(chance: random.Random) -> Iterator[bytes]:
    """Give bytes for ever: garbage, sound frames, and frames that were sound."""
    while True:
        encoded = chance.choice(HOST_REQUESTS).encode()
        match chance.randrange(8):
            case 0:
                yield chance.randbytes(chance.randrange(1, 300))
            case 1:
                yield encoded
            case 2:
                yield bytes([chance.choice((0x06, 0x15, 0x18))])
            case 3:
                at = chance.randrange(len(encoded))
                yield encoded[:at] + bytes([encoded[at] ^ 1 << chance.randrange(8)]) + encoded[at + 1 :]
            case 4:
                yield encoded[: chance.randrange(len(encoded))]
            case 5:
                # Sound on the wire, nonsense for the stick.
                payload = chance.randbytes(chance.randrange(40))
                yield Frame(FrameType(chance.randrange(2)), chance.randrange(256), payload).encode()
            case 6:
                frame = chance.choice(HOST_REQUESTS)
                yield Frame(frame.frame_type, frame.function, frame.payload[: chance.randrange(12)]).encode()
            case _:
                frame = chance.choice(HOST_REQUESTS)
                mixed = bytes(chance.choice((byte, chance.randrange(256))) for byte in frame.payload)
                yield Frame(frame.frame_type, frame.function, mixed).encode()


async def throw(count: int, seed: int) -> Tally:
    """Throw so many chunks; raises whatever the stick raises, and `AssertionError` when something grew."""
    chance = random.Random(seed)
    target = Target(chance)
    source = chunks(chance)
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(target.transmitter.run())
        for number in range(count):
            target.take(next(source))
            if chance.random() < 0.2:
                # The rest of a frame never came.
                target.reader.abandon()
            if target.is_timer_set and chance.random() < 0.2:
                target.perform(target.link.timeout())
            if number % TURN_EVERY == 0:
                await asyncio.sleep(0)
        await settle(target)
        working.cancel()
    return target.tally


async def throw_at_lock(count: int, seed: int) -> None:
    """Throw so many messages of the network layer and of both securities at a lock that waits for its keys."""
    chance = random.Random(seed)
    now = asyncio.get_running_loop().time
    trace = Trace()
    ether = Ether(has_airtime=False, faults=Faults(chance.random), trace=trace, now=now)
    firmware = Firmware(shipped_model("plain_v1"), memory={1: "4711"}, strikes=lambda _fault: False)
    lock = LockNode(
        firmware,
        identity=Identity.of("fuzzed"),
        membership=None,
        ether=ether,
        entropy=chance.randbytes,
        now=now,
        on_change=lambda: None,
    )
    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(lock.run())
        for number in range(count):
            if lock.membership is None:
                lock.belonging.assigned(bytes.fromhex("C0FFEE01"), 2)
            head = bytes([chance.choice((0x01, 0x98, 0x9F)), chance.choice(SECURITY_COMMANDS)])
            payload = head + chance.randbytes(chance.randrange(48))
            lock.hear(payload, trace.add(at=0.0, direction=Direction.TO_LOCK, node_id=2, label="", size=len(payload)))
            if number % TURN_EVERY == 0:
                await asyncio.sleep(0)
        assert firmware.occupied(0.0).keys() <= {1}
        living.cancel()


async def settle(target: Target) -> None:
    """After all of it, the stick answers a host that behaves."""
    async with asyncio.timeout(10):
        while not target.stick.is_powered:  # noqa: ASYNC110 - a reset ends by a timer of the loop
            await asyncio.sleep(0.01)
    # The host has lost patience with what was under way, and asks anew.
    target.reader.abandon()
    target.forget()
    answers = target.tally.answers
    target.take(Frame(FrameType.REQUEST, 0x07).encode())
    assert target.tally.answers > answers, "the stick answers no more"


def main() -> int:
    """Run from the command line and tell what became of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.drivers.simulator.fuzz", description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # The stick warns of every frame that makes no sense, and these are many.
    logging.disable(logging.WARNING)
    sys.stdout.write(f"{asyncio.run(throw(arguments.frames, arguments.seed))}\n")
    asyncio.run(throw_at_lock(arguments.frames // 10, arguments.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
