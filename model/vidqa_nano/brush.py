"""A brush that draws in fractions of the frame, so that a scene looks the same at every size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from vidqa_nano.world import Colour

Point = tuple[float, float]


class Brush:
    """Draws on an image; coordinates and widths are fractions of its height.

    ``shift`` is what the camera's pan adds to every x.
    """

    def __init__(self, image: Image.Image, shift: float = 0.0) -> None:
        self.side, self.shift = image.height, shift
        self._draw = ImageDraw.Draw(image)

    def poly(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(
            [((x + self.shift) * self.side, y * self.side) for x, y in points], fill=colour
        )

    def rect(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """A filled rectangle between two corners, in any order."""
        left, right = sorted(((x0 + self.shift) * self.side, (x1 + self.shift) * self.side))
        top, bottom = sorted((y0 * self.side, y1 * self.side))
        self._draw.rectangle((left, top, right, bottom), fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self.oval(x, y, radius, radius, colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse with upright axes."""
        s, x = self.side, x + self.shift
        self._draw.ellipse(((x - rx) * s, (y - ry) * s, (x + rx) * s, (y + ry) * s), fill=colour)

    def limb(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A thick line with round joints and ends."""
        scaled = [((x + self.shift) * self.side, y * self.side) for x, y in points]
        self._draw.line(scaled, fill=colour, width=max(1, round(width * self.side)))
        for x, y in points:
            self.disc(x, y, width / 2, colour)


def shade(colour: Colour, factor: float) -> Colour:
    """The colour made darker (below 1) or lighter (above 1)."""
    red, green, blue = (min(255, max(0, round(c * factor))) for c in colour)
    return red, green, blue


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """``a`` at share 0, ``b`` at share 1."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


def turned(points: Sequence[Point], degrees: float, centre: Point) -> list[Point]:
    """The points turned about ``centre``; positive is clockwise on the screen."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cx, cy = centre
    return [
        (cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos)
        for x, y in points
    ]
