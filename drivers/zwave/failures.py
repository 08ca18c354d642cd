"""Pure: what a failed Z-Wave call tells, as the failures of the lock port.

One question decides: may the command have reached the lock? Z-Wave JS sends a frame up to three times and gives one
error for all of them, so an error after the first transmission never proves that nothing was executed: a lost
acknowledge, a stick that stopped answering, or a server that died all hide an executed write. A write that was
accepted by the server and then failed is therefore `Ambiguous`; `Unreachable` is kept for what was never sent.

Codes are those of `ZWaveErrorCodes` in @zwave-js/core 15.29 (`ZW0204` in its texts).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from gateway.model.answers import Ambiguous, RefusalReason, Refused
from gateway.model.failures import Busy, LockFailure, Part, Unreachable, Unsupported

TEXT_LENGTH_MAX: Final = 120
"""How much of a foreign text is kept in a cause; one line on a terminal."""

JAM_RETRY_MS: Final = 15_000
"""When to come back to a jammed radio. Source: Z-Wave JS itself gives up after 5 tries of 1 s, so the jam lasts; 15 s is
the first step of the product's own retry (A8)."""


class Fate(StrEnum):
    """What became of a command that failed."""

    NOT_SENT = "not_sent"
    IN_DOUBT = "in_doubt"
    JAMMED = "jammed"
    REFUSED = "refused"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed call: its fate, the part that is to blame, and one cleaned line for a person."""

    fate: Fate
    part: Part
    cause: str


class CallFailed(Exception):  # noqa: N818 - named after what happened; a lock translates it at once
    """A call to the server did not bring a result. Carries the `Failure`; never leaves the driver."""

    def __init__(self, failure: Failure) -> None:
        """The text is the cleaned cause."""
        super().__init__(failure.cause)
        self.failure = failure


CONNECTION_LOST: Final = Failure(
    Fate.IN_DOUBT, Part.SERVER, "the connection to the Z-Wave server broke during the call"
)
NOT_CONNECTED: Final = Failure(Fate.NOT_SENT, Part.SERVER, "not connected to the Z-Wave server")
TIMED_OUT: Final = Failure(Fate.IN_DOUBT, Part.SERVER, "the Z-Wave server gave no result in time")

_CODES: Final[Mapping[int, tuple[Fate, Part, str]]] = {
    100: (Fate.IN_DOUBT, Part.STICK, "the Z-Wave driver failed"),
    101: (Fate.IN_DOUBT, Part.STICK, "the Z-Wave driver was reset"),
    102: (Fate.IN_DOUBT, Part.SERVER, "the Z-Wave driver was shut down"),
    # A server that takes calls was ready once; Z-Wave JS 15.29 says this of a stick that fell into its bootloader.
    103: (Fate.NOT_SENT, Part.STICK, "the stick does not run its firmware"),
    109: (Fate.NOT_SENT, Part.SERVER, "the Z-Wave server has no key for this lock"),
    111: (Fate.IN_DOUBT, Part.SERVER, "the Z-Wave driver dropped the command"),
    112: (Fate.IN_DOUBT, Part.STICK, "the stick was unplugged"),
    200: (Fate.IN_DOUBT, Part.STICK, "the stick does not answer"),
    201: (Fate.IN_DOUBT, Part.LOCK, "the lock did not answer"),
    202: (Fate.IN_DOUBT, Part.STICK, "the stick did not take the command"),
    203: (Fate.IN_DOUBT, Part.STICK, "the stick refused the command"),
    204: (Fate.IN_DOUBT, Part.LOCK, "the lock did not acknowledge"),
    205: (Fate.JAMMED, Part.STICK, "the radio is jammed"),
    206: (Fate.IN_DOUBT, Part.STICK, "the stick was reset"),
    211: (Fate.NOT_SENT, Part.LOCK, "the lock is not in this network"),
    212: (Fate.NOT_SENT, Part.LOCK, "the lock has no such endpoint"),
    213: (Fate.IN_DOUBT, Part.LOCK, "the lock was removed from the network"),
    215: (Fate.IN_DOUBT, Part.LOCK, "the command expired before the lock could be reached"),
    217: (Fate.NOT_SENT, Part.STICK, "the command does not fit one frame"),
    302: (Fate.NEVER, Part.LOCK, "the lock does not know this command"),
    303: (Fate.NEVER, Part.LOCK, "the Z-Wave driver does not know this command"),
    304: (Fate.NEVER, Part.LOCK, "the Z-Wave driver has no such call"),
    322: (Fate.NEVER, Part.LOCK, "the Z-Wave driver does not take these arguments"),
    1100: (Fate.REFUSED, Part.LOCK, "the lock refused"),
    1403: (Fate.NOT_SENT, Part.LOCK, "the lock is not included securely"),
    1405: (Fate.IN_DOUBT, Part.LOCK, "the lock could not decode the command"),
}

_PORT_CLOSED: Final = "serial port is not open"
_BAD_CODE: Final = "user code must consist of"
"""Z-Wave JS 15.29, UserCodeCC.setMany: the PIN breaks what the lock itself declared (ZW0322)."""

_JAMMED_TEXT: Final = re.compile(
    r"failed to send the command after \d+ attempts|transmission queue full", re.IGNORECASE
)
"""Two kinds of ZW0202 in which the stick says that it transmitted nothing and will again (Z-Wave JS 15.29)."""

_DIGITS: Final = re.compile(r"\d{4,}")


def clean(text: str) -> str:
    """A foreign text made fit for a person: no control characters, nothing that could be a PIN (N1), cut."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return _DIGITS.sub("••••", " ".join(printable.split()))[:TEXT_LENGTH_MAX]


