"""The rules of one S2 endpoint, each on its own; the peer is a second endpoint."""

import random
from collections.abc import Iterable

import pytest

from drivers.simulator.radio.security.crypto import expand_network_key, seal
from drivers.simulator.radio.security.s2 import HIGHEST_FIRST, PEERS_MAX, S2Endpoint, SecurityClass
from drivers.simulator.radio.security.span import LOOK_AHEAD_STEPS, agree

HOME_ID = bytes.fromhex("c0ffee01")
CONTROLLER = 1
NODE = 5
ACCESS = SecurityClass.ACCESS_CONTROL
KEYS = {name: bytes([16 + place]) * 16 for place, name in enumerate(HIGHEST_FIRST)}
COMMAND = bytes.fromhex("6302 01")  # User Code Get, slot 1


def make_pair(node_keys: Iterable[SecurityClass] = HIGHEST_FIRST) -> tuple[S2Endpoint, S2Endpoint]:
    granted = {name: KEYS[name] for name in node_keys}
    controller = S2Endpoint(HOME_ID, CONTROLLER, KEYS, random.Random(1).randbytes)
    return controller, S2Endpoint(HOME_ID, NODE, granted, random.Random(2).randbytes)


def must[Value](value: Value | None) -> Value:
    assert value is not None
    return value


def establish(controller: S2Endpoint, node: S2Endpoint, security: SecurityClass = ACCESS) -> bytes:
    """Let the controller ask for a nonce and send a first message; give that message's frame."""
    asked = node.receive(CONTROLLER, controller.nonce_get(NODE))
    controller.receive(NODE, must(asked.reply))
    frame = must(controller.encapsulate(NODE, COMMAND, security))
    assert node.receive(CONTROLLER, frame).plain == COMMAND
    return frame


def sent(controller: S2Endpoint, plain: bytes = COMMAND) -> bytes:
    return must(controller.encapsulate(NODE, plain, ACCESS))


def test_nothing_can_be_sent_before_a_nonce_came() -> None:
    controller, _ = make_pair()
    assert controller.encapsulate(NODE, COMMAND, ACCESS) is None


def test_nonce_get_is_answered_with_fresh_entropy_each_time() -> None:
    controller, node = make_pair()
    first = node.receive(CONTROLLER, controller.nonce_get(NODE))
    second = node.receive(CONTROLLER, controller.nonce_get(NODE))
    assert first.kind == second.kind == "nonce_get"
    # 9F 02, sequence number, SOS, then 16 bytes of entropy
    assert must(first.reply)[:2] == bytes.fromhex("9f02")
    assert must(first.reply)[3] == 0x01
    assert len(must(first.reply)) == 20
    assert must(first.reply)[4:] != must(second.reply)[4:]


def test_first_message_carries_a_critical_span_extension() -> None:
    controller, node = make_pair()
    frame = establish(controller, node)
    assert frame[3] & 0x01 == 0x01  # flags: an unencrypted extension follows
    assert frame[4:6] == bytes.fromhex("1241")  # 18 bytes long; critical, type SPAN
    assert sent(controller)[3] == 0x00  # and the next message has none


@pytest.mark.parametrize("security", HIGHEST_FIRST)
def test_span_is_established_under_any_granted_key(security: SecurityClass) -> None:
    controller, node = make_pair()
    establish(controller, node, security)
    frame = must(controller.encapsulate(NODE, COMMAND, security))
    assert node.receive(CONTROLLER, frame).security is security


def test_first_message_under_a_key_not_granted_is_answered_with_a_nonce_report() -> None:
    controller, node = make_pair(node_keys=[ACCESS])
    asked = node.receive(CONTROLLER, controller.nonce_get(NODE))
    controller.receive(NODE, must(asked.reply))
    frame = must(controller.encapsulate(NODE, COMMAND, SecurityClass.UNAUTHENTICATED))
    received = node.receive(CONTROLLER, frame)
    assert received.kind == "undecodable"
    assert must(received.reply)[1] == 0x02


def test_sending_under_a_class_not_granted_is_refused() -> None:
    _, node = make_pair(node_keys=[ACCESS])
    with pytest.raises(ValueError, match="not granted s2_authenticated"):
        node.encapsulate(CONTROLLER, COMMAND, SecurityClass.AUTHENTICATED)


