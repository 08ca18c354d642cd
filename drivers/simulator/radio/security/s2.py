"""One node's side of Security 2 for all its peers: what arrives, what may be sent, what must be answered at once.

Theory. The endpoint is a state machine without time or I/O: frames in, frames out. Three commands exist here.

    9F 01 seq                       Nonce Get: send me your entropy
    9F 02 seq flags [entropy 16]    Nonce Report: flag SOS set = here is my entropy, we share no nonce any more
    9F 03 seq flags [ext] sealed    Message Encapsulation

A message that cannot be decrypted is answered with a Nonce Report (SOS); the sender then repeats it with a SPAN
extension. The caller carries `Received.reply` to the radio and repeats its own last message after a `nonce_report`.
Key exchange, S2 multicast and Commands Supported Report are not done here: the first is `kex`, the last belongs to the
node. Source: SDS13783 (command class 0x9F).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, assert_never

from drivers.simulator.radio.security.crypto import (
    ENTROPY_BYTES,
    KEY_BYTES,
    TAG_BYTES,
    NetworkKeys,
    TempKeys,
    expand_network_key,
    seal,
)
from drivers.simulator.radio.security.span import (
    LOOK_AHEAD_STEPS,
    LocalNonce,
    NoSpan,
    RemoteNonce,
    Span,
    SpanState,
    agree,
)

COMMAND_CLASS: Final = 0x9F
NONCE_GET: Final = 0x01
NONCE_REPORT: Final = 0x02
MESSAGE_ENCAPSULATION: Final = 0x03

PEERS_MAX: Final = 232
"""Peers remembered at once; the longest unheard one is forgotten first. Source: G.9959, 232 nodes in a network."""

LONG_RANGE_FIRST_NODE_ID: Final = 256
"""From here on node ids are two bytes wide in the authenticated header. Source: Z-Wave Long Range node id range."""

_HOME_ID_BYTES: Final = 4
_ENCAPSULATION_HEADER_BYTES: Final = 4  # command class, command, sequence number, flags
_EXTENSION_HEADER_BYTES: Final = 2  # length, type
_NONCE_GET_BYTES: Final = 3
_NONCE_REPORT_BYTES: Final = 4 + ENTROPY_BYTES

_FLAG_SOS: Final = 0x01
_FLAG_EXTENSION: Final = 0x01
_FLAG_ENCRYPTED_EXTENSION: Final = 0x02

_EXTENSION_MORE: Final = 0x80
_EXTENSION_CRITICAL: Final = 0x40
_EXTENSION_TYPE_MASK: Final = 0x3F
_EXTENSION_SPAN: Final = 0x01
_EXTENSION_TYPES_KNOWN: Final = frozenset({0x01, 0x02, 0x03, 0x04})  # SPAN, MPAN, MGRP, MOS


class SecurityClass(StrEnum):
    """The keys a message can be sealed with, by the names of the keys file; lowest first."""

    S0_LEGACY = "s0_legacy"
    """The older Security class (0x98). It is in this list because an S2 key exchange may hand its key over too."""
    UNAUTHENTICATED = "s2_unauthenticated"
    AUTHENTICATED = "s2_authenticated"
    ACCESS_CONTROL = "s2_access_control"
    TEMPORARY = "temporary"
    """The key of an inclusion in progress; nobody is granted it for good."""


HIGHEST_FIRST: Final = (SecurityClass.ACCESS_CONTROL, SecurityClass.AUTHENTICATED, SecurityClass.UNAUTHENTICATED)
"""The S2 classes, in the order in which granted keys are tried on a first message: the one in daily use comes first."""

type ReceivedKind = Literal["message", "partial", "nonce_get", "nonce_report", "duplicate", "undecodable"]


@dataclass(frozen=True, slots=True)
class Received:
    """What one arriving S2 frame means.

    `plain` and `security` are set for a `message` only; `plain` may be empty (a message that carries extensions alone)
    and is kept out of `repr`, for it may hold a PIN. `reply` is a Nonce Report that must be sent back at once. An
    `undecodable` without a reply is malformed or must be ignored: it gives the peer nothing to repeat.
    """

    plain: bytes | None = field(repr=False)
    security: SecurityClass | None
    reply: bytes | None = field(repr=False)
    kind: ReceivedKind


_IGNORED: Final = Received(None, None, None, "undecodable")
_DUPLICATE: Final = Received(None, None, None, "duplicate")


@dataclass(frozen=True, slots=True)
class _Extensions:
    """The extensions at the head of a payload: the peer's entropy if given, and where the rest starts."""

    sender_entropy: bytes | None
    end: int
    is_acceptable: bool
    """False when a critical extension is not known: the command must then be dropped (SDS13783, Critical flag)."""


