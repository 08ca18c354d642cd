"""The verbs of `gatewayctl`: one table for the help, for what people type and for what the daemon checks."""

from gateway.shell.session import Argument, Catalogue, Shape, Verb

_LOCK = Argument("lock", "a lock, by id or by name", is_required=True)
_CODE = Argument("code", "an access code, by id, by the first characters of its id, or by name", is_required=True)
_SLOT = Argument("slot", "the number of a slot", is_required=True)
_TIME = "a time: 2027-01-31T15:00:00Z, '2027-01-31 15:00' in the property's zone, or +2h"

WALK_S = 300.0
"""For the longest journal that we expect, 1.4 million lines: 12 s on our machine (our measurement), some minutes on a small board
that has other work."""


def _option(name: str, meaning: str, *, is_required: bool = False) -> Argument:
    return Argument(name, meaning, Shape.OPTION, is_required)


VERBS: tuple[Verb, ...] = (
    Verb("status", "how the hub is, and what a person must do", examples=("status",)),
    Verb("locks", "all locks: reachable, battery, codes, what is next", examples=("locks",)),
    Verb(
        "codes",
        "access codes and how they stand",
        (
            _option("lock", "only of this lock"),
            Argument("all", "finished codes too", Shape.FLAG),
        ),
        examples=("codes", "codes --lock front-door --all"),
    ),
    Verb("slots", "what is in the slots of a lock, and how we know", (_LOCK,), examples=("slots front-door",)),
    Verb("plan", "what the hub does on a lock now, then and later", (_LOCK,), examples=("plan front-door",)),
    Verb("why", "why a code is, or is not, on its lock; what to do", (_CODE,), examples=("why 3f2a91c0",)),
    Verb(
        "timeline",
        "everything that happened to a code",
        (_CODE, _option("last", "so many of the newest lines, 1 to 500; 40 when left out")),
        examples=("timeline 3f2a91c0", "timeline 3f2a91c0 --last 200"),
    ),
    Verb(
        "create",
        "order a new access code",
        (
            _LOCK,
            _option("name", "whose code it is", is_required=True),
            _option("pin", "the PIN, or - to be asked for it; drawn by the hub when left out"),
            _option("from", f"when it starts to work, {_TIME}; at once when left out"),
            _option("until", "when it stops, written likewise; works until deleted when left out"),
            _option("id", "an id of your own; drawn by the hub when left out"),
            Argument("pool", "put the lock's backup pool behind it; needs --until", Shape.FLAG),
        ),
        is_mutating=True,
        examples=(
            "create front-door --name 'Ms Adams' --until +2h",
            "create front --name Adams --from '2027-01-31 15:00' --until +3d",
            "create 'Front door' --name Adams --pin -",
        ),
    ),
    Verb(
        "update",
        "change an access code; what is left out stays",
        (
            _CODE,
            _option("name", "the new name"),
            _option("pin", "the new PIN, or - to be asked for it"),
            _option("from", f"{_TIME}, or now"),
            _option("until", "written likewise, or never to make it ongoing"),
        ),
        is_mutating=True,
        examples=("update 3f2a91c0 --until '2027-02-02 12:00'", "update 3f2a91c0 --pin -"),
    ),
    Verb(
        "delete", "take an access code off its lock for good", (_CODE,), is_mutating=True, examples=("delete 3f2a91c0",)
    ),
    Verb(
        "accept-lock",
        "let another device take a lock's place",
        (_LOCK,),
        is_mutating=True,
        examples=("accept-lock front-door",),
    ),
    Verb(
        "pool",
        "the backup codes of a lock; turns the pool on or off",
        (_LOCK, Argument("on", "fill the pool", Shape.FLAG), Argument("off", "empty the pool", Shape.FLAG)),
        is_mutating=True,
        examples=("pool front-door", "pool front-door --on"),
    ),
    Verb(
        "pull",
        "give a guest a backup code, and show its PIN",
        (_CODE, Argument("force", "hand it out before the stay, too: it opens at once", Shape.FLAG)),
        is_mutating=True,
        examples=("pull 3f2a91c0", "pull 'Ms Adams' --force"),
    ),
    Verb(
        "reveal",
        "show the PIN of a code; its timeline keeps why",
        (_CODE, _option("reason", "why, in one sentence", is_required=True)),
        is_mutating=True,
        examples=("reveal 3f2a91c0 --reason 'the guest lost the letter'",),
    ),
    Verb(
        "generate", "draw a PIN that a lock would take", (_LOCK,), is_mutating=True, examples=("generate front-door",)
    ),
    Verb("unmanaged", "codes on a lock that are not the hub's", (_LOCK,), examples=("unmanaged front-door",)),
    Verb(
        "adopt",
        "make a code of others an access code of the hub",
        (
            _LOCK,
            _SLOT,
            _option("name", "whose code it is"),
            _option("pin", "its PIN, or - to be asked for it; needed where the lock hides it"),
            _option("from", f"when it starts to work, {_TIME}; at once when left out"),
            _option("until", "when it stops, written likewise; works until deleted when left out"),
            _option("id", "an id of your own; drawn by the hub when left out"),
        ),
        is_mutating=True,
        examples=("adopt front-door 2 --name Owner", "adopt front-door 2 --name Owner --pin -"),
    ),
    Verb(
        "delete-unmanaged",
        "take a code of others off a lock for good",
        (_LOCK, _SLOT, Argument("yes", "yes, that one", Shape.FLAG)),
        is_mutating=True,
        examples=("delete-unmanaged front-door 2 --yes",),
    ),
    Verb(
        "set-time",
        "tell a hub that does not know the time",
        (
            Argument("time", "what time it is: 2027-01-31T15:00:00Z, or '2027-01-31 15:00' here", is_required=True),
            Argument("yes", "yes, so far ahead, and let end what ends by it", Shape.FLAG),
        ),
        is_mutating=True,
        examples=("set-time '2027-01-31 15:00'", "set-time '2027-01-31 15:00' --yes"),
    ),
    Verb("confirm-time", "believe a jump of time that the hub holds", is_mutating=True, examples=("confirm-time",)),
    Verb(
        "check-native",
        "find out at the door whether a lock keeps windows",
        (
            _LOCK,
            Argument("refused", "the lock refused the PIN of the check", Shape.FLAG),
            Argument("opened", "the lock opened with it", Shape.FLAG),
        ),
        is_mutating=True,
        examples=("check-native front-door", "check-native front-door --refused"),
    ),
    Verb(
        "verify",
        "walk the journal's chain and say whether it is whole",
        examples=("verify",),
        extra_s=WALK_S,
    ),
)

