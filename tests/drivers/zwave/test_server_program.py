"""`python -m drivers.zwave.server`: writes the config and becomes the server; here a script takes the server's place."""

import json
import os
import subprocess
import sys
from pathlib import Path

from drivers.zwave.server.node import NODE_VARIABLE, PACKAGE_DIR, child_environment

ROOT = PACKAGE_DIR.parents[2]
PATIENCE_S = 60


def make_node(folder: Path) -> Path:
    path = folder / "fake-node"
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        "print('v20.20.2' if sys.argv[1:] == ['--version'] else json.dumps([os.getpid(), os.getcwd(), *sys.argv[1:]]))\n"
    )
    path.chmod(0o755)
    return path


def start(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "drivers.zwave.server", "--stick", "/dev/stick", *arguments],
        cwd=ROOT,
        env={**os.environ, NODE_VARIABLE: str(make_node(folder))},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_program_becomes_the_server_in_its_storage(tmp_path: Path) -> None:
    storage = tmp_path / "zwave"
    finished = start(tmp_path, "--storage", str(storage), "--port", "3123", "--report-timeout", "2000")
    assert finished.returncode == 0, finished.stderr
    assert json.loads((storage / "server.json").read_text())["timeouts"] == {"report": 2000}
    _, cwd, program, stick, *options = json.loads(finished.stdout)
    assert cwd == str(storage)
    assert Path(program).is_file()
    assert stick == "/dev/stick"
    assert options == [
        "--config",
        str(storage / "server.json"),
        "--host",
        "127.0.0.1",
        "--port",
        "3123",
        "--disable-dns-sd",
    ]


def test_with_a_runtime_directory_nothing_of_one_life_is_kept_in_the_storage(tmp_path: Path) -> None:
    storage, runtime = tmp_path / "zwave", tmp_path / "run"
    runtime.mkdir()
    finished = start(tmp_path, "--storage", str(storage), "--runtime", str(runtime))
    assert finished.returncode == 0, finished.stderr
    assert json.loads((runtime / "server.json").read_text())["storage"]["lockDir"] == str(runtime / "locks")
    assert not (storage / "server.json").exists()


def test_a_node_that_is_named_is_started_once_and_not_asked_for_its_version(tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    node = tmp_path / "old-node"
    node.write_text(f"#!/bin/sh\necho life >>{lives}\n")
    node.chmod(0o755)
    finished = start(tmp_path, "--storage", str(tmp_path / "zwave"), "--node", str(node))
    assert finished.returncode == 0, finished.stderr
    assert lives.read_text().splitlines() == ["life"]


def test_a_named_node_that_is_not_there_is_told(tmp_path: Path) -> None:
    finished = start(tmp_path, "--storage", str(tmp_path / "zwave"), "--node", str(tmp_path / "nowhere"))
    assert finished.returncode == 1
    assert finished.stderr.startswith("cannot start the Z-Wave JS server")
    assert len(finished.stderr.splitlines()) == 1


def test_the_start_of_a_unit_loads_nothing_of_the_client_side() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", "import sys, drivers.zwave.server.__main__; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert {"aiohttp", "zwave_js_server", "asyncio"} & set(listed.stdout.split()) == set()


def test_keys_stay_the_same_from_start_to_start(tmp_path: Path) -> None:
    storage = tmp_path / "zwave"
    start(tmp_path, "--storage", str(storage))
    first = json.loads((storage / "server.json").read_text())
    start(tmp_path, "--storage", str(storage))
    assert json.loads((storage / "server.json").read_text()) == first


def test_unmasked_output_dumps_no_frames(tmp_path: Path) -> None:
    # At "warn" the driver prints frames it could not parse, and here nobody masks them (rule N1).
    storage = tmp_path / "zwave"
    start(tmp_path, "--storage", str(storage))
    assert json.loads((storage / "server.json").read_text())["logConfig"]["level"] == "error"


def test_bad_keys_file_gives_one_line_per_problem_and_starts_nothing(tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text('s0_legacy = "C0FFEE"\n')
    keys.chmod(0o600)
    finished = start(tmp_path, "--storage", str(tmp_path / "zwave"), "--keys", str(keys))
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert len(finished.stderr.splitlines()) == 6
    assert "C0FFEE" not in finished.stderr
    assert not (tmp_path / "zwave").exists()


def test_server_runs_in_utc_wherever_the_hub_is() -> None:
    assert child_environment({"TZ": "Europe/Berlin", "LOGTOFILE": "1"}) == {"TZ": "UTC"}, "it tells locks its own zone"
