"""What an owner writes for a hub: where its cloud is, and its locks."""

from collections.abc import Mapping

LASTING = """
[hub]
id = "@HUB-ID@"
zone = "Europe/Berlin"
state = "/var/lib/gateway"
socket = "/run/gateway/maint.sock"
secret_file = "gateway.secret"
"""


def configuration(broker: str, locks: Mapping[str, tuple[str, int]]) -> str:
    """A `gateway.toml` of an installed hub, from the lines of its `[broker]` and from names and node ids by lock id."""
    doors = "".join(
        f'\n[[locks]]\nid = "{lock}"\nname = "{name}"\nnode = {node}\n' for lock, (name, node) in locks.items()
    )
    return f"{LASTING}\n[broker]\n{broker}{doors}"
