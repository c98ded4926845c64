"""Which frames one pass would read: known before any model is loaded and any frame decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidqa.checkpoints import Checkpoint
from vidqa.errors import VideoError
from vidqa.sampling import (
    Budget,
    PatchGrid,
    Plan,
    SamplingMode,
    plan_frames,
    plan_given,
    plan_image,
)
from vidqa.settings import Settings
from vidqa.timeline import Span
from vidqa.video import Reader, StillInfo, VideoInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How frames are chosen and read, whatever the video and the question."""

    budget: Budget
    grid: PatchGrid
    mode: SamplingMode = "clock"
    reader: str = "pyav"
    threads: int = 2


def sampling_of(checkpoint: Checkpoint, settings: Settings, mode: SamplingMode) -> Sampling:
    """The checkpoint's own budget within what the settings allow, on the checkpoint's own grid."""
    return Sampling(
        budget=checkpoint.profile.budget.limited(
            frames=settings.budget_frames, video_tokens=settings.budget_tokens
        ),
        grid=checkpoint.grid,
        mode=mode,
        reader=settings.reader,
        threads=settings.threads,
    )


def plan_video(
    source: Reader,
    sampling: Sampling,
    *,
    start_s: float | None,
    end_s: float | None,
    seconds: Sequence[float] | None = None,
) -> Plan:
    """The plan of one pass over ``[start_s, end_s)``; ``None`` is the video's own end.

    ``seconds``, where given, are the times to read, whatever the mode. Raises
    :class:`VideoError` on a window outside the video, :class:`PlanError` on a budget that no frame
    fits in.
    """
    info = source.info
    window = window_of(info, start_s, end_s)
    if seconds is not None:
        return plan_given(info, seconds, sampling.budget, window=window, grid=sampling.grid)
    return plan_frames(
        info,
        sampling.budget,
        window=window,
        mode=sampling.mode,
        grid=sampling.grid,
        frame_times_T=source.frame_times_T if sampling.mode == "qwen" else None,
    )


def plan_still(
    info: StillInfo, sampling: Sampling, *, start_s: float | None, end_s: float | None
) -> Plan:
    """The plan of an image; raises :class:`VideoError` when a window of time is asked of it."""
    if start_s is not None or end_s is not None:
        raise no_time(info.path, "leave --start and --end out")
    return plan_image(info.height, info.width, sampling.budget, grid=sampling.grid)


def no_time(path: Path, instead: str) -> VideoError:
    """What is said when seconds are asked of an image."""
    return VideoError(
        f"{path}: an image has no time",
        code="image_has_no_time",
        next_step=f"For an image {instead}.",
    )


def window_of(info: VideoInfo, start_s: float | None, end_s: float | None) -> Span | None:
    """The asked window, ends filled in from the video; ``None`` when the whole video is meant."""
    if start_s is None and end_s is None:
        return None
    start_s = 0.0 if start_s is None else start_s
    end_s = info.duration_s if end_s is None else end_s
    if not start_s < end_s or start_s >= info.duration_s or end_s <= 0:
        raise VideoError(
            f"{info.path}: the window {start_s:g} s to {end_s:g} s holds nothing of the video",
            code="window_outside",
            next_step=f"Give a start before the end, inside 0 to {info.duration_s:.3f} s.",
        )
    return Span(start_s, end_s).clamp(info.span)
