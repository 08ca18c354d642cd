"""No broker there, or none that can be used: the link is given up, and the error says what to do."""

import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cloud import topics
from gateway.cloud.broker_settings import BrokerSettings, TlsFiles
from gateway.cloud.link import LinkDown
from gateway.cloud.uplink import Uplink
from tests.brokers import Broker, free_port, start_broker
from tests.cloud.room import HUB

pytestmark = pytest.mark.broker

DOWN = topics.all_down(HUB)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with start_broker() as broker:
        yield broker


def settings(port: int, **changes: object) -> BrokerSettings:
    return BrokerSettings("127.0.0.1", port, HUB, **changes)  # type: ignore[arg-type]  # the test's own keywords


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def fail_to_connect(link: Uplink) -> LinkDown:
    with pytest.raises(LinkDown) as failed:
        async with link.connect(will=None, listen_to=DOWN):
            pass
    return failed.value


async def test_nobody_there_says_what_to_do() -> None:
    down = await fail_to_connect(Uplink(settings(free_port())))
    assert "start the broker" in down.cause
    assert not down.was_sent


async def test_an_unknown_host_says_what_to_do() -> None:
    down = await fail_to_connect(Uplink(BrokerSettings("no-such-host.invalid", 1883, HUB)))
    assert "correct the host" in down.cause
    assert not down.was_sent


async def test_missing_tls_files_say_what_to_do(tmp_path: Path) -> None:
    files = TlsFiles(ca=tmp_path / "no.pem")
    with silent_server() as port:
        down = await fail_to_connect(Uplink(settings(port, tls=files)))
    assert "TLS files" in down.cause


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # paho leaves the socket of a failed handshake to the collector
async def test_tls_towards_a_plain_port_says_what_to_do(broker: Broker) -> None:
    down = await fail_to_connect(Uplink(settings(broker.port, tls=TlsFiles(), connect_timeout_s=2.0)))
    assert "cannot reach" in down.cause
    gc.collect()


async def test_something_that_is_no_broker_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cloud.uplink.connection.CONNACK_TIMEOUT_S", 0.2)
    with silent_server() as port:
        down = await fail_to_connect(Uplink(settings(port)))
    assert "does not answer as an MQTT broker" in down.cause


def test_the_password_is_not_in_the_repr() -> None:
    assert "secret" not in repr(settings(1, username="u", password="secret"))
