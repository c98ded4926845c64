"""Draws things, and lists how every actor but a person is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable

from vidqa_nano.brush import Brush, Point, mix, shade, turned
from vidqa_nano.door import DOOR_BOTTOM, DOOR_HALF, DOOR_TOP, door_leaf
from vidqa_nano.figures import draw_bird, draw_cat, draw_dog
from vidqa_nano.furniture import draw_board, draw_fire, draw_flag, draw_fountain, draw_smoke
from vidqa_nano.pose import FRONT_Y, acted_s, heading, hop
from vidqa_nano.world import Actor, Colour

_BLACK: Colour = (24, 24, 28)
_GLOW: Colour = (255, 232, 130)


def draw_door(brush: Brush, actor: Actor, t_s: float) -> None:
    """Frame, the bright or dark opening behind, and the leaf that turns about its hinge."""
    x, skin = actor.look["x"], actor.paint["skin"]
    brush.rect(
        x - DOOR_HALF - 0.02, DOOR_TOP - 0.025, x + DOOR_HALF + 0.02, DOOR_BOTTOM, (244, 240, 230)
    )
    beyond: Colour = (54, 46, 44) if actor.look["street"] else (46, 60, 86)
    brush.rect(x - DOOR_HALF, DOOR_TOP, x + DOOR_HALF, DOOR_BOTTOM, beyond)
    leaf = door_leaf(actor, t_s)
    brush.poly(leaf, skin)
    for top, bottom in ((0.08, 0.45), (0.55, 0.92)):
        brush.poly(_panel(leaf, top, bottom), shade(skin, 0.8))
    (free_x, top), (_, bottom) = leaf[1], leaf[2]
    handle = actor.look["handle"]
    brush.disc(free_x - handle * 0.018, top + 0.55 * (bottom - top), 0.016, (236, 200, 80))


def _panel(leaf: list[Point], top: float, bottom: float) -> list[Point]:
    (hx, ht), (fx, ft), (_, fb), (_, hb) = leaf
    corners: list[Point] = []
    for across, down in ((0.18, top), (0.82, top), (0.82, bottom), (0.18, bottom)):
        y_hinge, y_free = ht + (hb - ht) * down, ft + (fb - ft) * down
        corners.append((hx + (fx - hx) * across, y_hinge + (y_free - y_hinge) * across))
    return corners


def lamp_level(actor: Actor, t_s: float) -> float:
    """How bright the lamp is, 0 to 1, blinking included."""
    level = actor.tracks["lit"].at(t_s)
    event = actor.acting(t_s)
    if event and event.kind == "lamp_blinks":
        wave = math.sin(2 * math.pi * actor.look["rate"] * (t_s - event.start_s))
        return 1.0 if wave * (1 if level < 0.5 else -1) > 0 else 0.0
    return level


def draw_lamp(brush: Brush, actor: Actor, t_s: float) -> None:
    """A hanging lamp whose glow grows with its level."""
    x, level = actor.look["x"], lamp_level(actor, t_s)
    brush.limb([(x, 0.0), (x, 0.1)], 0.012, _BLACK)
    if level > 0:
        brush.disc(x, 0.2, 0.06 + 0.065 * level, mix((206, 196, 160), (255, 243, 176), level))
    brush.poly(
        [(x - 0.035, 0.09), (x + 0.035, 0.09), (x + 0.1, 0.19), (x - 0.1, 0.19)], (70, 76, 92)
    )
    brush.disc(x, 0.2, 0.045, mix((120, 120, 124), _GLOW, level))


def draw_screen(brush: Brush, actor: Actor, t_s: float) -> None:
    """A screen on the wall; its picture opens from the middle line."""
    x, y, level = actor.look["x"], 0.38, actor.tracks["lit"].at(t_s)
    brush.rect(x - 0.14, y - 0.11, x + 0.14, y + 0.11, _BLACK)
    if level > 0:
        half = 0.09 * level
        brush.rect(x - 0.12, y - half, x + 0.12, y + half, (70, 190, 240))
        brush.rect(x - 0.12, y + half * 0.3, x + 0.12, y + half, (80, 200, 120))
        brush.oval(x + 0.06, y - half * 0.4, 0.024, 0.024 * level, (255, 240, 120))


def draw_curtain(brush: Brush, actor: Actor, t_s: float) -> None:
    """A window with two curtains; open curtains show the sky."""
    x, open_ = actor.look["x"], actor.tracks["open"].at(t_s)
    top, bottom = 0.22, 0.54
    brush.rect(x - 0.14, top, x + 0.14, bottom, (250, 250, 246))
    brush.rect(x - 0.12, top + 0.02, x + 0.12, bottom - 0.02, (140, 206, 250))
    brush.rect(x - 0.008, top, x + 0.008, bottom, (250, 250, 246))
    width = 0.15 - 0.115 * open_
    for side in (-1, 1):
        brush.rect(
            x + side * 0.15, top - 0.02, x + side * (0.15 - width), bottom + 0.03, (168, 54, 70)
        )
        for fold in (0.3, 0.7):
            at = x + side * (0.15 - width * fold)
            brush.limb([(at, top), (at, bottom + 0.02)], 0.008, (130, 36, 54))
    brush.rect(x - 0.17, top - 0.035, x + 0.17, top - 0.015, (96, 70, 50))


def draw_fan(brush: Brush, actor: Actor, t_s: float) -> None:
    """A wall fan with three blades, one of them red so that every turn shows."""
    x, y = actor.look["x"], 0.3
    turn = 20 + actor.look["degrees_per_s"] * acted_s(actor, t_s)
    brush.disc(x, y, 0.135, (110, 116, 124))
    brush.disc(x, y, 0.12, (226, 230, 232))
    for blade, colour in enumerate(((220, 60, 50), (60, 80, 100), (60, 80, 100))):
        shape = [(x, y), (x - 0.045, y - 0.1), (x + 0.045, y - 0.1)]
        brush.poly(turned(shape, turn + 120 * blade, (x, y)), colour)
    brush.disc(x, y, 0.022, _BLACK)


def draw_signal(brush: Brush, actor: Actor, t_s: float) -> None:
    """A traffic light whose red fades into green or back."""
    x, green = actor.look["x"], actor.tracks["green"].at(t_s)
    brush.limb([(x, 0.5), (x, 0.78)], 0.025, (70, 72, 78))
    brush.rect(x - 0.075, 0.18, x + 0.075, 0.51, _BLACK)
    brush.disc(x, 0.265, 0.062, mix((250, 50, 40), (70, 22, 20), green))
    brush.disc(x, 0.425, 0.062, mix((14, 56, 26), (50, 240, 90), green))


def draw_balloon(brush: Brush, actor: Actor, t_s: float) -> None:
    """A balloon on a string, high or low in the air."""
    x, y = actor.look["x"], 0.58 - 0.44 * actor.tracks["height"].at(t_s)
    brush.limb([(x, y + 0.09), (x + 0.012, y + 0.13), (x - 0.008, y + 0.18)], 0.007, (80, 80, 84))
    brush.oval(x, y, 0.07, 0.085, actor.paint["skin"])
    brush.oval(x - 0.025, y - 0.035, 0.016, 0.024, mix(actor.paint["skin"], (255, 255, 255), 0.6))


def draw_ball(brush: Brush, actor: Actor, t_s: float) -> None:
    """A ball with a white patch that turns as it rolls."""
    state, event = actor.at(t_s), actor.acting(t_s)
    radius = actor.look["radius"] * state["size"]
    if radius < 0.004:
        return
    x, y = state["x"], FRONT_Y - radius - hop(event, "ball_bounces", t_s, actor.look["rate"], 0.24)
    skin = actor.paint["skin"]
    brush.disc(x, y, radius, shade(skin, 0.7))
    brush.disc(x, y, radius * 0.92, skin)
    angle = x / max(actor.look["radius"], 0.01)
    brush.disc(
        x + 0.5 * radius * math.cos(angle),
        y + 0.5 * radius * math.sin(angle),
        radius * 0.28,
        (250, 250, 250),
    )


def draw_car(brush: Brush, actor: Actor, t_s: float) -> None:
    """A car with wheels, a cabin and lamps that flash at both ends."""
    event, side = actor.acting(t_s), heading(actor, t_s)
    x, y, skin = actor.tracks["x"].at(t_s), FRONT_Y - 0.03, actor.paint["skin"]
    cabin = [(-0.09, -0.07), (-0.055, -0.135), (0.04, -0.135), (0.085, -0.07)]
    brush.poly([(x + side * dx, y + dy) for dx, dy in cabin], shade(skin, 0.85))
    _draw_hood(brush, actor, t_s, side)
    glass = [(-0.07, -0.072), (-0.045, -0.12), (0.032, -0.12), (0.065, -0.072)]
    brush.poly([(x + side * dx, y + dy) for dx, dy in glass], (170, 214, 236))
    brush.limb([(x - 0.13, y - 0.04), (x + 0.13, y - 0.04)], 0.07, skin)
    for wheel in (-0.085, 0.085):
        brush.disc(x + wheel, y, 0.036, _BLACK)
        brush.disc(x + wheel, y, 0.016, (190, 190, 194))
    lit = event is not None and event.kind == "car_flashes_lights"
    wave = math.sin(2 * math.pi * actor.look["rate"] * (t_s - event.start_s)) if event else 0.0
    for end in (-1, 1):
        bright = lit and wave * end > 0
        brush.disc(x + end * 0.155, y - 0.045, 0.052 if bright else 0.018, (255, 196, 40))


def _draw_hood(brush: Brush, actor: Actor, t_s: float, side: float) -> None:
    """The lid over the engine, which swings up about its end at the cabin."""
    x, y, open_ = actor.tracks["x"].at(t_s), FRONT_Y - 0.03, actor.tracks["hood"].at(t_s)
    if open_ == 0:
        return
    hinge = (x + side * 0.055, y - 0.07)
    lid = turned([(hinge[0] + side * 0.13, hinge[1])], -side * 70 * open_, hinge)[0]
    brush.limb([hinge, (x + side * 0.14, y - 0.07)], 0.03, _BLACK)
    brush.limb([hinge, lid], 0.036, shade(actor.paint["skin"], 0.75))


def draw_box(brush: Brush, actor: Actor, t_s: float) -> None:
    """A crate with a dark cross that turns about its middle."""
    x, y = actor.look["x"], FRONT_Y - 0.09
    turn = actor.look["degrees_per_s"] * acted_s(actor, t_s)
    corners = [
        (x - 0.075, y - 0.075),
        (x + 0.075, y - 0.075),
        (x + 0.075, y + 0.075),
        (x - 0.075, y + 0.075),
    ]
    corners = turned(corners, turn, (x, y))
    brush.poly(corners, (206, 156, 84))
    brush.limb([corners[0], corners[2]], 0.02, (120, 76, 36))
    brush.poly([corners[0], corners[1], (x, y)], (230, 80, 60))


DRAWINGS: dict[str, Callable[[Brush, Actor, float], None]] = {
    "dog": draw_dog,
    "cat": draw_cat,
    "bird": draw_bird,
    "number": draw_board,
    "fire": draw_fire,
    "flag": draw_flag,
    "fountain": draw_fountain,
    "smoke": draw_smoke,
    "door": draw_door,
    "lamp": draw_lamp,
    "screen": draw_screen,
    "curtain": draw_curtain,
    "fan": draw_fan,
    "signal": draw_signal,
    "balloon": draw_balloon,
    "ball": draw_ball,
    "car": draw_car,
    "box": draw_box,
}
