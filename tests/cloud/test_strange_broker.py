"""The link over brokers that are within the standard and out of the common."""

import asyncio
from pathlib import Path

import pytest

from gateway.cloud import topics
from gateway.cloud.broker_settings import BrokerSettings, Protocol
from gateway.cloud.link import LinkDown, Outgoing
from gateway.cloud.uplink import Uplink
from gateway.cloud.uplink.connection import PACKET_MAX
from tests.cloud.room import HUB, make_service, open_store, running
from tests.cloud.strange_broker import StrangeBroker, order, serving

DOWN = topics.all_down(HUB)
STATUS = topics.up(HUB, topics.Up.STATUS)
WILL = Outgoing(STATUS, b"gone", is_retained=True)
WAIT_S = 10.0


def link_to(broker: StrangeBroker, protocol: Protocol = Protocol.AUTO) -> Uplink:
    return Uplink(BrokerSettings("127.0.0.1", broker.port, HUB, protocol))


async def greet(link: Uplink) -> str:
    """One connection that says it is there, retained; the version spoken."""
    async with link.connect(will=WILL, listen_to=DOWN) as connection:
        await connection.ready()
        await connection.publish(STATUS, b"here", is_retained=True)
        return connection.protocol


async def test_c5_a_broker_that_refuses_a_retained_will_gets_one_that_is_not_and_is_not_asked_again() -> None:
    async with serving(StrangeBroker(is_refusing_retain=True)) as broker:
        link = link_to(broker)
        assert [await greet(link) for _ in range(2)] == ["5", "5"]
    assert broker.wills == [True, False, False]
    assert broker.published == [False, False]


async def test_c5_a_broker_that_tells_that_it_retains_nothing_gets_nothing_to_retain() -> None:
    async with serving(StrangeBroker(is_telling_retain=True)) as broker:
        link = link_to(broker)
        assert [await greet(link) for _ in range(2)] == ["5", "5"]
    assert broker.wills == [True, False]
    assert broker.published == [False, False]


async def test_c5_a_broker_that_ends_the_connection_at_a_retained_message_gets_none_at_the_next() -> None:
    async with serving(StrangeBroker(is_ending_at_retain=True)) as broker:
        link = link_to(broker)
        with pytest.raises(LinkDown, match="keeps no retained messages: the hub sends it none from now on"):
            await greet(link)
        await greet(link)
    assert broker.wills == [True, False]
    assert broker.published == [False]


async def test_c5_a_broker_that_retains_is_asked_to_every_time() -> None:
    async with serving(StrangeBroker()) as broker:
        link = link_to(broker)
        for _ in range(2):
            await greet(link)
    assert broker.wills == [True, True]
    assert broker.published == [True, True]


async def test_c5_the_hub_is_connected_to_a_broker_without_retained_messages(tmp_path: Path) -> None:
    broker = StrangeBroker(is_refusing_retain=True, is_telling_retain=True)
    async with serving(broker), open_store(tmp_path) as db:
        service = make_service(db, link_to(broker))
        async with running(service):
            await broker.heard(1)
    assert broker.wills == [True, False]


async def test_n3_a_message_beyond_all_bounds_ends_the_connection_before_it_is_read() -> None:
    """MQTT 3.1.1 has no word for the largest packet: 60 MB went through memory at every connect, and the daemon had 256."""
    async with (
        serving(StrangeBroker(greeting=order(60_000_000)[:100_000])) as broker,
        asyncio.timeout(WAIT_S),
        link_to(broker, Protocol.V311).connect(will=None, listen_to=DOWN) as connection,
    ):
        with pytest.raises(LinkDown, match=r"holds a message of 60000\d\d\d bytes for this hub: remove it there"):
            await anext(connection.messages())


async def test_the_largest_packet_that_is_announced_is_taken() -> None:
    size = PACKET_MAX - 100
    async with (
        serving(StrangeBroker(greeting=order(size))) as broker,
        asyncio.timeout(WAIT_S),
        link_to(broker, Protocol.V311).connect(will=None, listen_to=DOWN) as connection,
    ):
        assert len((await anext(connection.messages())).payload) == size
