"""The link layer of the Serial API: acknowledge, resend, give up. Pure: events in, effects out, no clock and no port.

Theory of operation. A link sends one data frame at a time and waits for its ACK before the next; further frames queue. What comes
back decides:

    state     event      becomes   effects
    IDLE      SUBMIT     WAITING   send it, start the ACK timer
    WAITING   ACK        next      stop the timer; send the next queued frame or rest
    WAITING   NAK, CAN   PAUSED    wait a little, since the other side was busy or heard badly
    WAITING   TIMEOUT    retry     send again at once
    PAUSED    TIMEOUT    retry     send again
    any       GOOD       same      acknowledge and deliver
    any       BAD        same      answer NAK

`retry` gives up after `ATTEMPTS_MAX` sends and goes to the next queued frame. The table `TRANSITIONS` is the whole machine; both
ends of a cable run the same one, which is how the tests join them. The stick takes a data frame even while it waits for an ACK
itself, as current firmware does, instead of answering CAN.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from drivers.simulator.stick.frame import Control, Frame

ACK_TIMEOUT_S = 1.6
"""How long a sender waits for an ACK (INS12350 section 6.2.1: 1500 ms, hosts use 1600 ms)."""

RETRY_PAUSE_S = 0.1
"""How long a sender waits after NAK or CAN (INS12350 section 6.3: 100 ms before the first resend)."""

ATTEMPTS_MAX = 4
"""One send and three resends (INS12350 section 6.3)."""

QUEUE_MAX = 256
"""Most frames waiting behind the one in flight; a host that reads nothing must not fill the memory."""


class State(Enum):
    """What a link is doing."""

    IDLE = auto()
    WAITING = auto()
    PAUSED = auto()


class Event(Enum):
    """What happens to a link."""

    SUBMIT = auto()
    ACK = auto()
    NAK = auto()
    CAN = auto()
    TIMEOUT = auto()
    GOOD = auto()
    BAD = auto()


class Step(Enum):
    """What a transition does."""

    SEND_FIRST = auto()
    ENQUEUE = auto()
    FINISH = auto()
    PAUSE = auto()
    RETRY = auto()
    ACCEPT = auto()
    REJECT = auto()
    IGNORE = auto()


TRANSITIONS: dict[tuple[State, Event], Step] = {
    (State.IDLE, Event.SUBMIT): Step.SEND_FIRST,
    (State.IDLE, Event.ACK): Step.IGNORE,
    (State.IDLE, Event.NAK): Step.IGNORE,
    (State.IDLE, Event.CAN): Step.IGNORE,
    (State.IDLE, Event.TIMEOUT): Step.IGNORE,
    (State.IDLE, Event.GOOD): Step.ACCEPT,
    (State.IDLE, Event.BAD): Step.REJECT,
    (State.WAITING, Event.SUBMIT): Step.ENQUEUE,
    (State.WAITING, Event.ACK): Step.FINISH,
    (State.WAITING, Event.NAK): Step.PAUSE,
    (State.WAITING, Event.CAN): Step.PAUSE,
    (State.WAITING, Event.TIMEOUT): Step.RETRY,
    (State.WAITING, Event.GOOD): Step.ACCEPT,
    (State.WAITING, Event.BAD): Step.REJECT,
    (State.PAUSED, Event.SUBMIT): Step.ENQUEUE,
    (State.PAUSED, Event.ACK): Step.FINISH,
    (State.PAUSED, Event.NAK): Step.IGNORE,
    (State.PAUSED, Event.CAN): Step.IGNORE,
    (State.PAUSED, Event.TIMEOUT): Step.RETRY,
    (State.PAUSED, Event.GOOD): Step.ACCEPT,
    (State.PAUSED, Event.BAD): Step.REJECT,
}
"""Every state meets every event."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write this to the wire."""

    what: Frame | Control


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand this frame to the application."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Call `timeout` after so many seconds, instead of any earlier timer; None stops the timer."""

    after_s: float | None


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The other side did not acknowledge this frame on any attempt, or the queue was full."""

    frame: Frame


Effect = Send | Deliver | SetTimer | GaveUp
"""What the owner of a link must do, in order."""


class Link:
    """One end of the cable."""

    def __init__(self) -> None:
        """Start idle, with nothing queued."""
        self.state = State.IDLE
        self._queue: deque[Frame] = deque()
        self._flying: Frame | None = None
        self._attempts = 0

    def submit(self, frame: Frame) -> list[Effect]:
        """Send a frame, now or when its turn comes."""
        return self._step(Event.SUBMIT, frame)

    def control(self, control: Control) -> list[Effect]:
        """Take a single-byte frame."""
        event = {Control.ACK: Event.ACK, Control.NAK: Event.NAK, Control.CAN: Event.CAN}[control]
        return self._step(event, None)

    def timeout(self) -> list[Effect]:
        """Take the end of the timer."""
        return self._step(Event.TIMEOUT, None)

    def arrived(self, frame: Frame) -> list[Effect]:
        """Take a whole data frame: it is acknowledged first, then delivered."""
        return self._step(Event.GOOD, frame)

    def arrived_broken(self) -> list[Effect]:
        """Take a data frame with a wrong checksum."""
        return self._step(Event.BAD, None)

    def forget(self) -> list[Effect]:
        """Drop everything unsent, as a reset does."""
        self._queue.clear()
        self._flying = None
        self.state = State.IDLE
        return [SetTimer(None)]

    @property
    def queued(self) -> int:
        """How many frames wait behind the one in flight."""
        return len(self._queue)

    def _step(self, event: Event, frame: Frame | None) -> list[Effect]:
        match TRANSITIONS[self.state, event], frame:
            case Step.SEND_FIRST, Frame():
                return self._start(frame)
            case Step.ENQUEUE, Frame():
                if len(self._queue) >= QUEUE_MAX:
                    return [GaveUp(frame)]
                self._queue.append(frame)
                return []
            case Step.ACCEPT, Frame():
                return [Send(Control.ACK), Deliver(frame)]
            case Step.REJECT, _:
                return [Send(Control.NAK)]
            case Step.FINISH, _:
                return self._next()
            case Step.PAUSE, _:
                self.state = State.PAUSED
                return [SetTimer(RETRY_PAUSE_S)]
            case Step.RETRY, _:
                return self._retry()
            case _:
                return []

    def _start(self, frame: Frame) -> list[Effect]:
        self.state = State.WAITING
        self._flying = frame
        self._attempts = 1
        return [Send(frame), SetTimer(ACK_TIMEOUT_S)]

    def _retry(self) -> list[Effect]:
        frame = self._flying
        if frame is None:
            return self._next()
        if self._attempts >= ATTEMPTS_MAX:
            return [GaveUp(frame), *self._next()]
        self._attempts += 1
        self.state = State.WAITING
        return [Send(frame), SetTimer(ACK_TIMEOUT_S)]

    def _next(self) -> list[Effect]:
        self._flying = None
        if self._queue:
            return self._start(self._queue.popleft())
        self.state = State.IDLE
        return [SetTimer(None)]
