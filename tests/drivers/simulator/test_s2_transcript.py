"""A recorded conversation with Z-Wave JS's own Security 2, replayed against our endpoint.

How it was made: the classes SecurityManager2 and Security2CCMessageEncapsulation of zwave-js 15.29.0 played the
controller, node 1 of home C0FFEE01, with fresh random entropy and these test keys; `S2Endpoint` was node 5 behind a pipe,
with a counter as its entropy. Z-Wave JS decoded and compared every answer while recording, so an answer that is the same
today is one the real driver accepts. In order: each class is probed; messages both ways; the fifth of five frames is
the first to arrive; the sixth of six is; a frame comes twice; the node runs four ahead; the driver restarts; the node
forgets.
"""

from collections.abc import Callable

import pytest

from drivers.simulator.radio.security.s2 import S2Endpoint, SecurityClass

CONTROLLER = 1
NODE = 5
HOME_ID = bytes.fromhex("c0ffee01")
KEYS = {
    SecurityClass.UNAUTHENTICATED: b"\x11" * 16,
    SecurityClass.AUTHENTICATED: b"\x22" * 16,
    SecurityClass.ACCESS_CONTROL: b"\x33" * 16,
}

TRANSCRIPT = (
    # rx FRAME -> kind plain class reply;  tx PLAIN CLASS -> frame;  "-" stands for none
    ("rx 9f017d", "nonce_get - - 9f0201010102030405060708090a0b0c0d0e0f10"),
    ("rx 9f037e0112419184051827387bf235a37a78679e477cab0e857480ebb0a08407", "message 9f0d s2_unauthenticated -"),
    ("tx 9f0e6263 s2_unauthenticated", "9f030200a201933a2b7468024d1fc785"),
    ("rx 9f017f", "nonce_get - - 9f0203011112131415161718191a1b1c1d1e1f20"),
    ("rx 9f038001124112ca2104f7224cc4c3ad20ad61afa7e05cdd1230a31e158f8b39", "message 9f0d s2_authenticated -"),
    ("tx 9f0e6263 s2_authenticated", "9f030400c23fcea83dc141231eafedab"),
    ("rx 9f0181", "nonce_get - - 9f0205012122232425262728292a2b2c2d2e2f30"),
    ("rx 9f0382011241ae346d76e32dc144be0ca41898ea67366d618de2261fe7dafba4", "message 9f0d s2_access_control -"),
    ("tx 9f0e6263 s2_access_control", "9f0306007fadd5300f4624e67033fa68"),
    ("rx 9f038300ad0fab2c3b3e8b9f96c033", "message 630301 s2_access_control -"),
    ("tx 630301 s2_access_control", "9f030700361cae6d90fc5c316b6005"),
    ("rx 9f0384009b7c95fe9ba74cb89c987013", "message 63030234 s2_access_control -"),
    ("tx 63030234 s2_access_control", "9f0308000b7071d6d029550e2daeb340"),
    ("rx 9f0385002659dca310b2dc4bba2bc65803", "message 6303033434 s2_access_control -"),
    ("tx 6303033434 s2_access_control", "9f030900f7e6cc51b32be49bc586da4942"),
    ("rx 9f038a007cbbeca5eda41738129d", "message 6202 s2_access_control -"),
    ("rx 9f039000827ad062fae8515b28dc", "undecodable - - 9f020a013132333435363738393a3b3c3d3e3f40"),
    ("rx 9f0391011241821cdb814c1cc14bf9eab20ac178b19fb2704e6c53c5e0074476", "message 6202 s2_access_control -"),
    ("rx 9f039200a82165ca67e5ba99febf", "message 6202 s2_access_control -"),
    ("rx 9f039200a82165ca67e5ba99febf", "duplicate - - -"),
    ("tx 7105 s2_access_control", "9f030b00d3fe3bee7daccf3f8520"),
    ("tx 7105 s2_access_control", "9f030c00a58ef61f29707de86a5a"),
    ("tx 7105 s2_access_control", "9f030d002487fa58b550dc9a6bc3"),
    ("tx 7105 s2_access_control", "9f030e0027ea0d79b2a7749f6252"),
    ("tx 7105000000ff06050000 s2_access_control", "9f030f00de79c16fdf7d15d93a39be66a3ea3983f0d4"),
    ("tx 7105000000ff06060000 s2_access_control", "9f031000ec01e75772889b6dac4c336b5d218e3d66da"),
    ("rx 9f026701151ef403793aa6ad031fb9caa272915f", "nonce_report - - -"),
    (
        "tx 7105000000ff06060000 s2_access_control",
        "9f03110112414142434445464748494a4b4c4d4e4f5098929ef57a4c9474006b0b13284fa92021ec",
    ),
    ("forget", "ok"),
    ("tx 7105 s2_access_control", "-"),
    ("nonceget", "9f0152"),
    ("rx 9f0268016993417780afed1e4dca31385cd7f7d9", "nonce_report - - -"),
    (
        "tx 7105000000ff06050000 s2_access_control",
        "9f035301124152535455565758595a5b5c5d5e5f60615efb82d48a7ed0bb0238f1ae89e0cd017955",
    ),
)


def counting() -> Callable[[int], bytes]:
    """Entropy 00 01 02 …: what the node drew while the conversation was recorded."""
    position = 0

    def draw(count: int) -> bytes:
        nonlocal position
        position += count
        return bytes(value & 0xFF for value in range(position - count, position))

    return draw


def shown(value: bytes | None) -> str:
    return "-" if value is None else value.hex()


def answer(node: S2Endpoint, step: str) -> str:
    match step.split():
        case ["rx", frame]:
            received = node.receive(CONTROLLER, bytes.fromhex(frame))
            security = received.security or "-"
            return f"{received.kind} {shown(received.plain)} {security} {shown(received.reply)}"
        case ["tx", plain, security]:
            return shown(node.encapsulate(CONTROLLER, bytes.fromhex(plain), SecurityClass(security)))
        case ["nonceget"]:
            return shown(node.nonce_get(CONTROLLER))
        case ["forget"]:
            node.forget()
            return "ok"
        case _:
            pytest.fail(f"no such step: {step}")


def test_conversation_with_zwave_js_is_answered_byte_for_byte() -> None:
    node = S2Endpoint(HOME_ID, NODE, KEYS, counting())
    assert [answer(node, step) for step, _ in TRANSCRIPT] == [expected for _, expected in TRANSCRIPT]


def test_conversation_fails_under_another_home_id() -> None:
    stranger = S2Endpoint(bytes.fromhex("c0ffee02"), NODE, KEYS, counting())
    (ask, _), (first_message, _), *_ = TRANSCRIPT
    answer(stranger, ask)
    assert answer(stranger, first_message).startswith("undecodable")
