"""The cloud's side: each event once, no receipt beyond a gap, late wills, new databases."""

from gateway.cloud import topics
from gateway.cloud.counterpart import Counterpart
from gateway.cloud.link import Message
from gateway.cloud.report import EventReceipt, Presence, encode_event, encode_presence
from gateway.model.events import Event, EventKind
from gateway.model.ids import CommandId, EventSeq
from gateway.store.journal import StoredEvent
from tests.builders import FRONT, NOON, SeededEntropy
from tests.cloud.fakes import FakeLink
from tests.cloud.room import EPOCH, HUB


def make(received_up_to: EventReceipt | None = None) -> Counterpart:
    return Counterpart(link=FakeLink(), hub_id=HUB, entropy=SeededEntropy(), received_up_to=received_up_to)


def hear(cloud: Counterpart, *numbers: int, epoch: int = EPOCH, command_id: str | None = None) -> None:
    for number in numbers:
        event = Event(
            EventKind.COMMAND_RECEIVED, FRONT, command_id=None if command_id is None else CommandId(command_id)
        )
        payload = encode_event(HUB, epoch, StoredEvent(EventSeq(number), NOON, event))
        cloud._take(Message(topics.up(HUB, topics.Up.EVT), payload, is_retained=False, number=number))


def status(cloud: Counterpart, presence: Presence, *, is_kept: bool = False) -> None:
    payload = encode_presence(HUB, presence, NOON)
    cloud._take(Message(topics.up(HUB, topics.Up.STATUS), payload, is_retained=is_kept, number=0))


def birth(session: int, acknowledged: int = 0, epoch: int = EPOCH) -> Presence:
    return Presence(is_online=True, epoch=epoch, session=session, last_seq=9, acknowledged_seq=acknowledged)


def will(session: int, epoch: int = EPOCH) -> Presence:
    return Presence(is_online=False, epoch=epoch, session=session)


def seen(cloud: Counterpart) -> list[tuple[int, int]]:
    return [(event.epoch, event.seq) for event in cloud.events]


def test_a_repeated_event_is_taken_once_and_receipted_again() -> None:
    cloud = make(EventReceipt(EPOCH, 0))
    hear(cloud, 1, 2)
    assert cloud._due_receipt() == EventReceipt(EPOCH, 2)
    assert cloud._due_receipt() is None
    hear(cloud, 1, 2)
    assert cloud._due_receipt() == EventReceipt(EPOCH, 2)
    assert (seen(cloud), cloud.duplicate_count) == ([(EPOCH, 1), (EPOCH, 2)], 2)


def test_nothing_is_receipted_beyond_a_gap_until_it_is_filled() -> None:
    cloud = make(EventReceipt(EPOCH, 0))
    hear(cloud, 1, 3, 4)
    assert cloud._due_receipt() == EventReceipt(EPOCH, 1)
    hear(cloud, 2, 3, 4)
    assert cloud._due_receipt() == EventReceipt(EPOCH, 4)
    assert cloud.gap_count == 2


def test_a_live_birth_tells_where_the_stream_begins_and_a_kept_one_does_not() -> None:
    live, kept = make(), make()
    status(live, birth(1, acknowledged=5))
    status(kept, birth(1, acknowledged=5), is_kept=True)
    hear(live, 7, 6)
    hear(kept, 9, 10)
    assert seen(live) == [(EPOCH, 6)]
    assert seen(kept) == []
    status(kept, birth(1, acknowledged=8))
    hear(kept, 9, 10)
    assert seen(kept) == [(EPOCH, 9), (EPOCH, 10)]


def test_c4_a_birth_that_is_ahead_tells_what_will_not_come() -> None:
    """Receipted in its name already: by a cloud that it was before, or one whose database it does not have."""
    cloud = make()
    status(cloud, birth(1, acknowledged=2))
    status(cloud, birth(1, acknowledged=6), is_kept=True)
    status(cloud, birth(1, acknowledged=5))
    hear(cloud, 6, 7)
    assert seen(cloud) == [(EPOCH, 6), (EPOCH, 7)]
    assert (cloud.gap_count, cloud.missed_count) == (0, 3)
    status(cloud, birth(1, acknowledged=3))
    hear(cloud, 8)
    assert (seen(cloud)[-1], cloud.missed_count) == ((EPOCH, 8), 3)


def test_a_new_epoch_starts_a_new_stream_and_ends_the_old_one() -> None:
    cloud = make()
    status(cloud, birth(5))
    hear(cloud, 1, 2)
    status(cloud, birth(1, epoch=EPOCH + 1))
    hear(cloud, 3)
    hear(cloud, 1, epoch=EPOCH + 1)
    assert seen(cloud) == [(EPOCH, 1), (EPOCH, 2), (EPOCH + 1, 1)]


def test_c4_the_stream_of_a_restored_database_goes_on_where_its_birth_says() -> None:
    cloud = make()
    status(cloud, birth(5, acknowledged=2))
    hear(cloud, 3, 4)
    status(cloud, birth(6, acknowledged=2, epoch=EPOCH + 1))
    hear(cloud, 3, 4, epoch=EPOCH + 1)
    assert seen(cloud) == [(EPOCH, 3), (EPOCH, 4), (EPOCH + 1, 3), (EPOCH + 1, 4)]


def test_a_late_will_does_not_bury_a_newer_birth() -> None:
    cloud = make()
    status(cloud, birth(1))
    status(cloud, birth(2))
    status(cloud, will(1))
    status(cloud, will(9, epoch=EPOCH - 1))
    assert cloud.is_hub_online
    status(cloud, will(2))
    assert not cloud.is_hub_online


def test_an_order_stays_until_the_hub_itself_has_received_it() -> None:
    cloud = make(EventReceipt(EPOCH, 0))
    first, second = cloud.order("access_code.delete", {}), cloud.order("access_code.delete", {})
    hear(cloud, 1, command_id=first)
    assert list(cloud._unanswered) == [second]


def test_withheld_receipts_stay_withheld() -> None:
    cloud = make(EventReceipt(EPOCH, 0))
    cloud.is_receipting = False
    hear(cloud, 1)
    assert cloud._due_receipt() is None
    cloud.is_receipting = True
    assert cloud._due_receipt() == EventReceipt(EPOCH, 1)
