"""Configuration: one TOML file, checked as a whole; all mistakes are told at once, with place and remedy.

The file's form is the pydantic models below; what leaves this room are frozen values.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, override
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.cloud.backoff import Pace
from gateway.cloud.broker_settings import BrokerSettings, Protocol, TlsFiles
from gateway.model.ids import HubId, LockId
from gateway.model.instant import HOUR_MS, SECOND_MS
from gateway.model.lock import DEFAULT_LEAD_MS
from gateway.model.snapshot import LockSettings
from gateway.ports import LockAddress
from gateway.runtime.clock import TrustSource
from gateway.runtime.drivers import known_drivers

LONGEST_LEAD_S = 2 * HOUR_MS // SECOND_MS
"""The just-in-time lead is at most two hours (A4)."""

_NAME = r"^[A-Za-z0-9_-]{1,64}$"
type Name = Annotated[str, Field(pattern=_NAME)]
type Lead = Annotated[float, Field(ge=0, le=LONGEST_LEAD_S)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Hub(_Table):
    id: Name
    zone: str = "UTC"
    state: str
    socket: str | None = None


class _Leads(_Table):
    just_in_time_s: Lead = DEFAULT_LEAD_MS / SECOND_MS


class _Broker(_Table):
    url: str
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    username: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    longest_wait_s: Annotated[float, Field(gt=0, le=300)] = 300.0


class _Clock(_Table):
    trust: TrustSource = Field(default=TrustSource.KERNEL, strict=False)


class _Lock(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    id: Name
    name: Annotated[str, Field(min_length=1, max_length=80)]
    driver: Name = "zwave"
    just_in_time_s: Lead | None = None


class _File(_Table):
    hub: _Hub
    leads: _Leads = _Leads()
    broker: _Broker
    clock: _Clock = _Clock()
    drivers: Mapping[str, Mapping[str, object]] = Field(default_factory=dict)
    locks: list[_Lock] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class LockConfig:
    """One lock as configured."""

    lock_id: LockId
    name: str
    driver: str
    settings: LockSettings
    address: LockAddress


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the daemon is told. `broker_pace` bounds the waits between connects."""

    hub_id: HubId
    zone: ZoneInfo
    state: Path
    socket: Path
    broker: BrokerSettings
    broker_pace: Pace
    trust: TrustSource
    drivers: Mapping[str, Mapping[str, object]]
    locks: tuple[LockConfig, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong: where, what, and what to do."""

    place: str
    fault: str

    @override
    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.place}: {self.fault}"


class ConfigInvalid(Exception):  # noqa: N818 - says what it means for the caller
    """The file cannot be used. `mistakes` has them all; the text is one line each."""

    def __init__(self, path: Path, mistakes: list[Mistake]) -> None:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__("\n".join([f"{path}: {count}", *(f"  {mistake}" for mistake in mistakes)]))
        self.mistakes = mistakes


def load(path: Path) -> Config:
    """Read and check the file. Raises `ConfigInvalid` with every mistake in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigInvalid(
            path, [Mistake("file", f"cannot be read ({reason}): give its path with --config")]
        ) from error
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(path, [Mistake("file", f"is not TOML: {error}")]) from error
    try:
        file = _File.model_validate(parsed)
    except ValidationError as error:
        raise ConfigInvalid(path, [_mistake(entry["loc"], entry["msg"]) for entry in error.errors()]) from error
    mistakes = list(_contradictions(file, path.parent))
    if mistakes:
        raise ConfigInvalid(path, mistakes)
    return _config(file, path.parent)


_REMEDIES = {
    "Extra inputs are not permitted": "no such setting: correct its name, or take it out",
    "Field required": "is missing: add it",
    f"String should match pattern '{_NAME}'": "use 1 to 64 letters, digits, '-' and '_'",
}


def _mistake(place: tuple[int | str, ...], fault: str) -> Mistake:
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return Mistake(shown or "file", _REMEDIES.get(fault, fault[0].lower() + fault[1:]))


def _contradictions(file: _File, folder: Path) -> Iterator[Mistake]:
    if file.hub.zone not in available_timezones():
        yield Mistake("hub.zone", "is no IANA zone: use one such as Europe/Berlin")
    yield from _broker_faults(file.broker, folder)
    counts = Counter(lock.id for lock in file.locks)
    for lock_id, count in counts.items():
        if count > 1:
            yield Mistake("locks", f"{count} locks have the id {lock_id}: give each its own")
    known = known_drivers()
    for index, lock in enumerate(file.locks):
        if lock.driver not in known:
            yield Mistake(
                f"locks[{index}].driver", f"no such driver is installed; installed: {', '.join(sorted(known))}"
            )


def _broker_faults(broker: _Broker, folder: Path) -> Iterator[Mistake]:
    parts = urlsplit(broker.url)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        yield Mistake("broker.url", "must look like mqtt://host:1883 or mqtts://host:8883")
    try:
        _ = parts.port
    except ValueError:
        yield Mistake("broker.url", "its port must be a number from 1 to 65535")
    if parts.password is not None:
        yield Mistake(
            "broker.url", "must not hold a password: put it into a file and name that in broker.password_file"
        )
    if parts.scheme == "mqtt" and (broker.ca_file or broker.certificate_file):
        yield Mistake("broker.url", "certificates need mqtts://")
    if (broker.certificate_file is None) != (broker.key_file is None):
        yield Mistake("broker.certificate_file", "certificate_file and key_file go together: name both or none")
    for name in ("password_file", "ca_file", "certificate_file", "key_file"):
        value = getattr(broker, name)
        if value is not None and not (folder / value).is_file():
            yield Mistake(f"broker.{name}", "no such file: correct the path")


def _config(file: _File, folder: Path) -> Config:
    state = folder / file.hub.state
    return Config(
        hub_id=HubId(file.hub.id),
        zone=ZoneInfo(file.hub.zone),
        state=state,
        socket=folder / file.hub.socket if file.hub.socket is not None else state / "maint.sock",
        broker=_broker(file, folder),
        broker_pace=Pace(longest_s=file.broker.longest_wait_s),
        trust=file.clock.trust,
        drivers={name: _with_paths(options, folder) for name, options in file.drivers.items()},
        locks=tuple(_lock(lock, file.leads) for lock in file.locks),
    )


def _broker(file: _File, folder: Path) -> BrokerSettings:
    parts = urlsplit(file.broker.url)
    is_tls = parts.scheme == "mqtts"
    told = file.broker

    def pem(name: str | None) -> Path | None:
        return None if name is None else folder / name

    password = None if told.password_file is None else (folder / told.password_file).read_text().strip()
    return BrokerSettings(
        host=parts.hostname or "",
        port=parts.port or (8883 if is_tls else 1883),
        client_id=file.hub.id,
        protocol=Protocol(told.protocol),
        username=told.username,
        password=password,
        tls=TlsFiles(pem(told.ca_file), pem(told.certificate_file), pem(told.key_file)) if is_tls else None,
    )


def _lock(lock: _Lock, leads: _Leads) -> LockConfig:
    lead_s = leads.just_in_time_s if lock.just_in_time_s is None else lock.just_in_time_s
    address = LockAddress(LockId(lock.id), lock.name, dict(lock.model_extra or {}))
    return LockConfig(LockId(lock.id), lock.name, lock.driver, LockSettings(round(lead_s * SECOND_MS)), address)


def _with_paths(options: Mapping[str, object], folder: Path) -> Mapping[str, object]:
    """Options whose name says that they are files are read from beside the configuration, as everywhere in it."""

    def place(name: str, value: object) -> object:
        is_file = re.search(r"(_file|_dir)$", name) is not None or name == "stick"
        return str(folder / value) if is_file and isinstance(value, str) and not re.match(r"\w+://", value) else value

    return {name: place(name, value) for name, value in options.items()}
