"""Answers about frozen records that are remembered by the record itself, because hashing all its fields costs more than most answers."""

from collections.abc import Callable

REMEMBERED_MAX = 4096
"""Records of which an answer is remembered, then all are forgotten: 50 locks with 80 slots each."""


_forget: list[Callable[[], None]] = []


def by_identity[R, A](answer: Callable[[R], A]) -> Callable[[R], A]:
    """The same pure function of one frozen record, which answers for one and the same record only once."""
    known: dict[int, tuple[R, A]] = {}
    _forget.append(known.clear)

    def remembered(record: R) -> A:
        # What is remembered holds its record, so the number is nobody else's.
        found = known.get(id(record))
        if found is None:
            if len(known) >= REMEMBERED_MAX:
                known.clear()
            found = known[id(record)] = (record, answer(record))
        return found[1]

    return remembered


def forget_all() -> None:
    """Ask again, all of them: for who puts another function in the place of one that answered."""
    for forget in _forget:
        forget()
