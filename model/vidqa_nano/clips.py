"""Pre-drawn clips on disk: drawing once, training many times.

In: a split's name and a number of clips. Out: a folder with ``frames.npy``, uint8 (F, 56, 56, 3),
all clips' frames at 2 per second one after another, and ``first.npy``, the row where each clip
begins. Stories are not stored: a clip's number draws the same story again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidqa_nano.casting import scene_for
from vidqa_nano.render import draw_frames
from vidqa_nano.world import Shot, Story, rng_for, tenth

SIDE = 56
FPS = 2
Lengths = Literal["short", "long"]
SECONDS: dict[Lengths | None, tuple[float, float]] = {
    None: (5.0, 120.0),
    "short": (8.0, 32.0),
    "long": (60.0, 120.0),
}


def story_of(split: str, index: int, lengths: Lengths | None = None) -> Story:
    """Clip ``index`` of a split; ``lengths`` asks for ``short`` or ``long`` ones only."""
    rng = rng_for(split, index)
    duration_s = tenth(rng.uniform(*SECONDS[lengths]))
    return Story((Shot(0.0, scene_for(rng, duration_s)),), duration_s)


def frame_times(duration_s: float, fps: float = FPS) -> list[float]:
    """``k / fps`` for every k with a frame inside ``[0, duration_s)``."""
    return [k / fps for k in range(math.ceil(round(duration_s * fps, 6)))]


@dataclass(frozen=True, slots=True)
class Clips:
    """A split's clips: stories and frames by number."""

    stories: Sequence[Story]
    frames_FHWC: NDArray[np.uint8]
    first: NDArray[np.int64]
    """Clip i owns the frames ``first[i]`` to ``first[i + 1]``."""

    def __len__(self) -> int:
        return len(self.stories)

    def frames(self, index: int) -> NDArray[np.uint8]:
        """The frames of one clip at 2 per second: uint8 (T, 56, 56, 3)."""
        return self.frames_FHWC[self.first[index] : self.first[index + 1]]


def load_clips(cache: Path, split: str, count: int, lengths: Lengths | None = None) -> Clips:
    """The first ``count`` clips of ``split``, drawn into ``cache`` when they are not there yet."""
    stories = [story_of(split, i, lengths) for i in range(count)]
    counts = [len(frame_times(story.duration_s)) for story in stories]
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    path = cache / f"{split}-{lengths or 'all'}-{count}-{SIDE}.npy"
    if not path.exists():
        _draw(stories, first, path)
    return Clips(stories, np.load(path, mmap_mode="r"), first)


def _draw(stories: Sequence[Story], first: NDArray[np.int64], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    shape = (int(first[-1]), SIDE, SIDE, 3)
    frames = np.lib.format.open_memmap(half, mode="w+", dtype=np.uint8, shape=shape)
    for i, story in enumerate(stories):
        times = frame_times(story.duration_s)
        frames[first[i] : first[i + 1]] = draw_frames(story, times, SIDE, oversample=4)
    frames.flush()
    half.rename(path)
