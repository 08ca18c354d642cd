"""The home's control socket: one JSON object per line in, one out. For tests and demos, never for the daemon.

{"verb": "press", "args": {"lock": "Front door", "digits": "4711"}}
{"ok": true, "result": {…}}     or     {"ok": false, "error": "what is wrong and what to do"}
"""

import asyncio
import inspect
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from drivers.simulator.comings import Comings
from drivers.simulator.home import Home, NotAtHome
from drivers.simulator.lock.faults import FaultRefused

log = logging.getLogger(__name__)

LINE_BYTES_MAX = 64 * 1024
"""Longest request; the longest sensible one has some hundred bytes."""

type Verb = Callable[..., object]


class Refused(ValueError):  # noqa: N818 - it is an answer to a person, not a failure
    """The request cannot be done as asked; the text says why and what to ask instead."""


def verbs_of(home: Home) -> dict[str, Verb]:
    """Return what can be asked of a home, by verb."""
    comings = Comings(home)
    return {
        "truth": home.truth,
        "press": home.press,
        "program": home.program,
        "erase": home.erase,
        "reset": home.reset,
        "leave": home.leave,
        "turn": home.turn,
        "jam": home.jam,
        "battery": home.battery,
        "switch": home.switch,
        "cover": home.cover,
        "power": home.power,
        "clock": home.clock,
        "button": comings.button,
        "label": comings.label,
        "frames": home.frames,
        "counts": home.counts,
        "faults": home.list_faults,
        "fault": home.inject,
        "calm": home.calm,
        "unplug": home.unplug,
        "plug": home.plug,
    }


def answer(verbs: Mapping[str, Verb], line: bytes) -> dict[str, object]:
    """Execute one line and return the object to send back; never raises for what the line says."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise Refused('a request is an object such as {"verb": "truth"}')
        verb = request.get("verb")
        act = verbs.get(verb) if isinstance(verb, str) else None
        if act is None:
            raise Refused(f"there is no such verb; there are {', '.join(verbs)}")
        return {"ok": True, "result": act(**_checked(act, request.get("args", {})))}
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {"ok": False, "error": 'the line is not JSON; send {"verb": "truth"}'}
    except (Refused, NotAtHome, FaultRefused) as error:
        return {"ok": False, "error": str(error)}


def _checked(act: Verb, args: object) -> dict[str, object]:
    """Check names and types of the arguments against the verb's own signature."""
    if not isinstance(args, dict):
        raise Refused('args is an object such as {"lock": "2"}')
    signature = inspect.signature(act)
    try:
        signature.bind(**args)
    except TypeError as error:
        wanted = ", ".join(signature.parameters)
        raise Refused(f"{error}; this verb takes {wanted or 'nothing'}") from None
    for name, value in args.items():
        kind = signature.parameters[name].annotation
        fits = isinstance(value, kind) or (kind == float | None and isinstance(value, int))
        if isinstance(value, bool) or not fits:
            raise Refused(f"{name} has the wrong type")
    return args


async def serve_control(home: Home, path: Path, ready: asyncio.Event) -> None:
    """Answer at the Unix socket `path` (mode 0600) until cancelled, then remove it. Raises `OSError` when it cannot be made."""
    verbs = verbs_of(home)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(answer(verbs, line)).encode() + b"\n")
                await writer.drain()
        except ValueError:
            # readline: the line is longer than the limit. There is no way back into step on this connection.
            writer.write(b'{"ok": false, "error": "the line is too long"}\n')
        except ConnectionError:
            log.debug("control.peer.left")
        finally:
            writer.close()

    _clear(path)
    server = await asyncio.start_unix_server(converse, path, limit=LINE_BYTES_MAX)
    try:
        _keep_private(path)
        ready.set()
        async with server:
            await server.serve_forever()
    finally:
        _clear(path)


def _clear(path: Path) -> None:
    path.unlink(missing_ok=True)


def _keep_private(path: Path) -> None:
    """Let only our own user ask: the truth has PINs in it."""
    path.chmod(0o600)
