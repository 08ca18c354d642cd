"""What a failed call tells: the table of Z-Wave error codes."""

import pytest

from drivers.zwave import failures
from drivers.zwave.failures import Failure, Fate, clean, from_code, from_server, of_read, of_write
from gateway.model.answers import Ambiguous, RefusalReason, Refused
from gateway.model.failures import Busy, Part, Unreachable, Unsupported


@pytest.mark.parametrize(
    ("code", "text", "part"),
    [
        (100, "Driver_Failed", Part.STICK),
        (112, "The serial port was closed", Part.STICK),
        (200, "Timeout while waiting for a callback from the controller", Part.STICK),
        (202, "The serial port is not open!", Part.STICK),
        (202, "Failed to execute controller command", Part.STICK),
        (204, "The node did not acknowledge the command", Part.LOCK),
        (1405, "The node failed to decode the message.", Part.LOCK),
        (999, "something new", Part.LOCK),
        (250, "something new of the controller", Part.STICK),
        (42, "something new of the driver", Part.SERVER),
    ],
)
def test_failed_read_names_the_part_and_failed_write_is_in_doubt(code: int, text: str, part: Part) -> None:
    failure = from_code(code, text)
    raised = of_read(failure)
    assert isinstance(raised, Unreachable)
    assert raised.part is part
    assert isinstance(of_write(failure), Ambiguous)


@pytest.mark.parametrize("code", [103, 109, 211, 212, 217, 1403])
def test_write_that_was_never_sent_is_unreachable_and_not_in_doubt(code: int) -> None:
    assert isinstance(of_write(from_code(code, "")), Unreachable)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (205, "Failed to send the command, the controller is jammed"),
        (202, "Failed to send the command after 5 attempts"),
        (202, "Failed to send the command: Transmission queue full"),
    ],
)
def test_jammed_radio_is_busy_for_a_read_and_doubt_for_a_write(code: int, text: str) -> None:
    failure = from_code(code, text)
    raised = of_read(failure)
    assert isinstance(raised, Busy)
    assert raised.retry_after_ms == failures.JAM_RETRY_MS
    assert isinstance(of_write(failure), Ambiguous)


@pytest.mark.parametrize("code", [302, 303, 304, 322])
def test_what_the_lock_can_never_do_is_unsupported(code: int) -> None:
    assert isinstance(of_read(from_code(code, "")), Unsupported)
    assert isinstance(of_write(from_code(code, "")), Unsupported)


def test_pin_outside_what_the_lock_declared_is_refused_for_its_constraints() -> None:
    text = "The user code must consist of 4 to 10 of the following characters: 0123456789"
    assert of_write(from_code(322, text)) == Refused(RefusalReason.CONSTRAINTS)


def test_supervised_refusal_that_comes_as_an_error_is_a_refusal() -> None:
    assert of_write(from_code(1100, "failed")) == Refused(RefusalReason.UNSPECIFIED)


def test_node_that_the_server_does_not_know_is_an_unreachable_lock() -> None:
    raised = of_write(from_server("node_not_found", "Unable to find node 9"))
    assert isinstance(raised, Unreachable)
    assert raised.part is Part.LOCK


def test_unknown_server_error_leaves_a_write_in_doubt() -> None:
    assert isinstance(of_write(from_server("unknown_error", "Error: boom")), Ambiguous)


def test_foreign_text_is_cleaned_of_digits_that_could_be_a_pin_and_cut() -> None:
    text = clean("bad code 471100\n\x1b[31m at line 12 " + "x" * 500)
    assert "4711" not in text
    assert "line 12" in text
    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) <= failures.TEXT_LENGTH_MAX


def test_error_text_of_an_unknown_code_cannot_carry_a_pin() -> None:
    assert "8472" not in str(of_read(from_code(777, "argument 8472 is wrong")))


def test_cause_of_a_failed_call_is_its_text() -> None:
    failure = Failure(Fate.NEVER, Part.LOCK, "because")
    assert str(failures.CallFailed(failure)) == "because"
