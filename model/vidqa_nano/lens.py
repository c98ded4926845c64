"""What the camera does to the picture: it pans, sees the light drift, adds noise and a number.

All of it follows from the lens and the time, so the same moment looks the same every time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vidqa_nano.brush import Brush
from vidqa_nano.digits import draw_number
from vidqa_nano.world import Lens

_TILE_SPARE = 32
"""How many pixels the sheet of noise is larger than a frame: it lies elsewhere on every frame."""
_CORNERS = ((0.11, 0.09), (0.89, 0.09))


def pan(lens: Lens, t_s: float) -> float:
    """How far the set stands to the right of its place, in frame widths."""
    return lens.pan * _wave(t_s, lens.pan_period_s, lens.seed)


def light(lens: Lens, t_s: float) -> float:
    """What the brightness is multiplied by."""
    return 1 + lens.light * _wave(t_s, lens.light_period_s, lens.seed // 7)


def _wave(t_s: float, period_s: float, seed: int) -> float:
    return math.sin(2 * math.pi * (t_s / period_s + (seed % 1000) / 1000))


def draw_counter(brush: Brush, lens: Lens, t_s: float) -> None:
    """The number in the corner: another one every few seconds, none of them a time."""
    hold_s = 3 + lens.seed % 7
    number = int(np.random.default_rng([lens.seed, int(t_s / hold_s)]).integers(10, 100))
    x, y = _CORNERS[lens.seed % 2]
    brush.rect(x - 0.09, y - 0.07, x + 0.09, y + 0.07, (16, 16, 18))
    draw_number(brush, x, y, 0.1, str(number), (240, 240, 240))


class Grain:
    """The noise of a lens on frames of ``side`` pixels."""

    def __init__(self, lens: Lens, side: int) -> None:
        self.lens, self.side = lens, side
        shape = (side + _TILE_SPARE, side + _TILE_SPARE, 3)
        tile = np.random.default_rng(lens.seed).normal(0, lens.noise, shape)
        self._tile = np.rint(tile).astype(np.int16)

    def on(self, rgb_HWC: NDArray[np.uint8], t_s: float) -> NDArray[np.uint8]:
        """The frame at ``t_s`` with its noise."""
        rng = np.random.default_rng([self.lens.seed, round(1000 * t_s)])
        x, y = (int(at) for at in rng.integers(_TILE_SPARE, size=2))
        noise = self._tile[y : y + self.side, x : x + self.side]
        noisy: NDArray[np.uint8] = np.clip(rgb_HWC + noise, 0, 255).astype(np.uint8)
        return noisy