def from_code(code: int, text: str) -> Failure:
    """Judge an error of Z-Wave JS by its code, and by its text where one code means several things."""
    fate, part, cause = _CODES.get(code, (Fate.IN_DOUBT, _part_of(code), clean(text)))
    lowered = text.lower()
    if code == 202 and _PORT_CLOSED in lowered:
        cause = "the stick is unplugged"
    elif code == 202 and _JAMMED_TEXT.search(text):
        fate, cause = Fate.JAMMED, "the radio is jammed"
    elif code == 322 and _BAD_CODE in lowered:
        fate, cause = Fate.REFUSED, "the lock does not take this kind of PIN"
    return Failure(fate, part, f"{cause} (ZW{code:04d})")


def from_server(error_code: str, text: str) -> Failure:
    """Judge an error of the server around Z-Wave JS, such as `node_not_found`."""
    match error_code:
        case "node_not_found":
            return Failure(Fate.NOT_SENT, Part.LOCK, "the lock is not in this network")
        case "endpoint_not_found":
            return Failure(Fate.NOT_SENT, Part.LOCK, "the lock has no such endpoint")
        case "unknown_command" | "schema_incompatible":
            return Failure(Fate.NEVER, Part.SERVER, "the Z-Wave server does not know this command")
        case _:
            return Failure(Fate.IN_DOUBT, Part.SERVER, clean(f"{error_code}: {text}"))


def of_read(failure: Failure) -> LockFailure:
    """The exception that a failed read raises. A read changes nothing, so doubt does not matter."""
    match failure.fate:
        case Fate.NOT_SENT | Fate.IN_DOUBT:
            return Unreachable(failure.part, failure.cause)
        case Fate.JAMMED:
            return Busy(JAM_RETRY_MS, failure.cause)
        case Fate.REFUSED | Fate.NEVER:
            return Unsupported(failure.cause)
        case _:
            assert_never(failure.fate)


def of_write(failure: Failure) -> Ambiguous | Refused | LockFailure:
    """The answer of a failed write, or the exception that it raises when surely nothing was executed."""
    match failure.fate:
        case Fate.NOT_SENT:
            return Unreachable(failure.part, failure.cause)
        case Fate.IN_DOUBT | Fate.JAMMED:
            # A jam may follow a first try whose acknowledge alone was lost: the module's text says why.
            return Ambiguous(failure.cause)
        case Fate.REFUSED:
            return Refused(RefusalReason.CONSTRAINTS if "PIN" in failure.cause else RefusalReason.UNSPECIFIED)
        case Fate.NEVER:
            return Unsupported(failure.cause)
        case _:
            assert_never(failure.fate)


def _part_of(code: int) -> Part:
    # Ranges of ZWaveErrorCodes: 100 driver, 200 controller, 300 and 1000 upwards command classes.
    if 200 <= code < 300:
        return Part.STICK
    return Part.LOCK if code >= 300 else Part.SERVER
