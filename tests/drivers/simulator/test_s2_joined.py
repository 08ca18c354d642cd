"""Two endpoints on a bad radio: whatever is lost, doubled, reordered or forgotten, no replay passes and talk resumes."""

import random
from dataclasses import dataclass
from typing import override

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from drivers.simulator.radio.security.s2 import HIGHEST_FIRST, S2Endpoint, SecurityClass

HOME_ID = bytes.fromhex("c0ffee01")
KEYS = {name: bytes([16 + place]) * 16 for place, name in enumerate(HIGHEST_FIRST)}
IDS = (1, 5)
TRIES_MAX = 5
"""Tries after which a clean radio must have carried a message.

One is lost to a sequence number that happens to repeat after `forget`, one to the SPAN that is gone, one goes through;
both accidents can befall the Nonce Get too.
"""


@dataclass(frozen=True, slots=True)
class Flying:
    src: int
    dst: int
    frame: bytes


class BadRadio(RuleBasedStateMachine):
    """Frames in the air may be delivered in any order, lost, doubled, or recorded and sent again much later."""

    @initialize(seed=st.integers(0, 2**32))
    def switch_on(self, seed: int) -> None:
        chance = random.Random(seed)
        self.ends = {own: S2Endpoint(HOME_ID, own, KEYS, chance.randbytes) for own in IDS}
        self.air: list[Flying] = []
        self.recorded: list[Flying] = []
        self.accepted: set[Flying] = set()
        self.sent: dict[Flying, bytes] = {}
        self.counter = 0

    def launch(self, flying: Flying) -> None:
        self.air.append(flying)
        self.recorded.append(flying)

    def land(self, flying: Flying) -> str:
        received = self.ends[flying.dst].receive(flying.src, flying.frame)
        if received.kind == "message":
            assert flying not in self.accepted, "a replay was accepted"
            assert received.plain == self.sent[flying], "a message was accepted that was not sent"
            self.accepted.add(flying)
        if received.reply is not None:
            self.launch(Flying(flying.dst, flying.src, received.reply))
        return received.kind

    def say(self, src: int, security: SecurityClass) -> Flying:
        """Launch a message, or the Nonce Get that has to come first; give what was launched."""
        dst = IDS[1] if src == IDS[0] else IDS[0]
        self.counter += 1
        plain = self.counter.to_bytes(4, "big")
        frame = self.ends[src].encapsulate(dst, plain, security)
        flying = Flying(src, dst, self.ends[src].nonce_get(dst) if frame is None else frame)
        if frame is not None:
            self.sent[flying] = plain
        self.launch(flying)
        return flying

    @rule(src=st.sampled_from(IDS), security=st.sampled_from(HIGHEST_FIRST))
    def send(self, src: int, security: SecurityClass) -> None:
        self.say(src, security)

    @precondition(lambda self: self.air)
    @rule(place=st.integers(0, 1000))
    def deliver(self, place: int) -> None:
        self.land(self.air.pop(place % len(self.air)))

    @precondition(lambda self: self.air)
    @rule()
    def deliver_oldest(self) -> None:
        self.land(self.air.pop(0))

    @precondition(lambda self: self.air)
    @rule(place=st.integers(0, 1000))
    def lose(self, place: int) -> None:
        self.air.pop(place % len(self.air))

    @precondition(lambda self: self.recorded)
    @rule(back=st.integers(0, 1000))
    def replay(self, back: int) -> None:
        """A frame of the past arrives once more; the latest are tried most often."""
        self.land(self.recorded[-1 - back % len(self.recorded)])

    @rule(src=st.sampled_from(IDS), count=st.integers(1, 4))
    def talk(self, src: int, count: int) -> None:
        """A calm moment: some messages pass, so that there is a shared nonce to attack."""
        for _ in range(count):
            self.passes(src)

    @rule(own=st.sampled_from(IDS))
    def forget(self, own: int) -> None:
        self.ends[own].forget()

    @override
    def teardown(self) -> None:
        """The radio becomes clean: a message must pass in both directions, without anybody's help."""
        if not hasattr(self, "ends"):
            return
        for src in IDS:
            self.air.clear()
            assert self.passes(src), "talk did not resume"

    def passes(self, src: int) -> bool:
        for _ in range(TRIES_MAX):
            flying = self.say(src, SecurityClass.ACCESS_CONTROL)
            while self.air:
                self.land(self.air.pop(0))
            if flying in self.accepted:
                return True
        return False


BadRadio.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBadRadio = BadRadio.TestCase
