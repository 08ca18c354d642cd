"""What a hub needs before its first start, made or taken once: `python -m gateway.runtime.provision`.

Theory. Each step looks whether its file is there, and puts it there whole if not; the marker comes last. So a cut at any point leaves
files that are whole, and the next run does the rest. Nothing that is there is ever made anew: a second secret would lose the database,
a second key the certificate. What the owner brings is his to correct until a configuration was taken: nothing has run with it yet. The
configuration is put after all that it names, so whoever finds one knows that the rest was taken whole.

    settings      hub-id, gateway.toml, gateway.csr.pem, provisioned
    credentials   gateway.secret, gateway.key.pem, and what the owner brings for the broker
    seed          what the owner brings: gateway.toml and the files of `BROUGHT`; read, never written

In the owner's gateway.toml the word `@HUB-ID@` stands for the id that this hub drew, so that one file serves many hubs.
"""

import argparse
import logging
import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.durable import put_file
from gateway.runtime import logs
from gateway.runtime.config import ConfigInvalid, load
from gateway.runtime.entropy import SystemEntropy
from gateway.store.seal import SECRET_BYTES

log = logging.getLogger(__name__)

HUB_ID_WORD: Final = "@HUB-ID@"
HUB_ID_BYTES: Final = 6
"""Chance in a drawn id: with 48 bits, one fleet of ten thousand hubs in five million has a pair with the same id."""

SECRET: Final = "gateway.secret"  # noqa: S105 - the name of the file, not what is in it
KEY: Final = "gateway.key.pem"
CONFIG: Final = "gateway.toml"
REQUEST: Final = "gateway.csr.pem"
HUB_ID: Final = "hub-id"
MARKER: Final = "provisioned"

BROUGHT: Final = ("gateway.ca.pem", "gateway.certificate.pem", KEY, "gateway.password")
"""What an owner may bring for the broker. Without a key of his the hub makes its own, which never leaves it."""

SECRETS_BROUGHT: Final = (KEY, "gateway.password")

PUBLIC: Final = 0o644
BROUGHT_BYTES_MAX: Final = 256 * 1024
"""Longest file taken from the seed; a long chain of certificates has 20 KB. Our bound, against a wrong file."""


class NotProvisionable(Exception):  # noqa: N818 - says what it means for the caller
    """A person has to do something first; the text says what, and shows no secret."""


@dataclass(frozen=True, slots=True)
class Places:
    """The directories; `seed` need not exist."""

    settings: Path
    credentials: Path
    state: Path
    seed: Path


def provision(places: Places, token: Callable[[int], bytes]) -> bool:
    """Do whatever is not done yet; returns whether the hub is complete, that is, has a configuration.

    Raises `NotProvisionable`, `ConfigInvalid` for a configuration with mistakes, and OSError. `token` gives secret bytes.
    """
    hub_id = _hub_id(places.settings / HUB_ID, token)
    _secret(places, token)
    is_too_late = (places.settings / CONFIG).exists()
    for name in BROUGHT:
        if (places.seed / name).is_file():
            _bring(places, name, is_too_late=is_too_late)
    config = _config(places, hub_id)
    _identity(places, hub_id if config is None else _named(config))
    if config is None:
        return False
    kept = places.settings / CONFIG
    if not kept.exists() or kept.read_text(encoding="utf-8") != config:
        put_file(kept, config.encode(), PUBLIC)
        log.info("provision.made", extra={"file": str(kept)})
    _once(places.settings / MARKER, bytes, PUBLIC)
    return True


def _hub_id(path: Path, token: Callable[[int], bytes]) -> str:
    drawn = f"hub-{token(HUB_ID_BYTES).hex()}\n"
    _once(path, drawn.encode, PUBLIC)
    return path.read_text().strip()


def _once(path: Path, make: Callable[[], bytes], mode: int = 0o600) -> None:
    if not path.exists():
        put_file(path, make(), mode)
        log.info("provision.made", extra={"file": str(path)})


