"""Which frames of a window are read: 2, 1 or 0.5 a second, uneven, or with some missing.

In: a duration, a random generator. Out: ticks, the numbers of the half seconds that are read,
ascending from 0. Long windows are mostly read slowly, which bounds what a step costs.
"""

from __future__ import annotations

import math

from vidqa_nano.clips import FPS
from vidqa_nano.world import Rng

STEPS = (1, 2, 4)
"""Ticks between frames: 2, 1 and 0.5 frames a second."""
_SHARES = ((12.0, (0.7, 0.3, 0.0)), (40.0, (0.5, 0.3, 0.2)), (math.inf, (0.35, 0.4, 0.25)))
"""Shares of the steps for windows up to so many seconds."""
UNEVEN, MISSING = 0.15, 0.1
"""Shares of windows read at an uneven rate, and of those with frames dropped at random."""


def tick_count(duration_s: float) -> int:
    """How many half seconds start inside ``[0, duration_s)``."""
    return math.ceil(round(duration_s * FPS, 6))


def even_ticks(duration_s: float, fps: float) -> range:
    """A steady rate of 2, 1 or 0.5."""
    return range(0, tick_count(duration_s), round(FPS / fps))


def draw_ticks(duration_s: float, rng: Rng) -> list[int]:
    """The ticks of one window."""
    shares = next(shares for longest_s, shares in _SHARES if duration_s <= longest_s)
    step = int(rng.choice(STEPS, p=shares))
    last, kind = tick_count(duration_s), rng.random()
    if kind < UNEVEN:
        return _uneven(last, step, rng)
    ticks = list(range(0, last, step))
    if kind < UNEVEN + MISSING:
        return [0, *(tick for tick in ticks[1:] if rng.random() > 0.2)]
    return ticks


def _uneven(last: int, step: int, rng: Rng) -> list[int]:
    """Steps of half to twice the given one."""
    ticks = [0]
    while ticks[-1] < last:
        ticks.append(ticks[-1] + int(rng.integers(max(1, step // 2), 2 * step + 1)))
    return ticks[:-1]
