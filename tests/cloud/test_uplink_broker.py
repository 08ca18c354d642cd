"""The uplink, the embedded broker and the whole room against a real broker (`KEYPAD_TEST_BROKER` chooses which)."""

import asyncio
import contextlib
import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cloud import topics
from gateway.cloud.broker_settings import Protocol
from gateway.cloud.counterpart import Counterpart
from gateway.cloud.link import LinkDown, Message, Outgoing, PayloadTooLarge
from gateway.cloud.strict_json import PAYLOAD_MAX
from gateway.cloud.uplink import Uplink
from gateway.cloud.uplink.connection import PahoConnection
from gateway.model.events import EventKind
from gateway.store import journal
from tests.brokers import Broker, start_broker
from tests.builders import FRONT
from tests.cloud.room import HUB, make_cloud, make_service, open_store, running, uplink

pytestmark = pytest.mark.broker

CMD = topics.down(HUB, topics.Down.CMD)
STATUS = topics.up(HUB, topics.Up.STATUS)
DOWN, UP = topics.all_down(HUB), topics.all_up(HUB)
WAIT_S = 20.0


@pytest.fixture
def broker() -> Iterator[Broker]:
    with start_broker() as broker:
        yield broker


async def take(connection: PahoConnection, count: int, *, acknowledged: int | None = None) -> list[Message]:
    """The next messages; the first `acknowledged` of them, by default all, are acknowledged."""
    found: list[Message] = []
    async with asyncio.timeout(WAIT_S):
        async for message in connection.messages():
            found.append(message)
            if acknowledged is None or len(found) <= acknowledged:
                connection.acknowledge(message)
            if len(found) == count:
                break
    return found


async def send(connection: PahoConnection, *payloads: bytes, topic: str = CMD) -> None:
    async with asyncio.timeout(WAIT_S):
        for start in range(0, len(payloads), connection.window):
            part = payloads[start : start + connection.window]
            await asyncio.gather(*(connection.publish(topic, payload) for payload in part))


async def settle(connection: PahoConnection) -> None:
    """Wait until the broker has read what this connection acknowledged: it answers what was sent after."""
    await send(connection, b"settled", topic=topics.up(HUB, topics.Up.LIVE))


def payloads(first: int, last: int) -> list[bytes]:
    return [str(number).encode() for number in range(first, last)]


async def subscribe_once(link: Uplink) -> None:
    async with link.connect(will=None, listen_to=DOWN) as connection:
        await connection.ready()


def open_sockets() -> set[str]:
    """Every socket of this process."""
    found = set()
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the listing's own is gone by now
            found.add(str(descriptor.readlink()))
    return {link for link in found if link.startswith("socket:")}


async def test_an_ended_connection_leaves_no_socket_to_the_collector(broker: Broker) -> None:
    gc.collect()
    before = open_sockets()
    gc.disable()
    try:
        async with uplink(broker).connect(will=None, listen_to=DOWN) as ended:
            await ended.ready()
            assert len(open_sockets() - before) >= 3, "one to the broker, two that wake paho's thread"
        with contextlib.suppress(LinkDown):
            await take(ended, 1)
        assert not open_sockets() - before
    finally:
        gc.enable()


async def test_messages_arrive_in_order_and_not_retained(broker: Broker) -> None:
    async with (
        uplink(broker).connect(will=None, listen_to=DOWN) as hub,
        uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud,
    ):
        await hub.ready()
        assert hub.protocol == broker.protocol
        await send(cloud, *payloads(0, 100))
        found = await take(hub, 100)
    assert [message.payload for message in found] == payloads(0, 100)
    assert not any(message.is_retained for message in found)


async def test_what_is_sent_while_the_hub_is_away_waits_for_it(broker: Broker) -> None:
    link = uplink(broker)
    await subscribe_once(link)
    async with uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud:
        await send(cloud, *payloads(0, 300))
    async with link.connect(will=None, listen_to=DOWN) as hub:
        assert hub.has_session
        found = await take(hub, 300)
    assert [message.payload for message in found] == payloads(0, 300)
    assert not any(message.is_retained for message in found)


