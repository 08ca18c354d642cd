"""The link over a real broker: what is asked of it, and what was learned of it.

MQTT 5 is tried first and 3.1.1 when the broker refuses it (C5). A broker that keeps no retained messages says so in one of three
ways, and is sent none from then on.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.cloud.broker_settings import BrokerSettings, Protocol
from gateway.cloud.link import Outgoing
from gateway.cloud.uplink.connection import PahoConnection, RetainRefused, VersionRefused

log = logging.getLogger(__name__)


class Uplink:
    """A `Link` over MQTT with the settings of one broker, and with what it has learned of it."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._protocols: tuple[Protocol, ...] = (
            (Protocol.V5, Protocol.V311) if settings.protocol is Protocol.AUTO else (settings.protocol,)
        )
        self._can_retain = True

    @asynccontextmanager
    async def connect(self, *, will: Outgoing | None, listen_to: str) -> AsyncIterator["PahoConnection"]:
        """See `Link.connect`."""
        connection = await self._open(will, listen_to)
        try:
            yield connection
        except asyncio.CancelledError:
            await connection.say_goodbye()
            raise
        except BaseException:
            await connection.hang_up("closed after a failure on our side")
            raise
        else:
            await connection.say_goodbye()
        finally:
            self._can_retain &= connection.can_retain

    async def _open(self, will: Outgoing | None, listen_to: str) -> "PahoConnection":
        for protocol in self._protocols:
            try:
                connection = await self._open_as_taken(protocol, will, listen_to)
            except VersionRefused as refused:
                if protocol is self._protocols[-1]:
                    raise
                log.info("link.version.refused", extra={"version": protocol.value, "cause": refused.cause})
            else:
                if self._protocols[0] is not protocol:
                    self._protocols = (protocol, *(p for p in self._protocols if p is not protocol))
                return connection
        msg = "no MQTT version left to try"
        raise AssertionError(msg)

    async def _open_as_taken(self, protocol: Protocol, will: Outgoing | None, listen_to: str) -> "PahoConnection":
        """Open with a retained will, or without when that is what the broker refuses."""
        try:
            return await self._open_once(protocol, will, listen_to)
        except RetainRefused as refused:
            if not self._can_retain:  # none was asked for
                raise
            log.info("link.retain.refused", extra={"cause": refused.cause})
            self._can_retain = False
            return await self._open_once(protocol, will, listen_to)

    async def _open_once(self, protocol: Protocol, will: Outgoing | None, listen_to: str) -> "PahoConnection":
        connection = PahoConnection(self._settings, protocol, asyncio.get_running_loop(), can_retain=self._can_retain)
        try:
            await connection.open(will, listen_to)
        except BaseException:
            await connection.hang_up("not opened")
            raise
        return connection
