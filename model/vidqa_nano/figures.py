"""Draws what is alive: the person with limbs, the dog, the bird.

In: a brush, an actor, a time, the scene's door for a hand that reaches for it. A figure is posed
from the actor's tracks and from the event it is in; the feet stand on the ground line of the set.
"""

from __future__ import annotations

import math

from vidqa_nano.brush import Brush, Point, shade, turned
from vidqa_nano.door import handle_of
from vidqa_nano.world import Actor, Event

GROUND_Y = 0.83
"""Where the person's feet are."""
FRONT_Y = 0.96
"""Where the things on the near floor or on the road stand."""


def heading(actor: Actor, t_s: float) -> float:
    """1 when the actor faces right, -1 left: the direction of the last move begun."""
    facing = actor.look["heading"]
    for event in actor.events:
        if event.start_s > t_s:
            break
        if event.kind.endswith("_left"):
            facing = -1.0
        elif event.kind.endswith("_right"):
            facing = 1.0
    return facing


def hop(event: Event | None, kind: str, t_s: float, rate: float, height: float) -> float:
    """How far above the ground the actor is while it jumps or bounces; 0 otherwise."""
    if event is None or event.kind != kind:
        return 0.0
    return height * abs(math.sin(math.pi * rate * (t_s - event.start_s)))


def draw_person(brush: Brush, actor: Actor, t_s: float, door: Actor | None) -> None:
    """The person at ``t_s``."""
    state, event = actor.at(t_s), actor.acting(t_s)
    tall, side = actor.look["height"], heading(actor, t_s)
    rate = actor.look["rate"]
    up = hop(event, "person_jumps", t_s, rate, 0.15)
    feet_y = GROUND_Y - up
    hip: Point = (state["x"], feet_y - tall * (0.47 - 0.38 * state["sit"]))
    neck: Point = (hip[0] - side * 0.02 * state["sit"], hip[1] - tall * 0.33)
    legs = _legs(hip, feet_y, tall, side, state["sit"], _stride(event, state["x"], tall))
    arms = _arms(neck, tall, side, event, t_s, rate, door, up)
    parts = _Figure(actor, hip, neck, legs, arms, tall, side)
    parts.tilt(-78.0 * side * state["lie"], (state["x"], GROUND_Y - 0.03 * state["lie"]))
    parts.draw(brush)


class _Figure:
    """The joints of the person, which fall over together."""

    def __init__(
        self,
        actor: Actor,
        hip: Point,
        neck: Point,
        legs: list[list[Point]],
        arms: list[list[Point]],
        tall: float,
        side: float,
    ) -> None:
        self.paint, self.tall, self.side = actor.paint, tall, side
        head: Point = (neck[0] + side * 0.004, neck[1] - tall * 0.1)
        self.trunk, self.head, self.legs, self.arms = [hip, neck], head, legs, arms

    def tilt(self, degrees: float, foot: Point) -> None:
        """Turn the whole figure about ``foot``."""
        if degrees:
            self.trunk = turned(self.trunk, degrees, foot)
            self.head = turned([self.head], degrees, foot)[0]
            self.legs = [turned(leg, degrees, foot) for leg in self.legs]
            self.arms = [turned(arm, degrees, foot) for arm in self.arms]

    def draw(self, brush: Brush) -> None:
        """Far limbs, trunk, head, near limbs."""
        paint, tall = self.paint, self.tall
        brush.limb(self.arms[0], tall * 0.09, shade(paint["shirt"], 0.8))
        brush.limb(self.legs[0], tall * 0.12, shade(paint["trousers"], 0.85))
        brush.limb(self.legs[1], tall * 0.12, paint["trousers"])
        for leg in self.legs:
            x, y = leg[-1]
            brush.oval(x + self.side * tall * 0.03, y, tall * 0.07, tall * 0.035, (40, 34, 34))
        brush.limb(self.trunk, tall * 0.24, paint["shirt"])
        x, y = self.head
        brush.disc(x - self.side * tall * 0.012, y - tall * 0.02, tall * 0.105, paint["hair"])
        brush.disc(x + self.side * tall * 0.012, y + tall * 0.01, tall * 0.088, paint["skin"])
        brush.disc(x + self.side * tall * 0.05, y, tall * 0.014, (30, 26, 30))
        brush.limb(self.arms[1], tall * 0.09, shade(paint["shirt"], 1.15))
        for arm in self.arms:
            brush.disc(*arm[-1], tall * 0.05, paint["skin"])


def _stride(event: Event | None, x: float, tall: float) -> float:
    """How far the feet are apart while walking: -1 to 1, by the distance walked."""
    if event is None or not event.kind.startswith("person_walks"):
        return 0.0
    return math.sin(x * 2 * math.pi / (tall * 0.62))


def _legs(
    hip: Point, feet_y: float, tall: float, side: float, sit: float, stride: float
) -> list[list[Point]]:
    legs: list[list[Point]] = []
    for sign in (-1.0, 1.0):
        foot_x = hip[0] + sign * tall * (0.05 + 0.17 * stride) + side * tall * 0.42 * sit
        knee_x = (hip[0] + foot_x) / 2 + side * tall * (0.02 + 0.05 * abs(stride))
        knee_y = hip[1] + (feet_y - hip[1]) * 0.5 - tall * 0.12 * sit * (1 - 0.3 * sit)
        legs.append([hip, (knee_x, knee_y), (foot_x, feet_y - tall * 0.03)])
    return legs