async def test_what_was_not_acknowledged_comes_again_on_the_next_connection(broker: Broker) -> None:
    link = uplink(broker)
    async with uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud:
        async with link.connect(will=None, listen_to=DOWN) as hub:
            await hub.ready()
            await send(cloud, *payloads(0, 10))
            await take(hub, 10, acknowledged=0)
        await send(cloud, *payloads(10, 15))
        async with link.connect(will=None, listen_to=DOWN) as hub:
            found = await take(hub, 15)
    assert [message.payload for message in found] == payloads(0, 15)


async def test_what_was_acknowledged_does_not_come_again(broker: Broker) -> None:
    link = uplink(broker)
    async with uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud:
        async with link.connect(will=None, listen_to=DOWN) as hub:
            await hub.ready()
            await send(cloud, *payloads(0, 10))
            await take(hub, 10, acknowledged=6)
            await settle(hub)
        await send(cloud, b"last")
        async with link.connect(will=None, listen_to=DOWN) as hub:
            found = await take(hub, 5)
    assert [message.payload for message in found] == [*payloads(6, 10), b"last"]


async def test_acknowledging_out_of_order_reaches_the_broker_in_order(broker: Broker) -> None:
    link = uplink(broker)
    async with uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud:
        async with link.connect(will=None, listen_to=DOWN) as hub:
            await hub.ready()
            await send(cloud, *payloads(0, 4))
            found = await take(hub, 4, acknowledged=0)
            hub.acknowledge(found[3])
            hub.acknowledge(found[1])
            hub.acknowledge(found[0])
            await settle(hub)
        async with link.connect(will=None, listen_to=DOWN) as hub:
            again = await take(hub, 2)
    assert [message.payload for message in again] == payloads(2, 4)


async def test_an_acknowledgement_of_an_ended_connection_reaches_nobody(broker: Broker) -> None:
    link = uplink(broker)
    async with uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud:
        async with link.connect(will=None, listen_to=DOWN) as old:
            await old.ready()
            await send(cloud, *payloads(0, 3))
            found = await take(old, 3, acknowledged=0)
        async with link.connect(will=None, listen_to=DOWN) as hub:
            for message in found:
                old.acknowledge(message)
            assert len(await take(hub, 3, acknowledged=0)) == 3
        async with link.connect(will=None, listen_to=DOWN) as hub:
            assert len(await take(hub, 3)) == 3


async def test_the_will_is_published_when_the_hub_is_cut_off_and_not_after_a_goodbye(broker: Broker) -> None:
    link, will = uplink(broker), Outgoing(STATUS, b"gone", is_retained=True)
    async with uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud:
        await cloud.ready()
        async with link.connect(will=will, listen_to=DOWN) as hub:
            await hub.ready()
            await hub.hang_up("test")
        assert [message.payload for message in await take(cloud, 1)] == [b"gone"]
        async with link.connect(will=will, listen_to=DOWN) as hub:
            await hub.ready()
        async with link.connect(will=will, listen_to=DOWN) as hub:
            await hub.ready()
            hub.abandon()
        await send(cloud, b"end", topic=STATUS)
        assert [message.payload for message in await take(cloud, 2)] == [b"gone", b"end"]


async def test_a_retained_status_greets_a_cloud_that_comes_later(broker: Broker) -> None:
    async with uplink(broker).connect(will=None, listen_to=DOWN) as hub:
        await hub.ready()
        await hub.publish(STATUS, b"here", is_retained=True)
    async with uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud:
        (message,) = await take(cloud, 1)
    assert (message.payload, message.is_retained) == (b"here", True)


async def test_a_newer_connection_of_the_same_hub_takes_over_and_keeps_working(broker: Broker) -> None:
    async with (
        uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud,
        uplink(broker).connect(will=Outgoing(STATUS, b"old gone"), listen_to=DOWN) as old,
    ):
        await asyncio.gather(cloud.ready(), old.ready())
        async with uplink(broker).connect(will=Outgoing(STATUS, b"new gone"), listen_to=DOWN) as new:
            await new.ready()
            with pytest.raises(LinkDown):
                await take(old, 1)
            await send(cloud, *payloads(0, 30))
            assert [message.payload for message in await take(new, 30)] == payloads(0, 30)
            await send(cloud, b"end", topic=STATUS)
            heard: list[bytes] = []
            while b"end" not in heard:
                heard += [message.payload for message in await take(cloud, 1)]
    # mosquitto 2.0 keeps the old will to itself; none may publish the new one, that hub is there.
    assert heard in ([b"old gone", b"end"], [b"end"])


