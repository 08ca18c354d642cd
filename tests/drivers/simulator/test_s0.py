"""Security 0: published vectors of its parts, nonces that work once and not for long, and messages in two frames."""

import random

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drivers.simulator.radio.security.s0 import (
    NONCE_LIFE_S,
    NONCES_MAX,
    PART_BYTES_MAX,
    PARTIAL_LIFE_S,
    S0Endpoint,
    cbc_mac,
    derive,
    ofb,
    split,
)
from drivers.simulator.radio.security.s2 import Received, SecurityClass

HOST, LOCK = 1, 5
KEY = bytes(range(16))
COMMAND = bytes.fromhex("63 01 01 01 39 30 32 34")


def pair(host_key: bytes = KEY) -> tuple[S0Endpoint, S0Endpoint]:
    return S0Endpoint(HOST, host_key, random.Random(1).randbytes), S0Endpoint(LOCK, KEY, random.Random(2).randbytes)


def ask(sender: S0Endpoint, sender_id: int, receiver: S0Endpoint, receiver_id: int, at: float = 0.0) -> None:
    """Let a sender have a nonce."""
    report = receiver.receive(sender_id, sender.nonce_get(), at).reply
    assert report is not None
    assert sender.receive(receiver_id, report, at).kind == "nonce_report"


def sealed(sender: S0Endpoint, dst: int, plain: bytes = COMMAND) -> bytes:
    frame = sender.seal(dst, plain)
    assert frame is not None
    return frame


@pytest.mark.parametrize(
    ("plain", "cipher"),
    [
        ("6bc1bee22e409f96e93d7e117393172a", "3b3fd92eb72dad20333449f8e83cfb4a"),
        (
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
            "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
            "3b3fd92eb72dad20333449f8e83cfb4a7789508d16918f03f53c52dac54ed825"
            "9740051e9c5fecf64344f7a82260edcc304c6528f659c77866a510d9c1d6ae5e",
        ),
    ],
)
def test_ofb_gives_the_published_vectors(plain: str, cipher: str) -> None:
    """SP 800-38A, F.4.1: OFB-AES128.Encrypt."""
    key, start = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"), bytes(range(16))
    assert ofb(key, start, bytes.fromhex(plain)).hex() == cipher
    assert ofb(key, start, bytes.fromhex(cipher)).hex() == plain


def test_cbc_mac_is_the_end_of_the_published_cbc_chain() -> None:
    """SP 800-38A, F.2.1: CBC-AES128.Encrypt; its vector goes in as the first block, whose encryption starts the chain."""
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    start = Cipher(algorithms.AES128(key), modes.ECB()).decryptor().update(bytes(range(16)))  # noqa: S305 - one block
    plain = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
    assert cbc_mac(key, start + plain).hex() == "5086cb9b507219ee"


def test_command_passes_under_one_nonce() -> None:
    host, lock = pair()
    ask(host, HOST, lock, LOCK)
    frame = sealed(host, LOCK)
    assert frame[:2] == bytes.fromhex("98 81")
    assert len(frame) == len(COMMAND) + 20
    assert COMMAND not in frame
    received = lock.receive(HOST, frame, 0.0)
    assert (received.kind, received.plain, received.security) == ("message", COMMAND, SecurityClass.S0_LEGACY)


def test_nonce_works_once() -> None:
    host, lock = pair()
    ask(host, HOST, lock, LOCK)
    frame = sealed(host, LOCK)
    assert lock.receive(HOST, frame, 0.0).kind == "message"
    assert lock.receive(HOST, frame, 0.0) == Received(None, None, None, "undecodable")
    assert host.seal(LOCK, COMMAND) is None


def test_nonce_is_spent_by_a_forgery_too() -> None:
    host, lock = pair()
    ask(host, HOST, lock, LOCK)
    frame = sealed(host, LOCK)
    assert lock.receive(HOST, frame[:-1] + bytes([frame[-1] ^ 1]), 0.0).kind == "undecodable"
    assert lock.receive(HOST, frame, 0.0).kind == "undecodable"


