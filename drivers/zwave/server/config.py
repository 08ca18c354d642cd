"""What the Z-Wave JS server is told at start. Its file holds the network keys: mode 0600, directories 0700.

Layout of a storage directory:

    keys.toml       the network keys, unless the hub's configuration names another file
    server.json     this config, written anew at each start
    cache/          the driver's own memory; it holds PINs in clear text (rule N1) and may be deleted without losing keys
"""

import json
from pathlib import Path
from typing import Final, Literal, NotRequired, TypedDict

from drivers.zwave.server.keys import KeyName, NetworkKeys
from drivers.zwave.server.private_directory import make_private_directory
from gateway.durable import put_file

CONFIG_NAME: Final = "server.json"
KEYS_NAME: Final = "keys.toml"
CACHE_NAME: Final = "cache"
LOCKS_NAME: Final = "locks"

CALLBACK_TIMEOUT_MS_MIN: Final = 10_000
"""Shortest wait for the stick's send callback. Source: Z-Wave JS 15.29 refuses less."""

ABORT_BEFORE_CALLBACK_MS: Final = 5_000
"""The abort must come this long before the callback time-out. Source: Z-Wave JS 15.29 refuses less."""

REPORT_TIMEOUT_MS_MIN: Final = 500
"""Shortest wait for a lock's answer. Source: Z-Wave JS 15.29 refuses less; its own choice is 1000."""

type LogLevel = Literal["error", "warn"]
"""Only these: more verbose levels log every frame, and the raw bytes of an unencrypted one can be a PIN (rule N1).

At `warn` the driver still dumps frames it could not parse, so `warn` is for a console that masks (see `output`).
"""


class _SecurityKeys(TypedDict):
    S0_Legacy: str
    S2_Unauthenticated: str
    S2_Authenticated: str
    S2_AccessControl: str


class _LongRangeKeys(TypedDict):
    S2_Authenticated: str
    S2_AccessControl: str


class _Storage(TypedDict):
    cacheDir: str
    throttle: Literal["normal"]
    lockDir: NotRequired[str]


class _Interview(TypedDict):
    queryAllUserCodes: Literal[True]


class _LogConfig(TypedDict):
    enabled: bool
    level: LogLevel
    logToFile: Literal[False]
    forceConsole: Literal[True]
    showLogo: Literal[False]


class _Timeouts(TypedDict, total=False):
    sendDataCallback: int
    sendDataAbort: int
    report: int


class ServerConfig(TypedDict):
    """The JSON object `--config` takes, by the server's own names."""

    securityKeys: _SecurityKeys
    securityKeysLongRange: _LongRangeKeys
    storage: _Storage
    interview: _Interview
    logConfig: _LogConfig
    emitValueUpdateAfterSetValue: Literal[True]
    timeouts: NotRequired[_Timeouts]


def server_config(
    keys: NetworkKeys,
    storage_dir: Path,
    *,
    locks_dir: Path | None = None,
    log_level: LogLevel = "warn",
    callback_timeout_ms: int | None = None,
    report_timeout_ms: int | None = None,
) -> ServerConfig:
    """Say what the server is started with.

    `locks_dir` is where the driver marks its cache files as taken, by default beside them; it touches each mark every 5 s.

    `callback_timeout_ms` shortens the wait for a stick that lost a callback (30 s by default in Z-Wave JS), for tests of
    faults; at least 10000. `report_timeout_ms` is how long a lock may take to answer, for machines that are slow themselves; at least
    500, Z-Wave JS's own choice is 1000. Raises ValueError below these.
    """
    storage: _Storage = {"cacheDir": str(storage_dir / CACHE_NAME), "throttle": "normal"}
    if locks_dir is not None:
        storage["lockDir"] = str(locks_dir)
    config: ServerConfig = {
        "securityKeys": {
            "S0_Legacy": keys.hex(KeyName.S0_LEGACY),
            "S2_Unauthenticated": keys.hex(KeyName.S2_UNAUTHENTICATED),
            "S2_Authenticated": keys.hex(KeyName.S2_AUTHENTICATED),
            "S2_AccessControl": keys.hex(KeyName.S2_ACCESS_CONTROL),
        },
        "securityKeysLongRange": {
            "S2_Authenticated": keys.hex(KeyName.LR_S2_AUTHENTICATED),
            "S2_AccessControl": keys.hex(KeyName.LR_S2_ACCESS_CONTROL),
        },
        "storage": storage,
        # Rule N7. Without it the first interview of a lock sends "clear all user codes", and first means: not in the
        # cache. A lost cache would then erase every PIN on every lock. Z-Wave JS since pull request 8525.
        "interview": {"queryAllUserCodes": True},
        # A file would be beyond our masking; the console goes through `process`, which masks what looks like digits.
        "logConfig": {
            "enabled": True,
            "level": log_level,
            "logToFile": False,
            "forceConsole": True,
            "showLogo": False,
        },
        "emitValueUpdateAfterSetValue": True,  # the server's own program sets the same when the config is silent
    }
    timeouts: _Timeouts = {}
    if callback_timeout_ms is not None:
        if callback_timeout_ms < CALLBACK_TIMEOUT_MS_MIN:
            msg = f"callback_timeout_ms is {callback_timeout_ms}, must be at least {CALLBACK_TIMEOUT_MS_MIN}"
            raise ValueError(msg)
        timeouts["sendDataCallback"] = callback_timeout_ms
        timeouts["sendDataAbort"] = callback_timeout_ms - ABORT_BEFORE_CALLBACK_MS
    if report_timeout_ms is not None:
        if report_timeout_ms < REPORT_TIMEOUT_MS_MIN:
            msg = f"report_timeout_ms is {report_timeout_ms}, must be at least {REPORT_TIMEOUT_MS_MIN}"
            raise ValueError(msg)
        timeouts["report"] = report_timeout_ms
    if timeouts:
        config["timeouts"] = timeouts
    return config


def write_server_config(config: ServerConfig, storage_dir: Path, place: Path | None = None) -> Path:
    """Make the storage directories and put the config there, or in another `place`; give its path. Raises OSError."""
    make_private_directory(storage_dir)
    make_private_directory(storage_dir / CACHE_NAME)
    path = (place or storage_dir) / CONFIG_NAME
    put_file(path, (json.dumps(config, indent=2) + "\n").encode())
    return path
