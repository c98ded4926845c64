"""Where frames end up: decoded pictures turned upright, resized and put in their places.

Axes: T times asked, h rows, w columns, C colours. A *source* is a frame's number in the clock's
``source_F``: a packet number, or a number in decoder output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidqa.video.orient import Orientation
from vidqa.video.resize import Resizer

Blank = Callable[[tuple[int, ...]], NDArray[np.uint8]]
"""Makes the array of a canvas, given its shape."""


class Painter(Protocol):
    """Whoever takes decoded pictures."""

    def paint(self, frame: VideoFrame, source: int, pts: int) -> None:
        """Take ``frame``, whose own tick is ``pts``, for ``source``."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The output array and, for each source, its places and the presentation tick painted there."""

    rgb_ThwC: NDArray[np.uint8]
    places: dict[int, list[int]]
    painted: dict[int, int] = field(default_factory=dict)

    def brush(self, orientation: Orientation) -> Brush:
        """A painter for one thread; threads may paint different sources at the same time."""
        _, height, width, _ = self.rgb_ThwC.shape
        return Brush(self, orientation, Resizer(height, width))

    def missing(self, sources: Sequence[int]) -> list[int]:
        """Those of the sources with nothing painted for them."""
        return [source for source in sources if source not in self.painted]


@dataclass(frozen=True, slots=True)
class Brush:
    """Paints frames onto a canvas."""

    canvas: Canvas
    orientation: Orientation
    resize: Resizer

    def paint(self, frame: VideoFrame, source: int, pts: int) -> None:
        """Put ``frame`` wherever ``source`` was asked for; ``pts`` is the frame's own tick."""
        first, *others = self.canvas.places[source]
        rgb_ThwC = self.canvas.rgb_ThwC
        self.resize(self.orientation.apply(rgb_of(frame)), rgb_ThwC[first])
        for place in others:
            rgb_ThwC[place] = rgb_ThwC[first]
        self.canvas.painted[source] = pts


def blank(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Memory for pictures, whatever is in it."""
    return np.empty(shape, dtype=np.uint8)


def blank_canvas(sources_T: Sequence[int], height: int, width: int, blank: Blank = blank) -> Canvas:
    """An unpainted canvas for these sources, one picture each."""
    places: dict[int, list[int]] = {}
    for place, source in enumerate(sources_T):
        places.setdefault(source, []).append(place)
    return Canvas(blank((len(sources_T), height, width, 3)), places)


def rgb_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """RGB (H, W, 3) uint8 at the frame's own size, with its own matrix and range of colours."""
    rgb_HWC = frame.reformat(format="rgb24", threads=1).to_ndarray()
    return rgb_HWC.astype(np.uint8, copy=False)
