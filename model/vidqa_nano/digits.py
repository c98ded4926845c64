"""Draws digits as bars, bold enough for a few pixels."""

from __future__ import annotations

from vidqa_nano.brush import Brush
from vidqa_nano.world import Colour

_BARS = {
    "0": "abcdef",
    "1": "hi",
    "2": "abged",
    "3": "abgcd",
    "4": "fgbc",
    "5": "afgcd",
    "6": "afgedc",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
}
"""The lit bars of a seven-bar display: a on top, then clockwise, g, h and i through the middle."""
_PLACES = {
    "a": (-1, -2, 1, -2),
    "b": (1, -2, 1, 0),
    "c": (1, 0, 1, 2),
    "d": (-1, 2, 1, 2),
    "e": (-1, 0, -1, 2),
    "f": (-1, -2, -1, 0),
    "g": (-1, 0, 1, 0),
    "h": (0, -2, 0, 0),
    "i": (0, 0, 0, 2),
}


def draw_number(brush: Brush, x: float, y: float, height: float, text: str, colour: Colour) -> None:
    """``text`` in digits of ``height``, its middle at (x, y)."""
    step = height * 0.72
    for n, digit in enumerate(text):
        _draw_digit(brush, x + (n - (len(text) - 1) / 2) * step, y, height, digit, colour)


def _draw_digit(
    brush: Brush, x: float, y: float, height: float, digit: str, colour: Colour
) -> None:
    unit, wide = height * 0.21, height * 0.085
    for bar in _BARS[digit]:
        x0, y0, x1, y1 = (at * unit for at in _PLACES[bar])
        brush.rect(x + x0 - wide, y + y0 - wide, x + x1 + wide, y + y1 + wide, colour)
