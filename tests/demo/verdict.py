"""What a check is and how it is judged.

A check is not held (False) as soon as that is certain, and open (None) while it may still turn out either way; once the
story was told to its end nothing stays open.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.demo.record import Record


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold: a name, a sentence, what is compared with what, and what was found."""

    check_id: str
    sentence: str
    compared: str
    is_held: bool | None
    found: str


@dataclass(frozen=True, slots=True)
class Finding:
    """`broken` holds everything that is certainly wrong; `is_complete` is whether all that was needed has been seen."""

    is_complete: bool
    broken: tuple[str, ...]
    found: str


type Rule = Callable[[Record], Finding]


@dataclass(slots=True)
class Rules:
    """Rules under their names, in the order in which they were entered."""

    entries: list[tuple[str, str, str, Rule]] = field(default_factory=list)

    def rule(self, check_id: str, sentence: str, compared: str) -> Callable[[Rule], Rule]:
        """Enter a rule."""

        def enter(function: Rule) -> Rule:
            self.entries.append((check_id, sentence, compared, function))
            return function

        return enter

    def judge(self, record: Record) -> list[Check]:
        """Every check as things stand."""
        return [_checked(record, *entry) for entry in self.entries]


def _checked(record: Record, check_id: str, sentence: str, compared: str, rule: Rule) -> Check:
    finding = rule(record)
    if finding.broken:
        return Check(check_id, sentence, compared, is_held=False, found="; ".join(finding.broken[:3]))
    if finding.is_complete and record.is_over:
        return Check(check_id, sentence, compared, is_held=True, found=finding.found)
    if record.is_over and not record.is_cut:
        return Check(check_id, sentence, compared, is_held=False, found=f"never came to it ({finding.found})")
    return Check(check_id, sentence, compared, is_held=None, found="the story did not come so far")