def test_span_of_one_class_does_not_serve_another() -> None:
    controller, node = make_pair()
    establish(controller, node, SecurityClass.UNAUTHENTICATED)
    assert node.encapsulate(CONTROLLER, COMMAND, ACCESS) is None


def test_both_sides_draw_from_one_span() -> None:
    controller, node = make_pair()
    establish(controller, node)
    for count in range(20):
        plain = bytes([0x63, 0x03, count])
        answer = must(node.encapsulate(CONTROLLER, plain, ACCESS))
        assert controller.receive(NODE, answer).plain == plain
        assert node.receive(CONTROLLER, sent(controller, plain)).plain == plain


def test_same_frame_again_is_a_duplicate_and_costs_nothing() -> None:
    controller, node = make_pair()
    establish(controller, node)
    frame = sent(controller)
    assert node.receive(CONTROLLER, frame).kind == "message"
    again = node.receive(CONTROLLER, frame)
    assert (again.kind, again.plain, again.reply) == ("duplicate", None, None)
    assert node.receive(CONTROLLER, sent(controller)).kind == "message"


def test_older_frame_is_never_accepted_again() -> None:
    controller, node = make_pair()
    establish(controller, node)
    old = sent(controller)
    assert node.receive(CONTROLLER, old).kind == "message"
    assert node.receive(CONTROLLER, sent(controller)).kind == "message"
    assert node.receive(CONTROLLER, old).kind == "undecodable"


def test_first_message_is_not_accepted_again_after_a_new_nonce() -> None:
    controller, node = make_pair()
    first = establish(controller, node)
    node.forget()
    node.receive(CONTROLLER, controller.nonce_get(NODE))
    assert node.receive(CONTROLLER, first).kind == "undecodable"


def test_losses_up_to_the_look_ahead_are_bridged() -> None:
    controller, node = make_pair()
    establish(controller, node)
    for _ in range(LOOK_AHEAD_STEPS - 1):
        sent(controller)
    assert node.receive(CONTROLLER, sent(controller)).kind == "message"
    assert node.receive(CONTROLLER, sent(controller)).kind == "message"


def test_one_loss_more_asks_for_a_new_span_and_recovers() -> None:
    controller, node = make_pair()
    establish(controller, node)
    for _ in range(LOOK_AHEAD_STEPS):
        sent(controller)
    missed = node.receive(CONTROLLER, sent(controller))
    assert missed.kind == "undecodable"
    assert controller.receive(NODE, must(missed.reply)).kind == "nonce_report"
    assert node.receive(CONTROLLER, sent(controller)).plain == COMMAND


@pytest.mark.parametrize("forgetful", ["controller", "node"])
def test_forgotten_span_is_made_anew(forgetful: str) -> None:
    controller, node = make_pair()
    establish(controller, node)
    (controller if forgetful == "controller" else node).forget()
    establish(controller, node)


def test_forgetting_one_peer_keeps_the_others() -> None:
    controller, node = make_pair()
    establish(controller, node)
    node.forget(CONTROLLER + 1)
    assert node.receive(CONTROLLER, sent(controller)).kind == "message"
    node.forget(CONTROLLER)
    assert node.receive(CONTROLLER, sent(controller)).kind == "undecodable"


@pytest.mark.parametrize("position", [3, 4, -1])
def test_flipped_bit_is_not_decoded(position: int) -> None:
    controller, node = make_pair()
    establish(controller, node)
    forged = bytearray(sent(controller))
    forged[position] ^= 0x80
    assert node.receive(CONTROLLER, bytes(forged)).kind == "undecodable"


def test_frame_for_another_node_is_not_decoded() -> None:
    controller, node = make_pair()
    establish(controller, node)
    assert node.receive(CONTROLLER + 1, sent(controller)).kind == "undecodable"


@pytest.mark.parametrize(
    "payload",
    [
        "",  # nothing
        "9f",  # no command
        "9f01",  # Nonce Get without a sequence number
        "980201",  # another command class
        "9f0201 01 0011",  # Nonce Report with too little entropy
        "9f0201 02 00112233445566778899aabbccddeeff",  # MOS without SOS: multicast, not ours
        "9f0301 00 00112233445566",  # shorter than its tag
        "9f0401",  # KEX Get in the clear belongs to inclusion
    ],
)
def test_malformed_frame_is_ignored_without_an_answer(payload: str) -> None:
    _, node = make_pair()
    received = node.receive(CONTROLLER, bytes.fromhex(payload))
    assert (received.kind, received.reply) == ("undecodable", None)