@dataclass(slots=True)
class _Peer:
    """What is remembered of one peer. Changed by the endpoint only."""

    sequence: int
    """Sequence number of our latest frame to it, 0..255."""
    last_heard: int | None = None
    """Sequence number of its latest frame. One is remembered: Z-Wave JS 15.29 does the same, as more
    confuses the certification tool; a replay that passes here still fails at the nonce."""
    state: SpanState[SecurityClass] = NoSpan()  # noqa: RUF009 - frozen and without fields


class S2Endpoint:
    """One node's Security 2: keys it was granted, and a shared nonce with every peer it talks to."""

    def __init__(
        self,
        home_id: bytes,
        node_id: int,
        keys: Mapping[SecurityClass, bytes],
        entropy: Callable[[int], bytes],
    ) -> None:
        """Take the granted keys, 16 bytes each, and a source of chance: `entropy(n)` gives n bytes.

        Raises ValueError when home id (4 bytes) or a key has the wrong length; the text never shows the key.
        """
        if len(home_id) != _HOME_ID_BYTES:
            msg = f"a home id has {_HOME_ID_BYTES} bytes, not {len(home_id)}"
            raise ValueError(msg)
        for name, key in keys.items():
            if len(key) != KEY_BYTES:
                msg = f"the {name.value} key has {len(key)} bytes, must be {KEY_BYTES}"
                raise ValueError(msg)
        self._home_id = home_id
        self._node_id = node_id
        self._keys: dict[SecurityClass, NetworkKeys | TempKeys] = {
            name: expand_network_key(keys[name]) for name in HIGHEST_FIRST if name in keys
        }
        self._entropy = entropy
        self._peers: dict[int, _Peer] = {}

    def has(self, name: SecurityClass) -> bool:
        """Say whether the key of this class is there."""
        return name in self._keys

    def use(self, name: SecurityClass, key: bytes) -> None:
        """Add a network key of 16 bytes, as a key exchange hands it over."""
        self._keys[name] = expand_network_key(key)

    def use_temporary(self, keys: TempKeys | None) -> None:
        """Add the keys of an inclusion in progress, or with None drop them; what was agreed under others stays."""
        if keys is None:
            self._keys.pop(SecurityClass.TEMPORARY, None)
        else:
            self._keys[SecurityClass.TEMPORARY] = keys

    def drop(self, name: SecurityClass) -> None:
        """Forget a key that was handed over."""
        self._keys.pop(name, None)

    def receive(self, src: int, payload: bytes) -> Received:
        """Take one frame that starts with 0x9F from `src` and say what it means; see `Received`."""
        if len(payload) < _NONCE_GET_BYTES or payload[0] != COMMAND_CLASS:
            return _IGNORED
        command = payload[1]
        if not _is_well_formed(command, payload):
            return _IGNORED
        peer = self._peer(src)
        sequence = payload[2]
        if sequence == peer.last_heard:
            return _DUPLICATE
        peer.last_heard = sequence
        if command == NONCE_GET:
            return Received(None, None, self._nonce_report(peer), "nonce_get")
        if command == NONCE_REPORT:
            peer.state = RemoteNonce(payload[4:_NONCE_REPORT_BYTES])
            return Received(None, None, None, "nonce_report")
        return self._decapsulate(src, peer, payload)

    def encapsulate(self, dst: int, plain: bytes, security: SecurityClass) -> bytes | None:
        """Give the encrypted frame for `dst`, or None when nothing is agreed with it under this security class.

        After None the caller sends `nonce_get(dst)` and tries again when `receive` reported a `nonce_report`.
        Each call uses up one nonce, so a repetition on the radio must reuse the frame or call again, never both.
        Raises ValueError when the node was not granted this class.
        """
        keys = self._keys.get(security)
        if keys is None:
            msg = f"this node was not granted {security.value}"
            raise ValueError(msg)
        peer = self._peer(dst)
        state = peer.state
        extension = b""
        match state:
            case NoSpan() | LocalNonce():
                return None
            case RemoteNonce(receiver_entropy):
                sender_entropy = self._entropy(ENTROPY_BYTES)
                extension = _span_extension(sender_entropy)
                span = agree(security, keys, sender_entropy=sender_entropy, receiver_entropy=receiver_entropy)
            case Span():
                if state.name is not security:
                    return None
                span = state
            case _:
                assert_never(state)
        nonce, peer.state = span.next_nonce()
        flags = _FLAG_EXTENSION if extension else 0
        header = bytes([COMMAND_CLASS, MESSAGE_ENCAPSULATION, _next_sequence(peer), flags]) + extension
        associated = self._associated(self._node_id, dst, header, total=len(header) + len(plain) + TAG_BYTES)
        return header + seal(keys.ccm, nonce, plain, associated)

    def nonce_get(self, dst: int) -> bytes:
        """Give the frame that asks `dst` for its entropy."""
        return bytes([COMMAND_CLASS, NONCE_GET, _next_sequence(self._peer(dst))])

    def forget(self, peer: int | None = None) -> None:
        """Lose what is agreed with one peer or with all, sequence numbers included, as when a battery is pulled."""
        if peer is None:
            self._peers.clear()
        else:
            self._peers.pop(peer, None)

    def _peer(self, node_id: int) -> _Peer:
        """Give the peer's record, moved to the end of the order in which records are forgotten."""
        peer = self._peers.pop(node_id, None)
        if peer is None:
            # Random, as in Z-Wave JS 15.29: counting from zero, a restarted node would often repeat the number its peer
            # heard last, and be taken for a duplicate.
            peer = _Peer(sequence=self._entropy(1)[0])
            if len(self._peers) >= PEERS_MAX:
                del self._peers[next(iter(self._peers))]
        self._peers[node_id] = peer
        return peer

    def _nonce_report(self, peer: _Peer) -> bytes:
        """Offer fresh entropy; whatever was agreed before is void from here on, on both sides."""
        entropy = self._entropy(ENTROPY_BYTES)
        peer.state = LocalNonce(entropy)
        return bytes([COMMAND_CLASS, NONCE_REPORT, _next_sequence(peer), _FLAG_SOS]) + entropy

    def _decapsulate(self, src: int, peer: _Peer, payload: bytes) -> Received:
        flags = payload[3]
        extensions = _Extensions(None, 0, is_acceptable=True)
        if flags & _FLAG_EXTENSION:
            extensions = _parse_extensions(payload[_ENCAPSULATION_HEADER_BYTES:-TAG_BYTES])
        if not extensions.is_acceptable:
            return self._discard(peer)
        body_at = _ENCAPSULATION_HEADER_BYTES + extensions.end
        header, sealed = payload[:body_at], payload[body_at:]
        associated = self._associated(src, self._node_id, header, total=len(payload))
        opened = self._open(peer.state, extensions.sender_entropy, sealed, associated)
        if opened is None:
            return Received(None, None, self._nonce_report(peer), "undecodable")
        plain, span = opened
        peer.state = span
        if flags & _FLAG_ENCRYPTED_EXTENSION:
            inner = _parse_extensions(plain)
            if not inner.is_acceptable:
                return _IGNORED
            plain = plain[inner.end :]
        return Received(plain, span.name, None, "message")

    def _open(
        self, state: SpanState[SecurityClass], sender_entropy: bytes | None, sealed: bytes, associated: bytes
    ) -> tuple[bytes, Span[SecurityClass]] | None:
        """Decrypt with the running SPAN, or with a new one under whichever granted key fits."""
        match state:
            case Span():
                # A SPAN extension here is a leftover: Z-Wave JS keeps it on an application-level repetition.
                return state.open(sealed, associated, steps=LOOK_AHEAD_STEPS)
            case LocalNonce(receiver_entropy):
                if sender_entropy is None:
                    return None
                # The including side probes the lower classes too, so a first message may come under any granted key.
                for name, keys in self._keys.items():
                    span = agree(name, keys, sender_entropy=sender_entropy, receiver_entropy=receiver_entropy)
                    opened = span.open(sealed, associated, steps=1)
                    if opened is not None:
                        return opened
                return None
            case NoSpan() | RemoteNonce():
                return None
            case _:
                assert_never(state)

    @staticmethod
    def _discard(peer: _Peer) -> Received:
        """Drop a command unread, but keep pace: its sender has used up a nonce (SDS13783, Critical flag)."""
        if isinstance(peer.state, Span):
            _, peer.state = peer.state.next_nonce()
        return _IGNORED

    def _associated(self, src: int, dst: int, header: bytes, *, total: int) -> bytes:
        """Build what is authenticated beside the plain text (SDS13783, AAD): ids, home id, length, header.

        The serial API's 16-bit node id mode changes nothing here; only Long Range ids are wider on the air.
        """
        width = 2 if max(src, dst) >= LONG_RANGE_FIRST_NODE_ID else 1
        ids = src.to_bytes(width, "big") + dst.to_bytes(width, "big")
        return ids + self._home_id + total.to_bytes(2, "big") + header[2:]


