"""The link to a broker as a protocol, so that a simulated broker can stand in for the real one.

A link makes connections; a connection lives once. What arrives carries the connection it came on, so that an
acknowledgement can never reach a later one: brokers number messages anew with every connection. All trouble of a connection
is one exception, `LinkDown`, whose text tells a person what to do.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

IN_FLIGHT_MAX = 20
"""QoS 1 messages under way without acknowledgement, each way: what the common brokers allow by default."""

QOS = 1
"""At least once; the answers to repetitions are ours (C5)."""


class LinkDown(Exception):  # noqa: N818 - says what happened, not that it is an error: links go down
    """The connection could not be made or is gone. The text is one line that says what to do.

    `was_sent` is whether the broker may have seen our CONNECT, hence our last will. `is_busy` is whether the broker asked
    to be left alone for a while.
    """

    def __init__(self, cause: str, *, was_sent: bool = True, is_busy: bool = False) -> None:
        """`cause` holds no secrets: no password, no payload."""
        super().__init__(cause)
        self.cause = cause
        self.was_sent = was_sent
        self.is_busy = is_busy


class NotTaken(Exception):  # noqa: N818 - as above
    """The broker is there and refused this one message (MQTT 5 reason code); the text is the broker's reason."""


class PayloadTooLarge(ValueError):  # noqa: N818 - says it already
    """The message is above what the contract or the broker allows and was not sent."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that the link keeps ready, such as a last will."""

    topic: str
    payload: bytes
    is_retained: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What arrived. The payload stays out of the repr: it may hold a PIN (N1). `number` orders arrivals of a connection."""

    topic: str
    payload: bytes = field(repr=False)
    is_retained: bool
    number: int


class Connection(Protocol):
    """One life of a link, from CONNACK to its end."""

    @property
    def has_session(self) -> bool:
        """Whether the broker remembered us: what it queued meanwhile will come."""
        ...

    @property
    def protocol(self) -> str:
        """The MQTT version spoken, for people: "5" or "3.1.1"."""
        ...

    @property
    def window(self) -> int:
        """How many publications may be open: `IN_FLIGHT_MAX`, or less when the broker asked for less."""
        ...

    async def ready(self) -> None:
        """Wait until the subscription stands, so that no answer can be missed. Raises `LinkDown`."""
        ...

    def messages(self) -> AsyncIterator[Message]:
        """What arrives, in order. One reader. Raises `LinkDown` when the connection ends."""
        ...

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that it may forget the message. In arrival order; ignored once the connection is gone."""
        ...

    def publish(self, topic: str, payload: bytes, *, is_retained: bool = False) -> asyncio.Future[None]:
        """Send at once, in the order of the calls; the caller keeps at most `window` open.

        The future resolves at the broker's acknowledgement, which proves nothing about the cloud (C3). It raises
        `LinkDown`, or `NotTaken` when the broker refused this message only. Raises `PayloadTooLarge` without sending.
        """
        ...

    def abandon(self) -> None:
        """Leave without goodbye however the leaving comes about, so that the broker publishes the last will."""
        ...


class Link(Protocol):
    """Makes connections, one at a time."""

    def connect(self, *, will: Outgoing | None, listen_to: str) -> AbstractAsyncContextManager[Connection]:
        """One connection, subscribed to the filter `listen_to`, with a last will.

        Entering raises `LinkDown`. Leaving normally or by cancellation says goodbye, so that the broker drops the will; any
        other exception hangs up, so that the broker publishes it.
        """
        ...
