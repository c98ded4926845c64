"""Draws the animals: dog, cat and bird."""

from __future__ import annotations

import math

from vidqa_nano.brush import Brush, shade
from vidqa_nano.pose import FRONT_Y, heading, hop
from vidqa_nano.world import Actor, Colour

_PERCH_Y = 0.8
_EYE: Colour = (20, 20, 20)


def draw_dog(brush: Brush, actor: Actor, t_s: float) -> None:
    """The dog: legs that swing while it runs, a body that goes upright as it sits down."""
    event, side = actor.acting(t_s), heading(actor, t_s)
    x, sit, skin = actor.tracks["x"].at(t_s), actor.tracks["sit"].at(t_s), actor.paint["skin"]
    y = FRONT_Y - 0.02 - hop(event, "dog_jumps", t_s, actor.look["rate"], 0.19)
    running = event is not None and "runs" in event.kind
    swing = math.sin(x * 2 * math.pi / 0.13) if running else 0.0
    chest = (x + side * (0.07 - 0.03 * sit), y - 0.09 - 0.09 * sit)
    rump = (x - side * (0.07 - 0.015 * sit), y - 0.09 + 0.05 * sit)
    for at, sign in ((-0.07, 1), (-0.045, -1), (0.05, -1), (0.075, 1)):
        top = chest if at > 0 else rump
        foot = (x + side * (at + 0.02 * sit) + sign * 0.035 * swing, y)
        brush.limb([(x + side * at, top[1] + 0.03), foot], 0.024, shade(skin, 0.8))
    brush.limb([rump, chest], 0.078, skin)
    brush.limb([rump, (rump[0] - side * 0.06, rump[1] - 0.07 + 0.05 * sit)], 0.024, skin)
    head = (chest[0] + side * 0.045, chest[1] - 0.055)
    brush.disc(*head, 0.047, skin)
    brush.oval(head[0] + side * 0.042, head[1] + 0.012, 0.032, 0.022, shade(skin, 0.85))
    brush.oval(head[0] - side * 0.02, head[1] - 0.01, 0.018, 0.036, shade(skin, 0.6))
    brush.disc(head[0] + side * 0.012, head[1] - 0.01, 0.008, _EYE)
    if event is not None and event.kind == "dog_barks":
        _draw_bark(brush, head[0] + side * 0.085, head[1], side, actor.look["rate"] * t_s)


def _draw_bark(brush: Brush, x: float, y: float, side: float, turns: float) -> None:
    """Three strokes before the mouth that grow and shrink."""
    far = 0.06 + 0.07 * abs(math.sin(math.pi * turns))
    for rise in (-0.6, 0.0, 0.6):
        tip = (x + side * far, y + rise * far * 1.3)
        brush.limb([(x + side * 0.02, y + rise * 0.03), tip], 0.022, (255, 250, 120))


def draw_cat(brush: Brush, actor: Actor, t_s: float) -> None:
    """The cat: low, with pointed ears and a tail that stands up."""
    event, side = actor.acting(t_s), heading(actor, t_s)
    x, y, skin = actor.tracks["x"].at(t_s), FRONT_Y - 0.01, actor.paint["skin"]
    swing = math.sin(x * 2 * math.pi / 0.11) if event is not None else 0.0
    for at, sign in ((-0.06, 1), (-0.035, -1), (0.035, -1), (0.06, 1)):
        foot = (x + side * at + sign * 0.025 * swing, y)
        brush.limb([(x + side * at, y - 0.05), foot], 0.02, shade(skin, 0.8))
    brush.limb([(x - 0.055, y - 0.07), (x + 0.055, y - 0.07)], 0.062, skin)
    tail = [(x - side * 0.075, y - 0.08), (x - side * 0.1, y - 0.14), (x - side * 0.085, y - 0.21)]
    brush.limb(tail, 0.024, shade(skin, 0.9))
    head = (x + side * 0.085, y - 0.105)
    brush.disc(*head, 0.042, skin)
    for ear in (-0.026, 0.026):
        at = head[0] + ear
        brush.poly(
            [(at - 0.018, head[1] - 0.025), (at, head[1] - 0.075), (at + 0.018, head[1] - 0.025)],
            skin,
        )
    for eye in (0.0, 0.024):
        brush.disc(head[0] + side * eye, head[1] - 0.005, 0.008, _EYE)


def draw_bird(brush: Brush, actor: Actor, t_s: float) -> None:
    """The bird: wings beat while it moves, and are folded while it waits or stands."""
    event, side = actor.acting(t_s), heading(actor, t_s)
    x, down, skin = actor.tracks["x"].at(t_s), actor.tracks["down"].at(t_s), actor.paint["skin"]
    y = actor.look["y"] + (_PERCH_Y - actor.look["y"]) * down
    if down == 1:
        for leg in (-0.012, 0.012):
            brush.limb([(x + leg, y), (x + leg, y + 0.04)], 0.01, (240, 170, 40))
    beat = math.sin(2 * math.pi * 1.3 * t_s) if event else -0.2
    for wing in (-1, 1):
        reach = 0.13 if down < 1 else 0.06
        tip = (x + wing * reach, y - 0.075 * beat)
        brush.poly([(x - 0.03, y), tip, (x + 0.03, y)], skin)
        brush.limb([(x, y), tip], 0.028, skin)
    brush.oval(x, y, 0.065, 0.034, skin)
    brush.disc(x + side * 0.062, y - 0.016, 0.027, skin)
    beak = [(0.082, -0.03), (0.12, -0.01), (0.082, 0.002)]
    brush.poly([(x + side * dx, y + dy) for dx, dy in beak], (240, 170, 40))
