"""Keeps text about people apart from the chained bodies of the journal, and puts it back for readers (A19).

In the chained body a `{"personal": digest}` stands where the text was. The text and its salt are beside it, in a column that the
chain does not cover, under the path to their place. What was erased reads as null.
"""

from gateway.model.events import Fact
from gateway.model.personal import Personal, commitment

type Kept = dict[str, Fact]
"""From a path in the body to [salt in hex, text]."""

_MARK = "personal"


def separated(body: Fact) -> tuple[Fact, Kept]:
    """The body as it is chained, and what is kept beside it."""
    kept: Kept = {}

    def walk(value: Fact, path: str) -> Fact:
        match value:
            case Personal():
                kept[path] = [value.salt.hex(), str(value)]
                return {_MARK: commitment(value, value.salt)}
            case dict():
                return {name: walk(inner, f"{path}/{name}") for name, inner in value.items()}
            case list():
                return [walk(inner, f"{path}/{number}") for number, inner in enumerate(value)]
            case _:
                return value

    return walk(body, ""), kept


def joined(body: Fact, kept: Kept) -> Fact:
    """The body as it was before it was separated; null in the place of what was erased."""

    def walk(value: Fact, path: str) -> Fact:
        match value:
            case {"personal": str(), **more} if not more:
                return _text(kept.get(path))
            case dict():
                return {name: walk(inner, f"{path}/{name}") for name, inner in value.items()}
            case list():
                return [walk(inner, f"{path}/{number}") for number, inner in enumerate(value)]
            case _:
                return value

    return walk(body, "")


def is_true_to(body: Fact, kept: Kept) -> bool:
    """Whether every text that is still kept is the one that was committed to."""

    def walk(value: Fact, path: str) -> bool:
        match value:
            case {"personal": str(digest), **more} if not more:
                match kept.get(path):
                    case None:
                        return True
                    case [str(salt), str(text)]:
                        return commitment(text, bytes.fromhex(salt)) == digest
                    case _:
                        return False
            case dict():
                return all(walk(inner, f"{path}/{name}") for name, inner in value.items())
            case list():
                return all(walk(inner, f"{path}/{number}") for number, inner in enumerate(value))
            case _:
                return True

    return walk(body, "")


def _text(entry: Fact) -> Fact:
    match entry:
        case [str(), str(text)]:
            return text
        case _:
            return None
