"""The keys file: made, imported, and refused with everything that is wrong at once and no key in the text."""

import logging
import random
import stat
from pathlib import Path

import pytest

from drivers.zwave.server.keys import (
    KEYS_FILE_BYTES_MAX,
    KeyName,
    KeysUnusableError,
    draw_keys,
    format_keys,
    import_keys,
    import_or_draw_keys,
    parse_keys,
)

PLACE = "keys.toml"


def lines(**changes: str | None) -> str:
    """A good keys file, with values replaced (as TOML source) or left out (None)."""
    values: dict[str, str | None] = {name.value: f'"{place:032x}"' for place, name in enumerate(KeyName, start=1)}
    values.update(changes)
    return "\n".join(f"{name} = {value}" for name, value in values.items() if value is not None)


def problems_of(text: str) -> dict[str, str]:
    with pytest.raises(KeysUnusableError) as refused:
        parse_keys(text, PLACE)
    assert all(problem.remedy for problem in refused.value.problems)
    return {problem.place: problem.fault for problem in refused.value.problems}


def test_keys_are_read_by_name() -> None:
    keys = parse_keys(lines(), PLACE)
    assert keys.hex(KeyName.S0_LEGACY) == f"{1:032x}"
    assert keys.hex(KeyName.LR_S2_ACCESS_CONTROL) == f"{6:032x}"


def test_upper_case_digits_are_accepted() -> None:
    keys = parse_keys(lines(s0_legacy='"' + "AB" * 16 + '"'), PLACE)
    assert keys.hex(KeyName.S0_LEGACY) == "ab" * 16


def test_drawn_keys_survive_the_file() -> None:
    keys = draw_keys(random.Random(1).randbytes)
    assert parse_keys(format_keys(keys), PLACE) == keys
    assert len({keys.hex(name) for name in KeyName}) == 6


def test_drawing_equal_keys_again_and_again_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="same key"):
        draw_keys(bytes)


def test_equal_keys_are_drawn_again() -> None:
    poor = random.Random(1)
    draws = iter([bytes(16)] * 6 + [poor.randbytes(16) for _ in range(6)])
    keys = draw_keys(lambda _: next(draws))
    assert len({keys.hex(name) for name in KeyName}) == 6


def test_all_problems_are_told_at_once() -> None:
    faults = problems_of(
        lines(
            s0_legacy=None,
            s2_unauthenticated='"abc"',
            s2_authenticated='"' + "x" * 32 + '"',
            s2_access_control="17",
            lr_s2_access_control=f'"{5:032x}"',
            s3_future='"1"',
        )
    )
    assert faults == {
        "keys.toml, s3_future": "this is no key's name",
        "keys.toml, s0_legacy": "this key is missing",
        "keys.toml, s2_unauthenticated": "this key has 3 characters",
        "keys.toml, s2_authenticated": "this key has characters that are not hexadecimal",
        "keys.toml, s2_access_control": "this key is not a string",
        "keys.toml, lr_s2_access_control": "this key equals lr_s2_authenticated",
    }


def test_broken_toml_is_placed_by_line() -> None:
    assert problems_of('s0_legacy = "1"\nthis is not toml') == {"keys.toml, line 2": "this is not TOML"}


@pytest.mark.parametrize(
    "text",
    [
        lines(s0_legacy=f'"{0xC0FFEE:031x}"'),  # one digit short
        lines(s0_legacy='"00000000000000000000000000C0FFEE"', s2_authenticated='"00000000000000000000000000C0FFEE"'),
        '"00000000000000000000000000C0FFEE" = "s0_legacy"',  # name and key swapped
        "s0_legacy = 00000000000000000000000000C0FFEE",  # no quotes
        's0_legacy = "00000000000000000000000000C0FFEE',  # quote not closed
    ],
)
def test_no_problem_shows_a_key(text: str) -> None:
    with pytest.raises(KeysUnusableError) as refused:
        parse_keys(text, PLACE)
    assert "c0ffee" not in str(refused.value).lower()


def test_repr_shows_no_key() -> None:
    keys = parse_keys(lines(), PLACE)
    assert keys.hex(KeyName.S0_LEGACY) not in repr(keys)
    assert repr(bytes.fromhex(keys.hex(KeyName.S0_LEGACY))) not in repr(keys)


def test_first_start_makes_a_private_file_and_the_next_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys.toml"
    made = import_or_draw_keys(path, tmp_path / "cache", random.Random(1).randbytes)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert import_or_draw_keys(path, tmp_path / "cache", random.Random(2).randbytes) == made
    assert [entry.name for entry in path.parent.iterdir()] == ["keys.toml"]


def test_no_new_keys_are_made_over_a_known_network(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "c0ffee01.jsonl").touch()
    with pytest.raises(KeysUnusableError, match="restore the file"):
        import_or_draw_keys(tmp_path / "keys.toml", cache, random.Random(1).randbytes)
    assert not (tmp_path / "keys.toml").exists()


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "cannot be read"), (b"\xff\xfe\x00", "not text"), (b"#" * (KEYS_FILE_BYTES_MAX + 1), "too long")],
)
def test_unreadable_file_is_a_problem_with_its_path(tmp_path: Path, content: bytes | None, fault: str) -> None:
    path = tmp_path / "keys.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KeysUnusableError, match=fault) as refused:
        import_keys(path)
    assert refused.value.problems[0].place == str(path)


def test_file_open_to_others_is_read_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(lines())
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        import_keys(path)
    assert [record.message for record in caplog.records] == ["zwave.keys.readable_by_others"]
