"""The timeline of a contact sheet: a bar of the whole video, its spans, one mark per frame, ticks.

In: times in seconds on the presentation timeline. Out: a picture ``WIDTH_PX`` wide whose bar runs
from 0 to the duration between two inner margins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from vidqa.timeline import Span
from vidqa.video.sheet_style import (
    ACCENT,
    GREY,
    HAIRLINE,
    INK,
    MARGIN_PX,
    PAPER,
    TRACK,
    UNREADABLE,
    WIDTH_PX,
)
from vidqa.video.sheet_text import font, width_of

HEIGHT_PX = 166
_BAR_TOP, _BAR_BOTTOM = 38, 78
_LABEL_SIZE, _SPAN_MIN_PX = 22, 6
_SMOOTH = 4  # Pillow draws shapes with hard edges: draw them larger, then shrink
_STEPS_S = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
)
_LABELS_MAX, _LABEL_GAP_PX = 12, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What the bar tells; every time in seconds since the first displayed frame."""

    duration_s: float
    spans: Sequence[Span]
    frames_s: Sequence[float]
    unreadable_from_s: float | None = None
    """Where the part that could not be decoded begins; drawn hatched."""

    def x_at(self, t_s: float) -> float:
        """Pixels from the left edge; times outside the video stay on the bar's ends."""
        share = min(max(t_s / self.duration_s, 0.0), 1.0)
        return MARGIN_PX + share * (WIDTH_PX - 2 * MARGIN_PX)


def clock(t_s: float, decimals: int = 0) -> str:
    """``M:SS`` or ``H:MM:SS``, rounded to ``decimals`` digits: the short form for pictures."""
    unit = 10**decimals
    seconds, rest = divmod(round(t_s * unit), unit)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{text}.{rest:0{decimals}d}" if decimals else text


def draw_timeline(timeline: Timeline) -> Image.Image:
    """The bar with its spans, marks and labelled ticks, ``WIDTH_PX`` x ``HEIGHT_PX``."""
    large = Image.new("RGB", (WIDTH_PX * _SMOOTH, HEIGHT_PX * _SMOOTH), PAPER)
    pen = ImageDraw.Draw(large)
    _draw_bar(pen, timeline)
    _draw_marks(pen, timeline)
    image = large.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS)
    _draw_ticks(ImageDraw.Draw(image), timeline)
    return image


def _box(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
    return tuple(value * _SMOOTH for value in (left, top, right, bottom))


def _draw_bar(pen: ImageDraw.ImageDraw, timeline: Timeline) -> None:
    left, right = timeline.x_at(0.0), timeline.x_at(timeline.duration_s)
    pen.rectangle(_box(left, _BAR_TOP, right, _BAR_BOTTOM), fill=TRACK)
    if timeline.unreadable_from_s is not None:
        _hatch(pen, timeline.x_at(timeline.unreadable_from_s), right)
    for span in timeline.spans:
        start, end = timeline.x_at(span.start_s), timeline.x_at(span.end_s)
        pen.rectangle(
            _box(start, _BAR_TOP, max(end, start + _SPAN_MIN_PX), _BAR_BOTTOM), fill=ACCENT
        )


def _hatch(pen: ImageDraw.ImageDraw, left: float, right: float) -> None:
    height = _BAR_BOTTOM - _BAR_TOP
    pen.rectangle(_box(left, _BAR_TOP, right, _BAR_BOTTOM), fill=UNREADABLE)
    for x in range(round(left) - height, round(right), 12):
        begin, end = max(left - x, 0.0), min(right - x, float(height))
        ends = _box(x + begin, _BAR_BOTTOM - begin, x + end, _BAR_BOTTOM - end)
        pen.line(ends, fill=GREY, width=2 * _SMOOTH)


def _draw_marks(pen: ImageDraw.ImageDraw, timeline: Timeline) -> None:
    """One small triangle above the bar for each frame, pointing at its time."""
    for t_s in timeline.frames_s:
        x = timeline.x_at(t_s)
        corners = (x - 7, _BAR_TOP - 18, x + 7, _BAR_TOP - 18, x, _BAR_TOP - 4)
        inside = any(span.contains(t_s) for span in timeline.spans)
        pen.polygon([value * _SMOOTH for value in corners], fill=ACCENT if inside else GREY)


def _draw_ticks(pen: ImageDraw.ImageDraw, timeline: Timeline) -> None:
    """Labelled ticks; the video's end is always labelled, a tick in its way is left out."""
    end_s = timeline.duration_s
    end_text = clock(end_s, 2 if end_s < 60 else 1)
    end_left = WIDTH_PX - MARGIN_PX - width_of(end_text, _LABEL_SIZE)
    _draw_tick(pen, timeline.x_at(end_s), end_left, end_text, INK)
    for t_s, text in _round_times(end_s):
        x, width = timeline.x_at(t_s), width_of(text, _LABEL_SIZE)
        left = max(x - width / 2, MARGIN_PX)
        if left + width + _LABEL_GAP_PX < end_left:
            _draw_tick(pen, x, left, text, GREY)


def _draw_tick(pen: ImageDraw.ImageDraw, x: float, left: float, text: str, color: str) -> None:
    pen.line((x, _BAR_BOTTOM, x, _BAR_BOTTOM + 9), fill=HAIRLINE, width=2)
    pen.text((left, _BAR_BOTTOM + 15), text, fill=color, font=font(_LABEL_SIZE))


def _round_times(duration_s: float) -> Iterator[tuple[float, str]]:
    """Round times from 0 up to the end, so few that their labels never touch."""
    fallback_s = 3600.0 * math.ceil(duration_s / 3600 / _LABELS_MAX)
    step_s = next((s for s in _STEPS_S if duration_s / s <= _LABELS_MAX), fallback_s)
    decimals = 2 if step_s < 0.1 else 1 if step_s < 1 else 0
    for k in range(int(duration_s / step_s) + 1):
        yield k * step_s, clock(k * step_s, decimals)