def _arms(
    neck: Point,
    tall: float,
    side: float,
    event: Event | None,
    t_s: float,
    rate: float,
    door: Actor | None,
    up: float,
) -> list[list[Point]]:
    shoulder: Point = (neck[0], neck[1] + tall * 0.05)
    kind = event.kind if event else ""
    if kind in ("person_opens_door", "person_closes_door") and door is not None:
        return [_hanging(shoulder, tall, -side), _reaching(shoulder, tall, handle_of(door, t_s))]
    if kind == "person_waves" and event is not None:
        angle = 150 + 32 * math.sin(2 * math.pi * rate * (t_s - event.start_s))
        return [_hanging(shoulder, tall, -side), _raised(shoulder, tall, side, angle)]
    if kind == "person_jumps":
        spread = 60 + 60 * min(up / 0.15, 1.0)
        return [_raised(shoulder, tall, -1, spread), _raised(shoulder, tall, 1, spread)]
    return [_hanging(shoulder, tall, -side), _hanging(shoulder, tall, side)]


def _hanging(shoulder: Point, tall: float, side: float) -> list[Point]:
    x, y = shoulder
    return [
        shoulder,
        (x + side * tall * 0.1, y + tall * 0.15),
        (x + side * tall * 0.1, y + tall * 0.3),
    ]


def _raised(shoulder: Point, tall: float, side: float, degrees: float) -> list[Point]:
    """A straight arm, ``degrees`` from hanging down (180 is straight up) on one side."""
    angle = math.radians(degrees)
    dx, dy = side * math.sin(angle), math.cos(angle)
    x, y = shoulder
    return [
        shoulder,
        (x + dx * tall * 0.17, y + dy * tall * 0.17),
        (x + dx * tall * 0.34, y + dy * tall * 0.34),
    ]


def _reaching(shoulder: Point, tall: float, target: Point) -> list[Point]:
    """An arm towards ``target``, as far as it is long."""
    dx, dy = target[0] - shoulder[0], target[1] - shoulder[1]
    away = math.hypot(dx, dy)
    reach = min(away, tall * 0.42) / max(away, 1e-6)
    hand = (shoulder[0] + dx * reach, shoulder[1] + dy * reach)
    elbow = ((shoulder[0] + hand[0]) / 2, (shoulder[1] + hand[1]) / 2 + tall * 0.03)
    return [shoulder, elbow, hand]


def draw_dog(brush: Brush, actor: Actor, t_s: float) -> None:
    """The dog: a body on four legs that swing while it runs."""
    event, side = actor.acting(t_s), heading(actor, t_s)
    x = actor.tracks["x"].at(t_s)
    y = FRONT_Y - 0.02 - hop(event, "dog_jumps", t_s, actor.look["rate"], 0.17)
    skin, running = actor.paint["skin"], event is not None and "runs" in event.kind
    swing = math.sin(x * 2 * math.pi / 0.13) if running else 0.0
    for at, sign in ((-0.07, 1), (-0.045, -1), (0.05, -1), (0.075, 1)):
        foot = (x + side * at + sign * 0.035 * swing, y)
        brush.limb([(x + side * at, y - 0.06), foot], 0.022, shade(skin, 0.8))
    brush.limb([(x - 0.07, y - 0.09), (x + 0.07, y - 0.09)], 0.075, skin)
    brush.limb([(x - side * 0.09, y - 0.11), (x - side * 0.13, y - 0.16)], 0.022, skin)
    brush.disc(x + side * 0.11, y - 0.14, 0.045, skin)
    brush.oval(x + side * 0.15, y - 0.13, 0.03, 0.02, shade(skin, 0.85))
    brush.oval(x + side * 0.09, y - 0.15, 0.018, 0.035, shade(skin, 0.6))
    brush.disc(x + side * 0.12, y - 0.15, 0.008, (20, 20, 20))


def draw_bird(brush: Brush, actor: Actor, t_s: float) -> None:
    """The bird: wings beat while it flies, are folded while it hovers."""
    event = actor.acting(t_s)
    x, y, skin = actor.tracks["x"].at(t_s), actor.look["y"], actor.paint["skin"]
    side = 1.0
    for past in actor.events:
        if past.start_s <= t_s:
            side = -1.0 if past.kind.endswith("_left") else 1.0
    beat = math.sin(2 * math.pi * 1.3 * t_s) if event else -0.2
    for wing in (-1, 1):
        tip = (x + wing * 0.095, y - 0.055 * beat)
        brush.poly([(x - 0.02, y), tip, (x + 0.02, y)], skin)
        brush.limb([(x, y), tip], 0.022, skin)
    brush.oval(x, y, 0.05, 0.026, skin)
    brush.disc(x + side * 0.05, y - 0.012, 0.02, skin)
    brush.poly(
        [(x + side * 0.065, y - 0.02), (x + side * 0.09, y - 0.008), (x + side * 0.065, y)],
        (240, 170, 40),
    )
