"""Writes a story as a video file: H.264 in MP4, as a camera or an editor would have left it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from vidqa_nano.render import draw_frames
from vidqa_nano.world import Story

_BATCH = 32


def write_film(
    story: Story, path: Path, *, side: int = 448, fps: int = 25, quality: int = 20
) -> None:
    """``story`` from start to end at ``fps``; ``quality`` is x264's CRF (smaller is better)."""
    frames = round(story.duration_s * fps)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as film:
        stream = film.add_stream("libx264", rate=Fraction(fps))
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(quality), "preset": "medium", "threads": "1"}
        for first in range(0, frames, _BATCH):
            times = [k / fps for k in range(first, min(first + _BATCH, frames))]
            for rgb_HWC in draw_frames(story, times, side):
                film.mux(stream.encode(av.VideoFrame.from_ndarray(rgb_HWC, format="rgb24")))
        film.mux(stream.encode())
