"""What a scene stands on: the lock's port and door, what was said on both, and the ways to insist.

Everything that the port answers and reports is written down without digits. The record of a scene is its *ending*, and two
benches with the same lock must come to the same one.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Never, assert_never

from drivers.kit.bench import Bench, Door, Mishap, Need, Pins
from gateway.model.answers import (
    Ambiguous,
    Disabled,
    Empty,
    Held,
    Listing,
    Pending,
    Refused,
    Sighting,
    SlotValue,
    Unknown,
    WriteAnswer,
    Written,
)
from gateway.model.evidence import Evidence
from gateway.model.failures import Busy, Unreachable, Unsupported
from gateway.model.ids import Slot
from gateway.model.pin import Pin
from gateway.model.reports import BatteryLevel, Report, SlotChange, SlotChanged, Unlocked
from gateway.model.window import Window
from gateway.ports import Arrival, Departure, DriverCondition, DriverPort, LockPort

REPORTS_MAX = 1_000
"""Most reports one scene writes down; a lock that says more than that has gone mad."""

OPENING_TOLD_S = 3.0
"""How long the word of an opening may take. On an idle machine it comes within 0.1 s (our measurement)."""

THEIRS = Slot(1)
"""The slot that holds somebody else's code before each scene."""


class SceneBroken(AssertionError):  # noqa: N818 - says what happened
    """The lock or its driver did not keep what the scene promises."""


