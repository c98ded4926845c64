"""A few lines over one axis as a picture in SVG, both axes logarithmic: text in, a file out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 400, 64, 24, 72, 48
_COLOURS = ("#104e8e", "#b04234", "#3c7d3c", "#7a5195")
_OPENING = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
    'font-family="sans-serif" font-size="13">'
)
_INK, _FAINT = "#282c34", "#dee1e6"


def draw_curve(
    x: Sequence[float], lines: Mapping[str, Sequence[float]], out: Path, *, title: str, x_name: str
) -> None:
    """Write the picture; all values must lie above 0. Lines have the length of ``x``."""
    values = [v for line in lines.values() for v in line]
    across = _Axis(min(x), max(x), _LEFT, _WIDTH - _RIGHT)
    up = _Axis(min(values), max(values), _HEIGHT - _BOTTOM, _TOP)
    parts = [
        _OPENING,
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 24, title, "start", size=16),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, x_name, "middle"),
    ]
    for value in up.ticks():
        y = up.at(value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_FAINT}"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{value:g}", "end"))
    parts += [_text(across.at(v), _HEIGHT - _BOTTOM + 20, f"{v:.3g}", "middle") for v in x]
    for k, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[k % len(_COLOURS)]
        points = [(across.at(a), up.at(b)) for a, b in zip(x, line, strict=True)]
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}"/>' for a, b in points]
        parts.append(_text(_LEFT + 250 * k, 50, name, "start", colour=colour))
    out.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


class _Axis:
    """A logarithmic axis from one pixel to another."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = math.log10(low) - 0.08, math.log10(high) + 0.08
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        steps = (m * 10.0**p for p in powers for m in (1, 2, 5))
        return [v for v in steps if self.low <= math.log10(v) <= self.high]


def _text(
    x: float, y: float, words: str, anchor: str, *, size: int = 13, colour: str = _INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{colour}">{escape(words)}</text>'
    )
