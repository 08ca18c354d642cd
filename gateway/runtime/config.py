"""Configuration: one TOML file, checked as a whole; all mistakes are told at once, with place and remedy.

The file's form is the pydantic models below; what leaves this room are frozen values.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, override
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from gateway.cloud.backoff import Pace
from gateway.cloud.broker_settings import BrokerSettings, Protocol, TlsFiles
from gateway.model.ids import HubId, LockId
from gateway.model.instant import DAY_MS, HOUR_MS, SECOND_MS
from gateway.model.lock import DEFAULT_LEAD_MS, DEFAULT_PRELOAD_MS, DEFAULT_UNTRUSTED_STAY_MS
from gateway.model.pool import POOL_RESERVE, POOL_SIZE, POOL_SIZE_MAX, AutoPull, PoolRules
from gateway.model.snapshot import LockSettings
from gateway.ports import DriverSettings, LockAddress
from gateway.runtime.clock import TrustSource
from gateway.runtime.drivers import known_drivers, open_driver
from gateway.runtime.entropy import SystemEntropy
from gateway.tlstime.ask import HOSTS_MAX, Host

LONGEST_LEAD_S = 2 * HOUR_MS // SECOND_MS
"""The just-in-time lead is at most two hours (A4)."""

LONGEST_PRELOAD_S = 30 * DAY_MS // SECOND_MS
"""A month ahead: longer only fills the lock's slots (A2 has three days)."""

LONGEST_UNTRUSTED_STAY_H = 14 * 24
"""Two weeks: a hub that never hears the time again keeps its codes no longer than this (T2 has a day)."""

DEFAULT_DRIVER = "zwave"
PORT_LIMIT = 65_536
_NAME = r"^[A-Za-z0-9_-]{1,64}$"
type Name = Annotated[str, Field(pattern=_NAME)]
type PoolSize = Annotated[int, Field(ge=0, le=POOL_SIZE_MAX)]
type Lead = Annotated[float, Field(ge=0, le=LONGEST_LEAD_S)]
type Preload = Annotated[float, Field(ge=0, le=LONGEST_PRELOAD_S)]


