"""Scene files: what a simulated home looks like when it starts. The format is described in README.md of this folder.

Reading reports every problem at once, each with its place and what to write instead; the messages never repeat a PIN.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TypeIs

from drivers.simulator.lock.faults import IMMEDIATE, Fault, FaultRefused, Faults
from drivers.simulator.lock.profiles import LockModel, Problem, ProfileError, merged, model_from, shipped_profiles
from drivers.simulator.radio.ether import STRANGER
from drivers.simulator.radio.path import BYTE_S, DIRECT, REPEATERS_MAX, RSSI_MAX_DBM, RSSI_MIN_DBM, Path
from drivers.simulator.radio.security.s2 import HIGHEST_FIRST, SecurityClass
from drivers.simulator.stick.memory import NODE_ID_MAX, STICK_NODE_ID

LOCKS_MAX = 100
"""Most locks in one home; far above any house, and a bound for the tasks."""

NAME_LENGTH_MAX = 60

HOME_ID_DIGITS = 8
FIRST_LOCK_NODE_ID = STICK_NODE_ID + 1

QUIET_DBM = -96
"""What a stick hears in a quiet house while nobody speaks."""


@dataclass(frozen=True, slots=True)
class SceneLock:
    """One lock as the scene puts it: `codes` are on it already, made by others."""

    name: str
    node_id: int
    """0 when it is not included yet."""
    model: LockModel
    codes: Mapping[int, str] = field(repr=False)
    security: SecurityClass | None = None
    """The highest key it was granted; None: none, or not included yet."""
    path: Path = DIRECT
    """The way of its messages."""


@dataclass(frozen=True, slots=True)
class SceneFault:
    """Bad luck that is armed from the start."""

    fault: Fault
    node_id: int | None
    times: int | None
    rate: float | None


@dataclass(frozen=True, slots=True)
class Scene:
    """A home before its first second."""

    home_id: bytes
    has_airtime: bool
    is_bridge: bool
    """Which firmware the stick has: bridge or static."""
    noise_dbm: int
    locks: tuple[SceneLock, ...]
    faults: tuple[SceneFault, ...]


class SceneError(ValueError):
    """A scene that makes no home; `problems` lists everything wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep all problems, so that they can be reported at once."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load_scene(path: FilePath) -> Scene:
    """Read a scene file; raises `SceneError`, also when the file is missing or is not TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise SceneError((Problem(str(path), reason, "give the path of a scene file"),)) from None
    try:
        return read_scene(text)
    except tomllib.TOMLDecodeError as error:
        raise SceneError((Problem(str(path), f"is not TOML: {error}", "correct that place"),)) from None


def read_scene(text: str) -> Scene:
    """Make a scene of TOML text; raises `SceneError` with every problem, or `tomllib.TOMLDecodeError`."""
    return _SceneReader(tomllib.loads(text)).scene()


class _SceneReader:
    """Goes through the tables once and gathers problems on the way."""

    def __init__(self, root: Mapping[str, object]) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.profiles = shipped_profiles()

    def scene(self) -> Scene:
        self.only(self.root, "", ("stick", "radio", "profiles", "locks", "faults"))
        self.own_profiles()
        stick = self.table("stick")
        radio = self.table("radio")
        self.only(stick, "stick", ("home_id", "firmware"))
        self.only(radio, "radio", ("airtime", "noise_dbm"))
        home_id = self.home_id(stick)
        has_airtime = radio.get("airtime", True)
        if not isinstance(has_airtime, bool):
            self.blame("radio.airtime", "is not a yes or no", "write true or false")
        firmware = stick.get("firmware", "bridge")
        if firmware not in ("bridge", "static"):
            self.blame("stick.firmware", "is not a known firmware", "write bridge or static")
        noise_dbm = self.loudness("radio.noise_dbm", radio.get("noise_dbm", QUIET_DBM))
        locks = tuple(lock for lock in map(self.lock, *self.rows("locks")) if lock is not None)
        if not self.root.get("locks"):
            self.blame("locks", "there is no lock", "add at least one [[locks]] table")
        self.unique(locks)
        faults = tuple(fault for fault in map(self.fault, *self.rows("faults")) if fault is not None)
        if self.problems:
            raise SceneError(tuple(self.problems))
        return Scene(home_id, bool(has_airtime), firmware == "bridge", noise_dbm, locks, faults)

    def blame(self, place: str, text: str, remedy: str) -> None:
        self.problems.append(Problem(place, text, remedy))

    def only(self, table: Mapping[str, object], place: str, names: tuple[str, ...]) -> None:
        for name in table:
            if name not in names:
                self.blame(f"{place}.{name}".lstrip("."), "is not known", f"use one of {', '.join(names)}")

    def table(self, name: str) -> Mapping[str, object]:
        value = self.root.get(name, {})
        if isinstance(value, Mapping):
            return value
        self.blame(name, "is not a table", f"write [{name}] above its values")
        return {}

    def rows(self, name: str) -> tuple[list[str], list[Mapping[str, object]]]:
        """Return the places and the tables of an array of tables."""
        value = self.root.get(name, [])
        if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
            self.blame(name, "is not a list of tables", f"write [[{name}]] with two brackets")
            return [], []
        if len(value) > LOCKS_MAX:
            self.blame(name, f"has more than {LOCKS_MAX} entries", "use fewer")
        return [f"{name}[{position}]" for position in range(1, len(value) + 1)], value

    def own_profiles(self) -> None:
        """Add the models of the scene's own, each derived from one that is known by then."""
        for name, table in self.table("profiles").items():
            place = f"profiles.{name}"
            like = table.get("like") if isinstance(table, Mapping) else None
            facts = self.profiles.get(like) if isinstance(like, str) else None
            if not isinstance(table, Mapping) or facts is None:
                self.blame(f"{place}.like", "is not a known lock model", f"use one of {', '.join(self.profiles)}")
                continue
            if name in self.profiles:
                self.blame(place, "is a model that ships already", "choose another name")
                continue
            own = merged(facts, {fact: value for fact, value in table.items() if fact != "like"})
            try:
                model_from(name, own, place)
            except ProfileError as error:
                self.problems.extend(error.problems)
                continue
            self.profiles[name] = own

    def home_id(self, stick: Mapping[str, object]) -> bytes:
        value = stick.get("home_id", "C0FFEE01")
        if isinstance(value, str) and len(value) == HOME_ID_DIGITS:
            try:
                return bytes.fromhex(value)
            except ValueError:
                pass
        self.blame("stick.home_id", "is not a home id", 'write eight hexadecimal digits, such as "C0FFEE01"')
        return bytes(4)

    def lock(self, place: str, row: Mapping[str, object]) -> SceneLock | None:
        before = len(self.problems)
        self.only(row, place, ("name", "node", "included", "security", "profile", "codes", "override", "radio"))
        name, is_included = row.get("name"), row.get("included", True)
        node_id = row.get("node") if is_included is True else row.get("node", STRANGER)
        if not isinstance(name, str) or not name.strip() or len(name) > NAME_LENGTH_MAX or name.isdigit():
            self.blame(f"{place}.name", "is not a name", f"write 1 to {NAME_LENGTH_MAX} characters, not only digits")
        if not isinstance(is_included, bool):
            self.blame(f"{place}.included", "is not a yes or no", "write true or false")
        elif not is_included and node_id != STRANGER:
            self.blame(f"{place}.node", "is not known before the lock is included", "leave it out")
        if is_included is not True:
            node_id = STRANGER
        elif not _is_whole(node_id) or not FIRST_LOCK_NODE_ID <= node_id <= NODE_ID_MAX:
            self.blame(f"{place}.node", "is not a node id", f"write {FIRST_LOCK_NODE_ID} to {NODE_ID_MAX}")
        model = self.model(place, row)
        path = self.path(place, row.get("radio", {}))
        codes = self.codes(place, row.get("codes", {}), model)
        if len(self.problems) > before or model is None or not isinstance(name, str) or not _is_whole(node_id):
            return None
        security = self.security(place, row, model) if node_id != STRANGER else None
        return SceneLock(name, node_id, model, codes, security, path)

    def path(self, place: str, value: object) -> Path:
        """Read `[locks.radio]`: via, rate_kbps, rssi_dbm."""
        if not isinstance(value, Mapping):
            self.blame(f"{place}.radio", "is not a table", "write [locks.radio] under the lock")
            return DIRECT
        self.only(value, f"{place}.radio", ("via", "rate_kbps", "rssi_dbm"))
        via, rate = value.get("via", []), value.get("rate_kbps", DIRECT.rate_kbps)
        if not isinstance(via, list) or len(via) > REPEATERS_MAX or not all(_is_node_id(node) for node in via):
            self.blame(f"{place}.radio.via", "is no route", f"write up to {REPEATERS_MAX} node ids in brackets")
            via = []
        if rate not in BYTE_S:
            self.blame(f"{place}.radio.rate_kbps", "is not a data rate", "write 100, 40 or 9.6")
            rate = DIRECT.rate_kbps
        loudness = self.loudness(f"{place}.radio.rssi_dbm", value.get("rssi_dbm", DIRECT.rssi_dbm))
        return Path(tuple(via), rate, loudness)

    def loudness(self, place: str, value: object) -> int:
        if _is_whole(value) and RSSI_MIN_DBM <= value <= RSSI_MAX_DBM:
            return value
        self.blame(place, "is not a loudness", f"write whole dBm from {RSSI_MIN_DBM} to {RSSI_MAX_DBM}")
        return DIRECT.rssi_dbm

    def security(self, place: str, row: Mapping[str, object], model: LockModel) -> SecurityClass | None:
        """Return the highest key: what the scene says, else the best that the model can have."""
        possible = keys_of(model)
        given = row.get("security", possible[0] if possible else None)
        if given in possible:
            return SecurityClass(str(given))
        if given != "none" and (given is not None or possible):
            choice = ", ".join([*possible, "none"])
            self.blame(f"{place}.security", "is not a key that this model can have", f"use one of {choice}")
        return None

    def model(self, place: str, row: Mapping[str, object]) -> LockModel | None:
        profile, override = row.get("profile"), row.get("override", {})
        facts = self.profiles.get(profile) if isinstance(profile, str) else None
        if not isinstance(profile, str) or facts is None:
            self.blame(f"{place}.profile", "is not a known lock model", f"use one of {', '.join(self.profiles)}")
            return None
        if not isinstance(override, Mapping):
            self.blame(f"{place}.override", "is not a table", "write [locks.override] under the lock")
            return None
        try:
            return model_from(profile, merged(facts, override), f"{place}.override")
        except ProfileError as error:
            self.problems.extend(error.problems)
            return None

    def codes(self, place: str, value: object, model: LockModel | None) -> dict[int, str]:
        if not isinstance(value, Mapping):
            self.blame(f"{place}.codes", "is not a table", 'write codes = { 1 = "4711" }')
            return {}
        codes: dict[int, str] = {}
        slots = model.slots if model is not None else 0
        for slot, pin in value.items():
            if not str(slot).isdigit() or (model is not None and not 1 <= int(slot) <= slots):
                self.blame(f"{place}.codes", "names a slot the lock does not have", f"use 1 to {slots}")
            elif not isinstance(pin, str) or not pin.isascii() or not pin.isdigit():
                self.blame(f"{place}.codes.{slot}", "is not a PIN", "write digits between quotes")
            else:
                codes[int(slot)] = pin
        return codes

    def unique(self, locks: tuple[SceneLock, ...]) -> None:
        names = [lock.name.casefold() for lock in locks]
        node_ids = [lock.node_id for lock in locks]
        for lock in locks:
            if names.count(lock.name.casefold()) > 1:
                self.blame("locks", f"the name {lock.name!r} is used twice", "give every lock its own name")
            if lock.node_id != STRANGER and node_ids.count(lock.node_id) > 1:
                self.blame("locks", f"node {lock.node_id} is used twice", "give every lock its own node id")

    def fault(self, place: str, row: Mapping[str, object]) -> SceneFault | None:
        self.only(row, place, ("name", "node", "times", "rate"))
        try:
            fault = Fault(str(row.get("name")))
        except ValueError:
            self.blame(f"{place}.name", "is not a fault", f"use one of {', '.join(Fault)}")
            return None
        node_id, times, rate = row.get("node"), row.get("times"), row.get("rate")
        if node_id is not None and not _is_whole(node_id):
            self.blame(f"{place}.node", "is not a node id", "write the number of a lock")
            return None
        if times is not None and not _is_whole(times):
            self.blame(f"{place}.times", "is not a count", "write a whole number")
            return None
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float)):
            self.blame(f"{place}.rate", "is not a rate", "write a number above 0, at most 1")
            return None
        if fault in IMMEDIATE:
            self.blame(f"{place}.name", "is an act, not a chance", "ask for it with `ctl fault` once the home runs")
            return None
        try:
            Faults(lambda: 0.0).arm(fault, node_id=node_id, times=times, rate=rate)
        except FaultRefused as error:
            self.blame(place, str(error), "change the table")
            return None
        return SceneFault(fault, node_id, times, rate)


def keys_of(model: LockModel) -> tuple[SecurityClass, ...]:
    """List the keys that a lock of this model may be granted, highest first."""
    versions = model.command_classes
    s2 = HIGHEST_FIRST if versions.get("security_2") else ()
    return (*s2, SecurityClass.S0_LEGACY) if versions.get("security") else s2


def _is_node_id(value: object) -> bool:
    return _is_whole(value) and FIRST_LOCK_NODE_ID <= value <= NODE_ID_MAX


def _is_whole(value: object) -> TypeIs[int]:
    return isinstance(value, int) and not isinstance(value, bool)
