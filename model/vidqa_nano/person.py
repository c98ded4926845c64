"""Draws a person: a figure of limbs, posed from the tracks and from the event it is in.

In: a brush, an actor, a time, the scene's door for a hand that reaches for it. The feet stand on
the ground line of the set.
"""

from __future__ import annotations

import math

from vidqa_nano.brush import Brush, Point, shade, turned
from vidqa_nano.door import handle_of
from vidqa_nano.person_mind import BAG, UMBRELLA
from vidqa_nano.pose import heading, hop, swell
from vidqa_nano.world import Actor, Colour, Event

GROUND_Y = 0.83
"""Where the person's feet are."""
_BAG: Colour = (150, 44, 170)
_DOME: Colour = (20, 136, 146)
_BOW = 82.0
_LIFTING = ("person_picks_up_bag", "person_puts_down_bag")
_BENDING = ("person_bows", *_LIFTING)


def draw_person(brush: Brush, actor: Actor, t_s: float, door: Actor | None) -> None:
    """The person at ``t_s``, with the bag or the umbrella that it has."""
    figure = _Figure(actor, t_s, door)
    figure.draw(brush)
    if actor.look["holds"] == BAG:
        _draw_bag(brush, figure.bag)
    elif actor.look["holds"] == UMBRELLA:
        _draw_umbrella(brush, figure.hand, figure.state["umbrella"], actor.look["hand"])


class _Figure:
    """The joints of a person at one time."""

    def __init__(self, actor: Actor, t_s: float, door: Actor | None) -> None:
        self.actor, self.t_s, self.state = actor, t_s, actor.at(t_s)
        self.event, self.tall = actor.acting(t_s), actor.look["height"]
        self.kind = self.event.kind if self.event else ""
        lifting = self.kind in _LIFTING
        self.side = actor.look["hand"] if lifting else heading(actor, t_s)
        self.up = hop(self.event, "person_jumps", t_s, actor.look["rate"], 0.15)
        self._stand()
        bend = self._bent()
        self.arms = [self._arm(-self.side, door), self._arm(self.side, door)]
        self._bend(bend)
        self._bring_bag()
        self._lie((78.0 if self.state["x"] < 0.5 else -78.0) * self.state["lie"])

    def _stand(self) -> None:
        sit, x, tall = self.state["sit"], self.state["x"], self.tall
        feet_y = GROUND_Y - self.up
        hip: Point = (x, feet_y - tall * (0.47 - 0.38 * sit))
        neck: Point = (hip[0] - self.side * 0.02 * sit, hip[1] - tall * 0.33)
        stride = _stride(self.event, x, tall)
        self.trunk: list[Point] = [hip, neck]
        self.head: Point = (neck[0] + self.side * 0.004, neck[1] - tall * 0.1)
        self.legs = _legs(hip, feet_y, tall, self.side, sit, stride)

    def _bent(self) -> float:
        """How far the trunk leans to the side that the person faces, in degrees."""
        if self.event is None or self.kind not in _BENDING:
            return 0.0
        return _BOW * self.side * swell(self.event, self.t_s)

    def _bend(self, degrees: float) -> None:
        if degrees:
            hip = self.trunk[0]
            self.trunk = turned(self.trunk, degrees, hip)
            self.head = turned([self.head], degrees, hip)[0]
            self.arms = [turned(arm, degrees, hip) for arm in self.arms]

    def _lie(self, degrees: float) -> None:
        if degrees:
            foot = (self.state["x"], GROUND_Y - 0.03 * self.state["lie"])
            self.trunk = turned(self.trunk, degrees, foot)
            self.head = turned([self.head], degrees, foot)[0]
            self.legs = [turned(leg, degrees, foot) for leg in self.legs]
            self.arms = [turned(arm, degrees, foot) for arm in self.arms]

    def _arm(self, sign: float, door: Actor | None) -> list[Point]:
        x, y = self.trunk[1]
        shoulder, event, tall = (x, y + self.tall * 0.05), self.event, self.tall
        if self.kind.endswith("s_door") and door is not None and sign == self.side:
            return _reaching(shoulder, tall, handle_of(door, self.t_s))
        degrees = self._lift(sign, event) if event else 0.0
        if self.actor.look["holds"] == UMBRELLA and sign == self.actor.look["hand"]:
            degrees = max(degrees, 30 + 120 * min(self.state["umbrella"] / 0.5, 1.0))
        return _raised(shoulder, tall, sign, degrees) if degrees else _hanging(shoulder, tall, sign)

    @property
    def _free(self) -> float:
        """The side of the arm that holds nothing."""
        return -self.actor.look["hand"] if self.actor.look["holds"] else self.side

    def _lift(self, sign: float, event: Event) -> float:
        """How high one arm is lifted by what the person does, in degrees from hanging down."""
        if self.kind == "person_raises_arms":
            return 172 * swell(event, self.t_s)
        if self.kind == "person_jumps":
            return 60 + 60 * min(self.up / 0.15, 1.0)
        if self.kind == "person_waves" and sign == self._free:
            swing = 2 * math.pi * self.actor.look["rate"] * (self.t_s - event.start_s)
            return 145 + 38 * math.sin(swing)
        if self.kind.startswith("person_points") and sign == self.side:
            return 92 * swell(event, self.t_s)
        return 0.0

    @property
    def hand(self) -> Point:
        """The hand that holds things."""
        return self.arms[0 if self.actor.look["hand"] == -self.side else 1][-1]

    def _bring_bag(self) -> None:
        """Put the bag on the ground or below the hand, and the hand on a bag that moves."""
        if self.actor.look["holds"] != BAG:
            return
        share, hand = self.state["bag"], self.hand
        x = self.state["x"] + self.actor.look["hand"] * self.tall * 0.3
        ground: Point = (x, GROUND_Y - 0.05)
        held: Point = (hand[0], hand[1] + 0.05)
        self.bag: Point = held if share == 1 else ground
        if self.kind in _LIFTING:
            place = 0 if self.actor.look["hand"] == -self.side else 1
            x, y = self.state["x"] + self.actor.look["hand"] * self.tall * 0.1, GROUND_Y - 0.19
            self.bag = (ground[0] + (x - ground[0]) * share, ground[1] + (y - ground[1]) * share)
            grip: Point = (self.bag[0], self.bag[1] - 0.05)
            self.arms[place] = _reaching(self.arms[place][0], self.tall * 1.4, grip)

    def draw(self, brush: Brush) -> None:
        """Far limbs, trunk, head, near limbs."""
        paint, tall = self.actor.paint, self.tall
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
        brush.limb(self.arms[1], tall * 0.09, shade(paint["shirt"], 0.9))
        for arm in self.arms:
            brush.disc(*arm[-1], tall * 0.05, paint["skin"])