async def test_auto_finds_a_version_that_the_broker_speaks(broker: Broker) -> None:
    link = uplink(broker, protocol=Protocol.AUTO)
    expected = "3.1.1" if broker.kind == "embedded" else "5"
    for _ in range(2):
        async with asyncio.timeout(WAIT_S), link.connect(will=None, listen_to=DOWN) as hub:
            await hub.ready()
            assert hub.protocol == expected


async def test_publishing_without_a_broker_fails_instead_of_waiting(broker: Broker) -> None:
    async with uplink(broker).connect(will=None, listen_to=DOWN) as hub:
        await hub.ready()
        broker.kill()
        with pytest.raises(LinkDown):
            await take(hub, 1)
        with pytest.raises(LinkDown):
            await hub.publish(STATUS, b"x")


async def test_the_largest_payload_arrives_and_a_larger_one_is_never_sent(broker: Broker) -> None:
    async with uplink(broker).connect(will=None, listen_to=UP) as both:
        await both.ready()
        with pytest.raises(PayloadTooLarge):
            both.publish(STATUS, b"x" * (PAYLOAD_MAX + 1))
        await both.publish(STATUS, b"x" * PAYLOAD_MAX)
        (message,) = await take(both, 1)
    assert len(message.payload) == PAYLOAD_MAX


async def test_a_flood_on_a_reader_that_does_not_read_is_held_back_and_lost_nowhere(broker: Broker) -> None:
    link = uplink(broker)
    await subscribe_once(link)
    async with uplink(broker, "cloud").connect(will=None, listen_to=UP) as cloud:
        await send(cloud, *(b"%05d" % number + b"x" * 20_000 for number in range(400)))
    async with link.connect(will=None, listen_to=DOWN) as hub:
        await hub.ready()
        found = await take(hub, 400)
    assert [int(message.payload[:5]) for message in found] == list(range(400))


async def test_an_order_goes_through_and_its_answers_come_back_once_in_order(broker: Broker, tmp_path: Path) -> None:
    cloud = make_cloud(broker)
    async with open_store(tmp_path) as db, running(cloud, make_service(db, uplink(broker))):
        await cloud.wait_for(lambda seen: seen.is_hub_online, WAIT_S)
        good = cloud.order("access_code.create", {"access_code_id": "a", "device_id": FRONT, "code": "271828"})
        bad = cloud.order("access_code.create", {"access_code_id": "b", "device_id": "cellar", "code": "314159"})
        await cloud.ended(bad, WAIT_S)
        assert [event.kind for event in cloud.answers(good)] == ["command.received", "command.accepted"]
        assert [event.kind for event in cloud.answers(bad)] == ["command.received", "command.rejected"]
        assert [event.seq for event in cloud.events] == [1, 2, 3, 4, 5]


async def test_orders_and_events_survive_a_killed_broker_each_once(broker: Broker, tmp_path: Path) -> None:
    cloud = make_cloud(broker, repeat_s=1.0)
    async with open_store(tmp_path) as db, running(cloud, make_service(db, uplink(broker), patience_s=1.0)):
        await cloud.wait_for(lambda seen: seen.is_hub_online, WAIT_S)
        ids = [cloud.order("access_code.delete", {"access_code_id": f"x{number}"}) for number in range(40)]
        await cloud.wait_for(lambda seen: len(seen.events) > 10, WAIT_S)
        await asyncio.to_thread(broker.kill)
        ids += [cloud.order("access_code.delete", {"access_code_id": f"y{number}"}) for number in range(40)]
        await asyncio.to_thread(broker.start)
        await cloud.wait_for(lambda seen: len(seen.events) == 160, WAIT_S)
        assert [event.seq for event in cloud.events] == list(range(1, 161))
        assert {command_id: len(cloud.answers(command_id)) for command_id in ids} == dict.fromkeys(ids, 2)
        await cloud.wait_for(lambda seen: seen.is_hub_online, WAIT_S)


