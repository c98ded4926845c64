"""The kinds of event of the drawn world and how people ask for them.

In: nothing. Out: :data:`KINDS`, one :class:`Kind` per event kind, and the phrasings of an event.
A phrase pattern names the actor as ``{ball}``, ``{car}`` and so on; a coloured actor is spoken of
with its colour or without it ("red ball bounces", "ball bounces"), which is how a query can be
wrong about nothing but the colour.
"""

from __future__ import annotations

from dataclasses import dataclass

BALL_COLOURS = ("red", "blue", "yellow", "green")
CAR_COLOURS = ("red", "blue", "yellow", "white")
COLOURED = ("ball", "car")
"""Actors whose colour may be named in a phrase."""

LEFT_RIGHT = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of event: who does it, how long it takes, how it is asked for."""

    name: str
    actor: str
    seconds: tuple[float, float]
    """Shortest and longest duration that is drawn."""
    patterns: tuple[str, ...]
    """Phrasings, the canonical one first; ``{who}`` stands for the actor with or without colour."""
    question: str
    """What follows "Does ..." and "How many times does ...", as in ``a person open the door``."""


def _kind(
    name: str, seconds: tuple[float, float], question: str, *patterns: str, actor: str = ""
) -> Kind:
    who = actor or name.split("_", maxsplit=1)[0]
    return Kind(name=name, actor=who, seconds=seconds, patterns=patterns, question=question)


KINDS: tuple[Kind, ...] = (
    _kind(
        "person_opens_door",
        (2.2, 5.0),
        "a person open the door",
        "person opens door",
        "a person opens the door",
        "someone opens the door",
        "the person is opening a door",
        "the door is opened",
        "person opens the door",
    ),
    _kind(
        "person_closes_door",
        (2.2, 5.0),
        "a person close the door",
        "person closes door",
        "a person closes the door",
        "someone closes the door",
        "the person is closing a door",
        "the door is closed",
        "person shuts the door",
    ),
    _kind(
        "person_walks_left",
        (1.8, 5.0),
        "a person walk to the left",
        "person walks left",
        "a person walks to the left",
        "someone is walking left",
        "the person goes to the left",
    ),
    _kind(
        "person_walks_right",
        (1.8, 5.0),
        "a person walk to the right",
        "person walks right",
        "a person walks to the right",
        "someone is walking right",
        "the person goes to the right",
    ),
    _kind(
        "person_jumps",
        (2.0, 5.0),
        "a person jump",
        "person jumps",
        "a person is jumping",
        "someone jumps up and down",
        "the person jumps",
    ),
    _kind(
        "person_waves",
        (2.0, 5.5),
        "a person wave",
        "person waves",
        "a person is waving",
        "someone waves a hand",
        "the person waves with one arm",
    ),
    _kind(
        "person_sits_down",
        (1.8, 3.5),
        "a person sit down",
        "person sits down",
        "a person sits down",
        "someone sits down on the ground",
        "the person is sitting down",
    ),
    _kind(
        "person_stands_up",
        (1.8, 3.5),
        "a person stand up",
        "person stands up",
        "a person stands up",
        "someone stands up again",
        "the person is standing up",
    ),
    _kind(
        "person_falls_down",
        (1.8, 3.2),
        "a person fall down",
        "person falls down",
        "a person falls down",
        "someone falls over",
        "the person falls to the ground",
    ),
    _kind(
        "person_gets_up",
        (1.8, 3.5),
        "a person get up",
        "person gets up",
        "a person gets up",
        "someone gets up from the ground",
        "the person gets back up",
    ),
    _kind(
        "ball_rolls_left",
        (2.0, 5.0),
        "{who} roll to the left",
        "{who} rolls left",
        "{who} rolls to the left",
        "{who} is rolling left",
    ),
    _kind(
        "ball_rolls_right",
        (2.0, 5.0),
        "{who} roll to the right",
        "{who} rolls right",
        "{who} rolls to the right",
        "{who} is rolling right",
    ),
    _kind(
        "ball_bounces",
        (2.0, 6.0),
        "{who} bounce",
        "{who} bounces",
        "{who} is bouncing",
        "{who} bounces up and down",
    ),
    _kind(
        "ball_grows",
        (1.8, 4.0),
        "{who} grow",
        "{who} grows",
        "{who} gets bigger",
        "{who} is growing",
    ),
    _kind(
        "ball_shrinks",
        (1.8, 4.0),
        "{who} shrink",
        "{who} shrinks",
        "{who} gets smaller",
        "{who} is shrinking",
    ),
    _kind(
        "ball_appears",
        (1.6, 3.0),
        "{who} appear",
        "{who} appears",
        "{who} comes into view",
        "{who} shows up",
    ),
    _kind(
        "ball_disappears",
        (1.6, 3.0),
        "{who} disappear",
        "{who} disappears",
        "{who} vanishes",
        "{who} goes away",
    ),
    _kind(
        "car_drives_left",
        (2.0, 5.0),
        "{who} drive to the left",
        "{who} drives left",
        "{who} drives to the left",
        "{who} is driving left",
        "{who} moves to the left",
    ),
    _kind(
        "car_drives_right",
        (2.0, 5.0),
        "{who} drive to the right",
        "{who} drives right",
        "{who} drives to the right",
        "{who} is driving right",
        "{who} moves to the right",
    ),
    _kind(
        "car_flashes_lights",
        (2.0, 5.0),
        "{who} flash its lights",
        "{who} flashes its lights",
        "{who} is flashing its lights",
        "the lights of {who} flash",
    ),
    _kind(
        "lamp_turns_on",
        (1.8, 3.5),
        "the lamp turn on",
        "lamp turns on",
        "the lamp turns on",
        "the light goes on",
        "the lamp is switched on",
    ),
    _kind(
        "lamp_turns_off",
        (1.8, 3.5),
        "the lamp turn off",
        "lamp turns off",
        "the lamp turns off",
        "the light goes off",
        "the lamp is switched off",
    ),
    _kind(
        "lamp_blinks",
        (2.2, 6.0),
        "the lamp blink",
        "lamp blinks",
        "the lamp is blinking",
        "the light flickers",
        "the lamp flashes",
    ),
    _kind(
        "balloon_rises",
        (2.0, 5.0),
        "the balloon rise",
        "balloon rises",
        "the balloon rises",
        "a balloon goes up",
        "the balloon floats upwards",
    ),
    _kind(
        "balloon_sinks",
        (2.0, 5.0),
        "the balloon sink",
        "balloon sinks",
        "the balloon sinks",
        "a balloon comes down",
        "the balloon floats downwards",
    ),
    _kind(
        "bird_flies_left",
        (2.0, 5.0),
        "a bird fly to the left",
        "bird flies left",
        "a bird flies to the left",
        "the bird is flying left",
    ),
    _kind(
        "bird_flies_right",
        (2.0, 5.0),
        "a bird fly to the right",
        "bird flies right",
        "a bird flies to the right",
        "the bird is flying right",
    ),
    _kind(
        "dog_runs_left",
        (1.8, 4.5),
        "a dog run to the left",
        "dog runs left",
        "a dog runs to the left",
        "the dog is running left",
    ),
    _kind(
        "dog_runs_right",
        (1.8, 4.5),
        "a dog run to the right",
        "dog runs right",
        "a dog runs to the right",
        "the dog is running right",
    ),
    _kind(
        "dog_jumps",
        (2.0, 5.0),
        "a dog jump",
        "dog jumps",
        "a dog is jumping",
        "the dog jumps up and down",
    ),
    _kind(
        "screen_turns_on",
        (1.8, 3.5),
        "the screen turn on",
        "screen turns on",
        "the screen turns on",
        "the TV is switched on",
        "the television turns on",
    ),
    _kind(
        "screen_turns_off",
        (1.8, 3.5),
        "the screen turn off",
        "screen turns off",
        "the screen turns off",
        "the TV is switched off",
        "the television turns off",
    ),
    _kind(
        "signal_turns_green",
        (1.8, 3.2),
        "the traffic light turn green",
        "traffic light turns green",
        "the traffic light turns green",
        "the traffic light changes to green",
    ),
    _kind(
        "signal_turns_red",
        (1.8, 3.2),
        "the traffic light turn red",
        "traffic light turns red",
        "the traffic light turns red",
        "the traffic light changes to red",
    ),
    _kind(
        "weather_rain", (3.0, 8.0), "it rain", "it rains", "it is raining", "rain falls", "raining"
    ),
    _kind(
        "weather_snow", (3.0, 8.0), "it snow", "it snows", "it is snowing", "snow falls", "snowing"
    ),
    _kind(
        "daylight_fades",
        (2.0, 4.0),
        "it get dark",
        "it gets dark",
        "it is getting dark",
        "the scene gets darker",
        "darkness falls",
    ),
    _kind(
        "daylight_returns",
        (2.0, 4.0),
        "it get bright",
        "it gets bright",
        "it gets bright again",
        "the scene gets brighter",
        "daylight returns",
    ),
    _kind(
        "curtain_opens",
        (1.8, 4.0),
        "the curtain open",
        "curtain opens",
        "the curtain opens",
        "the curtains are opened",
        "the curtains open",
    ),
    _kind(
        "curtain_closes",
        (1.8, 4.0),
        "the curtain close",
        "curtain closes",
        "the curtain closes",
        "the curtains are closed",
        "the curtains close",
    ),
    _kind(
        "box_spins",
        (2.0, 6.0),
        "the box spin",
        "box spins",
        "the box spins",
        "a box is spinning",
        "the box rotates",
    ),
    _kind(
        "fan_spins",
        (2.2, 7.0),
        "the fan spin",
        "fan spins",
        "the fan spins",
        "a fan is spinning",
        "the fan is running",
    ),
)

BY_NAME = {kind.name: kind for kind in KINDS}
INDEX = {kind.name: i for i, kind in enumerate(KINDS)}


def who(actor: str, colour: str | None, *, article: bool) -> str:
    """``red ball``, ``the red ball``, ``ball``: the actor as a phrase names it."""
    bare = f"{colour} {actor}" if colour else actor
    return f"the {bare}" if article else bare


def phrase(kind: Kind, pattern: int, *, colour: str | None = None, article: bool = False) -> str:
    """Phrasing number ``pattern`` of ``kind``; ``colour`` and ``article`` only fill ``{who}``."""
    return kind.patterns[pattern].format(who=who(kind.actor, colour, article=article))


def canonical(kind: Kind, colour: str | None = None) -> str:
    """The first phrasing without article: ``person opens door``, ``red ball bounces``."""
    return phrase(kind, 0, colour=colour)


def question(kind: Kind, colour: str | None = None) -> str:
    """What follows "Does" in a yes-no question about ``kind``."""
    return kind.question.format(who=who(kind.actor, colour, article=True))


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
        colours = {"ball": BALL_COLOURS, "car": CAR_COLOURS}.get(kind.actor, ())
        for colour in (None, *colours):
            for article in (False, True):
                lines += [
                    phrase(kind, i, colour=colour, article=article)
                    for i in range(len(kind.patterns))
                ]
            lines.append(question(kind, colour))
    return sorted(set(lines))
