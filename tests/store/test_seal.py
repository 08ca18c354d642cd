"""Sealed PINs: bound to their code and lock, unreadable without the secret, and never printed."""

import pickle
from pathlib import Path

import pytest

from gateway.model.ids import CodeId, LockId
from gateway.model.pin import Pin
from gateway.store.seal import HubKeys, PinSeal, SealBroken, load_secret
from tests.builders import SeededEntropy

LOCK, CODE = LockId("front"), CodeId("guest")


def seal(secret: bytes = b"s" * 32) -> PinSeal:
    return PinSeal(HubKeys.derive(secret), SeededEntropy().token)


def test_a_sealed_pin_opens_for_its_own_code_and_lock_only() -> None:
    sealed = seal().seal(Pin("2580"), LOCK, CODE)
    assert seal().open(sealed, LOCK, CODE).reveal() == "2580"
    for lock, code in ((LockId("other"), CODE), (LOCK, CodeId("other"))):
        with pytest.raises(SealBroken):
            seal().open(sealed, lock, code)
    with pytest.raises(SealBroken):
        seal(b"t" * 32).open(sealed, LOCK, CODE)
    assert b"2580" not in sealed


def test_one_pin_sealed_twice_looks_different_but_digests_alike() -> None:
    one = seal()
    assert one.seal(Pin("2580"), LOCK, CODE) != one.seal(Pin("2580"), LOCK, CODE)
    assert one.digest(Pin("2580")) == one.digest(Pin("2580")) != one.digest(Pin("2581"))


def test_the_keys_differ_from_each_other_and_are_not_printed() -> None:
    keys = HubKeys.derive(b"s" * 32)
    assert len({keys.page_key, keys.seal_key, keys.digest_key}) == 3
    assert keys.page_key.hex() not in repr(keys)
    assert str(keys.page_key) not in repr(keys)


def test_n1_a_pin_does_not_print_pickle_or_format_itself() -> None:
    pin = Pin("2580")
    assert "2580" not in f"{pin} {pin!r} {pin!s} {[pin]}"
    with pytest.raises(TypeError):
        pickle.dumps(pin)
    with pytest.raises(ValueError, match="digits only") as caught:
        Pin("25x0")
    assert "25x0" not in str(caught.value)


def test_the_secret_is_made_once_and_refused_when_others_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "hub.secret"
    secret = load_secret(path, SeededEntropy().token)
    assert load_secret(path, SeededEntropy(2).token) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        load_secret(path, SeededEntropy().token)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="5 bytes"):
        load_secret(path, SeededEntropy().token)
