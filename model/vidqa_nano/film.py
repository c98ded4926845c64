"""Writes a story as a video file: H.264 in MP4, as a camera or an editor would have left it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from vidqa_nano.render import draw_frames
from vidqa_nano.world import Story

_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What is given for a good picture."""

    preset: str = "medium"
    """Of x264."""
    oversample: int = 2
    """How many times larger than the film a frame is drawn."""
    keyframe_s: float = 10.0


GOOD, FAST = Effort(), Effort(preset="veryfast", oversample=1, keyframe_s=4.0)


def write_film(
    story: Story,
    path: Path,
    *,
    side: int = 448,
    fps: int = 25,
    quality: int = 20,
    effort: Effort = GOOD,
) -> None:
    """``story`` from start to end at ``fps``; ``quality`` is x264's CRF (smaller is better)."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as film:
        stream = film.add_stream("libx264", rate=Fraction(fps))
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        stream.options = {
            "crf": str(quality),
            "preset": effort.preset,
            "threads": "1",
            "g": str(round(effort.keyframe_s * fps)),
            "x264-params": "mbtree=0",
        }
        for rgb_HWC in _frames(story, side, fps, effort.oversample):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(rgb_HWC, format="rgb24")))
        film.mux(stream.encode())


def _frames(story: Story, side: int, fps: int, oversample: int) -> Iterator[NDArray[np.uint8]]:
    count = round(story.duration_s * fps)
    for first in range(0, count, _BATCH):
        times = [k / fps for k in range(first, min(first + _BATCH, count))]
        yield from draw_frames(story, times, side, oversample=oversample)
