"""One node's side of Security 0 (command class 0x98): single-use nonces, AES-OFB, a CBC-MAC, and messages in two frames.

Theory. Whoever wants to send asks for a nonce of eight bytes first, adds eight of its own, and seals one message with the pair; the
nonce is worth nothing afterwards. So a command costs three messages, and a command with an answer six.

    98 40                                    Nonce Get
    98 80 nonce(8)                           Nonce Report
    98 81 own(8) sealed(1 + n) id mac(8)     Message Encapsulation; id is the first byte of the nonce used
    98 C1 …                                  the same, and: send me another nonce, there is more

The first sealed byte counts frames: bit 4 says that the message is in two frames, bit 5 that this is the second, bits 0 to 3 number the
message. Source: SDS10865 (Security 0), checked against Z-Wave JS. Time is handed in, in seconds; nothing here waits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drivers.simulator.radio.security.crypto import BLOCK_BYTES, KEY_BYTES
from drivers.simulator.radio.security.s2 import Received, SecurityClass

COMMAND_CLASS: Final = 0x98
NONCE_GET: Final = 0x40
NONCE_REPORT: Final = 0x80
ENCAPSULATION: Final = 0x81
ENCAPSULATION_NONCE_GET: Final = 0xC1
ENVELOPE_COMMANDS: Final = frozenset({NONCE_GET, NONCE_REPORT, ENCAPSULATION, ENCAPSULATION_NONCE_GET})

HALF_NONCE_BYTES: Final = 8
MAC_BYTES: Final = 8

PART_BYTES_MAX: Final = 26
"""Most plain bytes in one frame: a payload of 46 less class, command, own nonce 8, counter 1, nonce id 1 and MAC 8 (SDS10865)."""

PARTS_MAX: Final = 2
"""A message is in one frame or in two (SDS10865, sequencing)."""

NONCE_LIFE_S: Final = 10.0
"""How long a nonce we gave may be used. SDS10865: at least 3 s, 10 s recommended, 20 s at most."""

NONCES_MAX: Final = 8
"""Nonces out at one time; the oldest goes first. A host uses one, or two when it was interrupted."""

PARTIAL_LIFE_S: Final = 10.0
"""How long the first half of a message waits for the second: as long as the nonce that was sent for it lives."""

TEMPORARY_KEY: Final = bytes(KEY_BYTES)
"""The key under which an inclusion hands over the real one: sixteen zeros (SDS10865, Network Key Set)."""

_AUTHENTICATION = bytes([0x55]) * BLOCK_BYTES
_ENCRYPTION = bytes([0xAA]) * BLOCK_BYTES
_SEQUENCED, _SECOND, _COUNTER_MASK = 0x10, 0x20, 0x0F
_HEAD_BYTES = 2 + HALF_NONCE_BYTES
_TAIL_BYTES = 1 + MAC_BYTES


@dataclass(frozen=True, slots=True)
class S0Keys:
    """What one network key becomes."""

    authentication: bytes = field(repr=False)
    encryption: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Given:
    """A nonce we gave, to whom, and until when it is good."""

    nonce: bytes = field(repr=False)
    peer: int
    until: float


@dataclass(frozen=True, slots=True)
class _Half:
    """The first half of a message."""

    counter: int
    plain: bytes = field(repr=False)
    until: float


def derive(key: bytes) -> S0Keys:
    """Derive the working keys from a network key of 16 bytes (SDS10865): it encrypts a constant for each."""
    return S0Keys(_encrypt(key, _AUTHENTICATION), _encrypt(key, _ENCRYPTION))


def ofb(key: bytes, start: bytes, text: bytes) -> bytes:
    """Encrypt or decrypt with AES-OFB (SP 800-38A, 6.4); `start` is the 16-byte initialization vector."""
    stream, block = b"", start
    while len(stream) < len(text):
        block = _encrypt(key, block)
        stream += block
    return bytes(a ^ b for a, b in zip(text, stream, strict=False))


def cbc_mac(key: bytes, message: bytes) -> bytes:
    """Give the first 8 bytes of the last block of AES-CBC from a zero vector, the message padded with zeros (SDS10865)."""
    padded = message + bytes(-len(message) % BLOCK_BYTES)
    encryptor = Cipher(algorithms.AES128(key), modes.CBC(bytes(BLOCK_BYTES))).encryptor()
    return encryptor.update(padded)[-BLOCK_BYTES:][:MAC_BYTES]


def split(plain: bytes) -> list[bytes] | None:
    """Cut a message into what fits one frame each; None when even two do not hold it."""
    parts = [plain[at : at + PART_BYTES_MAX] for at in range(0, len(plain), PART_BYTES_MAX)] or [b""]
    return parts if len(parts) <= PARTS_MAX else None


class S0Endpoint:
    """One node's Security 0: the key, the nonces it gave, and the nonce each peer gave it."""

    def __init__(self, node_id: int, key: bytes, entropy: Callable[[int], bytes]) -> None:
        """Take the network key (16 bytes; `TEMPORARY_KEY` before an inclusion) and a source of chance."""
        self._node_id = node_id
        self._keys = derive(key)
        self._entropy = entropy
        self._given: list[_Given] = []
        self._got: dict[int, bytes] = {}
        self._halves: dict[int, _Half] = {}
        self._counter = 0

    def use(self, key: bytes) -> None:
        """Change to the key that an inclusion handed over."""
        self._keys = derive(key)

    def receive(self, src: int, payload: bytes, at: float) -> Received:
        """Take one frame that starts with 0x98 and say what it means; see `Received`."""
        command = payload[1] if len(payload) > 1 else 0
        if command == NONCE_GET:
            return Received(None, None, self._give(src, at), "nonce_get")
        if command == NONCE_REPORT and len(payload) >= 2 + HALF_NONCE_BYTES:
            self._got[src] = payload[2 : 2 + HALF_NONCE_BYTES]
            return Received(None, None, None, "nonce_report")
        if command in (ENCAPSULATION, ENCAPSULATION_NONCE_GET):
            plain = self._opened(src, payload, at)
            reply = self._give(src, at) if command == ENCAPSULATION_NONCE_GET and plain is not None else None
            return self._put_together(src, plain, reply, at)
        return Received(None, None, None, "undecodable")

    def seal(self, dst: int, part: bytes, *, place: int = 0, count: int = 1) -> bytes | None:
        """Seal part `place` of `count` for `dst`, or None when it gave no nonce that is still unused.

        Raises ValueError for a part above `PART_BYTES_MAX`.
        """
        if len(part) > PART_BYTES_MAX:
            msg = f"a frame holds {PART_BYTES_MAX} bytes, not {len(part)}"
            raise ValueError(msg)
        nonce = self._got.pop(dst, None)
        if nonce is None:
            return None
        has_more = place + 1 < count
        if count > 1 and place == 0:
            self._counter = (self._counter + 1) & _COUNTER_MASK
        control = 0 if count == 1 else _SEQUENCED | self._counter | (_SECOND if place else 0)
        command = ENCAPSULATION_NONCE_GET if has_more else ENCAPSULATION
        own = self._entropy(HALF_NONCE_BYTES)
        sealed = ofb(self._keys.encryption, own + nonce, bytes([control]) + part)
        mac = self._mac(own + nonce, command, self._node_id, dst, sealed)
        return bytes([COMMAND_CLASS, command]) + own + sealed + nonce[:1] + mac

    def nonce_get(self) -> bytes:
        """Give the frame that asks for a nonce."""
        return bytes([COMMAND_CLASS, NONCE_GET])

    def forget(self) -> None:
        """Lose every nonce, as when a battery is pulled."""
        self._given.clear()
        self._got.clear()
        self._halves.clear()

    def _give(self, peer: int, at: float) -> bytes:
        self._given = [given for given in self._given if given.until > at][-(NONCES_MAX - 1) :]
        taken = {given.nonce[0] for given in self._given}
        nonce = self._entropy(HALF_NONCE_BYTES)
        while nonce[0] in taken:
            # Its first byte is its name on the wire, so no two that live may share it. Ends: at most seven names are taken.
            nonce = bytes([(nonce[0] + 1) & 0xFF]) + nonce[1:]
        self._given.append(_Given(nonce, peer, at + NONCE_LIFE_S))
        return bytes([COMMAND_CLASS, NONCE_REPORT]) + nonce

    def _opened(self, src: int, payload: bytes, at: float) -> bytes | None:
        """Return counter byte and plain text; None when the nonce is unknown, used or too old, or the MAC is wrong."""
        if len(payload) < _HEAD_BYTES + 1 + _TAIL_BYTES:
            return None
        own, sealed = payload[2:_HEAD_BYTES], payload[_HEAD_BYTES:-_TAIL_BYTES]
        name, mac = payload[-_TAIL_BYTES], payload[-MAC_BYTES:]
        for given in self._given:
            if given.nonce[0] == name and given.peer == src:
                # Once tried it is spent, whether or not the message was genuine (SDS10865).
                self._given.remove(given)
                start = own + given.nonce
                if given.until <= at or self._mac(start, payload[1], src, self._node_id, sealed) != mac:
                    return None
                return ofb(self._keys.encryption, start, sealed)
        return None

    def _put_together(self, src: int, opened: bytes | None, reply: bytes | None, at: float) -> Received:
        if opened is None:
            return Received(None, None, None, "undecodable")
        control, plain = opened[0], opened[1:]
        if not control & _SEQUENCED:
            return Received(plain, SecurityClass.S0_LEGACY, reply, "message")
        counter = control & _COUNTER_MASK
        if not control & _SECOND:
            self._halves[src] = _Half(counter, plain, at + PARTIAL_LIFE_S)
            return Received(None, None, reply, "partial")
        half = self._halves.pop(src, None)
        if half is None or half.counter != counter or half.until <= at:
            return Received(None, None, None, "undecodable")
        return Received(half.plain + plain, SecurityClass.S0_LEGACY, reply, "message")

    def _mac(self, start: bytes, command: int, src: int, dst: int, sealed: bytes) -> bytes:
        """Authenticate both halves of the nonce, who speaks to whom, and the sealed bytes (SDS10865, MAC)."""
        head = bytes([command, src & 0xFF, dst & 0xFF, len(sealed)])
        # The nonce is the first block of the chain; from a zero vector that is the same as starting with its encryption.
        return cbc_mac(self._keys.authentication, start + head + sealed)


def _encrypt(key: bytes, block: bytes) -> bytes:
    """Encrypt one block with AES alone: what key derivation and OFB are made of."""
    return Cipher(algorithms.AES128(key), modes.ECB()).encryptor().update(block)  # noqa: S305 - a block, not a text
