"""How a video is cut into clips that are found one by one: numbers in, numbers out. Pure.

Clip n is ``[4 n, 4 n + 8)`` s: every event of 4 s lies inside one, every event of 8 s is in one for
6 s at least. Frames are on one clock, 2 a second from 0 on, for the whole video; clips share them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from vidqa.errors import VideoError
from vidqa.timeline import Span

CLIP_S = 8.0
STRIDE_S = 4.0
FPS = 2.0
LONGEST_S = 7 * 86_400.0
"""Longer videos are refused: a damaged time stamp can claim years, of which each hour costs."""
GROUP = 16
"""Clips that are embedded, and kept, together: always the same ones, so that a run that was cut
short and taken up again computes what an undisturbed one does, to the bit."""
_FRAMES = round(CLIP_S * FPS)
_STEP = round(STRIDE_S * FPS)
GRID = f"{CLIP_S:g}s/{STRIDE_S:g}s {FPS:g}fps"
"""The grid in words, for the recipe of a generation."""


@dataclass(frozen=True, slots=True)
class ClipFrames:
    """A clip of a video, and its frames by their numbers on the clock."""

    number: int
    span: Span
    first: int
    last: int
    """Exclusive."""

    @property
    def key(self) -> int:
        """The frame that stands for the clip: the one on screen at its middle."""
        return min(max(self.first, math.floor(self.span.middle_s * FPS + 1e-6)), self.last - 1)


@dataclass(frozen=True, slots=True)
class ClipGrid:
    """All clips of a video."""

    duration_s: float
    """Up to where its pictures decode; above 0."""

    @property
    def frames(self) -> int:
        """Frames on the clock."""
        return max(1, math.ceil(self.duration_s * FPS - 1e-6))

    @property
    def count(self) -> int:
        """Clips: the last ends with the video, and none begins in what the one before shows."""
        return 1 + max(0, math.ceil((self.frames - _FRAMES) / _STEP))

    def seconds(self, first: int) -> list[float]:
        """Times of the frames from number ``first`` on."""
        return [number / FPS for number in range(first, self.frames)]

    def clip(self, number: int) -> ClipFrames:
        """Clip ``number``; the last one is as short or long as the video leaves it."""
        first = number * _STEP
        start_s = number * STRIDE_S
        if number == self.count - 1:
            return ClipFrames(number, Span(start_s, self.duration_s), first, self.frames)
        return ClipFrames(number, Span(start_s, start_s + CLIP_S), first, first + _FRAMES)

    def groups(self) -> Iterator[list[ClipFrames]]:
        """All clips, :data:`GROUP` at a time."""
        for at in range(0, self.count, GROUP):
            yield [self.clip(number) for number in range(at, min(at + GROUP, self.count))]


def grid_of(path: object, duration_s: float) -> ClipGrid:
    """The grid of a video; raises :class:`VideoError` for one that is longer than a week."""
    if duration_s > LONGEST_S:
        raise VideoError(
            f"{path}: claims to last {duration_s:.0f} s, more than {LONGEST_S:.0f} s",
            code="video_too_long",
            next_step="Cut it into parts; or rewrite its times: ffmpeg -i IN -c copy OUT.mkv.",
        )
    return ClipGrid(duration_s)
