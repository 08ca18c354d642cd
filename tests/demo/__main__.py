"""`make demo`: a guest's stay on real parts, told as it happens. Exit code 0 only if every check held."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gateway.cloud.backoff import Pace as ConnectPace
from gateway.cloud.broker_settings import BrokerSettings, Protocol
from gateway.cloud.counterpart import Counterpart
from gateway.cloud.uplink import Uplink
from gateway.model.ids import HubId
from gateway.runtime import logs
from gateway.runtime.entropy import SystemEntropy
from tests.demo import picture, table
from tests.demo.leaks import Canary, search
from tests.demo.listening import ListeningLink, Overheard
from tests.demo.pace import PACES, Pace
from tests.demo.parts import HUB_ID, ROOT, House, PartFailed, running_house
from tests.demo.record import FOREIGN_PIN, Record, now_ms
from tests.demo.saboteur import SABOTAGES
from tests.demo.story import Ear, Story, StoryEnds, on_frame, on_memory
from tests.demo.teller import Teller
from tests.demo.verdict import Check
from tests.demo.watch import Watch

OUT = ROOT / "build/demo"
KEPT = Path(__file__).parent / "stay.svg"
DRIVER_STORAGE = "zwave"
"""The Z-Wave driver's own storage, the one place where PINs may lie in clear (N1)."""

CONNECT_PACE = ConnectPace(first_s=0.05, longest_s=0.1)
"""The cloud is back at once when the broker is: embedded brokers keep nothing for those who are away."""


async def tell(told: argparse.Namespace, folder: Path) -> int:
    """Play the stay in `folder`, judge it, show it. Returns the exit code."""
    teller = Teller()
    teller.say(
        "A guest's stay: a real broker, the hub, the real Z-Wave JS server, and behind its serial port a simulated"
    )
    teller.say("stick with three simulated locks. What the locks really hold decides; what the hub says does not.")
    teller.say("")
    teller.tell("demo", "starts the broker, the simulated home, the Z-Wave JS server and the hub")
    overheard = Overheard()
    async with running_house(folder, PACES[told.pace], told.sabotage) as house:
        story = await _play(house, overheard, teller, stops_early=told.stop_early)
        await house.close()
        house.broker.stop()
        _search(story, house, overheard, teller)
        _keep_logs(house, told.out)
    story.record.is_over = True
    checks = story.checks()
    _show(story, checks, told)
    return 0 if all(check.is_held for check in checks) else 1


async def _play(house: House, overheard: Overheard, teller: Teller, *, stops_early: bool) -> Story:
    pace = house.pace
    cloud = Counterpart(
        link=ListeningLink(Uplink(_as_cloud(house)), overheard),
        hub_id=HubId(HUB_ID),
        entropy=SystemEntropy(),
        pace=CONNECT_PACE,
    )
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(cloud.run(), name="cloud")]
        await house.open()
        pace = pace.for_machine(house.hub_start_s)
        await cloud.wait_for(lambda cloud: cloud.is_hub_online, pace.ready_s)
        teller.tell("hub", "is ready: three locks of different kinds answer")
        record = _new_record(pace, overheard)
        teller.begin()
        ear = Ear(cloud, record, teller)
        see, hear = on_memory(record, teller), on_frame(teller)
        watch = Watch(house.home, record, pace.watch_every_s, see, hear, ear.tell)
        watch.skip_frames()
        await watch.look()
        running.append(tasks.create_task(watch.run(), name="watch"))
        running.append(tasks.create_task(ear.run(), name="ear"))
        story = Story(house, pace, cloud, record, teller, stops_early)
        try:
            await story.play()
        except StoryEnds:
            record.is_cut = True
            teller.tell("demo", "a check broke: the story ends here")
        await watch.look()
        for task in running:
            task.cancel()
    return story


def _as_cloud(house: House) -> BrokerSettings:
    broker = house.broker
    return BrokerSettings(broker.host, broker.port, "cloud", protocol=Protocol(broker.protocol))


def _new_record(pace: Pace, overheard: Overheard) -> Record:
    return Record(
        began_at=now_ms(),
        lead_ms=round(pace.lead_s * 1000),
        hears_ms=round(pace.hears_s * 1000),
        checkout_ms=round(pace.checkout_s * 1000),
        gap_max_ms=round(pace.gap_max_s * 1000),
        has_airtime=pace.has_airtime,
        arrivals=overheard.arrivals,
    )


def _search(story: Story, house: House, overheard: Overheard, teller: Teller) -> None:
    """Look for every PIN of the run in every log, every message of the hub and every file of it but its drivers' own."""
    teller.chapter("The books")
    canaries = [Canary(who.value.lower(), pin) for who, pin in story.pins.items()]
    canaries.append(Canary("stranger", FOREIGN_PIN))
    places = {f"the log of the {name}": path.read_bytes() for name, path in house.logs().items() if path.exists()}
    places["what this demo printed"] = "\n".join(teller.lines).encode()
    for number, message in enumerate(overheard.messages, start=1):
        places[f"message {number} of the hub, on {message.topic}"] = message.payload
    state = house.folder / "state"
    files = [path for path in state.rglob("*") if path.is_file() and state / DRIVER_STORAGE not in path.parents]
    places |= {f"the hub's file {path.relative_to(state)}": path.read_bytes() for path in files}
    story.record.leaks = search(canaries, places)
    log_count = len(places) - len(overheard.messages) - len(files)
    story.record.searched = (
        f"{len(canaries)} PINs in {log_count} logs, {len(overheard.messages)} messages and {len(files)} files"
    )
    teller.tell("demo", f"looked for {story.record.searched}")


def _show(story: Story, checks: list[Check], told: argparse.Namespace) -> None:
    say = story.teller.say
    for line in (*table.timelines(story.record), *table.verdicts(checks)):
        say(line)
    told.out.mkdir(parents=True, exist_ok=True)
    drawn = told.out / "stay.svg"
    drawn.write_text(picture.draw(story.record))
    say(f"The picture of this stay: {drawn}")
    if told.keep_picture:
        shutil.copyfile(drawn, KEPT)
        say(f"kept as {KEPT}")
    broken = [check for check in checks if check.is_held is False]
    if broken:
        say("")
        say(f"BROKEN: {', '.join(check.check_id for check in broken)}")
        say(f"The logs of all parts: {told.out / 'logs'}")


def _keep_logs(house: House, out: Path) -> None:
    kept = out / "logs"
    kept.mkdir(parents=True, exist_ok=True)
    for name, path in house.logs().items():
        if path.exists():
            shutil.copyfile(path, kept / f"{name.replace(' ', '-').lower()}.log")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and play."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description="A guest's stay on real parts.")
    parser.add_argument("--pace", choices=sorted(PACES), default="stay", help="quick: no airtime, short windows")
    parser.add_argument("--keep-picture", action="store_true", help="copy the picture beside this room's README")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="break the hub from inside: the demo must notice")
    parser.add_argument("--stop-early", action="store_true", help="end at the first broken check")
    parser.add_argument("--out", type=Path, default=OUT, help="where picture and logs go")
    told = parser.parse_args(arguments)
    told.out = told.out.absolute()
    with tempfile.TemporaryDirectory(prefix="kd-") as name:
        folder = Path(name)
        with (folder / "cloud.log").open("a") as log:
            logs.set_up("debug", log)
            try:
                return asyncio.run(tell(told, folder))
            except* PartFailed as failures:
                sys.stderr.write(f"make demo: {failures.exceptions[0]}\n")
            except* KeyboardInterrupt:
                sys.stderr.write("make demo: stopped\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
