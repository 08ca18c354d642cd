"""The table of known sticks and the rules of udev are one table."""

import re
from pathlib import Path

from drivers.zwave.stick.identity import KnownStick, known_sticks
from drivers.zwave.stick.udev import udev_rules

RULES = Path(__file__).parents[3] / "systemd/61-keypad-gateway.rules"


def test_the_rules_are_made_from_the_table() -> None:
    assert RULES.read_text(encoding="utf-8") == udev_rules(known_sticks())


def test_shared_ids_alone_never_make_a_stick() -> None:
    shared = [stick for stick in known_sticks() if stick.words]
    assert shared
    rules = [line for line in udev_rules(known_sticks()).splitlines() if line.startswith("ATTRS")]
    for stick in shared:
        mine = [line for line in rules if f'=="{stick.usb[0]:04x}"' in line and f'=="{stick.usb[1]:04x}"' in line]
        assert mine
        assert all(re.search(r'ATTRS\{(product|manufacturer)\}==i"', line) for line in mine)


def test_of_a_stick_with_several_ports_only_one_is_taken() -> None:
    rules = udev_rules([KnownStick("two ports", (0x10C4, 0x8A2A), (), "", interface=0)])
    assert 'ENV{ID_USB_INTERFACE_NUM}=="00", ENV{KEYPAD_STICK}="1"' in rules
