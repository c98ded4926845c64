"""Pre-drawn clips on disk: drawing once, training many times.

In: a split's name and a number of clips. Out: a file of frames, uint8 (F, 56, 56, 3), all clips'
frames at 2 per second one after another. Stories are not stored: a clip's number tells the same
story again. The file's name holds a digest of the code, so a changed world is drawn anew.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidqa_nano.codec import through_codec
from vidqa_nano.render import draw_frames
from vidqa_nano.story import Lengths, story_of
from vidqa_nano.world import SPLITS, Story

__all__ = ["Clips", "Lengths", "frame_times", "load_clips", "story_of"]

SIDE = 56
FPS = 2
OVERSAMPLE = 4
CODEC_SHARE, CODEC_CRF = 1 / 3, (18, 36)
"""How many clips were compressed as a video file is, and how much."""
PROCESSES = os.cpu_count() or 1
_CHUNK = 50


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
    path = cache / f"{split}-{lengths or 'all'}-{count}-{drawing_digest()}.npy"
    if not path.exists():
        _draw_all(_Order(path.with_suffix(".half"), split, lengths), first)
        path.with_suffix(".half").rename(path)
    return Clips(stories, np.load(path, mmap_mode="r"), first)


@cache
def drawing_digest() -> str:
    """Eight hex digits that change with any code that may decide how a clip looks."""
    found = hashlib.sha256()
    for name in DRAWING:
        found.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return found.hexdigest()[:8]


DRAWING = (
    "acting",
    "brush",
    "casting",
    "clips",
    "codec",
    "digits",
    "directing",
    "door",
    "figures",
    "furniture",
    "kind",
    "kinds_alive",
    "kinds_things",
    "lens",
    "minds",
    "person",
    "person_mind",
    "phrases",
    "pose",
    "props",
    "render",
    "sets",
    "story",
    "world",
)
"""The modules that decide how a clip looks."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What a drawing process must know."""

    path: Path
    split: str
    lengths: Lengths | None


def _draw_all(order: _Order, first: NDArray[np.int64]) -> None:
    order.path.parent.mkdir(parents=True, exist_ok=True)
    shape = (int(first[-1]), SIDE, SIDE, 3)
    np.lib.format.open_memmap(order.path, mode="w+", dtype=np.uint8, shape=shape).flush()
    count = len(first) - 1
    chunks = [range(i, min(i + _CHUNK, count)) for i in range(0, count, _CHUNK)]
    if len(chunks) == 1:
        _draw_chunk(order, chunks[0], first)
        return
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(_draw_chunk, order, chunk, first) for chunk in chunks]
        for task in tasks:
            task.result()


def _draw_chunk(order: _Order, chunk: range, first: NDArray[np.int64]) -> None:
    frames = np.load(order.path, mmap_mode="r+")
    for i in chunk:
        frames[first[i] : first[i + 1]] = draw_clip(order.split, i, order.lengths)
    frames.flush()


def draw_clip(split: str, index: int, lengths: Lengths | None = None) -> NDArray[np.uint8]:
    """The frames of one clip at 2 per second: uint8 (T, 56, 56, 3)."""
    story, rng = story_of(split, index, lengths), np.random.default_rng([SPLITS[split], index, 1])
    times = frame_times(story.duration_s)
    if rng.random() >= CODEC_SHARE:
        return draw_frames(story, times, SIDE, oversample=OVERSAMPLE)
    large = draw_frames(story, times, SIDE * OVERSAMPLE, oversample=1)
    return through_codec(large, int(rng.integers(*CODEC_CRF)), SIDE)
