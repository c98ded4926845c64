"""Draws what stands on the ground at the wall: fireplace, fountain, barrel, flag, number board."""

from __future__ import annotations

import math

from vidqa_nano.brush import Brush, mix, shade
from vidqa_nano.digits import draw_number
from vidqa_nano.pose import strength
from vidqa_nano.world import Actor, Colour

_FLAG: Colour = (236, 60, 150)
_WATER: Colour = (60, 140, 245)
_BRICK: Colour = (150, 82, 66)


def draw_fire(brush: Brush, actor: Actor, t_s: float) -> None:
    """A fireplace whose flames leap while it burns."""
    x, level = actor.look["x"], strength(actor, t_s)
    brush.rect(x - 0.14, 0.44, x + 0.14, 0.76, _BRICK)
    brush.rect(x - 0.16, 0.42, x + 0.16, 0.46, shade(_BRICK, 0.7))
    brush.rect(x - 0.105, 0.5, x + 0.105, 0.76, (24, 20, 22))
    brush.limb([(x - 0.07, 0.74), (x + 0.07, 0.74)], 0.03, (96, 66, 44))
    for at, tall, phase in ((-0.055, 0.17, 0.0), (0.055, 0.15, 2.1), (0.0, 0.22, 4.0)):
        leap = level * tall * (0.78 + 0.22 * math.sin(2 * math.pi * 1.3 * t_s + phase))
        if leap > 0.01:
            foot, tip = x + at, (x + at + 0.015 * math.sin(5 * t_s + phase), 0.75 - leap)
            brush.poly([(foot - 0.045, 0.75), tip, (foot + 0.045, 0.75)], (255, 120, 20))
            middle = (tip[0], 0.75 - leap * 0.55)
            brush.poly([(foot - 0.022, 0.75), middle, (foot + 0.022, 0.75)], (255, 226, 70))


def draw_fountain(brush: Brush, actor: Actor, t_s: float) -> None:
    """A basin with a column of water that breaks into two falling arcs while it runs."""
    x, level = actor.look["x"], strength(actor, t_s)
    if level > 0:
        top = 0.72 - 0.4 * level * (0.94 + 0.06 * math.sin(2 * math.pi * 1.1 * t_s))
        brush.limb([(x, 0.72), (x, top)], 0.045, _WATER)
        for side in (-1, 1):
            arc = [(x, top), (x + side * 0.06, top + 0.02), (x + side * 0.1, 0.72)]
            brush.limb(arc, 0.035, _WATER)
            for drop in range(4):
                share = math.modf(drop / 4 + 0.9 * t_s)[0]
                at = (x + side * (0.05 + 0.06 * share), top + (0.72 - top) * share)
                brush.disc(*at, 0.016, (236, 246, 255))
    brush.poly(
        [(x - 0.14, 0.71), (x + 0.14, 0.71), (x + 0.1, 0.8), (x - 0.1, 0.8)], (126, 130, 138)
    )
    brush.rect(x - 0.025, 0.66, x + 0.025, 0.72, (150, 154, 160))


def draw_smoke(brush: Brush, actor: Actor, t_s: float) -> None:
    """A barrel from which dark puffs rise while it smokes."""
    x, level = actor.look["x"], strength(actor, t_s)
    for puff in range(5 if level > 0 else 0):
        share = math.modf(puff / 5 + 0.31 * t_s)[0]
        y, radius = 0.6 - 0.46 * share, (0.035 + 0.05 * share) * level
        sway = 0.035 * math.sin(2 * math.pi * share * 1.2 + puff)
        brush.disc(x + sway, y, radius, mix((44, 44, 50), (110, 110, 118), share))
    brush.rect(x - 0.065, 0.59, x + 0.065, 0.79, (66, 88, 84))
    for band in (0.63, 0.73):
        brush.rect(x - 0.07, band, x + 0.07, band + 0.018, (36, 44, 44))


def draw_flag(brush: Brush, actor: Actor, t_s: float) -> None:
    """A pole with a flag at its top or at its foot."""
    x, up = actor.look["x"], actor.tracks["up"].at(t_s)
    brush.limb([(x - 0.08, 0.05), (x - 0.08, 0.79)], 0.018, (240, 240, 244))
    y = 0.6 - 0.53 * up
    brush.rect(x - 0.08, y, x + 0.13, y + 0.15, _FLAG)
    brush.rect(x - 0.08, y + 0.05, x + 0.13, y + 0.1, (255, 255, 255))


def draw_board(brush: Brush, actor: Actor, t_s: float) -> None:
    """A black board on which the actor's digit lights up."""
    x, y, board = actor.look["x"], 0.36, (26, 30, 34)
    brush.rect(x - 0.125, y - 0.165, x + 0.125, y + 0.165, (214, 214, 206))
    brush.rect(x - 0.105, y - 0.145, x + 0.105, y + 0.145, board)
    colour = mix(board, (255, 214, 40), actor.tracks["shown"].at(t_s))
    if actor.colour is not None and colour != board:
        draw_number(brush, x, y, 0.25, actor.colour, colour)