@pytest.mark.parametrize(("age_s", "kind"), [(NONCE_LIFE_S - 0.1, "message"), (NONCE_LIFE_S, "undecodable")])
def test_nonce_grows_old(age_s: float, kind: str) -> None:
    host, lock = pair()
    ask(host, HOST, lock, LOCK, at=100.0)
    assert lock.receive(HOST, sealed(host, LOCK), 100.0 + age_s).kind == kind


def test_nonce_is_for_whoever_asked_for_it() -> None:
    host, lock = pair()
    ask(host, HOST, lock, LOCK)
    assert lock.receive(HOST + 1, sealed(host, LOCK), 0.0).kind == "undecodable"


def test_another_key_is_not_read() -> None:
    host, lock = pair(host_key=bytes(16))
    ask(host, HOST, lock, LOCK)
    assert lock.receive(HOST, sealed(host, LOCK), 0.0).kind == "undecodable"


def test_nonces_that_nobody_uses_are_bounded_and_bear_different_names() -> None:
    lock = S0Endpoint(LOCK, KEY, bytes)
    names = [(lock.receive(HOST, bytes.fromhex("98 40"), 0.0).reply or b"")[2] for _nonce in range(3 * NONCES_MAX)]
    assert len(set(names[-NONCES_MAX:])) == NONCES_MAX
    assert len(lock._given) == NONCES_MAX


def test_long_message_goes_in_two_frames_and_the_first_asks_for_the_next_nonce() -> None:
    host, lock = pair()
    plain = bytes(range(PART_BYTES_MAX + 9))
    parts = split(plain)
    assert parts is not None
    ask(lock, LOCK, host, HOST)
    first = lock.seal(HOST, parts[0], place=0, count=2)
    assert first is not None
    assert first[:2] == bytes.fromhex("98 C1")
    half = host.receive(LOCK, first, 0.0)
    assert (half.kind, half.plain) == ("partial", None)
    assert half.reply is not None
    lock.receive(HOST, half.reply, 0.0)
    second = lock.seal(HOST, parts[1], place=1, count=2)
    assert second is not None
    assert second[:2] == bytes.fromhex("98 81")
    assert host.receive(LOCK, second, 0.0).plain == plain


def test_second_half_without_the_first_or_too_late_is_dropped() -> None:
    host, lock = pair()
    ask(lock, LOCK, host, HOST)
    second = lock.seal(HOST, b"rest", place=1, count=2)
    assert second is not None
    assert host.receive(LOCK, second, 0.0).kind == "undecodable"
    ask(lock, LOCK, host, HOST)
    first = lock.seal(HOST, b"half", place=0, count=2)
    assert first is not None
    assert host.receive(LOCK, first, 0.0).kind == "partial"
    ask(lock, LOCK, host, HOST, at=PARTIAL_LIFE_S)
    second = lock.seal(HOST, b"rest", place=1, count=2)
    assert second is not None
    assert host.receive(LOCK, second, PARTIAL_LIFE_S).kind == "undecodable"


def test_message_that_two_frames_do_not_hold_is_not_cut() -> None:
    assert split(bytes(2 * PART_BYTES_MAX + 1)) is None
    assert split(b"") == [b""]
    with pytest.raises(ValueError, match="holds"):
        pair()[0].seal(LOCK, bytes(PART_BYTES_MAX + 1))


@pytest.mark.parametrize("frame", ["98", "9840", "9880", "98800102", "9881", "98c1" + "00" * 17, "9881" + "00" * 17])
def test_cut_frames_are_no_messages(frame: str) -> None:
    assert pair()[1].receive(HOST, bytes.fromhex(frame), 0.0).kind in ("undecodable", "nonce_get")


def test_working_keys_differ_and_are_not_shown() -> None:
    keys = derive(KEY)
    assert len({keys.authentication, keys.encryption, KEY}) == 3
    assert keys.encryption.hex() not in repr(keys)
