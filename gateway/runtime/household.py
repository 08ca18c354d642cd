"""The locks of this hub as they are now: those of its configuration, and those that joined at its door since.

The rest of the house is given living views of the same tables, so that a lock that joins takes orders at once and nothing has to be
started anew. A lock that the configuration names is the configuration's: a joined one with its id or at its address steps back.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import override

from gateway.model.access_code import Origin
from gateway.model.events import Event, EventKind
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.model.network import Newcomer
from gateway.model.snapshot import LockSettings
from gateway.orders import leaving
from gateway.orders.pairing import forget_device
from gateway.ports import Clock, HouseholdPort, LockAddress
from gateway.runtime.config import Config, LockConfig
from gateway.shell.context import LockView
from gateway.store import joined, journal, pairing
from gateway.store.database import Connection, Database
from gateway.store.joined import JoinedLock

log = logging.getLogger(__name__)

ID_CHARS = 60
"""Of a name at most so many become an id, which may have 64: room for a number behind it."""

NAME_CHARS = 80
"""Longest name of a lock, as in the configuration."""

_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


class Household:
    """All locks. `settings` and `views` are kept up to date in place."""

    def __init__(self, config: Config, database: Database, clock: Clock, kept: Iterable[JoinedLock] = ()) -> None:
        self._config = config
        self._database = database
        self._clock = clock
        self._locks = {lock.lock_id: lock for lock in config.locks}
        for lock in kept:
            if not any(_is_same(lock, known) for known in config.locks):
                self._locks[lock.lock_id] = self._configured(lock)
        self.settings: dict[LockId, LockSettings] = {}
        self.views: dict[LockId, LockView] = {}
        for each in self._locks.values():
            self._show(each)
        self.joined: Callable[[LockConfig], None] = _nobody
        self.left: Callable[[LockConfig], None] = _nobody
        """Called after a lock came or went."""

    @classmethod
    async def open(cls, config: Config, database: Database, clock: Clock) -> "Household":
        """The configuration's locks and those that joined in earlier lives."""
        return cls(config, database, clock, await database.read(joined.every))

    def locks(self) -> tuple[LockConfig, ...]:
        """All locks now, the configuration's first."""
        return tuple(self._locks.values())

    def door(self, driver: str) -> HouseholdPort:
        """The household as one driver sees it."""
        return _Door(self, driver)

    async def adopt(self, newcomer: Newcomer, driver: str) -> LockAddress:
        """Keep a lock that joined, under a name and an id that no other lock has."""
        called = (newcomer.name or newcomer.model)[:NAME_CHARS]
        names = {view.name.casefold() for view in self.views.values()}
        name = _unused(called, lambda tried: tried.casefold() in names, " ")
        stem = _NOT_IN_IDS.sub("-", name.casefold()).strip("-")[:ID_CHARS] or "lock"
        lock_id = LockId(_unused(stem, lambda tried: tried in self._locks, "-"))
        kept = JoinedLock(lock_id, driver, name, newcomer.address)
        at = self._clock.reading().lo
        await self._database.write(lambda con: joined.add(con, kept, at))
        lock = self._configured(kept)
        self._locks[lock_id] = lock
        self._show(lock)
        self.joined(lock)
        log.info("household.lock.joined", extra={"lock": lock_id, "driver": driver})
        return lock.address

    async def release(self, lock_id: LockId) -> bool:
        """Forget a lock that left, and what was in it; its orders end, its codes wait for a lock that joins under its name."""
        if any(lock.lock_id == lock_id for lock in self._config.locks):
            return False
        at = self._clock.reading().lo
        if not await self._database.write(lambda con: _forget(con, lock_id, at)):
            return False
        lock = self._locks.pop(lock_id)
        del self.settings[lock_id], self.views[lock_id]
        self.left(lock)
        log.info("household.lock.left", extra={"lock": lock_id, "driver": lock.driver})
        return True

    def _show(self, lock: LockConfig) -> None:
        self.settings[lock.lock_id] = lock.settings
        self.views[lock.lock_id] = LockView(lock.lock_id, lock.name, lock.settings)

    def _configured(self, lock: JoinedLock) -> LockConfig:
        address = LockAddress(lock.lock_id, lock.name, lock.address)
        return LockConfig(lock.lock_id, lock.name, lock.driver, self._config.defaults, address)


@dataclass(frozen=True, slots=True)
class _Door(HouseholdPort):
    household: Household
    driver: str

    @override
    async def adopt(self, newcomer: Newcomer) -> LockAddress:
        return await self.household.adopt(newcomer, self.driver)

    @override
    async def release(self, lock_id: LockId) -> bool:
        return await self.household.release(lock_id)


def _forget(con: Connection, lock_id: LockId, at: Instant) -> bool:
    if not joined.remove(con, lock_id):
        return False
    # A lock that leaves a network forgets its codes, or keeps them: only a look tells, and the next device may be another one.
    forget_device(con, lock_id, at, is_another=False)
    pairing.forget(con, lock_id)
    leaving.left(con, lock_id, at)
    journal.append(con, Event(EventKind.DEVICE_REMOVED, lock_id, actor=Origin.SHELL, body={"reason": "left"}), at)
    return True


def _is_same(lock: JoinedLock, known: LockConfig) -> bool:
    at: Mapping[str, object] = known.address.address
    is_there = known.driver == lock.driver and all(at.get(key) == value for key, value in lock.address.items())
    return is_there or known.lock_id == lock.lock_id


def _unused(wanted: str, is_taken: Callable[[str], bool], gap: str) -> str:
    tried, count = wanted, 2
    while is_taken(tried):
        tried, count = f"{wanted}{gap}{count}", count + 1
    return tried


def _nobody(_lock: LockConfig) -> None:
    """Nobody wants to know yet."""
