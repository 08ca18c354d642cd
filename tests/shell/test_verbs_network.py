"""Adding and removing locks from the shell: what is asked, how the story goes on, what a person does with a newcomer."""

import pytest

from gateway.model.failures import Busy, Unsupported
from gateway.model.ids import LockId
from gateway.model.network import NetworkOutcome, NetworkTask, NetworkWish
from gateway.shell import client, verbs_network
from gateway.shell.catalogue import CATALOGUE
from gateway.shell.session import Answer, NotDone, Request, request_of_words
from tests.shell.fake_network import FakeNetwork
from tests.shell.house import House, text_of


@pytest.fixture
def network(bare: House) -> tuple[House, FakeNetwork]:
    fake = bare.context.networks["zwave"]
    assert isinstance(fake, FakeNetwork)
    return bare, fake


async def test_include_begins_a_task_with_the_key_and_leaves_a_line_in_the_journal_without_it(
    network: tuple[House, FakeNetwork],
) -> None:
    house, fake = network
    answer = await house.run("include", "--name", "Cellar", "--dsk", "34028")
    assert text_of(answer).startswith("The stick listens")
    assert fake.wishes == [NetworkWish(NetworkTask.INCLUDE, key="34028", name="Cellar")]
    assert "34028" not in repr(fake.wishes)
    rows = await house.db.read(lambda con: [str(row) for row in con.execute("SELECT body FROM journal").fetchall()])
    assert any("include" in row and "--dsk" in row for row in rows)
    assert not any("34028" in row for row in rows)


async def test_force_provision_exclude_and_remove_failed_say_what_they_mean(network: tuple[House, FakeNetwork]) -> None:
    house, fake = network
    await house.run("include", "--force")
    await house.run("provision", "34028-28291-00712-41199-50023-11001-02774-60123")
    await house.run("exclude")
    await house.run("remove-failed", "garage")
    assert [wish.task for wish in fake.wishes] == [
        NetworkTask.INCLUDE,
        NetworkTask.PROVISION,
        NetworkTask.EXCLUDE,
        NetworkTask.REMOVE_FAILED,
    ]
    assert fake.wishes[0].is_forced
    assert fake.wishes[3].lock_id == "garage"


async def test_story_goes_on_line_by_line_and_ends_with_the_lock_as_the_hub_calls_it(
    network: tuple[House, FakeNetwork],
) -> None:
    house, fake = network
    await house.run("include", "--dsk", "34028")
    fake.tell("A device answers.", NetworkOutcome.RUNNING)
    assert text_of(await house.run("network", "--after", "1")).strip() == "A device answers."
    fake.tell("It is node 7.", NetworkOutcome.DONE, LockId("front-door-2"))
    answer = await house.run("network", "--after", "2")
    assert "gatewayctl create front-door-2 --name Guest" in text_of(answer)
    assert isinstance(answer.value, dict)
    assert (answer.value["outcome"], answer.value["device_id"]) == ("done", "front-door-2")


async def test_failed_task_tells_its_steps_first_and_then_fails(network: tuple[House, FakeNetwork]) -> None:
    house, fake = network
    await house.run("include", "--dsk", "34028")
    fake.tell("A device answers.", NetworkOutcome.RUNNING)
    fake.tell("Node 7 joined with S0 and is not used.", NetworkOutcome.FAILED)
    first = await house.run("network", "--after", "1")
    assert first.failure is None
    assert isinstance(first.value, dict)
    assert (first.value["outcome"], first.value["line_count"]) == ("running", 2)
    last = await house.run("network", "--after", "2")
    assert last.failure is not None
    assert "joined with S0" in last.failure.message


async def test_refusals_name_the_reason(network: tuple[House, FakeNetwork]) -> None:
    house, fake = network
    assert "No lock was added" in text_of(await house.run("network"))
    fake.trouble = Unsupported("the key is five digits")
    assert "five digits" in text_of(await house.run("include", "--dsk", "12"))
    fake.trouble = Busy(5_000, "another lock is just joining")
    assert "another lock" in text_of(await house.run("exclude"))
    assert "name one with --driver" in text_of(await house.run("exclude", "--driver", "zigbee"))
    assert "0 to 99" in text_of(await house.run("network", "--after", "x"))
    assert "1 to 80" in text_of(await house.run("include", "--dsk", "34028", "--name", "x" * 81))


async def test_nothing_new_is_an_answer_too(
    network: tuple[House, FakeNetwork], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, _ = network
    monkeypatch.setattr(verbs_network, "NEWS_WAIT_S", 0.01)
    await house.run("exclude")
    answer = await house.run("network", "--after", "1")
    assert answer.failure is None
    assert answer.lines == ()


class FakeDaemon:
    """Answers in their order, and the requests that came."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.heard: list[Request] = []

    def ask(self, request: Request) -> Answer:
        self.heard.append(request)
        return self.answers.pop(0)


def running(count: int) -> Answer:
    return Answer(value={"outcome": "running", "line_count": count})


def test_client_follows_a_task_of_one_driver_until_it_is_over() -> None:
    daemon = FakeDaemon(running(1), running(3), Answer(value={"outcome": "done", "line_count": 4}))
    request = request_of_words(["include", "--name", "Cellar", "--dsk", "34028", "--driver", "zwave"], CATALOGUE)
    answer = client.follow(daemon, request, is_json=True)
    assert isinstance(answer.value, dict)
    assert answer.value["outcome"] == "done"
    assert [heard.verb.name for heard in daemon.heard] == ["include", "network", "network"]
    assert dict(daemon.heard[2].arguments) == {"driver": "zwave", "after": "3"}


def test_client_asks_for_the_key_of_a_lock_before_the_stick_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "34028")
    asked = client.with_asked_key(request_of_words(["include"], CATALOGUE))
    assert asked.arguments["dsk"] == "34028"
    forced = client.with_asked_key(request_of_words(["include", "--force"], CATALOGUE))
    assert "dsk" not in forced.arguments
    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(NotDone):
        client.with_asked_key(request_of_words(["include"], CATALOGUE))
