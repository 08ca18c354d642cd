"""Bytes to one JSON object under bounds, before anything else looks at them (C5).

What is refused here could mean two things to two readers (a key said twice, NaN), or cost more than it is worth (deep nests,
endless numbers). The words of a refusal never repeat the text: a wrong field may hold a PIN (N1).
"""

import json
import math
import re
from typing import cast

from gateway.model.events import Fact

PAYLOAD_MAX = 48 * 1024
"""Bytes of the largest payload, both ways (C5): below the 128 KB of the tightest big cloud, with room for its envelope."""

DEPTH_MAX = 8
"""Levels of objects and lists; the envelope with its body takes two (the limit of the AWS device shadow, too)."""

INTEGER_MAX = 2**53 - 1
"""Whole numbers above are not exact in every JSON reader (RFC 8259 chapter 6)."""

NUMBER_DIGITS_MAX = 24
"""Longest number text; conversion cost grows with the square of its length."""

_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""Strings and brackets, each byte read once: nothing that was taken is given back (`++`, `*+`), and a string without an end is taken
to the end of the text. Given back, one message of 48 KiB held up everything else for ten seconds (our measurement)."""


class NotClear(ValueError):  # noqa: N818 - says what is wrong with the text
    """The text is no JSON object that everybody reads the same way; says which rule it breaks, never what it holds."""


def parse_object(payload: bytes) -> dict[str, Fact]:
    """One JSON object, every value as its own type. Raises `NotClear`."""
    if _is_deep(payload):
        msg = f"nested deeper than {DEPTH_MAX} levels"
        raise NotClear(msg)
    try:
        text = payload.decode("utf-8")
        found = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_constant
        )
    except UnicodeDecodeError:
        msg = "not UTF-8"
        raise NotClear(msg) from None
    except json.JSONDecodeError as error:
        msg = f"not JSON, at character {error.pos}"
        raise NotClear(msg) from None
    except RecursionError:
        msg = f"nested deeper than {DEPTH_MAX} levels"
        raise NotClear(msg) from None
    if not isinstance(found, dict):
        msg = "not a JSON object"
        raise NotClear(msg)
    if "\\u" in text and not _is_whole(found):
        msg = "half of a surrogate pair is no character"
        raise NotClear(msg)
    return cast("dict[str, Fact]", found)


def _is_deep(payload: bytes) -> bool:
    """Whether the brackets go deeper than allowed; strings are skipped."""
    if payload.count(b"{") + payload.count(b"[") <= DEPTH_MAX:
        return False
    depth = 0
    for match in _BRACKETS.finditer(payload):
        if match[0] in b"[{":
            depth += 1
        elif match[0] in b"]}":
            depth -= 1
        if depth > DEPTH_MAX:
            return True
    return False


def _object(pairs: list[tuple[str, Fact]]) -> dict[str, Fact]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "an object says one key twice"
        raise NotClear(msg)
    return found


def _integer(text: str) -> int:
    if len(text) > NUMBER_DIGITS_MAX or abs(int(text)) > INTEGER_MAX:
        msg = f"a whole number beyond {INTEGER_MAX}"
        raise NotClear(msg)
    return int(text)


def _real(text: str) -> float:
    number = float(text) if len(text) <= NUMBER_DIGITS_MAX else math.inf
    if not math.isfinite(number):
        msg = "a number out of range"
        raise NotClear(msg)
    return number


def _constant(_: str) -> float:
    msg = "NaN and Infinity are no JSON"
    raise NotClear(msg)


def _is_whole(found: Fact) -> bool:
    match found:
        case str():
            return not any("\ud800" <= character <= "\udfff" for character in found)
        case list():
            return all(_is_whole(item) for item in found)
        case dict():
            return all(_is_whole(key) and _is_whole(value) for key, value in found.items())
        case _:
            return True
