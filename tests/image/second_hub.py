"""Another card with the same image, in a machine without stick, owner's files and time: what it makes by itself is its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.hub import READY_S, Hub, switched_on
from tests.image.medium import Medium
from tests.image.patience import until
from tests.image.surroundings import Surroundings

MADE = (
    "settings/hub-id",
    "settings/gateway.csr.pem",
    "identity/gateway.secret",
    "identity/gateway.key.pem",
    "identity/zwave.keys.toml",
)
"""What a hub makes at its first start when its owner brings nothing."""


@pytest.fixture(scope="module")
def cards(around: Surroundings) -> tuple[Medium, Medium]:
    return around.medium("second"), around.medium("third")


@pytest.fixture(scope="module")
def hub(around: Surroundings, cards: tuple[Medium, Medium]) -> Iterator[Hub]:
    with switched_on(around.machine(cards[0]), around, has_stick=False) as running:
        yield running
        running.machine.switch_off()


def test_without_stick_and_files_it_waits_for_its_owner_and_nothing_fails(hub: Hub) -> None:
    until(hub.is_settled, READY_S, hub.trouble)
    assert hub.run("systemctl is-system-running").strip() == "running"
    assert hub.show("gateway.service", "ConditionResult") == "no"
    assert not hub.is_active("zwave-js-server.service")
    assert "put it at" in hub.journal("--unit=gateway-provision")


def test_nobody_logs_in_with_a_password(hub: Hub) -> None:
    rows = [line.split(":") for line in hub.run("cat /etc/shadow").splitlines()]
    assert [row[0] for row in rows if not row[1].startswith(("!", "*"))] == []


def test_two_hubs_of_one_image_share_nothing_they_made(
    hub: Hub, around: Surroundings, cards: tuple[Medium, Medium], tmp_path: Path
) -> None:
    hub.machine.switch_off()
    with switched_on(around.machine(cards[1]), around, has_stick=False) as other:
        until(other.is_settled, READY_S, other.trouble)
        other.machine.switch_off()
    one, two = (_made(card, tmp_path / str(number)) for number, card in enumerate(cards))
    assert set(one) == set(two) == set(MADE)
    assert [name for name in MADE if one[name] == two[name] or not one[name]] == []
    keys_of = [
        {line.split('"')[1] for line in made["identity/zwave.keys.toml"].decode().splitlines() if "=" in line}
        for made in (one, two)
    ]
    assert len(keys_of[0]) == len(keys_of[1]) == 6
    assert keys_of[0] & keys_of[1] == set()


def _made(card: Medium, into: Path) -> dict[str, bytes]:
    with card.read() as tree:
        for place in ("settings", "identity"):
            tree.take(f"/{place}", into)
    return {name: (into / name).read_bytes() for name in MADE if (into / name).is_file()}
