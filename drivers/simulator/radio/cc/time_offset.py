"""How an offset from UTC is written on the air (CC:004E and CC:008A): sign and hours, minutes, sign and minutes of summer time."""

from drivers.simulator.lock.clock import Offsets, Turn

OFFSET_BYTES = 3
SIGN = 0x80
HOURS_MAX, MINUTES_MAX, SUMMER_MAX = 14, 59, 120
"""Largest hours, minutes and summer minutes that any place on earth needs; more is not an offset."""


def parse_offset(body: bytes, summer: tuple[Turn, Turn] | None) -> Offsets | None:
    """Read three bytes; None when they are cut short or no offset. `summer` is taken over as it is."""
    if len(body) < OFFSET_BYTES:
        return None
    hours, minutes, added = body[0] & ~SIGN, body[1], body[2] & ~SIGN
    if hours > HOURS_MAX or minutes > MINUTES_MAX or added > SUMMER_MAX:
        return None
    standard_min = hours * 60 + minutes
    return Offsets(-standard_min if body[0] & SIGN else standard_min, -added if body[2] & SIGN else added, summer)


def offset_bytes(offsets: Offsets) -> bytes:
    """Write an offset."""
    hours, minutes = divmod(abs(offsets.standard_min), 60)
    first = hours | (SIGN if offsets.standard_min < 0 else 0)
    added = abs(offsets.summer_min) | (SIGN if offsets.summer_min < 0 else 0)
    return bytes([first, minutes, added])
