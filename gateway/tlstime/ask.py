"""Asks web servers for the time over TLS: a `HEAD` each, all at once, and what they agree on.

Certificates and host names are verified as always, with one exception: whether they are valid *now* is not asked of the hub's wall
clock, which may show 1970, but of the date that the server tells (`answer.py`).
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, override

from gateway.model.instant import SECOND_MS, Instant
from gateway.model.lock_clock import TimeTold
from gateway.ports import TimeWitness
from gateway.tlstime.answer import NotTold, Span, Validity, agreed, span_of

log = logging.getLogger(__name__)

HTTPS_PORT = 443
ASK_LIMIT_S = 10.0
"""Connect, handshake and answer; a slower answer would say little about the time."""

HEAD_MAX = 16 * 1024
"""A longer head is no answer to so short a question."""

HOSTS_MAX = 8

NO_CHECK_TIME = 0x20_0000
"""X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h, X509_VERIFY_PARAM_set_flags(3)); Python has no name for it."""


@dataclass(frozen=True, slots=True)
class Host:
    """A web server that is believed about the time."""

    name: str
    port: int = HTTPS_PORT

    @override
    def __str__(self) -> str:
        """For people."""
        return self.name if self.port == HTTPS_PORT else f"{self.name}:{self.port}"


class TlsWitness(TimeWitness):
    """The witness over some hosts. `ca_file` holds the authorities to believe; None: the system's own."""

    def __init__(self, hosts: Sequence[Host], ca_file: Path | None = None) -> None:
        assert 0 < len(hosts) <= HOSTS_MAX, "somebody is to be asked, and not the whole world"
        self._hosts = tuple(hosts)
        self._ca_file = ca_file

    @override
    async def tell(self) -> TimeTold | None:
        """Ask all at once. None when too few answer what can be believed, or they do not agree."""
        context = self._context()
        async with asyncio.TaskGroup() as tasks:
            asking = [tasks.create_task(_ask(host, context), name=f"time from {host}") for host in self._hosts]
        now_s = asyncio.get_running_loop().time()
        heard = [found for task in asking if (found := task.result()) is not None]
        told = agreed([span.later(round((now_s - at_s) * SECOND_MS)) for span, at_s in heard], len(self._hosts))
        if told is None and len(heard) > 1:
            log.warning("tlstime.no_agreement", extra={"answers": len(heard), "asked": len(self._hosts)})
        return told

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=None if self._ca_file is None else str(self._ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_flags |= NO_CHECK_TIME
        return context


async def _ask(host: Host, context: ssl.SSLContext) -> tuple[Span, float] | None:
    """One answer and when it arrived, by the loop's time; None when there is none that could be believed."""
    try:
        async with asyncio.timeout(ASK_LIMIT_S):
            return await _head(host, context)
    except ssl.SSLCertVerificationError as error:
        _unheard(host, f"its certificate is not believed ({error.verify_message})")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        _unheard(host, "its answer has no end")
    except NotTold as error:
        _unheard(host, str(error))
    except (
        ValueError
    ):  # one host's oddity must not silence the others: a name with an empty part, a certificate without dates
        _unheard(host, "its name or its certificate cannot be read: correct the host in the configuration")
    except (OSError, TimeoutError) as error:
        _unheard(host, str(error) or type(error).__name__)
    return None


async def _head(host: Host, context: ssl.SSLContext) -> tuple[Span, float]:
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection(
        host.name, host.port, ssl=context, server_hostname=host.name, limit=HEAD_MAX
    )
    try:
        asked_s = loop.time()
        lines = (
            "HEAD / HTTP/1.1",
            f"Host: {host}",
            "User-Agent: keypad-gateway",
            "Cache-Control: no-cache",
            "Connection: close",
        )
        writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii"))
        head = await reader.readuntil(b"\r\n\r\n")
        at_s = loop.time()
        took_ms = round((at_s - asked_s) * SECOND_MS)
        return span_of(head, took_ms, _validity(writer.get_extra_info("peercert"))), at_s
    finally:
        writer.transport.abort()


def _validity(certificate: object) -> Validity:
    shown = cast("dict[str, str]", certificate)
    begins_s, ends_s = (ssl.cert_time_to_seconds(shown[name]) for name in ("notBefore", "notAfter"))
    return Validity(Instant(begins_s * SECOND_MS), Instant(ends_s * SECOND_MS))


def _unheard(host: Host, why: str) -> None:
    log.info("tlstime.unheard", extra={"host": str(host), "cause": why[:200]})
