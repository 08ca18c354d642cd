"""The stay: who does what, when. It tells and records; `checks` judges the record afterwards."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.cloud.counterpart import Counterpart
from gateway.cloud.pump import PATIENCE_S
from gateway.model.instant import Instant, format_instant
from gateway.runtime.entropy import SystemEntropy
from tests.demo import words
from tests.demo.checks import RULES
from tests.demo.pace import Pace
from tests.demo.parts import House
from tests.demo.record import (
    DOORS,
    FOREIGN_PIN,
    FRONT,
    GARDEN,
    STUDIO,
    Code,
    Door,
    Frame,
    Heard,
    Moment,
    Ordered,
    Outage,
    Press,
    Record,
    RestartCount,
    Who,
    now_ms,
)
from tests.demo.teller import Teller
from tests.demo.verdict import Check

LOOK_S = 0.05
RECEIPTS_S = 3.0
"""For the last receipts to be stored: the hub gathers them for a second."""
FOR_EVER_S = 3600.0
PIN_DIGITS = 8
"""Long enough that no number in a log is one by accident, and what all three locks take."""


class StoryEnds(Exception):  # noqa: N818 - says what happens
    """A check broke and nobody wants to see the rest."""


def draw_pins() -> Mapping[Who, str]:
    """A fresh PIN for everybody."""
    entropy = SystemEntropy()
    drawn: dict[Who, str] = {}
    while len(drawn) < len(Who):
        number = int.from_bytes(entropy.token(8)) % 10**PIN_DIGITS
        pin = f"{number:0{PIN_DIGITS}d}"
        if pin not in drawn.values() and not pin.startswith(FOREIGN_PIN[:4]):
            drawn[list(Who)[len(drawn)]] = pin
    return drawn


@dataclass(slots=True)
class Story:
    """One stay of one guest."""

    house: House
    pace: Pace
    cloud: Counterpart
    record: Record
    teller: Teller
    stops_early: bool
    pins: Mapping[Who, str] = field(repr=False, default_factory=draw_pins)
    _is_hub_up: bool = True
    _is_broker_up: bool = True
    _starts_at: int = 0
    _ends_at: int = 0

    async def play(self) -> None:
        """From the first order to the last word. Raises `StoryEnds` when told to stop at the first broken check."""
        await self._orders()
        await self._too_early()
        await self._settled()
        await self._inside()
        await self._killed()
        await self._broker_gone()
        await self._check_out()
        await self._broker_back()
        await self._farewell()

    # -- the chapters ------------------------------------------------------------------------------------------------

    async def _orders(self) -> None:
        self.teller.chapter("The cloud orders")
        now = now_ms()
        self._starts_at = now + _ms(self.pace.start_after_s)
        self._ends_at = self._starts_at + _ms(self.pace.stay_s)
        self.teller.tell("cloud", "orders a code for the owner on all three doors, until further notice")
        for door in DOORS:
            self._create(Who.OWNER, door)
        self.teller.tell("cloud", "orders a code for the gardener on the Garden door")
        self._create(Who.GARDENER, GARDEN)
        stay = f"from {self.pace.start_after_s:.0f} s to {self.pace.start_after_s + self.pace.stay_s:.0f} s"
        self.teller.tell("cloud", f"orders a code for a guest on Front door and Studio, {stay}")
        for door in (FRONT, STUDIO):
            self._create(Who.GUEST, door, self._starts_at, self._ends_at)
        await self._until("the hub accepts every order", lambda: self._answered("command.accepted"), self.pace.hears_s)

    async def _too_early(self) -> None:
        self.teller.chapter("Too early")
        for code in self.record.of(Who.GUEST):
            await self._press(code, Moment.BEFORE_LEAD)

    async def _settled(self) -> None:
        ongoing = self.record.of(Who.OWNER, Who.GARDENER)
        await self._until(
            "the codes of owner and gardener are set",
            lambda: all(self._has_heard("access_code.set_on_device", code) for code in ongoing),
            3 * self.pace.hears_s,
        )
        for code in ongoing:
            await self._press(code, Moment.SETTLED)
        await self._hears_all()

    async def _inside(self) -> None:
        self.teller.chapter("Check-in")
        lead_at = self._starts_at - self.record.lead_ms
        await self._at(lead_at, f"the guest's stay begins in {self.pace.lead_s:.1f} s: from now on the hub may write")
        await self._at(self._starts_at, "the guest's stay begins")
        for code in self.record.of(Who.GUEST):
            await self._press(code, Moment.INSIDE)
        await self._hears_all()

    async def _killed(self) -> None:
        self.teller.chapter("The hub is killed and restarted")
        await self._settle()
        before = self.house.sent_to_locks()
        since = now_ms()
        self._is_hub_up = False
        await self.house.kill_hub()
        self.record.hub_outage = Outage(since)
        self.teller.tell("demo", "kills the hub with signal 9; only the Z-Wave server goes on")
        await self._breathe()
        await self._press(self._code(Who.GUEST, FRONT), Moment.HUB_DEAD)
        await self._press(self._code(Who.OWNER, STUDIO), Moment.HUB_DEAD)
        await asyncio.sleep(self.pace.dead_s)
        began_s = asyncio.get_running_loop().time()
        await self.house.start_hub()
        await self._until("the hub is online again", self._is_reborn, 3 * self.pace.hears_s)
        took_s = asyncio.get_running_loop().time() - began_s
        self._is_hub_up = True
        self.record.hub_outage = Outage(since, now_ms())
        self.teller.tell("hub", f"is back after {took_s:.1f} s, by what it had stored")
        await asyncio.sleep(self.pace.quiet_s)
        after = await asyncio.to_thread(self.house.sent_to_locks)
        self.record.restart = RestartCount(before, after, self.pace.quiet_s)
        frames = sum(after.values()) - sum(before.values())
        self.teller.tell("radio", f"messages to the locks since the kill: {frames}")
        self._judge()
        for code in self.record.of(Who.GUEST):
            await self._press(code, Moment.AFTER_RESTART)
        await self._hears_all()

    async def _broker_gone(self) -> None:
        self.teller.chapter("The broker is stopped")
        await self._settle()
        self._is_broker_up = False
        self.record.broker_outage = Outage(now_ms())
        await asyncio.to_thread(self.house.broker.stop)
        self.teller.tell("demo", "stops the broker: hub and cloud cannot talk")
        await self._breathe()
        await self._press(self._code(Who.OWNER, GARDEN), Moment.BROKER_DOWN)
        await self._press(self._code(Who.GUEST, STUDIO), Moment.BROKER_DOWN)
        await self._breathe()
        self.teller.tell("cloud", "orders the gardener's code deleted; the order has to wait")
        self._order("access_code.delete", self._code(Who.GARDENER, GARDEN), {})

    async def _check_out(self) -> None:
        self.teller.chapter("Check-out, with no cloud")
        await self._at(self._ends_at, "the guest's stay is over")
        guests = self.record.of(Who.GUEST)
        await self._until(
            "the guest's PIN is off both locks",
            lambda: not any(self._is_on_lock(code) for code in guests),
            self.pace.checkout_s,
        )
        await self._breathe()
        for code in guests:
            await self._press(code, Moment.AFTER_END)

    async def _broker_back(self) -> None:
        self.teller.chapter("The broker is back")
        since = self.record.broker_outage
        assert since is not None
        await asyncio.to_thread(self.house.broker.start)
        self._is_broker_up = True
        now = now_ms()
        self.record.broker_outage = Outage(since.since, now)
        self.record.healed_by = now + _ms(self.pace.heal_s)
        self.teller.tell("demo", "starts the broker again")
        await self._hears_what_was_missed()
        await self._until("the last order is done", lambda: self._answered("command.applied"), self.pace.heal_s)
        await self._hears_all()

    async def _hears_what_was_missed(self) -> None:
        def is_told() -> bool:
            guests = self.record.of(Who.GUEST)
            return all(self._has_heard("access_code.removed_from_device", code) for code in guests)

        if not await self._comes(is_told, 2 * self.pace.hears_s):
            told = f"this broker remembers nobody, and the hub spoke before the cloud listened; it waits {PATIENCE_S:.0f} s"
            self.teller.tell("hub", f"{told} for a receipt, then says it again")
        await self._until("the cloud hears what happened meanwhile", is_told, self.pace.heal_s)

    async def _farewell(self) -> None:
        self.teller.chapter("And everybody else")
        await self._press(self._code(Who.GARDENER, GARDEN), Moment.DELETED)
        for code in self.record.of(Who.OWNER):
            await self._press(code, Moment.AT_LAST)
        await self._hears_all()
        await self._settle()

    # -- what people and parts do ------------------------------------------------------------------------------------

    def _create(self, who: Who, door: Door, starts_at: int | None = None, ends_at: int | None = None) -> None:
        code = Code(f"{who.value.lower()}-{door.lock_id}", who, door, self.pins[who], starts_at, ends_at)
        self.record.codes.append(code)
        body: dict[str, str] = {"device_id": door.lock_id, "name": who.value, "code": code.pin}
        if starts_at is not None and ends_at is not None:
            body |= {"starts_at": _text(starts_at), "ends_at": _text(ends_at)}
        self._order("access_code.create", code, body)

    def _order(self, kind: str, code: Code, body: Mapping[str, str]) -> None:
        at = now_ms()
        command_id = self.cloud.order(kind, {"access_code_id": code.code_id, **body})
        self.record.orders.append(Ordered(at, command_id, kind, code, self._is_broker_up))

    async def _press(self, code: Code, moment: Moment) -> None:
        told = await asyncio.to_thread(self.house.home.press, code.door.name, code.pin)
        press = Press(now_ms(), code, moment, str(told["outcome"]), self._is_hub_up)
        self.record.presses.append(press)
        answer = {"opened": "the door opens", "refused": "refused"}.get(press.outcome, "the keypad is locked")
        if press.is_opened and not self._is_hub_up:
            answer += ": a lock needs no hub to know a PIN"
        self.teller.tell(code.who.value.lower(), f"types the PIN at the {code.door.name}: {answer}")
        await self._breathe()

    async def _at(self, instant_ms: int, sentence: str) -> None:
        while (left_ms := instant_ms - now_ms()) > 0:
            await asyncio.sleep(min(LOOK_S, left_ms / 1000))
            self._judge()
        self.teller.tell("demo", sentence)

    async def _breathe(self) -> None:
        await asyncio.sleep(self.pace.breath_s)
        self._judge()

    async def _settle(self) -> None:
        """Let receipts and looks catch up before something is broken on purpose: what has no receipt then is rightly sent again."""
        await asyncio.sleep(max(0.5, self.pace.breath_s))
        with contextlib.suppress(TimeoutError):  # the checks will say what broke
            async with asyncio.timeout(RECEIPTS_S):
                while not await self.house.has_all_receipts():  # noqa: ASYNC110 - the condition lies in another process
                    await asyncio.sleep(LOOK_S)
        self._judge()

    async def _until(self, what: str, holds: Callable[[], bool], bound_s: float) -> None:
        """Wait for something, bounded. If it does not come the story goes on: the checks will say what broke."""
        if not await self._comes(holds, bound_s):
            self.teller.tell("demo", f"waited {bound_s:.0f} s in vain for this: {what}")

    async def _comes(self, holds: Callable[[], bool], bound_s: float) -> bool:
        try:
            async with asyncio.timeout(bound_s):
                while not holds():
                    await asyncio.sleep(LOOK_S)
                    self._judge()
        except TimeoutError:
            return False
        return True

    async def _hears_all(self) -> None:
        """Wait until the cloud has heard of every door that was opened."""
        opened = [press for press in self.record.presses if press.is_opened and press.is_hub_up]
        await self._until(
            "the cloud hears who opened which door",
            lambda: sum(heard.event.kind == "lock.unlocked" for heard in self.record.heard) >= len(opened),
            self.pace.hears_s,
        )

    # -- what is so --------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        if self.stops_early and any(check.is_held is False for check in self.checks()):
            raise StoryEnds

    def checks(self) -> list[Check]:
        """All checks as things stand."""
        self.record.now = now_ms()
        self.record.gap_count = self.cloud.gap_count
        return RULES.judge(self.record)

    def _code(self, who: Who, door: Door) -> Code:
        return next(code for code in self.record.of(who) if code.door == door)

    def _has_heard(self, kind: str, code: Code) -> bool:
        return any(heard.event.kind == kind and heard.code_id == code.code_id for heard in self.record.heard)

    def _answered(self, kind: str) -> bool:
        answered = {heard.command_id for heard in self.record.heard if heard.event.kind == kind}
        return all(order.command_id in answered for order in self.record.orders)

    def _is_on_lock(self, code: Code) -> bool:
        looks = self.record.looks[code.door]
        return bool(looks) and code.pin in looks[-1].slots.values()

    def _is_reborn(self) -> bool:
        presence, outage = self.cloud.presence, self.record.hub_outage
        if presence is None or outage is None or not presence.is_online:
            return False
        return int(presence.started_at) > outage.since


def on_memory(record: Record, teller: Teller) -> Callable[[Door, Mapping[int, str], Mapping[int, str]], None]:
    """Tell what changes in a lock's memory."""

    def told(door: Door, before: Mapping[int, str], now: Mapping[int, str]) -> None:
        for sentence in words.of_memory(record, door, before, now):
            teller.tell("lock", sentence)

    return told


def on_frame(teller: Teller) -> Callable[[Frame], None]:
    """Tell what goes over the air."""

    def told(frame: Frame) -> None:
        if (sentence := words.of_frame(frame)) is not None:
            teller.tell("radio", sentence)

    return told


@dataclass(slots=True)
class Ear:
    """Enters every event as the cloud takes it, and tells it after the next look at the locks: cause before effect."""

    cloud: Counterpart
    record: Record
    teller: Teller
    _untold: list[Heard] = field(default_factory=list)

    async def run(self) -> None:
        """Listen until cancelled."""
        heard = self.record.heard
        while True:
            await self.cloud.wait_for(lambda cloud: len(cloud.events) > len(heard), FOR_EVER_S)
            for event in self.cloud.events[len(heard) :]:
                heard.append(Heard(now_ms(), event))
                self._untold.append(heard[-1])

    def tell(self) -> None:
        """Tell what was heard since."""
        for heard in self._untold:
            if (sentence := words.of_event(self.record, heard)) is not None:
                self.teller.tell("cloud", sentence)
        self._untold.clear()


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _text(at: int) -> str:
    return format_instant(Instant(at))
