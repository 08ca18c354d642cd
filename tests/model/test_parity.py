"""The page of documented words is what the hub really speaks, and every word it speaks is made by a test (A6).

`python -m tests.model.test_parity` prints the table anew into the room's README.
"""

from pathlib import Path

from gateway.model.events import EventKind
from gateway.model.issues import Issue, Status
from tests.model.parity import POOL, WORDS, Family, Word

TESTS = Path(__file__).parents[1]
README = TESTS.parent / "gateway" / "model" / "README.md"
BEGIN, END = "<!-- words: begin -->\n", "<!-- words: end -->"
SPOKEN = {kind.value for kind in EventKind} | {issue.value for issue in Issue} | {status.value for status in Status}


def printed() -> str:
    """The table as it stands in the README of the room."""
    lines = ["| what | word | when, or why not | made by |", "| --- | --- | --- | --- |"]
    for word in WORDS:
        made = f"`{word.test.split('::')[0]}`" if word.test else "left out"
        lines.append(f"| {word.family} | `{word.name}` | {word.told} | {made} |")
    return "\n".join(lines) + "\n"


def is_made(word: Word) -> bool:
    """Whether the test that is named for a word is there."""
    name, _, function = word.test.partition("::")
    return function in (TESTS / name).read_text(encoding="utf-8")


def test_a6_every_word_that_is_said_to_be_spoken_has_its_test() -> None:
    missing = [word.name for word in WORDS if word.test and word.test != POOL and not is_made(word)]
    assert missing == []


def test_a6_no_word_that_is_left_out_is_spoken() -> None:
    assert [word.name for word in WORDS if not word.test and word.name in SPOKEN] == []


def test_a6_every_word_with_a_test_is_one_that_the_hub_knows() -> None:
    unknown = [word.name for word in WORDS if word.test not in {"", POOL} and word.name not in SPOKEN]
    assert set(unknown) <= {word.name for word in WORDS if word.family is Family.MUTATION}


def test_a6_every_status_error_and_warning_of_the_hub_is_on_the_page() -> None:
    listed = {word.name for word in WORDS}
    assert {status.value for status in Status} | {issue.value for issue in Issue} <= listed
    assert len(listed) == len({(word.family, word.name) for word in WORDS})


def test_the_readme_shows_the_words() -> None:
    text = README.read_text(encoding="utf-8")
    shown = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]
    assert shown == printed(), "write it anew: python -m tests.model.test_parity"


if __name__ == "__main__":
    page = README.read_text(encoding="utf-8")
    README.write_text(page[: page.index(BEGIN) + len(BEGIN)] + printed() + page[page.index(END) :], encoding="utf-8")
