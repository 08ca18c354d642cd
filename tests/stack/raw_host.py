"""The Z-Wave JS server as a bare program sees it, for what our driver does not ask: commands in, events out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from drivers.simulator.client import Plain
from tests.stack.zwave_stack import WAIT_S, Stack

SCHEMA = 45
USER_CODE = 0x63

type Event = dict[str, object]


class Host:
    """The server as a program sees it: commands go in, events come out."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._count = 0

    async def ask(self, command: str, **words: object) -> Plain:
        """Send a command; what happens meanwhile is passed over. Give its result."""
        message = await self.answer(await self.start(command, **words))
        assert message["success"], message
        result = message.get("result")
        return result if isinstance(result, dict) else {}

    async def answer(self, number: str, bound_s: float = WAIT_S) -> Plain:
        """Wait for the whole answer to a command, good or bad."""
        async with asyncio.timeout(bound_s):
            while True:
                message = await self._next()
                if message.get("messageId") == number:
                    return message

    async def start(self, command: str, **words: object) -> str:
        """Send a command without waiting for it."""
        self._count += 1
        number = f"m{self._count}"
        await self._socket.send_json({"messageId": number, "command": command, **words})
        return number

    async def event(self, name: str, fits: Callable[[Event], bool] = lambda _event: True) -> Event:
        """Wait for an event."""
        async with asyncio.timeout(WAIT_S):
            while True:
                event = (await self._next()).get("event")
                if isinstance(event, dict) and event["event"] == name and fits(event):
                    return event

    async def known(self, stack: Stack, *node_ids: int) -> None:
        """Wait until these nodes have been asked everything that the driver wants to know of them."""
        async with asyncio.timeout(WAIT_S):
            for node_id in node_ids:
                while not await self._is_ready(node_id):  # noqa: ASYNC110 - the condition lies in another process
                    await asyncio.sleep(0.1)

    async def _is_ready(self, node_id: int) -> bool:
        state = (await self.ask("node.get_state", nodeId=node_id))["state"]
        return isinstance(state, dict) and state["ready"] is True

    async def user_code(self, node_id: int, slot: int) -> Plain:
        """Ask a lock for a slot."""
        answer = await self.ask(
            "endpoint.invoke_cc_api", nodeId=node_id, endpoint=0, commandClass=USER_CODE, methodName="get", args=[slot]
        )
        code = answer["response"]
        assert isinstance(code, dict)
        return code

    async def start_user_code(self, node_id: int, slot: int) -> str:
        """Ask a lock for a slot without waiting."""
        words = {"nodeId": node_id, "endpoint": 0, "commandClass": USER_CODE, "methodName": "get"}
        return await self.start("endpoint.invoke_cc_api", **words, args=[slot])

    async def try_user_code(self, node_id: int, slot: int, bound_s: float = WAIT_S) -> object:
        """Ask a lock for a slot; give the code, None when no report came, or the number of the driver's error."""
        answer = await self.answer(await self.start_user_code(node_id, slot), bound_s)
        if not answer["success"]:
            return answer["zwaveErrorCode"]
        result = answer["result"]
        code = result.get("response") if isinstance(result, dict) else None
        return code["userCode"] if isinstance(code, dict) else None

    async def set_user_code(self, node_id: int, slot: int, pin: str) -> object:
        """Write a slot; the answer is what Supervision said, None without it."""
        words = {"nodeId": node_id, "endpoint": 0, "commandClass": USER_CODE, "methodName": "set"}
        return (await self.ask("endpoint.invoke_cc_api", **words, args=[slot, 1, pin])).get("response")

    async def try_set_user_code(self, node_id: int, slot: int, pin: str) -> object:
        """Write a slot; give what Supervision said, None when nothing was heard, or the number of the driver's error."""
        words = {"nodeId": node_id, "endpoint": 0, "commandClass": USER_CODE, "methodName": "set"}
        answer = await self.answer(await self.start("endpoint.invoke_cc_api", **words, args=[slot, 1, pin]))
        if not answer["success"]:
            return answer["zwaveErrorCode"]
        result = answer["result"]
        return result.get("response") if isinstance(result, dict) else None

    async def _next(self) -> Plain:
        message = json.loads((await self._socket.receive()).data)
        assert isinstance(message, dict)
        return message


@asynccontextmanager
async def host(stack: Stack) -> AsyncIterator[Host]:
    async with aiohttp.ClientSession() as session, session.ws_connect(stack.url, max_msg_size=0) as socket:
        made = Host(socket)
        await made.ask("set_api_schema", schemaVersion=SCHEMA)
        await made.ask("start_listening")
        yield made
