"""Failures of a lock call, named by what to do next."""

from enum import StrEnum


class Part(StrEnum):
    """Which part did not answer (D4)."""

    LOCK = "lock"
    STICK = "stick"
    SERVER = "server"
    INTERNET = "internet"


class LockFailure(Exception):  # noqa: N818 - the names below say what to do next, "Error" says nothing
    """Base of what a lock port raises. The text is for people and never holds a PIN."""


class Unreachable(LockFailure):
    """Nothing was executed and the part may come back: try again later, with back-off (A8)."""

    def __init__(self, part: Part, cause: str) -> None:
        """`cause` is one short line for a person."""
        super().__init__(f"{part.value} unreachable: {cause}")
        self.part = part
        self.cause = cause


class Busy(LockFailure):
    """Nothing was executed; come back after `retry_after_ms` milliseconds (D4)."""

    def __init__(self, retry_after_ms: int, cause: str) -> None:
        """`cause` is one short line for a person."""
        super().__init__(f"busy for {retry_after_ms} ms: {cause}")
        self.retry_after_ms = retry_after_ms
        self.cause = cause


class Unsupported(LockFailure):
    """This lock can never do that: do not try again."""
