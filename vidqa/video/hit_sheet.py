"""A contact sheet of hits in many videos: pictures with their video, their time, their standing.

In: JPEGs with their captions, the best first. Out: one picture file, drawn with Pillow alone.
Pictures of any shape are shown whole. Those that a closer look confirmed are framed in the accent.
"""

from __future__ import annotations

import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from vidqa.video.sheet import check_format, fit_grid, header_of, save_sheet, stacked
from vidqa.video.sheet_style import ACCENT, GREY, HAIRLINE, INK, MARGIN_PX, PAPER, TRACK, WIDTH_PX
from vidqa.video.sheet_text import drawable, font, shorten

_NAME_SIZE, _TIME_SIZE = 24, 20
_CAPTION_PX, _BORDER_PX = 66, 6
_TALLEST = 1.0
"""Least width over height of a cell: upright pictures stand in a square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HitPicture:
    """A hit as a sheet shows it."""

    jpeg: bytes
    name: str
    """Of the video."""
    told: str
    """Its time, and how sure it is."""
    framed: bool = False


def draw_hit_sheet(pictures: Sequence[HitPicture], *, title: str, answer: str, out: Path) -> None:
    """Write the sheet to ``out`` (.png, .jpg or .webp), replacing what is there in one step.

    ``title`` is the query, ``answer`` the line below it. Raises :class:`ExportError` for a suffix
    that is no picture format, or a file that cannot be written.
    """
    check_format(out)
    parts = [header_of(title, answer), _body(pictures)]
    save_sheet(stacked(parts), out, title, answer)


def _body(pictures: Sequence[HitPicture]) -> Image.Image:
    if not pictures:
        return Image.new("RGB", (WIDTH_PX, MARGIN_PX), PAPER)
    opened = [Image.open(io.BytesIO(each.jpeg)).convert("RGB") for each in pictures]
    aspect = max(_TALLEST, statistics.median(image.width / image.height for image in opened))
    grid = fit_grid(len(pictures), aspect, _CAPTION_PX)
    body = Image.new("RGB", (WIDTH_PX, grid.height_px + MARGIN_PX // 2), PAPER)
    for k, (each, image) in enumerate(zip(pictures, opened, strict=True)):
        left, top = grid.corner(k)
        cell = (left, top, left + grid.width, top + grid.height)
        _draw(body, cell, image, each)
    return body


def _draw(
    body: Image.Image, cell: tuple[int, int, int, int], image: Image.Image, each: HitPicture
) -> None:
    left, top, right, bottom = cell
    width, height = right - left, bottom - top
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    pen = ImageDraw.Draw(body)
    pen.rectangle((left, top, right - 1, bottom - 1), fill=TRACK)
    shown = image.resize(size, Image.Resampling.LANCZOS)
    body.paste(shown, (left + (width - size[0]) // 2, top + (height - size[1]) // 2))
    outline, line_px = (ACCENT, _BORDER_PX) if each.framed else (HAIRLINE, 1)
    pen.rectangle((left, top, right - 1, bottom - 1), outline=outline, width=line_px)
    name = shorten(drawable(each.name), _NAME_SIZE, width)
    told = shorten(drawable(each.told), _TIME_SIZE, width)
    pen.text((left + 2, bottom + 5), name, fill=INK, font=font(_NAME_SIZE))
    colour = ACCENT if each.framed else GREY
    pen.text((left + 2, bottom + 36), told, fill=colour, font=font(_TIME_SIZE))