async def test_withheld_receipts_make_the_hub_repeat_and_given_ones_let_it_forget(
    broker: Broker, tmp_path: Path
) -> None:
    cloud = make_cloud(broker)
    cloud.is_receipting = False
    async with open_store(tmp_path) as db, running(cloud, make_service(db, uplink(broker), patience_s=0.3)):
        await cloud.wait_for(lambda seen: seen.is_hub_online, WAIT_S)
        order = cloud.order("access_code.delete", {"access_code_id": "x"})
        await cloud.ended(order, WAIT_S)
        await cloud.wait_for(lambda seen: seen.duplicate_count >= 2, WAIT_S)
        assert await db.read(journal.acknowledged) == 0
        cloud.is_receipting = True
        cloud.receipt()
        async with asyncio.timeout(WAIT_S):
            while await db.read(journal.acknowledged) < 2:
                await cloud.send(b"tick", topics.Down.ACK)
    assert len(cloud.events) == 2


async def test_the_cloud_sees_the_hub_come_stop_and_be_cut_off(broker: Broker, tmp_path: Path) -> None:
    cloud = make_cloud(broker)
    async with open_store(tmp_path) as db, running(cloud):
        async with running(make_service(db, uplink(broker))):
            await cloud.wait_for(lambda seen: seen.is_hub_online, WAIT_S)
        await cloud.wait_for(lambda seen: not seen.is_hub_online, WAIT_S)
    hub = start_hub(tmp_path, broker)
    try:
        async with running(cloud):
            await cloud.wait_for(lambda seen: seen.is_hub_online, WAIT_S)
            hub.kill()
            await cloud.wait_for(lambda seen: not seen.is_hub_online, WAIT_S)
            assert cloud.presence is not None
            assert cloud.presence.session == 2
    finally:
        hub.kill()
        await asyncio.to_thread(hub.wait)


def start_hub(folder: Path, broker: Broker, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.cloud.hub_process", str(folder), str(broker.port), broker.protocol, *more]
    return subprocess.Popen(command)


async def heard_at_least(cloud: Counterpart, count: int, timeout_s: float) -> None:
    await cloud.wait_for(lambda seen: len(seen.events) >= count, timeout_s)


async def live_and_die(cloud: Counterpart, folder: Path, broker: Broker, wanted: int, *, holds: bool) -> None:
    """One life of the hub, killed with -9 in the middle of its work.

    With `holds` it commits and never acknowledges; repetitions may then fill the broker's window before anything new comes
    through, so such a life only gets a little time.
    """
    hub = start_hub(folder, broker, *(["--hold"] if holds else []))
    try:
        if holds:
            with contextlib.suppress(TimeoutError):
                await heard_at_least(cloud, wanted, 1.5)
        else:
            await heard_at_least(cloud, wanted, WAIT_S)
    finally:
        hub.kill()
        await asyncio.to_thread(hub.wait)


async def test_every_order_is_answered_once_over_kills_of_the_hub(broker: Broker, tmp_path: Path) -> None:
    cloud = make_cloud(broker, repeat_s=None)  # nothing is healed by repetition here: the broker has to keep it
    ids: list[str] = []
    await subscribe_once(uplink(broker))
    async with running(cloud):
        for life in range(6):
            ids += [cloud.order("access_code.delete", {"access_code_id": f"{life}-{i}"}) for i in range(15)]
            await live_and_die(cloud, tmp_path, broker, 2 * len(ids) - 24, holds=life % 2 == 1)
        await live_and_die(cloud, tmp_path, broker, 2 * len(ids), holds=False)
    assert [event.seq for event in cloud.events] == list(range(1, 2 * len(ids) + 1))
    kinds = [EventKind.COMMAND_RECEIVED, EventKind.COMMAND_REJECTED]
    assert all([event.kind for event in cloud.answers(command_id)] == kinds for command_id in ids)
