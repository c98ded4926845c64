"""Figures in groups, as a picture: a bar each with its 95 % interval and its value above.

In: a title, the groups' names, and for each series a figure per group, 0 to 1. Out: a picture,
drawn at twice its size for sharp screens. Units below are pixels before that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from vidqa_nano.scores import Figure

_Colour = tuple[int, int, int]

_SCALE = 2
_WIDTH, _HEIGHT = 960, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 16, 108, 40
"""Room around the plot itself."""
_INK, _FAINT, _DASH = (40, 44, 52), (222, 225, 230), (176, 66, 52)
_LIGHT, _DARK = (182, 212, 238), (16, 78, 142)
_FIRST, _SECOND, _THIRD = 24, 56, 86
"""Heights of the title, of what the bars are, and of what the axis counts."""
_BAR_SHARE = 0.82
"""Of a group's width that is bars."""


class _Canvas:
    """Draws in unscaled pixels."""

    def __init__(self, top_value: float) -> None:
        self.image = Image.new("RGB", (_WIDTH * _SCALE, _HEIGHT * _SCALE), "white")
        self.draw = ImageDraw.Draw(self.image)
        self.top_value = top_value

    def y(self, value: float) -> float:
        """The height of a value."""
        room = _HEIGHT - _TOP - _BOTTOM
        return _HEIGHT - _BOTTOM - room * value / self.top_value

    def box(self, left: float, top: float, right: float, bottom: float, colour: _Colour) -> None:
        """A filled box; a thin one is a line."""
        x, y = round(_SCALE * left), round(_SCALE * top)
        wide, high = (max(1, round(_SCALE * d)) for d in (right - left, bottom - top))
        self.draw.rectangle((x, y, x + wide - 1, y + high - 1), colour)

    def text(self, x: float, y: float, words: str, size: int, anchor: str, colour: _Colour) -> None:
        """Words with a white edge at a point, which ``anchor`` says the place of as PIL does."""
        font = ImageFont.load_default(size * _SCALE)
        at, edge = (x * _SCALE, y * _SCALE), 2 * _SCALE
        self.draw.text(at, words, colour, font, anchor, stroke_width=edge, stroke_fill="white")


def bars(
    title: str,
    groups: Sequence[str],
    series: Mapping[str, Sequence[Figure]],
    level: tuple[str, float],
) -> Image.Image:
    """The picture; ``level`` is the name and the value of a dashed line across."""
    highest = max(figure.high for figure in chain(*series.values()))
    canvas = _Canvas(min(1.0, math.ceil(10 * max(highest, level[1]) + 0.5) / 10))
    canvas.text(12, _FIRST, title, 17, "lm", _INK)
    _axis(canvas, groups)
    _legend(canvas, list(series), level)
    placed = list(_placed(series, len(groups)))
    for bar in placed:
        canvas.box(bar.left, canvas.y(bar.figure.value), bar.right, canvas.y(0), bar.shade)
    _dashes(canvas, _LEFT, _WIDTH - _RIGHT, canvas.y(level[1]))
    for bar in placed:
        _interval(canvas, (bar.left + bar.right) / 2, bar.figure)
    return canvas.image


class _Bar(NamedTuple):
    left: float
    right: float
    figure: Figure
    shade: _Colour


def _placed(series: Mapping[str, Sequence[Figure]], groups: int) -> Iterator[_Bar]:
    """Every bar, with a gap between bars and a wider one between groups."""
    step = (_WIDTH - _LEFT - _RIGHT) / groups
    width = step * _BAR_SHARE / len(series)
    for n, (figures, shade) in enumerate(zip(series.values(), _shades(len(series)), strict=True)):
        for group, figure in enumerate(figures):
            left = _LEFT + (group + 0.5 - _BAR_SHARE / 2) * step + n * width
            yield _Bar(left + 0.06 * width, left + 0.94 * width, figure, shade)


def _interval(canvas: _Canvas, middle: float, figure: Figure) -> None:
    """The interval as an I, and the value above it."""
    low, high = canvas.y(figure.low), canvas.y(figure.high)
    canvas.box(middle - 0.75, high, middle + 0.75, low, _INK)
    for end in (low, high):
        canvas.box(middle - 4, end - 0.75, middle + 4, end + 0.75, _INK)
    canvas.text(middle, high - 9, f"{figure.value:.2f}", 11, "mm", _INK)


def _axis(canvas: _Canvas, groups: Sequence[str]) -> None:
    """Lines at every tenth, numbered at the left, what they count; the groups' names below."""
    for tenth in range(round(canvas.top_value * 10) + 1):
        y = canvas.y(tenth / 10)
        colour = _FAINT if tenth else _INK
        canvas.box(_LEFT, y - 0.5, _WIDTH - _RIGHT, y + 0.5, colour)
        canvas.text(_LEFT - 8, y, f"{tenth / 10:.1f}", 12, "rm", _INK)
    canvas.text(12, _THIRD, "mIoU, with its 95 % interval", 12, "lm", _INK)
    step = (_WIDTH - _LEFT - _RIGHT) / len(groups)
    for n, group in enumerate(groups):
        canvas.text(_LEFT + (n + 0.5) * step, _HEIGHT - _BOTTOM + 16, group, 14, "mm", _INK)


def _shades(count: int) -> list[_Colour]:
    """Light to dark, as far apart as can be."""
    return [_mix(n / max(1, count - 1)) for n in range(count)]


def _mix(dark: float) -> _Colour:
    red, green, blue = (round(a + (b - a) * dark) for a, b in zip(_LIGHT, _DARK, strict=True))
    return red, green, blue


def _legend(canvas: _Canvas, names: Sequence[str], level: tuple[str, float]) -> None:
    """A box and a name for every series, then the dashed line's."""
    x = 12.0
    for name, colour in zip(names, _shades(len(names)), strict=True):
        canvas.box(x, _SECOND - 6, x + 12, _SECOND + 6, colour)
        canvas.text(x + 18, _SECOND, name, 13, "lm", _INK)
        x += 18 + _wide(name, 13) + 20
    _dashes(canvas, x, x + 23, _SECOND)
    canvas.text(x + 29, _SECOND, f"{level[0]}: {level[1]:.2f}", 13, "lm", _DASH)


def _wide(words: str, size: int) -> float:
    return ImageFont.load_default(size * _SCALE).getbbox(words)[2] / _SCALE


def _dashes(canvas: _Canvas, left: float, right: float, y: float) -> None:
    for n in range(math.ceil((right - left) / 9)):
        x = left + 9 * n
        canvas.box(x, y - 0.75, min(x + 5, right), y + 0.75, _DASH)