def _is_well_formed(command: int, payload: bytes) -> bool:
    """Say whether a frame has the bytes its command needs, before anything of it is remembered."""
    if command == NONCE_GET:
        return True
    if command == NONCE_REPORT:
        # Without SOS there is no entropy in it: it speaks of multicast (MOS), which these nodes do not do.
        return len(payload) >= _NONCE_REPORT_BYTES and bool(payload[3] & _FLAG_SOS)
    return command == MESSAGE_ENCAPSULATION and len(payload) >= _ENCAPSULATION_HEADER_BYTES + TAG_BYTES


def _next_sequence(peer: _Peer) -> int:
    peer.sequence = (peer.sequence + 1) & 0xFF
    return peer.sequence


def _span_extension(sender_entropy: bytes) -> bytes:
    length = _EXTENSION_HEADER_BYTES + len(sender_entropy)
    return bytes([length, _EXTENSION_CRITICAL | _EXTENSION_SPAN]) + sender_entropy


def _parse_extensions(block: bytes) -> _Extensions:
    """Walk the chain of extensions at the head of `block`; ones that are known but not ours are stepped over.

    The walk is bounded by the block: every step consumes at least the two header bytes.
    """
    sender_entropy: bytes | None = None
    at = 0
    while True:
        if len(block) < at + _EXTENSION_HEADER_BYTES:
            return _Extensions(None, at, is_acceptable=False)
        length, kind = block[at], block[at + 1]
        if length < _EXTENSION_HEADER_BYTES or len(block) < at + length:
            return _Extensions(None, at, is_acceptable=False)
        name = kind & _EXTENSION_TYPE_MASK
        if kind & _EXTENSION_CRITICAL and name not in _EXTENSION_TYPES_KNOWN:
            return _Extensions(None, at, is_acceptable=False)
        if name == _EXTENSION_SPAN and length == _EXTENSION_HEADER_BYTES + ENTROPY_BYTES:
            sender_entropy = block[at + _EXTENSION_HEADER_BYTES : at + length]
        at += length
        if not kind & _EXTENSION_MORE:
            return _Extensions(sender_entropy, at, is_acceptable=True)
