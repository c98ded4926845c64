"""Frames with their times: pixels and seconds never part.

Axes: T frames asked, H rows, W columns, C colours (RGB).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames on screen at some times, in the order asked."""

    rgb_THWC: NDArray[np.uint8]
    """RGB, uint8, one picture for each time in ``asked_T``."""
    asked_T: NDArray[np.float64]
    """The times asked, seconds since the first displayed frame; a bad tail's are left out."""
    pts_T: NDArray[np.float64]
    """Each picture's own presentation time, same zero; at most the time asked for exact frames."""
    unreadable_from_s: float | None = None
    """Start of the tail that was asked for and does not decode; None when every time was read."""

    def __len__(self) -> int:
        return len(self.asked_T)
