"""Plain builders for tests: codes, records, readings. No magic, every default visible here."""

import random

from gateway.model.access_code import AccessCode, Origin
from gateway.model.clock import ClockReading, ClockStep, ClockTrust
from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import MINUTE_MS, Instant, parse_instant
from gateway.model.lock import LockProfile, ReadBack, Schedule
from gateway.model.pin import Pin, PinDigest, PinRules
from gateway.model.slot import SlotRecord
from gateway.model.snapshot import LockSettings, LockSnapshot
from gateway.model.window import Window

FRONT = LockId("front-door")
KEY = b"k" * 32
LEAD_MS = 30 * MINUTE_MS


def at(text: str) -> Instant:
    """`2027-01-31 15:00` in UTC."""
    return parse_instant(text.replace(" ", "T") + ":00Z")


NOON = at("2027-01-31 12:00")


def digest(digits: str) -> PinDigest:
    return Pin(digits).digest(KEY)


def make_code(
    code_id: str = "code-1",
    pin: str = "2580",
    *,
    starts_at: Instant | None = None,
    ends_at: Instant | None = None,
    accepted_at: Instant = NOON,
    generation: int = 1,
    deleted_at: Instant | None = None,
    is_external_modification_allowed: bool = False,
) -> AccessCode:
    return AccessCode(
        code_id=CodeId(code_id),
        lock_id=FRONT,
        name=code_id,
        digest=digest(pin),
        window=Window(starts_at, ends_at),
        generation=generation,
        created_at=accepted_at,
        accepted_at=accepted_at,
        deleted_at=deleted_at,
        origin=Origin.CLOUD,
        is_external_modification_allowed=is_external_modification_allowed,
    )


def make_profile(
    *,
    slots: int = 5,
    read_back: ReadBack = ReadBack.CLEAR,
    supervision_is_honest: bool = True,
    schedule: Schedule | None = None,
) -> LockProfile:
    return LockProfile(
        model="test lock",
        slots=range(1, slots + 1),
        pin_rules=PinRules(frozenset({4, 5, 6})),
        read_back=read_back,
        supervision_is_honest=supervision_is_honest,
        schedule=schedule,
    )


def make_snapshot(
    *codes: AccessCode,
    slots: list[SlotRecord] | None = None,
    profile: LockProfile | None = None,
    listed_at: Instant | None = NOON,
) -> LockSnapshot:
    return LockSnapshot(
        lock_id=FRONT,
        profile=profile or make_profile(),
        settings=LockSettings(LEAD_MS),
        codes=codes,
        slots={record.slot: record for record in slots or []},
        listed_at=listed_at,
    )


def reading(now: Instant, trust: ClockTrust = ClockTrust.TRUSTED) -> ClockReading:
    return ClockReading(now, now, trust)


class FakeClock:
    """Wall time that the test moves."""

    def __init__(self, now: Instant = NOON) -> None:
        self.now = now
        self.trust = ClockTrust.TRUSTED
        self.held: ClockStep | None = None

    def reading(self) -> ClockReading:
        return ClockReading(self.now, self.now, self.trust)

    def move(self, by_ms: int) -> None:
        self.now = Instant(self.now + by_ms)

    def step(self) -> ClockStep | None:
        return self.held

    def take_step(self) -> None:
        if self.held is not None:
            self.now, self.held = self.held.to, None

    def bound(self, at: Instant, slack_ms: int) -> bool:
        is_of_use = self.trust is ClockTrust.UNTRUSTED and at + slack_ms >= self.now
        if is_of_use:
            self.now, self.trust = Instant(max(self.now, at - slack_ms)), ClockTrust.BOUNDED
        return is_of_use


class SeededEntropy:
    """Chance that repeats itself with the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def fraction(self) -> float:
        return self._random.random()


def slot(number: int) -> Slot:
    return Slot(number)
