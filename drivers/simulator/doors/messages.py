"""Door 2: the JSON messages of a Z-Wave JS server, in memory. No Node.js, no socket, no stick: a client's driver in virtual time.

Theory. The messages are those of @zwave-js/server 3.10 at schema 50 over zwave-js 15.29, as recorded on the serial door. Like Z-Wave
JS, this door keeps a mirror of what each lock showed: the interview fills it, reads and a told reset change it, writes do not, and
every change is an event. Commands to one lock are executed in the order they came, also those whose caller has gone. The lock
itself is the same `Firmware` as behind the other doors. Where this door and the real server differ, this one is mended.

Reads answer between their two value events, because the real server was seen to do so with version 1 locks, and a client has
to bear it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from drivers.simulator.doors.mirror import HOME_ID, Json, Mirror, Unspeakable
from drivers.simulator.doors.timed import Timetable
from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.lock.firmware import Firmware, WriteResult
from drivers.simulator.radio.cc.names import ClassId

RADIO_S = 0.012
"""One way of an exchange with an awake lock; half of the 24 ms that our airtime model gives for S2 at 100 kbit/s."""

ATTEMPTS = 3
"""How often Z-Wave JS 15.29 sends a command that nobody acknowledges."""

REPORT_TIMEOUT_S = 1.0
"""How long Z-Wave JS waits for a lock's answer (`timeouts.report`)."""

PORT_LOST_S = 10.0
"""How long the server looks for a stick that was pulled before it ends: ten tries of one second (our measurement)."""

SUPERVISED_SUCCESS, SUPERVISED_FAIL = 0xFF, 0x02
"""CC:006C.01.02.11.007."""

type Send = Callable[[Json | None], None]
"""Takes a message for the client, or None when the connection ends."""

MESSAGE_NEEDS_TEXT = "a message has a command and an id"


class ZWaveError(Exception):
    """An error of Z-Wave JS with its number."""

    def __init__(self, code: int, text: str) -> None:
        """`text` as the server gives it, without the number in brackets."""
        super().__init__(f"{text} (ZW{code:04d})")
        self.code = code


NO_ACKNOWLEDGE = (204, "The node did not acknowledge the command")
NO_PORT = (202, "Failed to execute controller command: The serial port is not open!")
BAD_ARGUMENTS = (322, "The arguments are not what the command takes")
NOT_SUPPORTED = (302, "The node does not support this command")