def _wrong(fault: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{fault}", {"fault": fault})


def _zone(name: str) -> str:
    if not _is_zone(name):
        raise _wrong("is no IANA zone: use one such as Europe/Berlin")
    return name


def _is_zone(name: str) -> bool:
    # `available_timezones` would open each of six hundred files. What it leaves out lies in the same directories: the same zones with
    # leap seconds in them or without, and a rule that has no name.
    if name == "posixrules" or name.startswith(("posix/", "right/")):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name, a path out of the directory, a directory
        return False
    return True


def _installed(name: str) -> str:
    known = known_drivers()
    if name not in known:
        raise _wrong(f"no such driver is installed; installed: {', '.join(sorted(known))}")
    return name


def _url(url: str) -> str:
    parts = urlsplit(url)
    faults = []
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        faults.append("must look like mqtt://host:1883 or mqtts://host:8883")
    if parts.password is not None:
        faults.append("must not hold a password: put it into a file and name that in broker.password_file")
    try:
        _ = parts.port
    except ValueError:
        faults.append("its port must be a number from 1 to 65535")
    if faults:
        raise _wrong("; ".join(faults))
    return url


def _there(name: str, about: ValidationInfo) -> str:
    """A file beside the configuration, whose folder is the validation's context."""
    if not (Path(str(about.context)) / name).is_file():
        raise _wrong("no such file: correct the path")
    return name


def _time_host(told: str) -> str:
    """`name` or `name:port`."""
    name, _, port = told.partition(":")
    is_port = port == "" or (port.isascii() and port.isdigit() and 0 < int(port) < PORT_LIMIT)
    if re.fullmatch(r"[A-Za-z0-9.-]{1,253}", name) is None or not is_port or told.endswith(":"):
        raise _wrong("must be a host name, or name:port")
    return told


type TimeHost = Annotated[str, AfterValidator(_time_host)]
type File = Annotated[str, AfterValidator(_there)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Hub(_Table):
    id: Name
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    state: str
    socket: str | None = None
    secret_file: File | None = None


class _Leads(_Table):
    just_in_time_s: Lead = DEFAULT_LEAD_MS / SECOND_MS
    native_s: Preload = DEFAULT_PRELOAD_MS / SECOND_MS


class _Pool(_Table):
    enabled: bool = False
    size: PoolSize = POOL_SIZE
    reserve: PoolSize = POOL_RESERVE
    auto_pull: AutoPull = Field(default=AutoPull.AT_RISK, strict=False)


class _Broker(_Table):
    url: Annotated[str, AfterValidator(_url)]
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    username: str | None = None
    password_file: File | None = None
    ca_file: File | None = None
    certificate_file: File | None = None
    key_file: File | None = None
    longest_wait_s: Annotated[float, Field(gt=0, le=300)] = 300.0


class _Clock(_Table):
    trust: TrustSource = Field(default=TrustSource.SERVICE, strict=False)
    untrusted_stay_h: Annotated[float, Field(ge=0, le=LONGEST_UNTRUSTED_STAY_H)] = DEFAULT_UNTRUSTED_STAY_MS / HOUR_MS
    tls_hosts: Annotated[list[TimeHost], Field(max_length=HOSTS_MAX)] = []
    tls_ca_file: File | None = None


class _Lock(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    id: Name
    name: Annotated[str, Field(min_length=1, max_length=80)]
    driver: Annotated[Name, AfterValidator(_installed)] = DEFAULT_DRIVER
    just_in_time_s: Lead | None = None
    pool_enabled: bool | None = None
    pool_size: PoolSize | None = None
    native_s: Preload | None = None


class _File(_Table):
    hub: _Hub
    leads: _Leads = _Leads()
    pool: _Pool = _Pool()
    broker: _Broker
    clock: _Clock = _Clock()
    drivers: Mapping[str, Mapping[str, object]] = Field(default_factory=dict)
    locks: list[_Lock] = Field(default_factory=list)


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
    """Everything the daemon is told. `broker_pace` bounds the waits between connects.

    `secret` is the hub's secret where somebody else keeps it; None: in the state directory, made at the first start.
    """

    hub_id: HubId
    zone: ZoneInfo
    state: Path
    socket: Path
    broker: BrokerSettings
    broker_pace: Pace
    trust: TrustSource
    drivers: Mapping[str, Mapping[str, object]]
    locks: tuple[LockConfig, ...]
    defaults: LockSettings = field(default_factory=LockSettings)
    """What holds for locks that join later."""
    secret: Path | None = None
    time_hosts: tuple[Host, ...] = ()
    time_ca_file: Path | None = None


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
    mistakes: list[Mistake] = []
    try:
        file = _File.model_validate(parsed, context=path.parent)
    except ValidationError as error:
        mistakes = [_mistake(entry["loc"], entry["msg"]) for entry in error.errors()]
    mistakes.extend(_contradictions(parsed, path.parent))
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


def _contradictions(parsed: Mapping[str, object], folder: Path) -> Iterator[Mistake]:
    """What no single value shows; looked for in whatever is well-formed in itself."""
    broker = parsed.get("broker")
    if isinstance(broker, dict):
        yield from _broker_contradictions(broker)
    tables = parsed.get("locks")
    named = [table for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []
    for lock_id, count in Counter(str(table["id"]) for table in named if "id" in table).items():
        if count > 1:
            yield Mistake("locks", f"{count} locks have the id {lock_id}: give each its own")
    locks = [lock for table in named if (lock := _well_formed(table)) is not None]
    yield from _driver_mistakes(parsed.get("drivers"), locks, folder)


def _well_formed(table: Mapping[str, object]) -> _Lock | None:
    try:
        return _Lock.model_validate(table)
    except ValidationError:
        return None


def _broker_contradictions(broker: Mapping[str, object]) -> Iterator[Mistake]:
    if str(broker.get("url")).startswith("mqtt://") and broker.keys() & {"ca_file", "certificate_file"}:
        yield Mistake("broker.url", "certificates need mqtts://")
    if ("certificate_file" in broker) != ("key_file" in broker):
        yield Mistake("broker.certificate_file", "certificate_file and key_file go together: name both or none")


def _driver_mistakes(drivers: object, locks: Sequence[_Lock], folder: Path) -> Iterator[Mistake]:
    """What the drivers say to their options and locks. Each is opened once for that; it touches nothing before it runs."""
    tables = drivers if isinstance(drivers, dict) else {}
    for name in sorted(drivers_of(tables, (lock.driver for lock in locks))):
        options = tables.get(name, {})
        if not isinstance(options, dict):
            continue
        addresses = [_address(lock) for lock in locks if lock.driver == name]
        settings = DriverSettings(_with_paths(options, folder), addresses, SystemEntropy(), str(folder))
        try:
            open_driver(name, settings)
        except ValueError as error:
            yield from (Mistake(f"drivers.{name}", line) for line in str(error).splitlines())


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
        locks=tuple(_lock(lock, file) for lock in file.locks),
        defaults=_settings(_Lock(id="any", name="any"), file),
        time_hosts=tuple(_host(told) for told in file.clock.tls_hosts),
        time_ca_file=None if file.clock.tls_ca_file is None else folder / file.clock.tls_ca_file,
        secret=None if file.hub.secret_file is None else folder / file.hub.secret_file,
    )


def _host(told: str) -> Host:
    name, _, port = told.partition(":")
    return Host(name, int(port)) if port else Host(name)


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


def _lock(lock: _Lock, file: _File) -> LockConfig:
    return LockConfig(LockId(lock.id), lock.name, lock.driver, _settings(lock, file), _address(lock))


def drivers_of(tables: Iterable[str], used: Iterable[str]) -> frozenset[str]:
    """The drivers that a hub runs: those of its locks and those that it has options for; `zwave` when there are neither."""
    return frozenset({*tables, *used} or {DEFAULT_DRIVER})


def _settings(lock: _Lock, file: _File) -> LockSettings:
    lead_s = file.leads.just_in_time_s if lock.just_in_time_s is None else lock.just_in_time_s
    native_s = file.leads.native_s if lock.native_s is None else lock.native_s
    return LockSettings(
        lead_ms=round(lead_s * SECOND_MS),
        preload_ms=round(native_s * SECOND_MS),
        untrusted_stay_ms=round(file.clock.untrusted_stay_h * HOUR_MS),
        pool=PoolRules(
            size=file.pool.size if lock.pool_size is None else lock.pool_size,
            reserve=file.pool.reserve,
            is_on=file.pool.enabled if lock.pool_enabled is None else lock.pool_enabled,
            auto_pull=file.pool.auto_pull,
        ),
    )


def _address(lock: _Lock) -> LockAddress:
    return LockAddress(LockId(lock.id), lock.name, dict(lock.model_extra or {}))


def _with_paths(options: Mapping[str, object], folder: Path) -> Mapping[str, object]:
    """Options whose name says that they are files are read from beside the configuration, as everywhere in it."""

    def place(name: str, value: object) -> object:
        is_file = re.search(r"(_file|_dir)$", name) is not None or name == "stick"
        return str(folder / value) if is_file and isinstance(value, str) and not re.match(r"\w+://", value) else value

    return {name: place(name, value) for name, value in options.items()}
