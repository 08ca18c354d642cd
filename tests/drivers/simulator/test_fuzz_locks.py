"""A few thousand random payloads at every commit; `fuzz_locks` throws more."""

import pytest

from drivers.simulator.lock.schedule import Schedules
from drivers.simulator.radio.cc.user_code import UserCode
from tests.drivers.simulator.fuzz_locks import fuzz


def test_no_payload_breaks_a_lock_and_every_kind_answers() -> None:
    answered = fuzz(6000, seed=1)
    assert all(count > 0 for count in answered.values())


def test_same_seed_is_the_same_fuzz() -> None:
    assert fuzz(500, seed=2) == fuzz(500, seed=2)


def test_lock_that_forgets_and_a_report_that_grows_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Schedules, "restore", lambda *_: None)
        with pytest.raises(AssertionError, match="does not come back"):
            fuzz(6000, seed=1)
    monkeypatch.setattr(UserCode, "report", lambda *_: bytes(100))
    with pytest.raises(AssertionError, match="too long"):
        fuzz(6000, seed=1)
