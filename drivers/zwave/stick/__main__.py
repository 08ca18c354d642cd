"""Say what sticks are there: `python -m drivers.zwave.stick [PATH …]`. Only named ports are opened and asked.

Without a path the USB ports are listed as the system describes them, and nothing is opened: a port may belong to
something that does not like to be talked to. `--udev-rules` prints the table of known sticks as rules for udev. Exit code 1 when a named port is no stick that answers.
"""

import argparse
import asyncio
import sys

from drivers.zwave.stick.identity import Match, known_sticks, recognise
from drivers.zwave.stick.probe import StickUnreadable, identify, usb_device, usb_devices
from drivers.zwave.stick.udev import udev_rules

_WORDS = {Match.SURE: "", Match.PERHAPS: "perhaps ", Match.UNKNOWN: "not known as a Z-Wave stick: "}


def main() -> int:
    """The program; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m drivers.zwave.stick", description="Say what Z-Wave sticks are there."
    )
    parser.add_argument("path", nargs="*", help="a serial port to ask, such as /dev/serial/by-id/…")
    parser.add_argument(
        "--udev-rules", action="store_true", help="print the rules that give a hub's stick its name, and end"
    )
    told = parser.parse_args()
    if told.udev_rules:
        sys.stdout.write(udev_rules(known_sticks()))
        return 0
    paths: list[str] = told.path
    devices = [usb_device(path) for path in paths] if paths else usb_devices()
    for device in devices:
        found = recognise(device)
        _say(f"{device.path}: {_WORDS[found.match]}{found.label}" + (f" ({found.note})" if found.note else ""))
    if not devices:
        _say("no serial port on USB: plug the stick in")
    return max((asyncio.run(_ask(path)) for path in paths), default=0)


async def _ask(path: str) -> int:
    try:
        stick = await identify(path)
    except StickUnreadable as error:
        _say(str(error))
        return 1
    product = f"{stick.vendor:04x}:{stick.product_type:04x}:{stick.product_id:04x}"
    _say(f"{path}: network {stick.home_id:08X}, firmware {stick.firmware}, product {product}")
    return 0


def _say(line: str) -> None:
    print(line)  # noqa: T201 - this program's purpose


if __name__ == "__main__":
    sys.exit(main())