def _secret(places: Places, token: Callable[[int], bytes]) -> None:
    path = places.credentials / SECRET
    if not path.exists() and any(places.state.glob("*.db")):
        msg = (
            f"{places.state} holds a database, but its secret {path} is gone: restore that file from the backup of this hub, "
            "or move the database away to start with an empty schedule"
        )
        raise NotProvisionable(msg)
    _once(path, lambda: token(SECRET_BYTES))


def _bring(places: Places, name: str, *, is_too_late: bool) -> None:
    brought, kept = places.seed / name, places.credentials / name
    if brought.stat().st_size > BROUGHT_BYTES_MAX:
        msg = f"{brought} is longer than {BROUGHT_BYTES_MAX} bytes: put the right file there"
        raise NotProvisionable(msg)
    content = brought.read_bytes()
    is_new = not kept.exists()
    if is_new or (kept.read_bytes() != content and not is_too_late):
        put_file(kept, content)
        log.info("provision.made" if is_new else "provision.replaced", extra={"file": str(kept)})
    elif kept.read_bytes() != content:
        remedy = f"the hub has its configuration: put it at {kept} instead"
        log.warning("provision.brought.too_late", extra={"file": str(brought), "remedy": remedy})
    if name == KEY and not is_too_late:
        # A key that the hub made before is gone, and a certificate for this request would fit no key. After the key, so that a hub's own
        # key is never without its request.
        (places.settings / REQUEST).unlink(missing_ok=True)
    if name in SECRETS_BROUGHT:
        log.warning("provision.secret.lies_open", extra={"file": str(brought), "remedy": "remove it from there"})


def _config(places: Places, hub_id: str) -> str | None:
    """The text that the hub is to run with, checked as the daemon will read it; None when there is none."""
    path = next((path for path in (places.settings / CONFIG, places.seed / CONFIG) if path.is_file()), None)
    if path is None:
        return None
    if path.stat().st_size > BROUGHT_BYTES_MAX:
        msg = f"{path} is longer than {BROUGHT_BYTES_MAX} bytes: put the right file there"
        raise NotProvisionable(msg)
    text = path.read_text(encoding="utf-8").replace(HUB_ID_WORD, hub_id)
    with tempfile.TemporaryDirectory() as folder:
        # As the unit lays them out for the daemon: all credentials beside the configuration. A key may still be to come.
        for credential in (*places.credentials.glob("gateway.*"), places.credentials / KEY):
            beside = Path(folder) / credential.name
            if not beside.exists():
                beside.touch()
        candidate = Path(folder) / CONFIG
        candidate.write_text(text, encoding="utf-8")
        load(candidate)
    return text


def _named(config: str) -> str:
    return str(tomllib.loads(config)["hub"]["id"])


def _identity(places: Places, hub_id: str) -> None:
    if (places.credentials / KEY).exists():
        return
    from gateway.cloud.identity import make_identity  # noqa: PLC0415 - costs 40 ms (our measurement), and once in a life it is needed

    made = make_identity(hub_id)
    # The request first: when the key is there, its request is too.
    put_file(places.settings / REQUEST, made.request, PUBLIC)
    _once(places.credentials / KEY, lambda: made.key)


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit code: 0 also when only the configuration is missing, which is told.

    What a person has to put right is EX_CONFIG, what may be better at the next try 1.
    """
    parser = argparse.ArgumentParser(
        prog="provision", description="Make and take what a hub needs before its first start."
    )
    for name in ("settings", "credentials", "state", "seed"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    told = parser.parse_args(arguments)
    logs.set_up("info")
    places = Places(told.settings, told.credentials, told.state, told.seed)
    try:
        is_complete = provision(places, SystemEntropy().token)
    except (NotProvisionable, ConfigInvalid, UnicodeDecodeError) as error:
        sys.stderr.write(f"provision: {error}\n")
        return os.EX_CONFIG
    except OSError as error:
        sys.stderr.write(f"provision: {error}\n")
        return 1
    if not is_complete:
        places_for_it = [str(places.settings / CONFIG), str(places.seed / CONFIG)]
        log.warning("provision.config.missing", extra={"remedy": f"put it at {' or '.join(places_for_it)}"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
