"""A uniform clock over a window: length, frame supply and bounds in, row interval and times out.

Rates, best first: the asked rate (2 fps); 1, 0.5 and 0.25 fps; below that the finest interval that
fits. All of them put a whole number of time ids between rows, so that the ids a model sees carry
no rounding. Halving on below 0.25 fps would waste up to half the rows a long video may have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_NAMED_RATES = (4.0, 2.0, 1.0, 0.5, 0.25)


@dataclass(frozen=True, slots=True)
class Clock:
    """``times`` frames at 0, ``step_s``, 2 ``step_s`` and so on, all inside the window."""

    step_s: float
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What the window holds."""

    length_s: float
    frames: int
    """Source frames in the window, at least 1; all the video has where nobody can tell."""
    frame_s: float
    """Length of one source frame."""
    constant: bool
    """Whether every frame is that long. On variable rate a burst may hide between two average
    frames, so the clock is then never slowed to the average rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a clock may spend."""

    fps: float
    rows_max: int
    per_row: int
    """Frames in one row."""
    frames_min: int
    ids_per_s: int


def set_clock(supply: Supply, limits: Limits) -> Clock:
    """The fastest clock within the limits, ``fps`` at most; a clip with fewer than ``frames_min``
    ticks gets that many, where it has the frames. A constant source slower than ``fps`` is sampled
    at its own rate: more would only repeat frames.
    """
    fps, rows_max, per_row = limits.fps, limits.rows_max, limits.per_row
    if supply.frames == 1 or supply.length_s <= 0:
        return Clock(1 / fps, 1)
    least = min(limits.frames_min, supply.frames, rows_max * per_row)
    if supply.constant:
        fps = min(fps, 1 / supply.frame_s)
    if _ticks(supply, 1 / fps) < least:
        return Clock(supply.length_s / least, least)
    for rate in (fps, *(rate for rate in _NAMED_RATES if rate < fps)):
        times = _ticks(supply, 1 / rate)
        if times <= rows_max * per_row:
            return Clock(1 / rate, times)
    ids_per_row = math.ceil(supply.length_s * limits.ids_per_s / rows_max)
    step_s = ids_per_row / limits.ids_per_s / per_row
    return Clock(step_s, min(_ticks(supply, step_s), rows_max * per_row))


def _ticks(supply: Supply, step_s: float) -> int:
    """Ticks inside the window. A last piece shorter than half a source frame gets none: the frame
    seen in it is the one before, and clocks that should meet the end exactly differ by rounding."""
    sliver_s = min(supply.frame_s, step_s) / 2
    return max(1, math.ceil((supply.length_s - sliver_s) / step_s))
