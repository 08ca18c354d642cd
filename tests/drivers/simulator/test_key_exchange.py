"""The exchange of keys, with the including side played by hand from the specification's own arithmetic."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from drivers.simulator.radio.security.crypto import TempKeys, expand_temp_key, extract_temp_key
from drivers.simulator.radio.security.identity import Identity
from drivers.simulator.radio.security.kex import (
    BEGIN_S,
    Effect,
    Finish,
    Install,
    KeyExchange,
    Say,
    Step,
    UseTemporary,
    Wait,
)
from drivers.simulator.radio.security.s2 import HIGHEST_FIRST, SecurityClass

ACCESS, AUTHENTICATED, UNAUTHENTICATED = HIGHEST_FIRST
S0, TEMPORARY = SecurityClass.S0_LEGACY, SecurityClass.TEMPORARY
BOX = Identity.of("box")
HOST = X25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = bytes(range(16))


def exchange(*, takes_s0: bool = False) -> KeyExchange:
    made = KeyExchange(BOX, {ACCESS, AUTHENTICATED}, takes_s0=takes_s0, echo_every_s=60.0)
    assert made.begin() == [Wait(BEGIN_S)]
    return made


def take(made: KeyExchange, hex_text: str, security: SecurityClass | None = None) -> list[Effect]:
    return made.take(bytes.fromhex(hex_text), security)


def said(effects: list[Effect]) -> list[tuple[str, SecurityClass | None]]:
    return [(effect.plain.hex(), effect.security) for effect in effects if isinstance(effect, Say)]


def until_echo(made: KeyExchange, granted: int = 0x04) -> list[Effect]:
    take(made, "9f04")
    take(made, f"9f06 00 02 01 {granted:02x}")
    return take(made, "9f08 01" + HOST.public_key().public_bytes_raw().hex())


def test_lock_asks_for_its_classes_and_hides_the_pin() -> None:
    made = exchange()
    assert said(take(made, "9f04")) == [("9f0500020106", None)]
    ((shown, security),) = said(take(made, "9f06 00 02 01 04"))
    assert (shown[:6], shown[6:10], security) == ("9f0800", "0000", None)
    assert shown[10:] == BOX.public_key[2:].hex()
    pin, *rest = BOX.dsk.split("-")
    assert int(pin) == int.from_bytes(BOX.public_key[:2])
    assert len(rest) == 7


def test_public_key_is_whole_when_nobody_has_to_type_a_pin() -> None:
    made = KeyExchange(BOX, {UNAUTHENTICATED}, takes_s0=False, echo_every_s=60.0)
    take(made, "9f04")
    ((shown, _security),) = said(take(made, "9f06 00 02 01 01"))
    assert shown == "9f0800" + BOX.public_key.hex()


def test_both_sides_make_the_same_temporary_key() -> None:
    temporary = [effect.keys for effect in until_echo(exchange()) if isinstance(effect, UseTemporary)]
    secret = HOST.exchange(X25519PublicKey.from_public_bytes(BOX.public_key))
    own = HOST.public_key().public_bytes_raw()
    expected: TempKeys = expand_temp_key(extract_temp_key(secret, including_key=own, joining_key=BOX.public_key))
    assert temporary == [expected]


def test_keys_are_asked_for_one_by_one_and_verified_under_themselves() -> None:
    made = exchange()
    assert said(until_echo(made, 0x06)) == [("9f0601020106", TEMPORARY)]
    assert said(take(made, "9f0501020106", TEMPORARY)) == [("9f0904", TEMPORARY)]
    effects = take(made, "9f0a04" + KEY.hex(), TEMPORARY)
    assert Install(ACCESS, KEY) in effects
    assert said(effects) == [("9f0b", ACCESS)]
    assert said(take(made, "9f0c02", TEMPORARY)) == [("9f0902", TEMPORARY)]
    assert said(take(made, "9f0a02" + KEY.hex(), TEMPORARY)) == [("9f0b", AUTHENTICATED)]
    effects = take(made, "9f0c02", TEMPORARY)
    assert said(effects) == [("9f0c01", TEMPORARY)]
    assert [effect.is_complete for effect in effects if isinstance(effect, Finish)] == [True]
    assert take(made, "9f04") == []


def test_first_sealed_message_is_repeated_while_nobody_can_read_it_but_not_for_ever() -> None:
    made = exchange()
    until_echo(made)
    for _repeat in range(3):
        assert said(made.timeout()) == [("9f0601020104", TEMPORARY)]
    assert [effect.is_complete for effect in made.timeout() if isinstance(effect, Finish)] == [False]


@pytest.mark.parametrize(
    ("grant", "why"),
    [
        ("9f06 00 02 01 01", "01"),  # a class that was not asked for
        ("9f06 00 02 01 00", "01"),  # none at all
        ("9f06 00 02 01 44", "01"),  # a bit that means nothing
        ("9f06 00 04 01 04", "02"),  # another scheme
        ("9f06 00 02 02 04", "03"),  # another curve
    ],
)
def test_grant_that_does_not_fit_is_refused_with_its_reason(grant: str, why: str) -> None:
    made = exchange()
    take(made, "9f04")
    effects = take(made, grant)
    assert said(effects) == [("9f07" + why, None)]
    assert made.step is Step.OVER


@pytest.mark.parametrize(
    ("echo", "security", "why"),
    [
        ("9f0501020106", None, "07"),  # in the clear
        ("9f0501020104", TEMPORARY, "07"),  # not what the lock had asked for: somebody changed it on the way
    ],
)
def test_list_that_was_changed_on_the_way_ends_the_exchange(
    echo: str, security: SecurityClass | None, why: str
) -> None:
    made = exchange()
    until_echo(made)
    assert said(take(made, echo, security)) == [("9f07" + why, TEMPORARY)]


@pytest.mark.parametrize(("report", "why"), [("9f0a02", "0a"), ("9f0a01", "0a")])
def test_key_of_another_class_is_refused(report: str, why: str) -> None:
    made = exchange()
    until_echo(made)
    take(made, "9f0501020106", TEMPORARY)
    effects = take(made, report + KEY.hex(), TEMPORARY)
    assert said(effects) == [("9f07" + why, TEMPORARY)]
    assert not any(isinstance(effect, Install) for effect in effects)


def test_key_that_was_not_verified_ends_the_exchange() -> None:
    made = exchange()
    until_echo(made)
    take(made, "9f0501020106", TEMPORARY)
    take(made, "9f0a04" + KEY.hex(), TEMPORARY)
    assert said(take(made, "9f0c00", TEMPORARY)) == [("9f0709", TEMPORARY)]


def test_other_side_that_gives_up_is_believed() -> None:
    made = exchange()
    until_echo(made)
    assert [effect.is_complete for effect in take(made, "9f0706") if isinstance(effect, Finish)] == [False]


def test_step_that_never_comes_ends_the_exchange() -> None:
    made = exchange()
    assert [effect.is_complete for effect in made.timeout() if isinstance(effect, Finish)] == [False]


def test_security_0_key_is_taken_under_the_zero_key_and_verified_under_itself() -> None:
    made = exchange(takes_s0=True)
    assert said(take(made, "980400")) == [("980500", None)]
    effects = take(made, "9806" + KEY.hex(), S0)
    assert Install(S0, KEY) in effects
    assert said(effects) == [("9807", S0)]
    assert [effect.is_complete for effect in effects if isinstance(effect, Finish)] == [True]


def test_security_0_key_in_the_clear_or_uninvited_is_ignored() -> None:
    made = exchange(takes_s0=True)
    assert take(made, "9806" + KEY.hex(), S0) == []
    take(made, "980400")
    assert take(made, "9806" + KEY.hex(), None) == []
    assert take(exchange(), "980400") == []


@pytest.mark.parametrize("cut", ["9f", "9f06", "9f0600", "9f0801ff", "9f0a04", "9f0c", "98", "9806"])
def test_cut_commands_change_nothing(cut: str) -> None:
    for preparation in ("", "9f04"):
        made = exchange(takes_s0=True)
        if preparation:
            take(made, preparation)
        step = made.step
        assert take(made, cut, TEMPORARY) == []
        assert made.step is step


def test_point_of_small_order_is_refused() -> None:
    made = exchange()
    take(made, "9f04")
    take(made, "9f06 00 02 01 04")
    assert said(take(made, "9f08 01" + "00" * 32)) == [("9f0703", None)]
