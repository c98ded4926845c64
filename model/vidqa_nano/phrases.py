"""The kinds of event of the drawn world and how people ask for them.

In: nothing. Out: :data:`KINDS`, one :class:`vidqa_nano.kind.Kind` per event kind, and the phrasings
of an event. An actor with a colour is spoken of with it or without it ("red ball bounces", "ball
bounces", "person in red waves"), which is how a query can be wrong about nothing but the colour. A
number on the board has its value in the place of a colour ("number 7 appears").
"""

from __future__ import annotations

from collections.abc import Mapping

from vidqa_nano.kind import Kind as Kind
from vidqa_nano.kinds_alive import ALIVE
from vidqa_nano.kinds_things import THINGS

PERSON_COLOURS = ("red", "blue", "yellow", "green", "white")
"""Of the shirt."""
BALL_COLOURS = ("red", "blue", "yellow", "green")
CAR_COLOURS = ("red", "blue", "yellow", "white")
NUMBERS = ("0", "1", "3", "4", "7")
"""Digits that no mirror turns into one another."""
COLOURS_OF: Mapping[str, tuple[str, ...]] = {
    "person": PERSON_COLOURS,
    "ball": BALL_COLOURS,
    "car": CAR_COLOURS,
    "number": NUMBERS,
}
"""What a phrase may say of an actor besides its kind."""
COLOURED = ("person", "ball", "car")
"""Actors that have a true colour."""

LEFT_RIGHT = {"left": "right", "right": "left"}

NOVEL_PAIRS: frozenset[tuple[str, str]] = frozenset(
    {
        ("person_opens_door", "green"),
        ("person_waves", "yellow"),
        ("person_jumps", "blue"),
        ("person_bows", "white"),
        ("person_raises_arms", "red"),
        ("ball_rolls_left", "red"),
        ("ball_rolls_right", "red"),
        ("ball_bounces", "green"),
        ("car_drives_left", "yellow"),
        ("car_drives_right", "yellow"),
        ("car_flashes_lights", "blue"),
    }
)
"""Kind and colour of events that only the split ``novel`` contains."""

KINDS: tuple[Kind, ...] = (*ALIVE, *THINGS)
BY_NAME = {kind.name: kind for kind in KINDS}
INDEX = {kind.name: i for i, kind in enumerate(KINDS)}


def names(actor: str, colour: str | None, *, article: bool) -> dict[str, str]:
    """What fills the holes of a pattern.

    ``who``: red ball, the red ball, person in red; ``a``: a red ball, a person in red; ``someone``:
    someone in red; ``shirt``: the person in the red shirt.
    """
    if actor == "person":
        in_colour, shirt = (f" in {colour}", f" in the {colour} shirt") if colour else ("", "")
        bare = f"person{in_colour}"
        holes = {"someone": f"someone{in_colour}", "shirt": f"the person{shirt}"}
    else:
        number = actor == "number"
        bare = (f"number {colour}" if number else f"{colour} {actor}") if colour else actor
        holes = {}
    definite = actor == "number" and colour is not None
    holes["a"] = f"the {bare}" if definite else f"a {bare}"
    return holes | {"who": f"the {bare}" if article else bare}


def phrase(kind: Kind, pattern: int, *, colour: str | None = None, article: bool = False) -> str:
    """Phrasing number ``pattern`` of ``kind``; ``colour`` and ``article`` only fill its holes."""
    return kind.patterns[pattern].format(**names(kind.actor, colour, article=article))


def canonical(kind: Kind, colour: str | None = None) -> str:
    """The first phrasing without article: ``person opens door``, ``red ball bounces``."""
    return phrase(kind, 0, colour=colour)


def question(kind: Kind, colour: str | None = None) -> str:
    """What follows "Does" in a yes-no question about ``kind``."""
    return kind.question.format(**names(kind.actor, colour, article=True))


def mirrored(kind: Kind) -> Kind:
    """The kind seen in a mirror: left and right swap, everything else stays."""
    for here, there in LEFT_RIGHT.items():
        if kind.name.endswith(here):
            return BY_NAME[kind.name.removesuffix(here) + there]
    return kind


def every_phrase() -> list[str]:
    """All phrasings of all kinds, colours and articles: what the tokenizer is trained on."""
    lines: list[str] = []
    for kind in KINDS:
        for colour in (None, *COLOURS_OF.get(kind.actor, ())):
            for article in (False, True):
                lines += [
                    phrase(kind, i, colour=colour, article=article)
                    for i in range(len(kind.patterns))
                ]
            lines.append(question(kind, colour))
    return sorted(set(lines))
