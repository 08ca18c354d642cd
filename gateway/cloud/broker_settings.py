"""Where the broker is and how to speak to it, and what to tell a person when that fails."""

import socket
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

KEEPALIVE_S = 60
"""Silence after which both sides look whether the other is there; below the idle time-outs of common home routers."""

CONNECT_TIMEOUT_S = 10.0


class Protocol(StrEnum):
    """Which MQTT to speak. `auto` tries 5, then 3.1.1, and keeps what worked."""

    AUTO = "auto"
    V5 = "5"
    V311 = "3.1.1"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of a TLS connection. Without `ca` the system's own are believed; `certificate` and `key` are this hub's."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Read the files. Raises `OSError` (`ssl.SSLError` is one) when they are missing or no PEM."""
        context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """One broker and who we are there. The password stays out of the repr."""

    host: str
    port: int
    client_id: str
    protocol: Protocol = Protocol.AUTO
    keepalive_s: int = KEEPALIVE_S
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsFiles | None = None

    @property
    def address(self) -> str:
        """Host and port for people."""
        return f"{self.host}:{self.port}"


_REFUSALS = {
    1: "does not speak this MQTT version: set the protocol to auto",
    2: "refuses our client id: give the hub another id",
    3: "is unavailable for now; trying again",
    4: "refuses user name or password: correct them in the configuration",
    5: "does not let this client in: check user name, certificate and the broker's rules",
    132: "does not speak this MQTT version: set the protocol to auto",
    133: "refuses our client id: give the hub another id",
    134: "refuses user name or password: correct them in the configuration",
    135: "does not let this client in: check user name, certificate and the broker's rules",
    136: "is unavailable for now; trying again",
    137: "is busy; trying again",
    138: "has banned this client: ask its operator",
    139: "is shutting down; trying again",
    141: "missed our keep-alive; trying again",
    142: "gave our session to another client: two hubs use the same id, change one of them",
    154: "keeps no retained messages: the hub sends it none from now on",
    159: "asks for fewer connects; trying again later",
}
"""What to do about the reason codes that a hub can meet (MQTT 3.1.1 table 3.1, MQTT 5 table 2-6)."""


def refusal_sentence(settings: BrokerSettings, code: int, name: str) -> str:
    """One line for a broker's reason code."""
    return (
        f"{settings.address} {_REFUSALS.get(code, f'ended the connection ({name.lower()}, code {code}); trying again')}"
    )


def trouble_sentence(settings: BrokerSettings, error: Exception) -> str:
    """One line for a connection that could not even be made."""
    match error:
        case ConnectionRefusedError():
            told = "nothing listens there: start the broker, or correct host and port"
        case socket.gaierror():
            told = "the name is not known: correct the host, or check the network"
        case ssl.SSLCertVerificationError():
            told = f"its certificate is not believed ({error.verify_message}): give the right CA file, check the clock"
        case ssl.SSLError():
            told = f"no TLS there, or other files needed ({error.reason}): check port, certificate and key"
        case FileNotFoundError() | PermissionError():
            told = f"{error.filename} cannot be read: correct the TLS files in the configuration"
        case TimeoutError():
            told = f"no answer within {settings.connect_timeout_s:.0f} s: check the network and the host"
        case OSError():
            told = f"{error.strerror or type(error).__name__}: check the network"
        case _:
            told = f"{error}: correct the configuration"
    return f"cannot reach {settings.address}: {told}"