class MessagesDoor:
    """A server with these locks. Make it inside the loop; `connect` as often as wanted."""

    def __init__(self, locks: Mapping[int, Firmware], faults: Faults) -> None:
        """`locks` by node id. The server is up, the interview is done."""
        now = asyncio.get_running_loop().time()
        self._mirrors = {node_id: Mirror(node_id, firmware, now) for node_id, firmware in locks.items()}
        self._timetables = {node_id: Timetable(mirror) for node_id, mirror in self._mirrors.items()}
        self._turns = {node_id: asyncio.Lock() for node_id in locks}
        self._faults = faults
        self._clients: list[Send] = []
        self._has_stick = True
        self._end: asyncio.TimerHandle | None = None
        self.is_up = True

    # -- the client's side -----------------------------------------------------------------------------------------------

    def connect(self, send: Send) -> None:
        """Begin a connection: the version message comes first. Raises `ConnectionRefusedError` when the server is down."""
        if not self.is_up:
            raise ConnectionRefusedError("nobody listens")
        self._clients.append(send)
        versions: Json = {"driverVersion": "15.29.0", "serverVersion": "3.10.2"}
        send({"type": "version", "homeId": HOME_ID, "minSchemaVersion": 0, "maxSchemaVersion": 50, **versions})

    async def take(self, send: Send, message: Json) -> None:
        """Execute one message of a client and send its result; ends when the result is out. Take the next one at once."""
        head: Json = {"type": "result", "messageId": message.get("messageId")}
        after: list[Json] = []
        try:
            result = await self._result(message, after)
        except ZWaveError as error:
            facts: Json = {"errorCode": "zwave_error", "zwaveErrorCode": error.code, "zwaveErrorMessage": str(error)}
            reply = {**head, "success": False, **facts}
        else:
            reply = {**head, "success": True, "result": result}
        if send in self._clients:
            send(reply)
        for event in after:
            self._emit(event)

    # -- the world's side ------------------------------------------------------------------------------------------------

    def speak(self, node_id: int) -> None:
        """Carry what a lock has to say to the clients. Call after every touch of its firmware."""
        mirror = self._mirrors[node_id]
        for notice in mirror.firmware.drain_notices():
            if mirror.is_within_reach and self._has_stick and not self._faults.strikes(Fault.LOSE_FROM_NODE, node_id):
                self._emit_all(mirror.hear(notice))

    def set_reach(self, node_id: int, *, is_within: bool) -> None:
        """Take a lock off the air, or bring it back; found out by the next command."""
        self._mirrors[node_id].is_within_reach = is_within

    def kill(self) -> None:
        """End the server without a goodbye. What it remembers of the locks stays, as in its cache on disk."""
        self.is_up = False
        clients, self._clients = self._clients, []
        for send in clients:
            send(None)

    def start(self) -> None:
        """Start the server again."""
        self.is_up = True

    def unplug(self) -> None:
        """Pull the stick: commands fail, and after `PORT_LOST_S` the server ends."""
        self._has_stick = False
        self._end = asyncio.get_running_loop().call_later(PORT_LOST_S, self.kill)

    def plug(self) -> None:
        """Put the stick back; a server that still looks for it goes on."""
        self._has_stick = True
        if self._end is not None:
            self._end.cancel()

    # -- inside ----------------------------------------------------------------------------------------------------------

    async def _result(self, message: Json, after: list[Json]) -> Json:
        match message.get("command"):
            case "driver.get_log_config":
                return {"config": {"enabled": False, "level": "error"}}
            case "start_listening":
                controller: Json = {"homeId": HOME_ID, "ownNodeId": 1, "isPrimary": True, "status": 0}
                nodes = [mirror.state() for mirror in self._mirrors.values()]
                return {"state": {"driver": {}, "controller": controller, "nodes": nodes}}
            case "endpoint.access_control.get_user_capabilities_cached":
                return {"capabilities": self._mirror(message).capabilities()}
            case "node.get_value":
                return self._mirror(message).remembered(message.get("valueId"))
            case "node.ping":
                return {"responded": await self._pinged(self._mirror(message))}
            case "node.get_date_and_time":
                table = self._timetables[self._mirror(message).node_id]
                return {"dateAndTime": await self._exchange(self._mirror(message), table.clock) or {}}
            case "node.set_date_and_time":
                return {"success": await self._set_clock(message)}
            case "endpoint.invoke_cc_api":
                response = await self._invoke(message, after)
                return {} if response is None else {"response": response}
            case _:
                return {}

    def _mirror(self, message: Json) -> Mirror:
        node_id = message.get("nodeId")
        assert isinstance(node_id, int), MESSAGE_NEEDS_TEXT
        return self._mirrors[node_id]

    async def _pinged(self, mirror: Mirror) -> bool:
        try:
            await self._exchange(mirror, lambda _at: None)
        except ZWaveError:
            return False
        return True

    async def _invoke(self, message: Json, after: list[Json]) -> object:
        mirror, method, arguments = self._mirror(message), message.get("methodName"), message.get("args")
        if not isinstance(method, str) or not isinstance(arguments, Sequence):
            raise ZWaveError(*NOT_SUPPORTED)
        match message.get("commandClass"):
            case ClassId.USER_CODE:
                return await self._user_code(mirror, method, arguments, after)
            case ClassId.SCHEDULE_ENTRY_LOCK if mirror.firmware.model.has_schedules:
                return await self._schedule(mirror, method, arguments)
            case _:
                raise ZWaveError(*NOT_SUPPORTED)

    async def _user_code(self, mirror: Mirror, method: str, arguments: Sequence[object], after: list[Json]) -> object:
        firmware = mirror.firmware
        match method, list(arguments):
            case "set", [int(slot), int(status), str(code)]:
                is_enabled = status == 1
                return await self._change(mirror, lambda at: firmware.write(slot, code, at, is_enabled=is_enabled))
            case "clear", [int(slot)] if slot > 0:
                return await self._change(mirror, lambda at: firmware.clear(slot, at))
            case "clear", [] | [0]:
                return await self._change(mirror, firmware.clear_all)
            case "get", [int(slot)]:
                return await self._read(mirror, slot, after)
            case _:
                raise ZWaveError(*NOT_SUPPORTED)

    async def _schedule(self, mirror: Mirror, method: str, arguments: Sequence[object]) -> object:
        table = self._timetables[mirror.node_id]
        try:
            change, question = table.change(method, arguments), table.question(method, arguments)
        except Unspeakable:
            raise ZWaveError(*BAD_ARGUMENTS) from None
        if change is not None:
            act, keep = change
            result = await self._change(mirror, act)
            if result == {"status": SUPERVISED_SUCCESS} or (result is None and not mirror.firmware.model.is_supervised):
                keep()
            return result
        if question is None:
            raise ZWaveError(*NOT_SUPPORTED)
        return await self._exchange(mirror, question)

    async def _set_clock(self, message: Json) -> bool:
        mirror, date = self._mirror(message), message.get("date")
        if not isinstance(date, str):
            raise ZWaveError(*BAD_ARGUMENTS)
        table = self._timetables[mirror.node_id]
        return await self._exchange(mirror, lambda at: table.set_clock(date, at)) is not None

    async def _change(self, mirror: Mirror, act: Callable[[float], WriteResult]) -> object:
        is_supervised = mirror.firmware.model.is_supervised
        done = await self._exchange(mirror, act, is_answered=is_supervised)
        if done is None or not is_supervised:
            return None
        return {"status": SUPERVISED_SUCCESS if done.claims_success else SUPERVISED_FAIL}

    async def _read(self, mirror: Mirror, slot: int, after: list[Json]) -> object:
        # A read wraps what it shows, so that "no answer" and "no such slot" stay two things.
        shown = await self._exchange(mirror, lambda at: (mirror.firmware.read(slot, at),))
        if shown is None:
            return None
        status, code = mirror.fields(shown[0])
        self._emit_all(mirror.learn(ClassId.USER_CODE, "userIdStatus", slot, status))
        after += mirror.learn(ClassId.USER_CODE, "userCode", slot, code)
        return {"userIdStatus": status, "userCode": code}

    async def _exchange[T](self, mirror: Mirror, act: Callable[[float], T], *, is_answered: bool = True) -> T | None:
        """One command and its answer; None when the answer does not come. Raises `ZWaveError` when it never arrives."""
        async with self._turns[mirror.node_id]:
            await self._send_to(mirror)
            done = act(asyncio.get_running_loop().time())
            if mirror.is_thought_dead:
                self._emit(mirror.alive())
            asyncio.get_running_loop().call_later(2 * RADIO_S, self.speak, mirror.node_id)
            is_lost = is_answered and (
                not mirror.is_within_reach or self._faults.strikes(Fault.LOSE_FROM_NODE, mirror.node_id)
            )
            await asyncio.sleep(REPORT_TIMEOUT_S if is_lost else RADIO_S)
            return None if is_lost else done

    async def _send_to(self, mirror: Mirror) -> None:
        if not self._has_stick:
            raise ZWaveError(*NO_PORT)
        for _ in range(ATTEMPTS):
            await asyncio.sleep(RADIO_S)
            if mirror.is_within_reach and not self._faults.strikes(Fault.LOSE_TO_NODE, mirror.node_id):
                # Arrived. A second copy, or a lost acknowledgement, changes nothing: Security 2 drops what it has seen.
                self._faults.strikes(Fault.DUPLICATE_TO_NODE, mirror.node_id)
                self._faults.strikes(Fault.LOSE_RADIO_ACK, mirror.node_id)
                return
        if not mirror.is_thought_dead:
            self._emit(mirror.dead())
        raise ZWaveError(*NO_ACKNOWLEDGE)

    def _emit_all(self, events: Sequence[Json]) -> None:
        for event in events:
            self._emit(event)

    def _emit(self, event: Json) -> None:
        for send in tuple(self._clients):
            send({"type": "event", "event": event})