def test_malformed_frame_does_not_use_up_a_sequence_number() -> None:
    controller, node = make_pair()
    establish(controller, node)
    frame = sent(controller)
    node.receive(CONTROLLER, frame[:8])
    assert node.receive(CONTROLLER, frame).kind == "message"


@pytest.mark.parametrize(
    "block",
    [
        "02 7f",  # unknown type 3F, critical
        "01 41",  # length below its own header
        "ff 41",  # longer than the frame
        "02 80",  # more to follow, and nothing follows
    ],
)
def test_unacceptable_extension_discards_the_command_and_keeps_pace(block: str) -> None:
    controller, node = make_pair()
    establish(controller, node)
    genuine = sent(controller)  # its nonce is used up by the frame below, as the sender would
    bad = genuine[:3] + b"\x01" + bytes.fromhex(block) + bytes(8)
    received = node.receive(CONTROLLER, bad)
    assert (received.kind, received.reply) == ("undecodable", None)
    assert node.receive(CONTROLLER, sent(controller)).kind == "message"


def test_encrypted_extension_is_stepped_over() -> None:
    # A peer made by hand, because endpoints never send one: an encrypted MPAN extension before the command.
    _, node = make_pair(node_keys=[ACCESS])
    asked = must(node.receive(CONTROLLER, bytes.fromhex("9f0101")).reply)
    keys = expand_network_key(KEYS[ACCESS])
    sender_entropy = bytes(range(16))
    nonce, _ = agree(ACCESS, keys, sender_entropy=sender_entropy, receiver_entropy=asked[4:]).next_nonce()
    header = bytes.fromhex("9f0302 03 1241") + sender_entropy
    plain = bytes.fromhex("1342 01") + bytes(16) + COMMAND
    associated = bytes([CONTROLLER, NODE]) + HOME_ID + (len(header) + len(plain) + 8).to_bytes(2, "big") + header[2:]
    received = node.receive(CONTROLLER, header + seal(keys.ccm, nonce, plain, associated))
    assert (received.kind, received.plain) == ("message", COMMAND)


def test_long_range_ids_are_two_bytes_wide_in_what_is_authenticated() -> None:
    keys = {ACCESS: KEYS[ACCESS]}
    node = S2Endpoint(HOME_ID, 0x0105, keys, random.Random(3).randbytes)
    asked = must(node.receive(CONTROLLER, bytes.fromhex("9f0101")).reply)
    working = expand_network_key(KEYS[ACCESS])
    nonce, _ = agree(ACCESS, working, sender_entropy=bytes(16), receiver_entropy=asked[4:]).next_nonce()
    header = bytes.fromhex("9f0302 01 1241") + bytes(16)
    length = (len(header) + len(COMMAND) + 8).to_bytes(2, "big")
    associated = bytes.fromhex("0001 0105") + HOME_ID + length + header[2:]
    received = node.receive(CONTROLLER, header + seal(working.ccm, nonce, COMMAND, associated))
    assert received.plain == COMMAND


def test_peers_beyond_the_bound_push_out_the_longest_unheard() -> None:
    controller, node = make_pair()
    establish(controller, node)
    for stranger in range(CONTROLLER + 1, CONTROLLER + PEERS_MAX):
        node.nonce_get(stranger)
    assert node.receive(CONTROLLER, sent(controller)).kind == "message"
    for stranger in range(CONTROLLER + 1, CONTROLLER + PEERS_MAX + 1):
        node.nonce_get(stranger)
    assert node.receive(CONTROLLER, sent(controller)).kind == "undecodable"


@pytest.mark.parametrize(("home_id", "key"), [(b"\x01", b"k" * 16), (HOME_ID, b"k" * 15)])
def test_endpoint_refuses_wrong_lengths_without_showing_the_key(home_id: bytes, key: bytes) -> None:
    with pytest.raises(ValueError, match="bytes") as refused:
        S2Endpoint(home_id, NODE, {ACCESS: key}, random.Random(4).randbytes)
    assert "kkk" not in str(refused.value)


def test_plain_text_is_kept_out_of_repr() -> None:
    controller, node = make_pair()
    establish(controller, node)
    received = node.receive(CONTROLLER, sent(controller, b"\x63\x014711"))
    assert received.plain == b"\x63\x014711"
    assert "4711" not in repr(received)
