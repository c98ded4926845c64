"""The published pipeline's choice of frames, index for index (qwen-vl-utils 0.0.14), without torch.

Frame numbers live only here and in the reader: the plan turns them into seconds at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vidqa.errors import PlanError

FRAME_FACTOR = 2
"""Frame counts are multiples of this."""


@dataclass(frozen=True, slots=True)
class Picks:
    """The chosen frame numbers (N,), ascending, and the rate the model is told they have."""

    indices: npt.NDArray[np.int64]
    fps: float


def smart_nframes(
    total: int,
    video_fps: float,
    *,
    fps: float = 2.0,
    nframes: int | None = None,
    min_frames: int = 4,
    max_frames: int | None = None,
) -> int:
    """How many of ``total`` frames to take; even, rounded down (rounded half-even if ``nframes``).

    ``max_frames`` of ``None`` means 768 or the whole clip, whichever is less. Raises
    :class:`PlanError` when no even number from 2 to ``total`` results: so does the reference.
    """
    if nframes is not None:
        count = round(nframes / FRAME_FACTOR) * FRAME_FACTOR
    else:
        most = min(768, total) if max_frames is None else max_frames
        low, high = math.ceil(min_frames / FRAME_FACTOR), math.floor(most / FRAME_FACTOR)
        wanted = max(total / video_fps * fps, low * FRAME_FACTOR)
        count = math.floor(min(wanted, high * FRAME_FACTOR, total) / FRAME_FACTOR) * FRAME_FACTOR
    if not FRAME_FACTOR <= count <= total:
        raise PlanError(
            f"{count} frames wanted of {total}: not an even number from 2 to {total}",
            code="frames_impossible",
            next_step="Ask for fewer frames or a longer window, or use the clock mode.",
        )
    return count


def linspace_indices(first: int, last: int, count: int) -> npt.NDArray[np.int64]:
    """``torch.linspace(first, last, count).round().long()`` as (count,), both ends included.

    torch computes in float32 from the nearer end, with a fused multiply-add (AVX2, AVX-512, NEON):
    one rounding for ``first + step * k``. Those products and sums are exact in float64, so one
    cast to float32 is that rounding. Ties go to even. On long videos the plain formula differs.
    """
    if count == 1:
        return np.array([first], dtype=np.int64)
    low, high = np.float64(np.float32(first)), np.float64(np.float32(last))
    step = np.float64((np.float32(last) - np.float32(first)) / np.float32(count - 1))
    k = np.arange(count)
    exact = np.where(k < count // 2, low + step * k, high - step * (count - 1 - k))
    rounded: npt.NDArray[np.int64] = np.rint(exact.astype(np.float32)).astype(np.int64)
    return rounded


def row_times(rows: int, fps: float) -> tuple[float, ...]:
    """Seconds the model is told for each pair of frames, multiplied in float32 as the reference
    does: in float64 a time close to a whole time id may fall on its other side."""
    times: list[float] = (np.arange(rows, dtype=np.float32) * np.float32(2 / fps)).tolist()
    return tuple(times)


def frame_range(
    start_s: float | None, end_s: float | None, frame_count: int, video_fps: float
) -> tuple[int, int]:
    """(first, last) frame number of a window, both included, as the reference cuts it.

    Raises :class:`PlanError` when a window holds fewer than two frames.
    """
    if start_s is None and end_s is None:
        return 0, frame_count - 1
    first = math.ceil(max(0.0, start_s or 0.0) * video_fps)
    last = frame_count - 1
    if end_s is not None:
        last = min(math.floor(end_s * video_fps), last)
    if first >= last:
        raise PlanError(
            f"the window {start_s} s to {end_s} s holds fewer than two frames",
            code="window_too_short",
            next_step="Widen the window, or use the clock mode, which samples any window.",
        )
    return first, last


def pick_frames(
    first: int, last: int, video_fps: float, *, fps: float, min_frames: int, max_frames: int
) -> Picks:
    """The frames taken from ``first`` to ``last``; a single frame is taken twice (ours: the
    reference refuses it)."""
    total = last - first + 1
    if total < FRAME_FACTOR:
        return Picks(np.full(FRAME_FACTOR, first, dtype=np.int64), FRAME_FACTOR * video_fps)
    most = min(max_frames, total)
    count = smart_nframes(
        total, video_fps, fps=fps, min_frames=min(min_frames, most), max_frames=most
    )
    return Picks(linspace_indices(first, last, count), count / total * video_fps)
