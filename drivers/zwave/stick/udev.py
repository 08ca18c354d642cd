"""Pure: the table of known sticks as rules for udev, so that there is one table.

A stick that is surely Z-Wave becomes /dev/zwave, belongs to the group `zwave`, and starts the server. One that only shares its ids with
other products gets nothing: an operator who knows better writes one line of his own (systemd/README.md).
"""

from collections.abc import Iterator, Sequence

from drivers.zwave.stick.identity import KnownStick

_HEAD = """\
# Made by `python -m drivers.zwave.stick --udev-rules` from drivers/zwave/stick/sticks.toml: change that table, not this file.
# The number puts these rules behind 60-serial.rules, which finds the interface number.
ACTION=="remove", GOTO="keypad_gateway_end"
SUBSYSTEM!="tty", GOTO="keypad_gateway_end"
"""

_TAIL = """
# ModemManager would talk to it; SYSTEMD_WANTS starts the server each time a stick comes.
ENV{KEYPAD_STICK}=="1", SYMLINK+="zwave", GROUP="zwave", MODE="0660", TAG+="systemd", ENV{ID_MM_DEVICE_IGNORE}="1", \\
  ENV{SYSTEMD_WANTS}+="zwave-stick.service"

LABEL="keypad_gateway_end"
"""


def udev_rules(sticks: Sequence[KnownStick]) -> str:
    """The whole file (udev(7); `i"…"` ignores capitals, systemd 257)."""
    blocks = ["\n".join([f"\n# {stick.label}", *_rules(stick), ""]) for stick in sticks]
    return _HEAD + "".join(blocks) + _TAIL


def _rules(stick: KnownStick) -> Iterator[str]:
    vendor, product = stick.usb
    ids = f'ATTRS{{idVendor}}=="{vendor:04x}", ATTRS{{idProduct}}=="{product:04x}"'
    port = "" if stick.interface is None else f', ENV{{ID_USB_INTERFACE_NUM}}=="{stick.interface:02x}"'
    if not stick.words:
        yield f'{ids}{port}, ENV{{KEYPAD_STICK}}="1"'
        return
    any_word = "|".join(f"*{word}*" for word in stick.words)
    for attribute in ("product", "manufacturer"):
        yield f'{ids}, ATTRS{{{attribute}}}==i"{any_word}"{port}, ENV{{KEYPAD_STICK}}="1"'
