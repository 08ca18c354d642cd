"""A Z-Wave JS server without Z-Wave: the WebSocket protocol at schema 50 with answers that a test chooses."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import WSMsgType, web

from tests.drivers.zwave.states import HOME_ID, Json

type Answer = Callable[[Json], Awaitable[object]]

MAX_USERS = 30


class ZWaveError(Exception):
    """Raised by an answer: the error that Z-Wave JS would give."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class FakeServer:
    """Records every command; answers `invoke_cc_api` and pings with `answer`."""

    def __init__(self, nodes: list[Json], schemas: tuple[int, int] = (0, 50)) -> None:
        self.nodes = nodes
        self.schemas = schemas
        self.commands: list[Json] = []
        self.answer: Answer = self._nothing
        self.answer_controller: Answer | None = None
        self.max_users = MAX_USERS
        self.inclusion_state = 0
        self.is_capable = asyncio.Event()
        self.is_capable.set()
        self.waiting_count = 0
        self.cached_values: dict[object, object] = {}
        self.url = ""
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0
        self.life_count = 0

    @staticmethod
    async def _nothing(_command: Json) -> object:
        return None

    @property
    def calls(self) -> list[tuple[object, object]]:
        """Method and arguments of each call to a command class."""
        return [(c["methodName"], c["args"]) for c in self.commands if c["command"] == "endpoint.invoke_cc_api"]

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        assert site._server is not None
        self._port = self._runner.addresses[0][1]
        self.url = f"ws://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """As a killed server: sockets break, the port is closed."""
        await self.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def drop(self) -> None:
        """Break all connections without a goodbye."""
        for ws in tuple(self._sockets):
            transport = ws._req.transport if ws._req is not None else None
            if transport is not None:
                transport.abort()
        self._sockets.clear()
        await asyncio.sleep(0)

    async def emit(self, event: Json) -> None:
        for ws in self._sockets:
            await ws.send_json({"type": "event", "event": event})

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self._sockets.add(ws)
        await ws.send_json(
            {
                "type": "version",
                "homeId": HOME_ID,
                "driverVersion": "15.29.0",
                "serverVersion": "3.10.2",
                "minSchemaVersion": self.schemas[0],
                "maxSchemaVersion": self.schemas[1],
            }
        )
        with contextlib.suppress(ConnectionError):
            async with asyncio.TaskGroup() as group:
                async for message in ws:
                    if message.type is not WSMsgType.TEXT:
                        break
                    group.create_task(self._reply(ws, message.json()))
        self._sockets.discard(ws)
        return ws

    async def _reply(self, ws: web.WebSocketResponse, command: Json) -> None:
        self.commands.append(command)
        head: Json = {"type": "result", "messageId": command["messageId"]}
        try:
            result = await self._result(command)
            reply = head | {"success": True, "result": result}
        except ZWaveError as error:
            reply = head | {
                "success": False,
                "errorCode": "zwave_error",
                "zwaveErrorCode": error.code,
                "zwaveErrorMessage": error.text,
            }
        if not ws.closed:
            await ws.send_json(reply)

    async def _result(self, command: Json) -> object:
        match command["command"]:
            case "driver.get_log_config":
                return {"config": {"enabled": False, "level": "error"}}
            case "start_listening":
                self.life_count += 1
                controller = {"homeId": HOME_ID, "ownNodeId": 1, "isPrimary": True, "status": 0}
                controller["inclusionState"] = self.inclusion_state
                return {"state": {"driver": {}, "controller": controller, "nodes": self.nodes}}
            case "endpoint.access_control.get_user_capabilities_cached":
                self.waiting_count += not self.is_capable.is_set()
                await self.is_capable.wait()
                return {
                    "capabilities": {
                        "maxUsers": self.max_users,
                        "supportedUserTypes": [0],
                        "supportedCredentialRules": [1],
                        "supportsUsersWithoutCredentials": False,
                    }
                }
            case "endpoint.invoke_cc_api":
                response = await self.answer(command)
                return {} if response is None else {"response": response}
            case "node.get_value":
                value_id = command["valueId"]
                assert isinstance(value_id, dict)
                name, key = value_id["property"], value_id.get("propertyKey")
                return {"value": self.cached_values.get(name if key is None else (name, key))}
            case "node.get_date_and_time":
                return {"dateAndTime": await self.answer(command)}
            case "node.set_date_and_time":
                return {"success": bool(await self.answer(command))}
            case "node.ping":
                return {"responded": bool(await self.answer(command))}
            case str(name) if name.startswith("controller."):
                if self.answer_controller is not None:
                    await self.answer_controller(command)
                return {"success": True}
            case _:
                return {}


@contextlib.asynccontextmanager
async def running(nodes: list[Json], schemas: tuple[int, int] = (0, 50)) -> AsyncIterator[FakeServer]:
    """A server with these nodes, on a free port."""
    server = FakeServer(nodes, schemas)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