class Stage:
    """One scene's view. The verbs of the port are here with the same meaning, written down and bounded in time."""

    def __init__(self, bench: Bench, driver: DriverPort, tasks: asyncio.TaskGroup) -> None:
        """Made by `play`; `tasks` holds whatever the scene starts beside itself."""
        self.bench = bench
        self.tasks = tasks
        self.reports: list[Report] = []
        self.departures: list[Departure] = []
        self.ended: list[LockPort] = []
        self._driver = driver
        self._port: LockPort | None = None
        self._comings = driver.locks()
        self._said = asyncio.Event()
        self._lines: list[str] = []

    # -- what is there ---------------------------------------------------------------------------------------------------

    @property
    def port(self) -> LockPort:
        """The port of the last arrival."""
        assert self._port is not None, "the lock has not arrived"
        return self._port

    @property
    def door(self) -> Door:
        """The hands, the luck and the truth."""
        return self.bench.door

    @property
    def pins(self) -> Pins:
        """PINs that fit this lock."""
        return self.bench.pins

    @property
    def ending(self) -> tuple[str, ...]:
        """What was written down so far."""
        return tuple(self._lines)

    def has(self, need: Need) -> bool:
        """Whether the bench offers something, for promises that depend on the kind of lock."""
        return need not in self.bench.lacking

    def condition(self) -> DriverCondition:
        """How the driver says it is."""
        return self._driver.condition()

    # -- the port --------------------------------------------------------------------------------------------------------

    async def write(self, slot: Slot, pin: Pin, *, window: Window | None = None) -> WriteAnswer:
        """Ask the port to write."""
        call = self.port.write_slot(slot, pin, window=window, old_pin=None)
        return await self._asked(f"write {self.pins.name(pin)} into {slot}", call, self._answer)

    async def clear(self, slot: Slot) -> WriteAnswer:
        """Ask the port to clear."""
        return await self._asked(f"clear {slot}", self.port.clear_slot(slot, old_pin=None), self._answer)

    async def read(self, slot: Slot) -> Sighting:
        """Ask the port to look at one slot."""
        return await self._asked(f"read {slot}", self.port.read_slot(slot), self._sighting)

    async def list_all(self) -> Listing:
        """Ask the port for all slots."""
        return await self._asked("list", self.port.read_all(), self._listing)

    async def strike(self, mishap: Mishap) -> None:
        """Arm bad luck for the next command."""
        self.note(f"luck: {mishap.value}")
        await self.door.strike(mishap)

    # -- comings and goings ----------------------------------------------------------------------------------------------

    async def arrive(self) -> LockPort:
        """Wait for the lock to arrive (again), and begin to write its reports down."""
        port = await self.meet()
        self.listen(port)
        return port

    async def meet(self) -> LockPort:
        """Wait for the lock to arrive (again) without reading its reports."""
        while True:
            coming = await self._coming()
            match coming:
                case Arrival(port=port) if port.lock_id == self.bench.lock_id:
                    self._port = port
                    self.note("arrival")
                    return port
                case Arrival():
                    continue
                case Departure():
                    self.broken(f"the lock departed instead of arriving: {coming.cause}")
                case _:
                    assert_never(coming)

    async def depart(self) -> Departure:
        """Wait for the lock's departure."""
        while True:
            coming = await self._coming()
            if isinstance(coming, Departure) and coming.lock_id == self.bench.lock_id:
                self.departures.append(coming)
                self.note("departure")
                return coming

    def listen(self, port: LockPort) -> None:
        """Write the port's reports down from now on."""
        self.tasks.create_task(self._collect(port, port.reports()), name=f"reports of {port.lock_id}")

    # -- waiting and insisting -------------------------------------------------------------------------------------------

    async def heard(self, count: int) -> list[Report]:
        """Wait until the lock has said `count` things in all, and return them."""
        await self.until(lambda: len(self.reports) >= count, f"{count} reports")
        return self.reports

    async def heard_one(self, wanted: Callable[[Report], bool], text: str) -> Report:
        """Wait for a report; what else was said does not matter."""
        await self.until(lambda: any(wanted(report) for report in self.reports), text)
        return next(report for report in self.reports if wanted(report))

    async def hush(self) -> None:
        """Let the lock say whatever it still has to say."""
        await asyncio.sleep(self.bench.timing.quiet_s)

    async def until(self, holds: Callable[[], bool], text: str, bound_s: float | None = None) -> None:
        """Wait for a condition that a report or an ended stream can make true."""
        bound = self.bench.timing.call_s if bound_s is None else bound_s
        try:
            async with asyncio.timeout(bound):
                while not holds():
                    self._said.clear()
                    await self._said.wait()
        except TimeoutError:
            self.broken(f"waited {bound:g} s in vain for {text}; heard {self._told()}")

    async def remembers(self, *wanted: tuple[Slot, Pin]) -> None:
        """Insist on the lock's real memory: exactly these codes, beside `theirs` when that is among them."""
        real = dict(await self.door.memory())
        self.note(
            "memory: " + (", ".join(f"{slot} {self.pins.name(real[slot])}" for slot in sorted(real)) or "nothing")
        )
        if real != dict(wanted):
            names = ", ".join(f"{slot} {self.pins.name(pin)}" for slot, pin in wanted) or "nothing"
            self.broken(f"the lock should hold {names}; it ends with {self._lines[-1]}")

    async def opens(self, pin: Pin, *, is_open: bool) -> None:
        """Insist on what the keypad does with a PIN."""
        before = self._openings()
        opened = await self.door.press(pin)
        if opened and self.has(Need.TELLS_USER):
            # On a busy machine the lock's word may take longer than a scene's last words may; out of reach it never comes.
            with suppress(TimeoutError):
                async with asyncio.timeout(OPENING_TOLD_S):
                    await self.until(lambda: self._openings() > before, "the lock's word of the opening")
        self.note(f"press {self.pins.name(pin)}: {'opens' if opened else 'stays shut'}")
        if opened is not is_open:
            self.broken(f"the PIN {self.pins.name(pin)} should {'open' if is_open else 'not open'}")

    def _openings(self) -> int:
        return sum(isinstance(said, Unlocked) for said in self.reports)

    def shown(self, pin: Pin) -> Held:
        """What a slot with this PIN shows on this lock."""
        return Held(None) if self.has(Need.MASKED) else Held(pin)

    def proven(self, answer: WriteAnswer) -> None:
        """Insist that a write or clear went through, with no more evidence than this lock gives (A7)."""
        if not isinstance(answer, Written):
            self.broken(f"the lock executed it, the driver says {self._answer(answer)}")
        if self.has(Need.UNCONFIRMED) and answer.evidence is not Evidence.ACKNOWLEDGED:
            self.broken("a lock that confirms nothing gives acknowledged at most")
        if self.has(Need.CONFIRMED) and answer.evidence is Evidence.ACKNOWLEDGED:
            self.broken("the lock confirmed it, the driver says it did not")

    def unproven(self, answer: WriteAnswer) -> None:
        """Insist that the answer claims no proof: doubt, or acknowledged at most (A7, N6)."""
        if isinstance(answer, Ambiguous):
            return
        if isinstance(answer, Written) and answer.evidence is Evidence.ACKNOWLEDGED:
            return
        self.broken(f"nothing is known of this write, the driver says {self._answer(answer)}")

    def insist(self, holds: bool, text: str) -> None:
        """Insist on anything else; `text` says what should be so."""
        if not holds:
            self.broken(text)

    def broken(self, text: str) -> Never:
        """Give up: the promise is not kept. The record so far is part of the message."""
        raise SceneBroken(text + "\n  " + "\n  ".join(self._lines))

    def note(self, line: str) -> None:
        """Write a line of the ending."""
        self._lines.append(line)

    def close(self) -> tuple[str, ...]:
        """The ending: the record, and the reports in the order they came."""
        return (*self._lines, *(f"report: {self._report(report)}" for report in self.reports))

    async def leave(self) -> None:
        """Let go of the driver's announcements; its task must be over."""
        await _close(self._comings)

    # -- inside ----------------------------------------------------------------------------------------------------------

    async def _coming(self) -> Arrival | Departure:
        try:
            async with asyncio.timeout(self.bench.timing.return_s):
                return await anext(self._comings)
        except TimeoutError:
            self.broken(f"no lock came or went; the driver says: {self._driver.condition().detail}")

    async def _collect(self, port: LockPort, stream: AsyncIterator[Report]) -> None:
        try:
            async for report in stream:
                # The charge that a driver knows on arrival is no news, and some locks tell it now and then (A18).
                if len(self.reports) < REPORTS_MAX and not (isinstance(report, BatteryLevel) and not report.is_low):
                    self.reports.append(report)
                    self._said.set()
        finally:
            await _close(stream)
        self.ended.append(port)
        self._said.set()

    async def _asked[T](self, text: str, call: Awaitable[T], told: Callable[[T], str]) -> T:
        try:
            async with asyncio.timeout(self.bench.timing.call_s) as bound:
                answer = await call
        except Unreachable as error:
            self.note(f"{text}: {error.part.value} unreachable")
            raise
        except (Busy, Unsupported) as error:
            self.note(f"{text}: {type(error).__name__.lower()}")
            raise
        except TimeoutError:
            if not bound.expired():
                raise
            self.broken(f"{text}: no answer within {self.bench.timing.call_s:g} s")
        self.note(f"{text}: {told(answer)}")
        return answer

    def _told(self) -> str:
        return ", ".join(self._report(report) for report in self.reports) or "nothing"

    def _answer(self, answer: WriteAnswer) -> str:
        match answer:
            case Written(evidence=evidence, effective_window=None):
                return f"written, {evidence.value}"
            case Written(evidence=evidence):
                return f"written with its window, {evidence.value}"
            case Refused(reason=reason):
                return f"refused, {reason.value}"
            case Pending():
                return "pending"
            case Ambiguous():
                return "in doubt"
            case _:
                assert_never(answer)

    def _sighting(self, seen: Sighting) -> str:
        return f"{self._value(seen.value)}, says the {seen.source.value}"

    def _listing(self, listing: Listing) -> str:
        taken = [f"{slot} {self._value(seen.value)}" for slot, seen in sorted(listing.slots.items())]
        return ("complete: " if listing.is_complete else "incomplete: ") + ", ".join(taken)

    def _value(self, value: SlotValue) -> str:
        match value:
            case Empty():
                return "empty"
            case Held(pin=pin):
                return self.pins.name(pin)
            case Disabled():
                return "disabled"
            case Unknown():
                return "unknown"
            case _:
                assert_never(value)

    def _report(self, report: Report) -> str:
        if isinstance(report, SlotChanged):
            shown = "" if report.sighting is None else f", {self._sighting(report.sighting)}"
            where = "any slot" if report.slot is None else f"slot {report.slot}"
            return (
                f"{where} {report.change.value}{shown}"
                if report.change is not SlotChange.ALL_DELETED
                else "all deleted"
            )
        facts = {name: getattr(report, name) for name in report.__slots__ if name not in ("cause", "reason")}
        told = " ".join(str(getattr(value, "value", value)) for value in facts.values() if value is not None)
        return f"{type(report).__name__} {told}".strip()


async def _close(stream: AsyncIterator[object]) -> None:
    # A generator that is merely forgotten is closed by the garbage collector, at any time and in the next scene's loop.
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()
