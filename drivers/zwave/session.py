"""One life of the WebSocket to the Z-Wave JS server, and how a call is made over it.

The client library has three sharp edges, and this file is where they are blunted:

- it does not reconnect, and an object that lost its connection is of no more use: `live` is one life from connect to
  the end, and the driver begins another one with new objects;
- it has no time-outs: `ask` puts one on every call;
- a lost connection *cancels* the futures of open calls, so that a caller sees a `CancelledError` that nobody sent:
  `ask` compares `Task.cancelling()` before and after, and only lets a cancellation through that was meant for us.

Order after a time-out. Z-Wave JS keeps a command that we stopped waiting for, and executes commands for one node in the
order they came. A read that follows a timed-out write is therefore executed after it and tells the truth about it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiohttp import ClientConnectorError, ClientError, ClientSession
from zwave_js_server.client import Client
from zwave_js_server.exceptions import (
    BaseZwaveJSServerError,
    CannotConnect,
    FailedCommand,
    FailedZWaveCommand,
    InvalidServerVersion,
    NotConnected,
    NotFoundError,
)
from zwave_js_server.model.driver import Driver

from drivers.zwave.failures import (
    CONNECTION_LOST,
    NOT_CONNECTED,
    TIMED_OUT,
    CallFailed,
    Failure,
    Fate,
    clean,
    from_code,
    from_server,
)
from gateway.model.failures import Part
from gateway.ports import DriverUnusable

log = logging.getLogger(__name__)

CALL_TIMEOUT_S: Final = 60.0
"""For a call that uses the radio. The longest that still ended well in our measurements was 40 s (a lost serial
acknowledge: abort, 30 s callback time-out of Z-Wave JS 15.29, soft reset, resend); a lock with a device file of Schlage's
kind may add its 10 s report time-out. Giving up earlier would turn an answer into doubt."""

ASK_TIMEOUT_S: Final = 10.0
"""For a call that the server answers from memory. Our measurement: 5 to 10 ms; a Pi that swaps takes seconds."""

CONNECT_TIMEOUT_S: Final = 10.0
"""For the WebSocket handshake and the version message, on loopback."""

DUMP_TIMEOUT_S: Final = 30.0
"""For the state of the whole network. 50 locks of 30 slots are some 5 MB of JSON, parsed within a few seconds on a Pi."""


class Reached(StrEnum):
    """How far a life came."""

    NOBODY = "nobody"
    """Nothing listens at the address."""
    SERVER = "server"
    """Somebody listens, but it came to nothing."""
    NETWORK = "network"
    """The network's state was received."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a life ended, in one line for a person, and how far it had come."""

    cause: str
    reached: Reached


async def ask[T](call: Awaitable[T], timeout_s: float) -> T:
    """Make one call of the client library. Raises `CallFailed`; `CancelledError` only when our own task is cancelled."""
    task = asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"
    cancelling_before = task.cancelling()
    try:
        async with asyncio.timeout(timeout_s):
            return await call
    except TimeoutError:
        raise CallFailed(TIMED_OUT) from None
    except asyncio.CancelledError:
        if task.cancelling() > cancelling_before:
            raise
        raise CallFailed(CONNECTION_LOST) from None
    except NotConnected:
        raise CallFailed(NOT_CONNECTED) from None
    except FailedZWaveCommand as error:
        raise CallFailed(from_code(error.zwave_error_code, error.zwave_error_message)) from None
    except FailedCommand as error:
        raise CallFailed(from_server(error.error_code, str(error))) from None
    except NotFoundError:
        raise CallFailed(Failure(Fate.NEVER, Part.LOCK, "the lock does not have this command class")) from None
    except (BaseZwaveJSServerError, ClientError, OSError) as error:
        # The message may be out already when the socket breaks under it.
        raise CallFailed(Failure(Fate.IN_DOUBT, Part.SERVER, clean(type(error).__name__))) from None


async def live(url: str, tend: Callable[[Driver], Coroutine[None, None, None]]) -> Ending:
    """Connect, receive the network's state, and run `tend` with it until the connection ends, for whatever reason.

    Never raises for a broken connection; the `Ending` says what happened. `tend` is cancelled at the end. Raises
    `DriverUnusable` when server and client speak no common schema: no waiting helps there.
    """
    async with ClientSession() as web:
        client = Client(url, web)
        refusal = await _connect(client)
        if refusal is not None:
            return refusal
        is_up = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(_listen(client, is_up), name="zwave.listen")
            if not await _comes_up(listening, is_up):
                listening.cancel()
                return Ending("the Z-Wave server does not tell the state of its network", Reached.SERVER)
            if client.driver is None:
                return Ending(await listening, Reached.SERVER)
            tending = group.create_task(tend(client.driver), name="zwave.tend")
            cause = await listening
            tending.cancel()
        return Ending(cause, Reached.NETWORK)


async def _connect(client: Client) -> Ending | None:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await client.connect()
    except TimeoutError:
        return Ending("the Z-Wave server does not answer", Reached.SERVER)
    except InvalidServerVersion as error:
        cause = (
            f"the Z-Wave server {error.server_version} speaks schemas up to {error.server_max_schema_version}, which "
            "this driver does not: install the pinned versions of both together"
        )
        raise DriverUnusable(cause) from None
    except CannotConnect as error:
        if isinstance(error.error, ClientConnectorError):
            return Ending(f"no Z-Wave server at {client.ws_server_url}", Reached.NOBODY)
        return Ending(f"no Z-Wave server answers at {client.ws_server_url}", Reached.SERVER)
    except (BaseZwaveJSServerError, ClientError, OSError):
        return Ending("the Z-Wave server is not ready", Reached.SERVER)
    return None


async def _comes_up(listening: asyncio.Task[str], is_up: asyncio.Event) -> bool:
    # False when it takes too long. A listener that ended is up in the sense that there is nothing to wait for.
    listening.add_done_callback(lambda _: is_up.set())
    try:
        async with asyncio.timeout(DUMP_TIMEOUT_S):
            await is_up.wait()
    except TimeoutError:
        return False
    return True


async def _listen(client: Client, is_up: asyncio.Event) -> str:
    try:
        await client.listen(is_up)
    except (BaseZwaveJSServerError, ClientError, OSError) as error:
        return f"the connection to the Z-Wave server broke ({type(error).__name__})"
    except Exception as error:  # noqa: BLE001 - the library validates events on arrival and raises whatever it likes
        # Its texts quote the event, which may hold a PIN: the type has to do (N1).
        log.error("session.listener.failed", extra={"error": type(error).__name__})  # noqa: TRY400
        return f"an event of the Z-Wave server could not be read ({type(error).__name__})"
    return "the Z-Wave server closed the connection"
