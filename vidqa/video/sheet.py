"""A contact sheet: the question, its answer, the evidence frames with their times, a timeline.

In: frames with their presentation times, the video's duration, the spans of the answer.
Out: one picture file, drawn with Pillow alone. Frames inside a span are framed in the accent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from vidqa.errors import ExportError
from vidqa.results import Mark
from vidqa.timeline import Span
from vidqa.video.frames import Frames
from vidqa.video.sheet_marks import draw_marks
from vidqa.video.sheet_style import (
    ACCENT,
    GREY,
    HAIRLINE,
    INK,
    MARGIN_PX,
    ON_ACCENT,
    PAPER,
    WIDTH_PX,
)
from vidqa.video.sheet_text import drawable, font, shorten, width_of, wrap
from vidqa.video.sheet_timeline import Timeline, clock, draw_timeline

_TITLE_SIZE, _ANSWER_SIZE, _CAPTION_SIZE = 44, 30, 24
_GAP_PX, CAPTION_PX, _BORDER_PX = 20, 40, 6
_SAME_FRAME_S = 5e-4  # readers differ in the last bits of a time
_STILL_HIGH, _STILL_ENLARGED = 1400, 4
_CELL_MAX = (720, 600)  # width, height: one frame alone should not fill a wall
SHEET_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


Picture = NDArray[np.uint8]
Pictures = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks, and the (width, height) of the source their pixels count in."""

    marks: Sequence[Mark]
    source: tuple[int, int]

    def on(self, picture: Image.Image, t_s: float) -> Image.Image:
        """The picture of the frame at ``t_s`` with its marks."""
        timed = [(mark, mark.pts_s) for mark in self.marks if mark.pts_s is not None]
        own = [mark for mark, pts_s in timed if abs(pts_s - t_s) < _SAME_FRAME_S]
        return draw_marks(picture, own, self.source)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where pictures lie on a page, each above its caption."""

    count: int
    columns: int
    rows: int
    width: int
    height: int
    caption_px: int = CAPTION_PX

    @property
    def height_px(self) -> int:
        """Of all rows together."""
        return self.rows * (self.height + self.caption_px + _GAP_PX)

    def corner(self, k: int) -> tuple[int, int]:
        """Left and top of frame ``k``, counted along the rows, inside the grid."""
        row, column = divmod(k, self.columns)
        top = row * (self.height + self.caption_px + _GAP_PX)
        return MARGIN_PX + column * (self.width + _GAP_PX), top


def draw_sheet(
    frames: Frames,
    *,
    duration_s: float,
    spans: Sequence[Span],
    title: str,
    out: Path,
    answer: str | None = None,
    marks: Sequence[Mark] = (),
    source: tuple[int, int] | None = None,
) -> None:
    """Write the sheet to ``out`` (.png, .jpg or .webp), replacing what is there in one step.

    ``title`` is the question; ``answer`` the line below it, by default the spans themselves.
    Frames are shown once each, in time order, whatever order they were read in. A PNG keeps the
    full question and answer in its metadata. ``marks`` are drawn on the frames of their own time;
    ``source`` is the (width, height) that their pixels count in, by default the frames'. Raises
    :class:`ExportError` for a suffix that is no picture format, a duration that is not positive, or
    a file that cannot be written.
    """
    _check(duration_s, out)
    line = _span_line(spans, duration_s) if answer is None else answer
    rgb_THWC, pts_T = _in_time_order(frames)
    timeline = Timeline(
        duration_s=duration_s,
        spans=spans,
        frames_s=pts_T,
        unreadable_from_s=frames.unreadable_from_s,
    )
    high, wide = rgb_THWC.shape[1:3]
    drawing = Drawing(marks, source or (wide, high))
    pictures = _pictures(rgb_THWC, pts_T, spans, drawing)
    parts = [header_of(title, line), pictures, draw_timeline(timeline)]
    save_sheet(stacked(parts), out, title, line)


def draw_still_sheet(
    rgb_HWC: Picture,
    *,
    title: str,
    answer: str,
    out: Path,
    marks: Sequence[Mark] = (),
) -> None:
    """One picture as displayed, large, its marks in its own pixels, below question and answer.

    There is no timeline. Everything else as :func:`draw_sheet`.
    """
    check_format(out)
    picture = Image.fromarray(rgb_HWC)
    wide, high = _still_size(*picture.size)
    large = picture.resize((wide, high), Image.Resampling.LANCZOS)
    drawn = draw_marks(large, marks, picture.size)
    page = Image.new("RGB", (WIDTH_PX, high + MARGIN_PX), PAPER)
    page.paste(drawn, (MARGIN_PX, 0))
    frame = (MARGIN_PX - 1, 0, MARGIN_PX + wide, high)
    ImageDraw.Draw(page).rectangle(frame, outline=HAIRLINE)  # a white picture ends somewhere
    save_sheet(stacked([header_of(title, answer), page]), out, title, answer)


def _still_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of an image on its sheet: up to the page's width, and up to four times."""
    room = WIDTH_PX - 2 * MARGIN_PX
    scale = min(room / width, _STILL_HIGH / height, _STILL_ENLARGED)
    return max(1, round(width * scale)), max(1, round(height * scale))


