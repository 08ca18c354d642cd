import asyncio
import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.model.ids import CodeId
from gateway.model.pin import Pin
from gateway.shell import client
from gateway.shell.catalogue import VERBS
from gateway.shell.client import EXIT_DONE, EXIT_FAILED, EXIT_UNREACHABLE, EXIT_USAGE, default_socket, main, read_call
from gateway.store import codes
from tests.shell.house import House
from tests.shell.test_server import serving

TYPED = "604831"


@pytest.fixture
async def path(house: House, tmp_path: Path) -> AsyncIterator[Path]:
    """The socket of a running daemon."""
    place = tmp_path / "maint.sock"
    async with serving(house, place):
        yield place


async def call(path: Path, *words: str) -> int:
    async with asyncio.timeout(20):
        return await asyncio.to_thread(main, ["--socket", str(path), *words])


@contextmanager
def impostor(path: Path, reply: bytes) -> Iterator[None]:
    """Something that listens, takes a request, says `reply` and hangs up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(str(path))
        door.listen(1)

        def serve() -> None:
            line, _ = door.accept()
            with line:
                line.recv(65_536)
                line.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(5)


async def test_a_verb_prints_its_screen_and_exits_0(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await call(path, "locks") == EXIT_DONE
    told = capsys.readouterr()
    assert told.err == ""
    lines = told.out.splitlines()
    assert lines[0].split() == ["LOCK", "ID", "ANSWERS", "BATTERY", "SET", "WAITING", "NEXT"]
    assert lines[1].startswith("Front door  front-door  yes")
    assert "\x1b" not in told.out


@pytest.mark.parametrize("verb", ["status", "locks", "codes", "slots front-door", "plan back-door", "why owner-1",
                                  "timeline owner-1", "verify"])  # fmt: skip
async def test_json_prints_one_document_wherever_the_option_stands(
    path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert await call(path, *verb.split(), "--json") == EXIT_DONE
    after = json.loads(capsys.readouterr().out)
    assert await call(path, "--json", *verb.split()) == EXIT_DONE
    assert json.loads(capsys.readouterr().out) == after


async def test_a_refusal_says_where_and_what_to_do_and_exits_1(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await call(path, "create", "front", "--name", "x", "--pin", "12") == EXIT_FAILED
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("--pin: a PIN has 4 to 10 digits")
    assert "→ type another PIN" in told.err


async def test_a_refusal_for_programs_is_a_document_too(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await call(path, "slots", "cellar", "--json") == EXIT_FAILED
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["kind"], error["field"]) == ("refused", "LOCK")


async def test_a_drawn_pin_is_printed_once_on_the_screen_and_in_the_document(
    path: Path, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await call(path, "create", "front", "--name", "Ms Green", "--json") == EXIT_DONE
    document = json.loads(capsys.readouterr().out)
    code = await house.db.read(lambda con: codes.get(con, CodeId(document["access_code"]["access_code_id"])))
    assert code is not None
    assert code.digest == house.context.desk.seal.digest(Pin(document["drawn_pin"]))


async def test_a_pin_can_be_typed_without_showing_up_on_the_command_line(
    path: Path, house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TYPED}\n"))
    assert await call(path, "update", "guest", "--pin", "-") == EXIT_DONE
    code = await house.db.read(lambda con: codes.get(con, CodeId("guest-2f9c71aa04")))
    assert code is not None
    assert code.digest == house.context.desk.seal.digest(Pin(TYPED))
    assert TYPED not in "".join(capsys.readouterr())
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert await call(path, "update", "guest", "--pin", "-") == EXIT_USAGE


@pytest.mark.parametrize(
    "words",
    [
        [], ["fly"], [TYPED], ["slots"], ["slots", "front", TYPED], ["codes", f"--{TYPED}"], ["create", "front", TYPED],
        ["codes", "--all", "--all"], ["create", "front", "--pin", "--name", "x"], ["--socket"], ["--socket="],
    ],
)  # fmt: skip
def test_wrong_usage_exits_2_and_repeats_no_pin(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == EXIT_USAGE
    told = capsys.readouterr()
    assert "→" in told.err
    assert TYPED not in told.out + told.err
    assert main([*words, "--json"]) == EXIT_USAGE or words == ["--socket"]
    assert TYPED not in "".join(capsys.readouterr())


def test_a_daemon_that_is_not_there_exits_3_and_says_how_to_start_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "maint.sock"
    assert main(["--socket", str(path), "status"]) == EXIT_UNREACHABLE
    told = capsys.readouterr().err
    assert "there is no socket" in told
    assert "systemctl start gateway.service" in told
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as crashed:
        crashed.bind(str(path))
    assert main(["--socket", str(path), "status", "--json"]) == EXIT_UNREACHABLE
    assert "no gateway listens" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize(
    ("reply", "told"), [(b"", "hung up"), (b'{"lines": [["x"', "hung up"), (b"220 smtp ready\n", "different versions")]
)
def test_a_daemon_that_breaks_off_exits_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reply: bytes, told: str
) -> None:
    path = tmp_path / "maint.sock"
    with impostor(path, reply):
        assert main(["--socket", str(path), "status"]) == EXIT_UNREACHABLE
    assert told in capsys.readouterr().err


def test_a_daemon_that_does_not_answer_exits_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.05)
    path = tmp_path / "maint.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(str(path))
        door.listen(1)
        assert main(["--socket", str(path), "status"]) == EXIT_UNREACHABLE
    assert "did not answer" in capsys.readouterr().err


async def test_being_turned_away_is_told_as_such(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.shell.server.SESSIONS_MAX", 0)
    assert await call(path, "status") == EXIT_FAILED
    assert "too many sessions" in capsys.readouterr().err


def test_the_socket_is_chosen_by_environment_then_device_then_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, checkout = tmp_path / "device.sock", tmp_path / "checkout.sock"
    monkeypatch.setattr(client, "SOCKET_OF_DEVICE", device)
    monkeypatch.setattr(client, "SOCKET_OF_CHECKOUT", checkout)
    assert default_socket({}) == device
    checkout.touch()
    assert default_socket({}) == checkout
    device.touch()
    assert default_socket({}) == device
    assert default_socket({"KEYPAD_SOCKET": "/elsewhere"}) == Path("/elsewhere")


def test_help_explains_every_verb_with_its_arguments_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--help"], ["-h"], ["nonsense", "--help"]):
        assert main(words) == EXIT_DONE
        page = capsys.readouterr().out
        assert all(verb.name in page and verb.summary in page for verb in VERBS)
        assert max(map(len, page.splitlines())) <= 80
    for verb in VERBS:
        assert main([verb.name, "--help"]) == EXIT_DONE
        page = capsys.readouterr().out
        assert " ".join(page.split()).startswith(f"usage: gatewayctl {verb.usage} ")
        assert all(argument.written in page for argument in verb.arguments)
        assert f"  gatewayctl {verb.examples[0]}" in page
        assert max(map(len, page.splitlines())) <= 80


def test_options_of_the_program_are_found_on_both_sides_of_the_verb() -> None:
    call_ = read_call(["--json", "codes", "--all", "--socket=/x"])
    assert (call_.words, call_.is_json, call_.socket_path) == (("codes", "--all"), True, Path("/x"))
    assert read_call(["why", "--", "--json"]).words == ("why", "--", "--json")


def test_the_program_starts_without_what_only_tables_and_the_prompt_need() -> None:
    script = (
        "import sys, gateway.shell.client as c; c.main(['--version'])\n"
        "print(sorted(set(sys.modules) & {'rich', 'prompt_toolkit', 'asyncio', 'sqlcipher3', 'cryptography', 'pydantic'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.splitlines()[1] == "[]"


async def test_output_that_nobody_reads_is_no_error(path: Path) -> None:
    program = f"{sys.executable} -m gateway.shell.client --socket {path} codes --json"
    for command, told in ((f"{program} | head -c 1", "["), (f"{program} | true", "")):
        script = ["bash", "-o", "pipefail", "-c", command]
        done = await asyncio.to_thread(subprocess.run, script, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, told, "")
