"""Names of things, kept apart by type so that a code is never passed for a lock."""

from typing import NewType

HubId = NewType("HubId", str)
"""Opaque name of this hub; certificate name, MQTT client id and topic level. Letters, digits, `-`, `_`; at most 64."""

LockId = NewType("LockId", str)
"""Stable name of a lock in the configuration, in topics and events."""

CodeId = NewType("CodeId", str)
"""Identifier of an access code, chosen by whoever ordered it; at most 64 characters."""

CommandId = NewType("CommandId", str)
"""Idempotency key of one order (C1)."""

Slot = NewType("Slot", int)
"""Numbered place for one PIN on a lock, from 1. It may be virtual (D1): the core never interprets it."""

EventSeq = NewType("EventSeq", int)
"""Position of an event in this hub's stream to the cloud, from 1, without gaps within an epoch."""