_DRIVER = _option("driver", "which driver's network, when there are several")
_JOINED_NAME = _option("name", "what the lock is to be called; what it says it is when left out")
_FORCE = Argument("force", "take it even if it can only join without strong security", Shape.FLAG)

NETWORK_VERBS: tuple[Verb, ...] = (
    Verb(
        "include",
        "add a lock to the network; asks for the PIN of its key",
        (
            _JOINED_NAME,
            _option("dsk", "the lock's key, or the five digits of its PIN; asked for when left out"),
            _FORCE,
            _DRIVER,
        ),
        is_mutating=True,
        examples=("include --name 'Front door'", "include --name Cellar --dsk 34028"),
    ),
    Verb(
        "provision",
        "expect a lock that joins when powered (SmartStart)",
        (Argument("dsk", "the lock's whole key: 40 digits in eight groups", is_required=True), _JOINED_NAME, _DRIVER),
        is_mutating=True,
        examples=("provision 34028-28291-00712-41199-50023-11001-02774-60123 --name Studio",),
    ),
    Verb(
        "exclude",
        "let go of a lock that is put into its leaving mode",
        (_DRIVER,),
        is_mutating=True,
        examples=("exclude",),
    ),
    Verb(
        "remove-failed",
        "strike off a lock that is broken or gone for good",
        (_LOCK, _DRIVER),
        is_mutating=True,
        examples=("remove-failed cellar",),
    ),
    Verb(
        "network",
        "how adding or removing a lock goes, or went",
        (_option("after", "wait for more than so many lines, 0 to 99"), _DRIVER),
        examples=("network",),
    ),
)

CATALOGUE: Catalogue = {verb.name: verb for verb in (*VERBS, *NETWORK_VERBS)}
