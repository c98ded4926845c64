"""Boxes and points on a picture of a sheet: seen on light and on dark, labels inside the picture.

Every line is drawn three times, dark, white and in the accent, so that one of them stands out from
whatever lies below. Rectangles are ``(left, top, right, bottom)`` in pixels of the drawn picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw

from vidqa.results import Mark
from vidqa.video.sheet_style import ACCENT, INK, ON_ACCENT
from vidqa.video.sheet_text import drawable, font, shorten, width_of

Rectangle = tuple[float, float, float, float]
_LABEL_SIZE, _LABEL_PX, _PAD_PX = 22, 30, 8
_LABEL_ROOM_PX = 240
_INSET_PX = 8
"""Labels keep off the rim, where a sheet may draw a frame of its own."""
_RADIUS_PX = 9
_STROKES = ((INK, 8), (ON_ACCENT, 6), (ACCENT, 3))
"""Colour and width in pixels, from below to above."""


def draw_marks(picture: Image.Image, marks: Sequence[Mark], source: tuple[int, int]) -> Image.Image:
    """A copy of ``picture``, which shows a source of (width, height) ``source``, with its marks.

    Labels come last, above all lines, each where it covers least of other marks and labels.
    """
    drawn = picture.copy()
    pen, labels = ImageDraw.Draw(drawn), list[Rectangle]()
    scale = drawn.width / source[0], drawn.height / source[1]
    places = [tuple(x * scale[k % 2] for k, x in enumerate(mark.xy)) for mark in marks]
    for xy in places:
        _draw_shape(pen, xy, drawn.size)
    for mark, xy in zip(marks, places, strict=True):
        room = max(drawn.width // 3, _LABEL_ROOM_PX, round(_around(xy)[2] - _around(xy)[0]))
        room = min(room, drawn.width - 2 * _INSET_PX) - 2 * _PAD_PX
        if text := shorten(drawable(mark.label), _LABEL_SIZE, room):
            others = [part for other in places if other != xy for part in _lines(other)]
            own = [_around(xy)] if mark.kind == "point" else []
            obstacles = [*labels, *others, *own]
            labels.append(_draw_label(pen, text, _around(xy), drawn.size, obstacles))
    return drawn


def _draw_shape(pen: ImageDraw.ImageDraw, xy: Sequence[float], size: tuple[int, int]) -> None:
    for colour, width in _STROKES:
        if len(xy) == 2:
            reach = _RADIUS_PX + width / 2
            pen.ellipse(_around(xy, reach), outline=colour, width=width)
            continue
        # Strokes lie on the edge, but for the side that would fall out of the picture.
        left, top, right, bottom = xy
        half, (wide, high) = width / 2, size
        pen.rectangle(
            (
                max(0, left - half),
                max(0, top - half),
                min(wide - 1, max(right + half - 1, left)),
                min(high - 1, max(bottom + half - 1, top)),
            ),
            outline=colour,
            width=width,
        )


def _draw_label(
    pen: ImageDraw.ImageDraw,
    text: str,
    around: Rectangle,
    size: tuple[int, int],
    obstacles: Sequence[Rectangle],
) -> Rectangle:
    wide = width_of(text, _LABEL_SIZE) + 2 * _PAD_PX
    places = list(_places(around, wide, size))
    place = min(places, key=lambda place: sum(_overlap_px(place, other) for other in obstacles))
    left, top, right, bottom = place
    pen.rectangle((left, top, right - 1, bottom - 1), fill=ACCENT, outline=ON_ACCENT)
    pen.text((left + _PAD_PX, (top + bottom) / 2), text, ON_ACCENT, font(_LABEL_SIZE), anchor="lm")
    return place


def _places(around: Rectangle, wide: int, size: tuple[int, int]) -> Iterator[Rectangle]:
    """Where a label may stand, best first: above, below, inside, right and left of its mark."""
    left, top, right, bottom = around
    corners = (
        (left, top - _LABEL_PX),
        (left, bottom),
        (left, top),
        (right, top),
        (left - wide, top),
        (right - wide, bottom - _LABEL_PX),
    )
    kept = [_inside(x, y, wide, size) for x, y in corners]
    # A place that had to be moved covers what it names: it comes after those that had not.
    moved = [place[:2] != corner for place, corner in zip(kept, corners, strict=True)]
    yield from (place for place, was in zip(kept, moved, strict=True) if not was)
    yield from (place for place, was in zip(kept, moved, strict=True) if was)


def _inside(x: float, y: float, wide: int, size: tuple[int, int]) -> Rectangle:
    """The place nearest to (x, y) that keeps off the picture's rim, if it is large enough."""
    left = min(max(_INSET_PX, x), max(0, size[0] - wide - _INSET_PX))
    top = min(max(_INSET_PX, y), max(0, size[1] - _LABEL_PX - _INSET_PX))
    return left, top, min(left + wide, size[0]), min(top + _LABEL_PX, size[1])


def _around(xy: Sequence[float], reach: float = _RADIUS_PX + 4) -> Rectangle:
    """The box itself, or the square around a point."""
    if len(xy) == 2:
        return xy[0] - reach, xy[1] - reach, xy[0] + reach, xy[1] + reach
    return xy[0], xy[1], xy[2], xy[3]


def _lines(xy: Sequence[float]) -> Iterator[Rectangle]:
    """What is drawn of a mark: the four sides of a box, all of a point."""
    left, top, right, bottom = _around(xy)
    if len(xy) == 2:
        yield left, top, right, bottom
        return
    reach = _STROKES[0][1] / 2
    for y in (top, bottom):
        yield left - reach, y - reach, right + reach, y + reach
    for x in (left, right):
        yield x - reach, top - reach, x + reach, bottom + reach


def _overlap_px(a: Rectangle, b: Rectangle) -> float:
    """Area that two rectangles share, in pixels."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, wide) * max(0.0, high)
