"""What each sabotage breaks still exists: told in a moment, long before the demo itself runs with it."""

import pytest

from tests.demo import saboteur
from tests.demo.saboteur import SABOTAGES


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_sabotage_finds_what_it_breaks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: list[str] = []

    def note(owner: object, attribute: str, replacement: object) -> None:
        assert callable(getattr(owner, attribute))
        assert callable(replacement)
        broken.append(attribute)

    monkeypatch.setattr(saboteur, "_put", note)
    SABOTAGES[name].patch()
    assert broken