def sheet_frame_size(width: int, height: int, count: int) -> tuple[int, int]:
    """``(height, width)`` at which ``count`` frames are worth reading for a sheet.

    Never larger than the video itself, so that reading costs no more than it shows.
    """
    grid = fit_grid(count, width / height)
    shrink = min(1.0, grid.width / width, grid.height / height)
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _in_time_order(frames: Frames) -> tuple[Pictures, list[float]]:
    pts_T, first = np.unique(frames.pts_T, return_index=True)
    return frames.rgb_THWC[first], [float(t) for t in pts_T]


def header_of(title: str, answer: str) -> Image.Image:
    """The question, large, above its answer, two lines of each at most."""
    width = WIDTH_PX - 2 * MARGIN_PX
    titles = wrap(drawable(title), _TITLE_SIZE, width, 2)
    answers = wrap(drawable(answer), _ANSWER_SIZE, width, 2)
    lines = [(t, _TITLE_SIZE, INK) for t in titles] + [(t, _ANSWER_SIZE, ACCENT) for t in answers]
    heights = [round(size * 1.32) for _, size, _ in lines]
    image = Image.new("RGB", (WIDTH_PX, MARGIN_PX + sum(heights) + 28), PAPER)
    pen, top = ImageDraw.Draw(image), MARGIN_PX - 10
    for (text, size, color), height in zip(lines, heights, strict=True):
        pen.text((MARGIN_PX, top), text, fill=color, font=font(size))
        top += height
    return image


def _pictures(
    rgb_THWC: Pictures, pts_T: Sequence[float], spans: Sequence[Span], drawing: Drawing
) -> Image.Image:
    if not pts_T:
        return Image.new("RGB", (WIDTH_PX, 1), PAPER)
    grid = fit_grid(len(pts_T), rgb_THWC.shape[2] / rgb_THWC.shape[1])
    image = Image.new("RGB", (WIDTH_PX, grid.height_px), PAPER)
    for k, (rgb_HWC, t_s) in enumerate(zip(rgb_THWC, pts_T, strict=True)):
        inside = any(span.contains(t_s) for span in spans)
        picture = Image.fromarray(rgb_HWC)
        cell = picture.resize((grid.width, grid.height), Image.Resampling.LANCZOS)
        _draw_cell(image, grid, grid.corner(k), drawing.on(cell, t_s), t_s, inside=inside)
    return image


def _draw_cell(
    sheet: Image.Image,
    grid: Grid,
    corner: tuple[int, int],
    picture: Image.Image,
    t_s: float,
    *,
    inside: bool,
) -> None:
    left, top = corner
    right, bottom = left + grid.width, top + grid.height
    sheet.paste(picture, corner)
    pen = ImageDraw.Draw(sheet)
    text = shorten(clock(t_s, 2), _CAPTION_SIZE, grid.width)
    at = (left + 10 if inside else left + 2, bottom + 5)
    if inside:
        pen.rectangle(
            (left, bottom, left + width_of(text, _CAPTION_SIZE) + 20, bottom + 36), ACCENT
        )
    outline, line_px = (ACCENT, _BORDER_PX) if inside else (HAIRLINE, 1)
    pen.rectangle((left, top, right - 1, bottom), outline=outline, width=line_px)
    pen.text(at, text, fill=ON_ACCENT if inside else GREY, font=font(_CAPTION_SIZE))