def _draw_bag(brush: Brush, middle: Point) -> None:
    x, y = middle
    brush.limb([(x - 0.025, y - 0.03), (x, y - 0.06), (x + 0.025, y - 0.03)], 0.012, (60, 20, 70))
    brush.rect(x - 0.05, y - 0.035, x + 0.05, y + 0.045, _BAG)
    brush.rect(x - 0.05, y - 0.005, x + 0.05, y + 0.008, (240, 220, 250))


def _draw_umbrella(brush: Brush, hand: Point, share: float, sign: float) -> None:
    x, y = hand
    wide = 0.19 * max(share - 0.25, 0.0) / 0.75
    if wide < 0.02:
        tip = (x + sign * 0.05 * (1 - share), y + 0.14 - 0.3 * share)
        brush.limb([(x, y), tip], 0.032, _DOME)
        return
    top = y - 0.2
    brush.limb([(x, y), (x, top)], 0.014, (40, 40, 44))
    points = [(x + wide * math.cos(a), top + 0.06 - 0.12 * math.sin(a)) for a in _HALF_TURN]
    brush.poly(points, _DOME)
    inner = [(x + wide * 0.35 * math.cos(a), top + 0.06 - 0.12 * math.sin(a)) for a in _HALF_TURN]
    brush.poly(inner, shade(_DOME, 1.5))


_HALF_TURN = [math.pi * n / 10 for n in range(11)]


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


def _hanging(shoulder: Point, tall: float, sign: float) -> list[Point]:
    x, y = shoulder
    return [
        shoulder,
        (x + sign * tall * 0.1, y + tall * 0.15),
        (x + sign * tall * 0.1, y + tall * 0.3),
    ]


def _raised(shoulder: Point, tall: float, sign: float, degrees: float) -> list[Point]:
    """A straight arm, ``degrees`` from hanging down (180 is straight up) on one side."""
    angle = math.radians(degrees)
    dx, dy = sign * math.sin(angle), math.cos(angle)
    x, y = shoulder
    return [
        shoulder,
        (x + dx * tall * 0.17, y + dy * tall * 0.17),
        (x + dx * tall * 0.36, y + dy * tall * 0.36),
    ]


def _reaching(shoulder: Point, tall: float, target: Point) -> list[Point]:
    """An arm towards ``target``, as far as it is long."""
    dx, dy = target[0] - shoulder[0], target[1] - shoulder[1]
    away = math.hypot(dx, dy)
    reach = min(away, tall * 0.42) / max(away, 1e-6)
    hand = (shoulder[0] + dx * reach, shoulder[1] + dy * reach)
    elbow = ((shoulder[0] + hand[0]) / 2, (shoulder[1] + hand[1]) / 2 + tall * 0.03)
    return [shoulder, elbow, hand]
