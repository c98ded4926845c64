"""What each actor can do next, by its kind and the state it is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vidqa_nano.acting import Mind, Move, Stage
from vidqa_nano.world import Event

SPOT = 0.012
"""How near, in frame widths, a person must be to the door to reach its handle."""


def does(kind: str, weight: float = 1.0) -> Move:
    """An action that leaves the actor as it was."""
    return Move(kind, lambda stage: stage.slot(kind), weight)


def turns(kind: str, prop: str, value: float, weight: float = 1.0) -> Move:
    """An action that moves a property to a value."""
    return Move(kind, lambda stage: stage.change(kind, prop, value), weight)


def roam(
    stage: Stage, verb: str, low: float, high: float, least: float, speed: tuple[float, float]
) -> list[Move]:
    """Moves to the left and to the right by ``least`` or more within ``[low, high]``."""
    x = stage.actor.tracks["x"].last
    moves: list[Move] = []
    for kind, near, far in (
        (f"{verb}_left", x - least, low),
        (f"{verb}_right", x + least, high),
    ):
        if (far - near) * (near - x) > 0:
            moves.append(Move(kind, _to(kind, near, far, speed), 1.7))
    return moves


def _to(
    kind: str, near: float, far: float, speed: tuple[float, float]
) -> Callable[[Stage], Event | None]:
    def go(stage: Stage) -> Event | None:
        x = float(stage.rng.uniform(min(near, far), max(near, far)))
        return stage.travel(kind, x, float(stage.rng.uniform(*speed)))

    return go


def _ball(stage: Stage) -> Sequence[Move]:
    size = stage.actor.tracks["size"].last
    if size == 0:
        return [turns("ball_appears", "size", 1.0)]
    moves = roam(stage, "ball_rolls", 0.1, 0.9, 0.28, (0.13, 0.28))
    moves.append(does("ball_bounces"))
    if size > 1:
        return [*moves, turns("ball_shrinks", "size", 1.0, 2.0)]
    return [*moves, turns("ball_grows", "size", 1.9, 1.3), turns("ball_disappears", "size", 0.0)]


def _car(stage: Stage) -> Sequence[Move]:
    if stage.actor.tracks["hood"].last > 0:
        return [turns("car_closes_hood", "hood", 0.0, 3.0), does("car_flashes_lights")]
    moves = roam(stage, "car_drives", 0.18, 0.82, 0.28, (0.13, 0.3))
    return [*moves, does("car_flashes_lights"), turns("car_opens_hood", "hood", 1.0)]


def _dog(stage: Stage) -> Sequence[Move]:
    if stage.actor.tracks["sit"].last > 0:
        return [turns("dog_stands_up", "sit", 0.0, 2.0), does("dog_barks")]
    moves = roam(stage, "dog_runs", 0.14, 0.86, 0.28, (0.15, 0.32))
    return [*moves, does("dog_jumps"), does("dog_barks"), turns("dog_sits_down", "sit", 1.0)]


def _cat(stage: Stage) -> Sequence[Move]:
    return roam(stage, "cat_walks", 0.12, 0.88, 0.25, (0.12, 0.24))


def _bird(stage: Stage) -> Sequence[Move]:
    if stage.actor.tracks["down"].last > 0:
        return [turns("bird_takes_off", "down", 0.0)]
    moves = roam(stage, "bird_flies", 0.1, 0.9, 0.3, (0.13, 0.3))
    return [*moves, turns("bird_lands", "down", 1.0)]


def _lamp(stage: Stage) -> Sequence[Move]:
    lit = stage.actor.tracks["lit"].last > 0.5
    toggle = ("lamp_turns_off", 0.0) if lit else ("lamp_turns_on", 1.0)
    return [does("lamp_blinks"), turns(toggle[0], "lit", toggle[1], 2.0)]


def toggle(prop: str, up: str, down: str) -> Mind:
    """The mind of something that goes up and down."""

    def mind(stage: Stage) -> Sequence[Move]:
        high = stage.actor.tracks[prop].last > 0.5
        return [turns(down if high else up, prop, 0.0 if high else 1.0)]

    return mind


def one(kind: str) -> Mind:
    """The mind of something that does only one thing."""
    return lambda stage: [does(kind)]


def _weather(stage: Stage) -> Sequence[Move]:
    return [does("weather_snow" if stage.actor.look["snow"] else "weather_rain")]


MINDS: dict[str, Mind] = {
    "ball": _ball,
    "car": _car,
    "bird": _bird,
    "dog": _dog,
    "cat": _cat,
    "lamp": _lamp,
    "box": one("box_spins"),
    "fan": one("fan_spins"),
    "fire": one("fire_burns"),
    "fountain": one("fountain_runs"),
    "smoke": one("smoke_rises"),
    "weather": _weather,
    "door": toggle("open", "door_opens", "door_closes"),
    "number": toggle("shown", "number_appears", "number_disappears"),
    "flag": toggle("up", "flag_rises", "flag_falls"),
    "balloon": toggle("height", "balloon_rises", "balloon_sinks"),
    "screen": toggle("lit", "screen_turns_on", "screen_turns_off"),
    "signal": toggle("green", "signal_turns_green", "signal_turns_red"),
    "curtain": toggle("open", "curtain_opens", "curtain_closes"),
    "daylight": toggle("bright", "daylight_returns", "daylight_fades"),
}
