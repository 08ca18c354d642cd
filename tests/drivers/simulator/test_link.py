"""The link layer: its table, and both ends joined by a bad wire."""

import random
from collections import deque
from dataclasses import dataclass, field
from itertools import product

import pytest

from drivers.simulator.stick.frame import Broken, Control, Frame, FrameReader, FrameType
from drivers.simulator.stick.link import (
    ACK_TIMEOUT_S,
    ATTEMPTS_MAX,
    QUEUE_MAX,
    RETRY_PAUSE_S,
    TRANSITIONS,
    Deliver,
    Effect,
    Event,
    GaveUp,
    Link,
    Send,
    SetTimer,
    State,
)


def frame(number: int) -> Frame:
    """Make a frame that can be told from others."""
    return Frame(FrameType.REQUEST, 0x04, bytes([number % 256, number // 256]))


def test_every_state_meets_every_event() -> None:
    assert set(TRANSITIONS) == set(product(State, Event))


def test_next_frame_waits_for_the_acknowledgement() -> None:
    link = Link()
    assert link.submit(frame(1)) == [Send(frame(1)), SetTimer(ACK_TIMEOUT_S)]
    assert link.submit(frame(2)) == []
    assert link.queued == 1
    assert link.control(Control.ACK) == [Send(frame(2)), SetTimer(ACK_TIMEOUT_S)]
    assert link.control(Control.ACK) == [SetTimer(None)]


def test_silence_is_answered_with_resends_and_then_giving_up() -> None:
    link = Link()
    link.submit(frame(1))
    link.submit(frame(2))
    for _resend in range(ATTEMPTS_MAX - 1):
        assert link.timeout() == [Send(frame(1)), SetTimer(ACK_TIMEOUT_S)]
    assert link.timeout() == [GaveUp(frame(1)), Send(frame(2)), SetTimer(ACK_TIMEOUT_S)]


@pytest.mark.parametrize("control", [Control.NAK, Control.CAN])
def test_refusal_is_answered_with_a_resend_after_a_pause(control: Control) -> None:
    link = Link()
    link.submit(frame(1))
    assert link.control(control) == [SetTimer(RETRY_PAUSE_S)]
    assert link.timeout() == [Send(frame(1)), SetTimer(ACK_TIMEOUT_S)]


def test_arrivals_are_acknowledged_before_they_are_delivered() -> None:
    link = Link()
    assert link.arrived(frame(9)) == [Send(Control.ACK), Deliver(frame(9))]
    link.submit(frame(1))
    assert link.arrived(frame(9)) == [Send(Control.ACK), Deliver(frame(9))]
    assert link.arrived_broken() == [Send(Control.NAK)]


def test_full_queue_gives_the_new_frame_up() -> None:
    link = Link()
    for number in range(QUEUE_MAX + 1):
        assert GaveUp(frame(number)) not in link.submit(frame(number))
    assert link.submit(frame(999)) == [GaveUp(frame(999))]


def test_reset_forgets_what_was_not_sent() -> None:
    link = Link()
    link.submit(frame(1))
    link.submit(frame(2))
    assert link.forget() == [SetTimer(None)]
    assert link.submit(frame(3)) == [Send(frame(3)), SetTimer(ACK_TIMEOUT_S)]


@dataclass
class End:
    """One end of the cable with what it needs to be driven by hand."""

    link: Link = field(default_factory=Link)
    reader: FrameReader = field(default_factory=FrameReader)
    arriving: deque[bytes] = field(default_factory=deque)
    delivered: list[Frame] = field(default_factory=list)
    given_up: list[Frame] = field(default_factory=list)
    timer_s: float | None = None


class BadWire:
    """Joins two ends; spoils, loses and cuts bytes as its chance says."""

    def __init__(self, chance: random.Random, loss: float) -> None:
        self.chance = chance
        self.loss = loss
        self.ends = (End(), End())

    def perform(self, sender: int, effects: list[Effect]) -> None:
        end, other = self.ends[sender], self.ends[1 - sender]
        for effect in effects:
            match effect:
                case Send(Control() as control):
                    self.carry(bytes([control.value]), other)
                case Send(Frame() as sent):
                    self.carry(sent.encode(), other)
                case Deliver(arrived):
                    end.delivered.append(arrived)
                case GaveUp(lost):
                    end.given_up.append(lost)
                case SetTimer(after_s):
                    end.timer_s = after_s

    def carry(self, encoded: bytes, to: End) -> None:
        if self.chance.random() < self.loss:
            return
        if len(encoded) > 1 and self.chance.random() < self.loss:
            place = self.chance.randrange(3, len(encoded))
            encoded = encoded[:place] + bytes([encoded[place] ^ 0x40]) + encoded[place + 1 :]
        cut = self.chance.randrange(len(encoded) + 1)
        to.arriving.extend(piece for piece in (encoded[:cut], encoded[cut:]) if piece)

    def run(self) -> None:
        """Carry bytes until all is quiet, letting a timer run out whenever nothing else happens."""
        for _step in range(20_000):
            busy = [number for number in (0, 1) if self.ends[number].arriving]
            if busy:
                self.read(self.chance.choice(busy))
                continue
            ticking = [number for number in (0, 1) if self.ends[number].timer_s is not None]
            if not ticking:
                return
            first = min(ticking, key=lambda number: self.ends[number].timer_s or 0.0)
            self.ends[first].timer_s = None
            self.perform(first, self.ends[first].link.timeout())
        raise AssertionError("the link never came to rest")

    def read(self, number: int) -> None:
        end = self.ends[number]
        for received in end.reader.feed(end.arriving.popleft()):
            match received:
                case Frame():
                    self.perform(number, end.link.arrived(received))
                case Control():
                    self.perform(number, end.link.control(received))
                case Broken():
                    self.perform(number, end.link.arrived_broken())


@pytest.mark.parametrize("seed", range(20))
def test_joined_ends_deliver_in_order_over_a_bad_wire(seed: int) -> None:
    wire = BadWire(random.Random(seed), loss=0.05)
    sent = [[frame(number) for number in range(start, start + 60)] for start in (0, 100)]
    for number in (0, 1):
        for each in sent[number]:
            wire.perform(number, wire.ends[number].link.submit(each))
    wire.run()
    for number in (0, 1):
        delivered = list(dict.fromkeys(wire.ends[1 - number].delivered))
        expected = [each for each in sent[number] if each in delivered]
        # Repeats happen when an acknowledgement is lost; order never changes, and what is missing was given up.
        assert delivered == expected
        assert set(sent[number]) - set(delivered) <= set(wire.ends[number].given_up)


def test_joined_ends_lose_nothing_over_a_good_wire() -> None:
    wire = BadWire(random.Random(1), loss=0.0)
    for number in range(100):
        wire.perform(0, wire.ends[0].link.submit(frame(number)))
    wire.run()
    assert wire.ends[1].delivered == [frame(number) for number in range(100)]
    assert wire.ends[0].given_up == []
