"""Mutual TLS of the uplink, through a TLS door in front of a real broker."""

import asyncio
import datetime
import gc
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.cloud import topics
from gateway.cloud.broker_settings import BrokerSettings, Protocol, TlsFiles
from gateway.cloud.link import LinkDown
from gateway.cloud.uplink import Uplink
from tests.brokers import Broker, start_broker
from tests.cloud.room import HUB

pytestmark = pytest.mark.broker

BEGIN, END = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2120, 1, 1, tzinfo=datetime.UTC)


class Authority:
    """A certificate authority of one test, made right from day one: Python's TLS is strict."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        public = self._key.public_key()
        certificate = (
            self._builder(self._name, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = self._write("ca.pem", certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, begin: datetime.datetime = BEGIN, end: datetime.datetime = END) -> TlsFiles:
        """Files of somebody, signed by this authority; the host name is always localhost."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key.public_key(), begin, end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return TlsFiles(
            ca=self.certificate,
            certificate=self._write(f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM)),
            key=self._write(f"{name}.key", pem),
        )

    def _builder(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        begin: datetime.datetime = BEGIN,
        end: datetime.datetime = END,
    ) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(public)
        return builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)

    def _write(self, name: str, pem: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(pem)
        return path


@pytest.fixture
def broker() -> Iterator[Broker]:
    with start_broker() as broker:
        yield broker


@asynccontextmanager
async def tls_door(broker: Broker, files: TlsFiles) -> AsyncIterator[int]:
    """A port that asks for a certificate and passes on to the broker."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files.ca))
    assert files.certificate is not None
    context.load_cert_chain(files.certificate, files.key)
    context.verify_mode = ssl.CERT_REQUIRED

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(65_536):
                writer.write(part)
                await writer.drain()
        except OSError:
            pass  # one side hung up; so do we
        finally:
            writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(broker.host, broker.port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def hub(port: int, broker: Broker, tls: TlsFiles) -> Uplink:
    return Uplink(BrokerSettings("localhost", port, HUB, protocol=Protocol(broker.protocol), tls=tls))


async def test_with_the_right_certificates_messages_go_through(broker: Broker, tmp_path: Path) -> None:
    fleet = Authority(tmp_path, "fleet")
    async with (
        tls_door(broker, fleet.issue("broker")) as port,
        hub(port, broker, fleet.issue(HUB)).connect(will=None, listen_to=topics.all_up(HUB)) as connection,
    ):
        await connection.ready()
        await connection.publish(topics.up(HUB, topics.Up.EVT), b"sealed")
        assert (await anext(connection.messages())).payload == b"sealed"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # paho leaves the socket of a failed handshake to the collector
async def test_a_broker_of_another_authority_is_not_believed(broker: Broker, tmp_path: Path) -> None:
    fleet, other = Authority(tmp_path, "fleet"), Authority(tmp_path, "other")
    own = fleet.issue(HUB)
    async with tls_door(broker, other.issue("broker")) as port:
        with pytest.raises(LinkDown, match="give the right CA file") as failed:
            async with hub(port, broker, own).connect(will=None, listen_to=topics.all_up(HUB)):
                pass
    assert not failed.value.was_sent
    gc.collect()


async def test_a_hub_of_another_authority_is_sent_away(broker: Broker, tmp_path: Path) -> None:
    fleet, other = Authority(tmp_path, "fleet"), Authority(tmp_path, "other")
    foreign = other.issue(HUB)
    tls = TlsFiles(ca=fleet.certificate, certificate=foreign.certificate, key=foreign.key)
    async with tls_door(broker, fleet.issue("broker")) as port:
        with pytest.raises(LinkDown, match="check"):
            async with hub(port, broker, tls).connect(will=None, listen_to=topics.all_up(HUB)):
                pass