def fit_grid(count: int, aspect: float, caption_px: int = CAPTION_PX) -> Grid:
    """The grid whose picture area comes nearest to a page half as high as wide; ``aspect`` is the
    width of a picture over its height."""
    grids = (_grid(count, n, aspect, caption_px) for n in range(1, count + 1))
    return min(grids, key=_unlike_a_page)


def _grid(count: int, columns: int, aspect: float, caption_px: int) -> Grid:
    room = (WIDTH_PX - 2 * MARGIN_PX + _GAP_PX) // columns - _GAP_PX
    width = max(1, min(room, _CELL_MAX[0], round(_CELL_MAX[1] * aspect)))
    rows, height = math.ceil(count / columns), max(1, round(width / aspect))
    return Grid(count, columns, rows, width, height, caption_px)


def _unlike_a_page(grid: Grid) -> float:
    """0 for a full-width grid half as high as wide; unused width and uneven rows count too."""
    taller = math.log(grid.height_px / (WIDTH_PX * 0.55))
    unused = 1 - grid.columns * (grid.width + _GAP_PX) / (WIDTH_PX - 2 * MARGIN_PX)
    holes = (grid.columns * grid.rows - grid.count) / grid.count
    shape = taller if taller > 0 else -taller / 2  # a flat sheet is better than a long one
    return shape + 2 * (max(0.0, unused) + holes)


def _span_line(spans: Sequence[Span], duration_s: float) -> str:
    if not spans:
        return f"no moment marked in {clock(duration_s, 1)}"
    shown = [f"{clock(s.start_s, 2)} - {clock(s.end_s, 2)}" for s in sorted(spans)[:4]]
    more = f" and {len(spans) - 4} more" if len(spans) > 4 else ""
    return ",  ".join(shown) + more


def stacked(parts: Sequence[Image.Image]) -> Image.Image:
    """Parts of a page above each other."""
    image = Image.new("RGB", (WIDTH_PX, sum(part.height for part in parts)), PAPER)
    top = 0
    for part in parts:
        image.paste(part, (0, top))
        top += part.height
    return image


def save_sheet(image: Image.Image, out: Path, title: str, answer: str) -> None:
    """Write the page in one step, the full words in a PNG's metadata; raises :class:`ExportError`
    where it cannot be written."""
    kind = SHEET_FORMATS[out.suffix.lower()]
    part = out.with_name(f".{out.name}.part")
    notes = PngInfo()
    notes.add_itxt("Title", title)
    notes.add_itxt("Description", answer)
    extra = {"pnginfo": notes} if kind == "PNG" else {"quality": 92}
    try:
        image.save(part, kind, **extra)
        part.replace(out)
    except OSError as err:
        raise ExportError(
            f"{out}: the contact sheet cannot be written: {err}",
            code="sheet_unwritable",
            next_step="Give a path in an existing folder that you may write to.",
        ) from err
    finally:
        part.unlink(missing_ok=True)


def _check(duration_s: float, out: Path) -> None:
    if not (math.isfinite(duration_s) and duration_s > 0):
        raise ExportError(
            f"no timeline can be drawn for {duration_s} s of video",
            code="sheet_impossible",
            next_step="Give the video's duration in seconds, above 0.",
        )
    check_format(out)


def check_format(out: Path) -> None:
    """Raise :class:`ExportError` for a suffix that is no picture format."""
    if out.suffix.lower() not in SHEET_FORMATS:
        raise ExportError(
            f"{out}: {out.suffix or 'no suffix'!r} is no picture format of a contact sheet",
            code="sheet_format_unknown",
            next_step=f"Name it with one of {', '.join(SHEET_FORMATS)}.",
        )
