"""What the interview of a node found out, gathered for `quirks.profile_of`. Nothing here uses the radio."""

import logging
from collections.abc import Sequence
from typing import Final

from zwave_js_server.const import CommandClass, SecurityClass
from zwave_js_server.model.node import Node

from drivers.zwave.credentials import CODE_PROPERTY, STATUS_PROPERTY, UserIdStatus, is_masked
from drivers.zwave.failures import CallFailed
from drivers.zwave.memory import cached_values, remembered
from drivers.zwave.quirks import NodeFacts, Product
from drivers.zwave.session import ASK_TIMEOUT_S, ask

log = logging.getLogger(__name__)

SCHEDULE_ZONE_VERSION: Final = 2
"""Schedule Entry Lock, from which a lock has a time offset (CC:004E.02.0B)."""

NOTIFICATION_VERSION: Final = 2
"""From here on an alarm says what happened (CC:0071.02). Version 1 has numbers of the maker's own, which Z-Wave JS maps for some models
only and does not tell which; such a lock is looked at more often instead."""

STATUSES_VERSION: Final = 2
"""User Code, from which a lock lists the user statuses that it supports (CC:0063.02.07)."""

TIME_VERSION: Final = 2
"""Time, from which a lock is told its offset. Z-Wave JS 15.29 (`shouldUseLocalTime` of TimeParametersCC) sets the clock of a lock without it
in the local time of the server's process, against CC:008B.01, and takes what such a lock tells for that as well. It also uses UTC for
a lock that asks it for the time (controls Time), which the server does not tell."""

_S2: Final = frozenset(
    {SecurityClass.S2_UNAUTHENTICATED, SecurityClass.S2_AUTHENTICATED, SecurityClass.S2_ACCESS_CONTROL}
)


async def facts_of(node: Node, *, is_server_in_utc: bool) -> NodeFacts:
    """Gather the facts. `is_server_in_utc` says what is known of the server's process. The counts of slots are the lock's own answers of the interview, which the server remembers."""
    values = cached_values(node)
    versions = {known.id: known.version for known in node.command_classes}
    schedule_version = versions.get(CommandClass.SCHEDULE_ENTRY_LOCK, 0)
    known_slots = [value.key for value in values if value.name == STATUS_PROPERTY and isinstance(value.key, int)]
    return NodeFacts(
        product=Product(node.manufacturer_id, node.product_type, node.product_id),
        label=_label(node),
        is_s2=node.highest_security_class in _S2,
        has_supervision=CommandClass.SUPERVISION in versions,
        user_count=await _user_count(node) or max(known_slots, default=0),
        shows_asterisks=any(value.name == CODE_PROPERTY and is_masked(value.value) for value in values),
        parameters=_parameters(node),
        serial=_serial(node),
        year_day_slots=await _year_day_slots(node) if schedule_version else 0,
        has_schedule_zone=schedule_version >= SCHEDULE_ZONE_VERSION,
        has_clock=CommandClass.TIME_PARAMETERS in versions,
        is_clock_in_utc=is_server_in_utc or versions.get(CommandClass.TIME, 0) >= TIME_VERSION,
        tells_hands=versions.get(CommandClass.NOTIFICATION, 0) >= NOTIFICATION_VERSION,
        can_disable=versions.get(CommandClass.USER_CODE, 0) >= STATUSES_VERSION and await _can_disable(node),
    )


async def _user_count(node: Node) -> int:
    # 0 when the server cannot tell; then the slots that it lists must do.
    try:
        capabilities = await ask(node.endpoints[0].access_control.get_user_capabilities_cached(), ASK_TIMEOUT_S)
    except CallFailed as error:
        log.warning("lock.user_count.unknown", extra={"node": node.node_id, "cause": str(error)})
        return 0
    return capabilities.max_users


async def _year_day_slots(node: Node) -> int:
    # 0, hence no schedules, when the server cannot tell.
    count = await _remembered(node, CommandClass.SCHEDULE_ENTRY_LOCK, "numYearDaySlots")
    return count if isinstance(count, int) else 0


async def _can_disable(node: Node) -> bool:
    statuses = await _remembered(node, CommandClass.USER_CODE, "supportedUserIDStatuses")
    return isinstance(statuses, Sequence) and UserIdStatus.DISABLED in statuses


async def _remembered(node: Node, command_class: CommandClass, name: str) -> object:
    try:
        return await remembered(node, command_class, name)
    except CallFailed as error:
        log.warning("lock.fact.unknown", extra={"node": node.node_id, "fact": name, "cause": str(error)})
        return None


def _label(node: Node) -> str:
    maker = node.device_config.manufacturer or node.manufacturer or ""
    model = node.label or node.device_config.label or ""
    return f"{maker} {model}".strip() or "unknown lock"


def _serial(node: Node) -> str:
    # CC:0072.02.07: the Device Specific Report; Z-Wave JS shows binary ones as hexadecimal text.
    values = node.get_command_class_values(CommandClass.MANUFACTURER_SPECIFIC).values()
    found = (value.value for value in values if value.property_ == "deviceId" and value.property_key == "SerialNumber")
    return next((text for text in found if isinstance(text, str)), "")


def _parameters(node: Node) -> dict[int, int]:
    # Partial parameters (with a bit mask as key) are no lengths of anything.
    return {
        value.property_: value.value
        for value in node.get_configuration_values().values()
        if isinstance(value.property_, int) and value.property_key is None and isinstance(value.value, int)
    }
