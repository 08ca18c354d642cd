import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from gateway.model.ids import CodeId
from gateway.shell.client import EXIT_DONE, DaemonUnreachable
from gateway.shell.prompt import ForgetfulHistory, Words, converse, refresh
from gateway.store import codes
from tests.shell.house import House
from tests.shell.test_server import serving

TYPED = "604831"


@pytest.fixture
async def path(house: House, tmp_path: Path) -> AsyncIterator[Path]:
    place = tmp_path / "maint.sock"
    async with serving(house, place):
        yield place


async def type_lines(path: Path, *lines: str) -> tuple[int, list[str]]:
    """Type these lines at the prompt, then leave with Ctrl-D; returns the exit code and what the history kept."""

    def at_the_keyboard() -> tuple[int, list[str]]:
        with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
            session: PromptSession[str] = PromptSession()
            for line in lines:
                keyboard.send_text(f"{line}\r")
            keyboard.send_text("\x04")
            code = converse(path, session)
            return code, session.history.get_strings()

    async with asyncio.timeout(20):
        return await asyncio.to_thread(at_the_keyboard)


def offered(words: Words, typed: str) -> list[str]:
    return [found.text for found in words.get_completions(Document(typed), CompleteEvent())]


async def test_lines_are_carried_out_one_after_the_other(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = await type_lines(path, "plan front-door", "slots cellar", "why 'Ms Adams'", "codes --json", "exit")
    told = capsys.readouterr()
    assert code == EXIT_DONE
    assert "Front door (front-door)" in told.out
    assert "no lock goes by “cellar”" in told.err
    assert "Wanted: “Ms Adams”" in told.out
    assert '"access_code_id": "owner-1"' in told.out


async def test_help_and_slips_do_not_end_the_session(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await type_lines(path, "help", "help why", "fly", "why 'open", "", "plan front-door")
    told = capsys.readouterr()
    assert "usage: gatewayctl why CODE" in told.out
    assert "no verb fly" in told.err
    assert "a quote is left open" in told.err
    assert "Front door (front-door)" in told.out


async def test_a_line_with_a_pin_is_carried_out_and_not_remembered(path: Path, house: House) -> None:
    _, kept = await type_lines(path, "locks", f"create front --name x --id typed --pin {TYPED}", "why typed")
    assert kept == ["locks", "why typed"]
    assert await house.db.read(lambda con: codes.get(con, CodeId("typed"))) is not None


def test_the_history_forgets_lines_with_a_pin() -> None:
    history = ForgetfulHistory()
    for line in ("status", f"create front --name x --pin {TYPED}", f"update guest --pin={TYPED}"):
        history.append_string(line)
    assert history.get_strings() == ["status"]


async def test_the_prompt_completes_verbs_options_locks_and_codes(path: Path) -> None:
    words = Words()
    await asyncio.to_thread(refresh, words, path)
    assert offered(words, "sl") == ["slots"]
    assert offered(words, "slots ") == ["front-door", "back-door", "garage"]
    assert offered(words, "why own") == ["owner-1"]
    assert offered(words, "codes --") == ["--lock", "--all"]
    assert offered(words, "codes --lock b") == ["back-door"]
    assert offered(words, "create front-door --name x --") == ["--pin", "--from", "--until", "--id", "--pool"]
    assert offered(words, "help ver") == ["verify"]
    assert offered(words, "fly ") == []


async def test_a_new_code_can_be_completed_at_once(path: Path, house: House) -> None:
    words = Words()
    await asyncio.to_thread(refresh, words, path)
    assert offered(words, "why gre") == []
    await house.run("create", "front", "--name", "x", "--id", "green")
    await asyncio.to_thread(refresh, words, path)
    assert offered(words, "why gre") == ["green"]


async def test_without_a_daemon_the_prompt_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable):
        await type_lines(tmp_path / "maint.sock")
