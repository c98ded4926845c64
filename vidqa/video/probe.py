"""What a video file is: measured on its packets and first picture, not believed from its header."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidqa.timeline import Span
from vidqa.video.clock import FrameClock
from vidqa.video.film import Film, study_film
from vidqa.video.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """Facts about one video; times in seconds since its first displayed frame."""

    path: Path
    container: str
    """mp4 (also MOV), matroska (also WebM), mpegts, mpeg, avi, flv or gif."""
    video_codec: str
    audio_codecs: tuple[str, ...]
    pixel_format: str
    duration_s: float
    """End of the last displayed frame, where the first starts at 0."""
    start_time_s: float
    """The container's own clock at the first displayed frame: reported, never added."""
    width: int
    """Displayed, after rotation."""
    height: int
    rotation_deg: int
    """Clockwise rotation that was applied to get the displayed size: 0, 90, 180 or 270."""
    fps: float
    """Displayed frames over duration."""
    vfr: bool
    """Whether frames follow each other at unequal distances."""
    frame_count: int
    """Displayed frames, counted."""
    keyframe_count: int
    unreadable_from_s: float | None
    """Where the pictures stop although the file promises more; None for a whole file."""

    @property
    def span(self) -> Span:
        """``[0, duration)``."""
        return Span(0.0, self.duration_s)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values, fields in the order above."""
        return {**asdict(self), "path": str(self.path), "audio_codecs": list(self.audio_codecs)}


def probe(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """Measure a file. Raises :class:`vidqa.errors.VideoError` when it cannot be shown."""
    return describe(study_film(path, limits))


def frame_times(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.float64]:
    """Presentation times of all displayed frames, seconds since the first, ascending, float64."""
    return study_film(path, limits).clock.seconds_each


def describe(film: Film) -> VideoInfo:
    """The report on a film already studied."""
    clock, index = film.clock, film.index
    width, height = film.size
    return VideoInfo(
        path=film.path,
        container=film.container,
        video_codec=film.video_codec,
        audio_codecs=film.audio_codecs,
        pixel_format=film.pixel_format,
        duration_s=clock.duration_s,
        start_time_s=clock.start_time_s,
        width=width,
        height=height,
        rotation_deg=film.orientation.rotation_deg,
        fps=clock.pts_F.size / clock.duration_s,
        vfr=varies(clock),
        frame_count=int(clock.pts_F.size),
        keyframe_count=int((index.key_P & index.shown_P).sum()),
        unreadable_from_s=film.unreadable_from_s,
    )


def varies(clock: FrameClock) -> bool:
    """Whether frame distances differ by more than rounding to the container's ticks explains."""
    steps = np.diff(clock.pts_F)
    if not steps.size:
        return False
    mean = steps.mean()
    return bool(np.abs(steps - mean).max() > max(1.5, 0.01 * mean))
