"""Verbs that add locks to a driver's network and take them out of it: they begin a task, and `network` tells its story."""

import asyncio

from gateway.model.access_code import Origin
from gateway.model.events import Fact
from gateway.model.failures import LockFailure
from gateway.model.network import NetworkOutcome, NetworkStory, NetworkTask, NetworkWish
from gateway.ports import NetworkPort
from gateway.shell.context import Peer, ShellContext
from gateway.shell.scenes import find_lock
from gateway.shell.session import Answer, Cell, Failure, FailureKind, NotDone, Request, Tone, usage_failure
from gateway.shell.story import VERB_NOTE
from gateway.store import journal

NEWS_WAIT_S = 20.0
"""How long `network --after` waits for the next line; below the limit for one request."""

LINES_MAX = 99
"""Largest `--after`; a story has some ten lines."""

NAME_CHARS_MAX = 80
"""Longest name of a lock, as in the configuration."""


async def include(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Add a lock that a person puts into its joining mode."""
    wish = NetworkWish(
        NetworkTask.INCLUDE, key=request.get("dsk"), is_forced=request.get("force") is not None, name=_name(request)
    )
    return await _begin(context, peer, request, wish)


async def provision(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Expect a lock by its whole key."""
    wish = NetworkWish(NetworkTask.PROVISION, key=request.arguments["dsk"], name=_name(request))
    return await _begin(context, peer, request, wish)


async def exclude(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Let go of a lock that a person puts into its leaving mode."""
    return await _begin(context, peer, request, NetworkWish(NetworkTask.EXCLUDE))


async def remove_failed(context: ShellContext, peer: Peer, request: Request) -> Answer:
    """Strike off a lock that is gone."""
    view = find_lock(context, request.arguments["lock"])
    return await _begin(context, peer, request, NetworkWish(NetworkTask.REMOVE_FAILED, lock_id=view.lock_id))


async def network(context: ShellContext, _: Peer, request: Request) -> Answer:
    """The story so far, or what came after so many of its lines."""
    port = _network_of(context, request)
    after = request.get("after")
    if after is not None:
        if not after.isdecimal() or int(after) > LINES_MAX:
            raise usage_failure(
                f"--after is a number from 0 to {LINES_MAX}", "leave it out to see all lines", "--after"
            )
        try:
            async with asyncio.timeout(NEWS_WAIT_S):
                await port.wait_for_news(int(after))
        except TimeoutError:
            pass  # nothing new is an answer, too
    story = port.story()
    if story is None:
        return Answer((Cell("No lock was added or removed since the hub started."),), value=None)
    return _told(story, int(after or 0))


def _name(request: Request) -> str | None:
    name = request.get("name")
    if name is not None and not 1 <= len(name) <= NAME_CHARS_MAX:
        raise usage_failure(f"a name has 1 to {NAME_CHARS_MAX} characters", "give a shorter one", "--name")
    return name


async def _begin(context: ShellContext, peer: Peer, request: Request, wish: NetworkWish) -> Answer:
    port = _network_of(context, request)
    outcome = "begun"
    try:
        await port.begin(wish)
    except LockFailure as failure:
        outcome = "refused"
        raise NotDone(Failure(FailureKind.REFUSED, str(failure), "gatewayctl network, or status, says more")) from None
    finally:
        body: dict[str, Fact] = {
            "verb": request.verb.name,
            "uid": peer.uid,
            "options": [f"--{name}" for name in sorted(request.arguments) if name != "lock"],
            "outcome": outcome,
        }
        at = context.clock.reading().lo
        await context.db.write(
            lambda con: journal.note(
                con, VERB_NOTE, at, lock_id=wish.lock_id, code_id=None, body=body, actor=Origin.SHELL
            )
        )
    story = port.story()
    assert story is not None, "a task that was begun has a story"
    return _told(story, 0)


def _network_of(context: ShellContext, request: Request) -> NetworkPort:
    named = request.get("driver")
    fitting = [port for name, port in context.networks.items() if named in {None, name}]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(context.networks) or "none"
    told = "no driver of this hub can do that" if not fitting else "several drivers can do that"
    raise NotDone(Failure(FailureKind.REFUSED, told, f"name one with --driver; there is: {known}", "--driver"))


def _told(story: NetworkStory, after: int) -> Answer:
    fresh = story.lines[after:]
    if story.outcome is NetworkOutcome.FAILED and len(fresh) <= 1:
        failure = Failure(FailureKind.FAILED, story.lines[-1], "gatewayctl network tells the steps before that")
        return Answer(value=_value(story, len(story.lines)), failure=failure)
    if story.outcome is NetworkOutcome.FAILED:
        # How it ended is told alone, as a failure, by the next answer.
        return Answer(
            tuple(Cell(line) for line in fresh[:-1]), value=_value(story, len(story.lines) - 1, is_running=True)
        )
    lines = [Cell(line) for line in fresh]
    value = _value(story, len(story.lines))
    if story.lock_id is not None:
        lines.append(Cell(f"Give it a code: gatewayctl create {story.lock_id} --name Guest", Tone.HEAD))
        value["device_id"] = story.lock_id
    return Answer(tuple(lines), value=value)


def _value(story: NetworkStory, line_count: int, *, is_running: bool = False) -> dict[str, Fact]:
    outcome = NetworkOutcome.RUNNING if is_running else story.outcome
    return {"task": story.task.value, "outcome": outcome.value, "line_count": line_count, "lines": list(story.lines)}
