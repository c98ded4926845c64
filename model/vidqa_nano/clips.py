"""Pre-drawn clips on disk: drawing once, training many times.

In: a split's name and a number of clips. Out: a folder with ``frames.npy``, uint8 (F, 56, 56, 3),
all clips' frames at 2 per second one after another, and ``first.npy``, the row where each clip
begins. Scenes are not stored: a clip's number draws the same scene again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidqa_nano.casting import scene_for
from vidqa_nano.render import draw_frames
from vidqa_nano.world import Scene, rng_for, tenth

SIDE = 56
FPS = 2
SHORTEST_S, LONGEST_S = 10.0, 32.0


def scene_of(split: str, index: int) -> Scene:
    """Clip ``index`` of a split."""
    rng = rng_for(split, index)
    return scene_for(rng, tenth(rng.uniform(SHORTEST_S, LONGEST_S)))


def frame_times(duration_s: float, fps: float = FPS) -> list[float]:
    """``k / fps`` for every k with a frame inside ``[0, duration_s)``."""
    return [k / fps for k in range(math.ceil(round(duration_s * fps, 6)))]


@dataclass(frozen=True, slots=True)
class Clips:
    """A split's clips: scenes and frames by number."""

    scenes: Sequence[Scene]
    frames_FHWC: NDArray[np.uint8]
    first: NDArray[np.int64]
    """Clip i owns the frames ``first[i]`` to ``first[i + 1]``."""

    def __len__(self) -> int:
        return len(self.scenes)

    def frames(self, index: int) -> NDArray[np.uint8]:
        """The frames of one clip at 2 per second: uint8 (T, 56, 56, 3)."""
        return self.frames_FHWC[self.first[index] : self.first[index + 1]]


def load_clips(cache: Path, split: str, count: int) -> Clips:
    """The first ``count`` clips of ``split``, drawn into ``cache`` when they are not there yet."""
    scenes = [scene_of(split, i) for i in range(count)]
    counts = [len(frame_times(scene.duration_s)) for scene in scenes]
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    path = cache / f"{split}-{count}-{SIDE}.npy"
    if not path.exists():
        _draw(scenes, first, path)
    return Clips(scenes, np.load(path, mmap_mode="r"), first)


def _draw(scenes: Sequence[Scene], first: NDArray[np.int64], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    shape = (int(first[-1]), SIDE, SIDE, 3)
    frames = np.lib.format.open_memmap(half, mode="w+", dtype=np.uint8, shape=shape)
    for i, scene in enumerate(scenes):
        times = frame_times(scene.duration_s)
        frames[first[i] : first[i + 1]] = draw_frames(scene, times, SIDE, oversample=4)
    frames.flush()
    half.rename(path)
