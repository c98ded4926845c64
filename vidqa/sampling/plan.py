"""One pass over a window of a video, decided before a frame is read: times, size and cost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from vidqa.budget import Budget, PatchGrid
from vidqa.errors import PlanError
from vidqa.sampling.clock import Limits, Supply, set_clock
from vidqa.sampling.qwen import frame_range, pick_frames, row_times
from vidqa.sampling.size import fit_size
from vidqa.timeline import Span

SamplingMode = Literal["clock", "qwen"]
PlanMode = Literal["clock", "qwen", "given"]
"""How a plan's times came about: by one of the sampling modes, or from the caller."""
Times = npt.NDArray[np.float64]


class Measured(Protocol):
    """What a plan needs to know of a video; ``vidqa.video.VideoInfo`` is one."""

    @property
    def duration_s(self) -> float: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def fps(self) -> float: ...
    @property
    def frame_count(self) -> int: ...
    @property
    def vfr(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which moments one pass looks at, how large, at what cost. Rows are pairs of frames."""

    mode: PlanMode
    span: Span
    """The window, on the video's timeline."""
    seconds: tuple[float, ...]
    """Times to read on the video's timeline, ascending, ``frames`` of them; two make a row. Only
    the last may repeat the one before it, to complete a pair."""
    row_seconds: tuple[float, ...]
    """What the model is told: seconds since the window's start of each row's first frame."""
    height: int
    width: int
    fps: float
    """Frames per second on the model's timeline."""
    frames: int
    video_tokens: int
    precision_s: float
    """Time from one row to the next, the whole window if there is one row: what an answer read
    off rows can resolve."""

    @property
    def row_tokens(self) -> int:
        """Merged vision tokens of one row."""
        return self.video_tokens // len(self.row_seconds)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values; the window as ``start`` and ``end``."""
        fields = asdict(self)
        del fields["span"]
        return {"start": self.span.start_s, "end": self.span.end_s, **fields}


def plan_frames(
    info: Measured,
    budget: Budget | None = None,
    *,
    window: Span | None = None,
    mode: SamplingMode = "clock",
    grid: PatchGrid | None = None,
    frame_times_T: Times | None = None,
) -> Plan:
    """The plan for one pass over ``window`` (the whole video by default), within ``budget``.

    ``clock`` puts frame i at ``start + i * step`` and shows the frame on screen then; the model is
    told those very times. ``qwen`` takes the frames qwen-vl-utils 0.0.14 takes and tells the model
    the times that pipeline does; it needs ``frame_times_T``, the time of every displayed frame in
    seconds. Both keep every bound of ``budget``, where the published code exceeds it.

    Raises :class:`PlanError` for a window outside the video, a budget too small for one row, a
    video whose measurements are impossible, or an unknown mode.
    """
    if mode not in get_args(SamplingMode):
        raise PlanError(
            f"there is no sampling mode {mode!r}",
            code="sampling_unknown",
            next_step=f"Choose one of {', '.join(get_args(SamplingMode))}.",
        )
    budget, grid = budget or Budget(), grid or PatchGrid()
    _check(info)
    span = _window(info, window)
    if mode == "qwen":
        return _qwen_plan(info, budget, grid, window, span, frame_times_T)
    return _clock_plan(info, budget, grid, span)


def plan_given(
    info: Measured,
    seconds: Sequence[float],
    budget: Budget | None = None,
    *,
    window: Span | None = None,
    grid: PatchGrid | None = None,
) -> Plan:
    """The plan of one pass over exactly these seconds of ``window``, ascending, within ``budget``.

    The model is told the true time of every row: they need not be evenly spread. An odd one out is
    completed to a row by itself. ``precision_s`` is the widest gap between rows, ends of the window
    included. Raises :class:`PlanError` for times out of order or outside the window, none at all,
    or more than the budget holds.
    """
    budget, grid = budget or Budget(), grid or PatchGrid()
    _check(info)
    span = _window(info, window)
    times = list(seconds) + list(seconds[-1:]) * (-len(seconds) % grid.temporal)
    rows = tuple(t - span.start_s for t in times[:: grid.temporal])
    sound = bool(times) and all(a <= b for a, b in itertools.pairwise(times))
    if not sound or times[0] < span.start_s or times[-1] >= span.end_s:
        raise PlanError(
            f"{len(seconds)} times do not ascend within {span.start_s:g} s to {span.end_s:g} s",
            code="times_impossible",
            next_step="Give at least one time, in ascending order, inside the window.",
        )
    if len(rows) > _rows_max(budget, grid):
        raise PlanError(
            f"{len(seconds)} times do not fit one pass of {budget.frames} frames",
            code="times_too_many",
            next_step=f"Give {_rows_max(budget, grid) * grid.temporal} times at most.",
        )
    fps = len(times) / span.length_s
    plan = _sized(info, budget, grid, span, "given", times, rows, fps)
    gaps = [b - a for a, b in itertools.pairwise((*rows, span.length_s))]
    return replace(plan, precision_s=max(gaps))


def to_true_seconds(plan: Plan, t_model: float) -> float:
    """The video's time of a time the model spoke, kept inside the window.

    ``clock`` and ``given`` tell the model true times, so only the window's start is added.
    ``qwen`` tells it evenly spread ones: the time is looked up between the frames really sampled,
    and beyond the last of them runs on at the last spacing.
    """
    if plan.mode != "qwen" or len(set(plan.seconds)) == 1:
        t_s = plan.span.start_s + t_model
    else:
        k = t_model * plan.fps
        before = min(max(math.floor(k), 0), plan.frames - 2)
        left_s, right_s = plan.seconds[before : before + 2]
        t_s = left_s + (k - before) * (right_s - left_s)
    return min(max(t_s, plan.span.start_s), plan.span.end_s)


def _clock_plan(info: Measured, budget: Budget, grid: PatchGrid, span: Span) -> Plan:
    per_row = grid.temporal
    clock = set_clock(
        _supply(info, span),
        Limits(
            fps=budget.fps,
            rows_max=_rows_max(budget, grid),
            per_row=per_row,
            frames_min=budget.frames_min,
            ids_per_s=grid.ids_per_s,
        ),
    )
    seconds = [span.start_s + i * clock.step_s for i in range(clock.times)]
    seconds += seconds[-1:] * (-len(seconds) % per_row)
    rows = tuple(i * per_row * clock.step_s for i in range(len(seconds) // per_row))
    return _sized(info, budget, grid, span, "clock", seconds, rows, 1 / clock.step_s)


def _qwen_plan(
    info: Measured, budget: Budget, grid: PatchGrid, window: Span | None, span: Span,
    times_T: Times | None,
) -> Plan:  # fmt: skip
    if times_T is None or len(times_T) == 0:
        raise PlanError(
            "the qwen mode chooses frames by number and needs the time of every frame",
            code="frame_times_missing",
            next_step="Pass frame_times_T, or use the clock mode.",
        )
    start_s, end_s = (None, None) if window is None else (span.start_s, span.end_s)
    first, last = frame_range(start_s, end_s, len(times_T), info.fps)
    picks = pick_frames(
        first, last, info.fps, fps=budget.fps, min_frames=budget.frames_min,
        max_frames=2 * _rows_max(budget, grid),
    )  # fmt: skip
    rows = row_times(len(picks.indices) // 2, picks.fps)
    seconds = times_T[picks.indices].tolist()
    return _sized(info, budget, grid, span, "qwen", seconds, rows, picks.fps)


def _sized(
    info: Measured, budget: Budget, grid: PatchGrid, span: Span, mode: PlanMode,
    seconds: list[float], rows: tuple[float, ...], fps: float,
) -> Plan:  # fmt: skip
    height, width = budget.fixed_size or fit_size(
        info.height,
        info.width,
        block=grid.block,
        tokens_min=budget.row_tokens_min,
        tokens_max=min(budget.row_tokens_max, budget.video_tokens // len(rows)),
    )
    return Plan(
        mode=mode,
        span=span,
        seconds=tuple(seconds),
        row_seconds=rows,
        height=height,
        width=width,
        fps=fps,
        frames=len(seconds),
        video_tokens=len(rows) * (height // grid.block) * (width // grid.block),
        precision_s=min(grid.temporal / fps, span.length_s) if len(rows) == 1 else rows[1],
    )


def _rows_max(budget: Budget, grid: PatchGrid) -> int:
    """Rows the budget allows before they would have to shrink below their least size."""
    least = budget.row_tokens_min
    if budget.fixed_size:
        high, wide = (divmod(side, grid.block) for side in budget.fixed_size)
        if high[1] or wide[1] or not (high[0] and wide[0]):
            raise PlanError(
                f"frames of {budget.fixed_size} pixels are no whole number of tokens",
                code="size_impossible",
                next_step=f"Give a height and a width in multiples of {grid.block} pixels.",
            )
        least = high[0] * wide[0]
    rows_max = min(budget.frames // grid.temporal, budget.video_tokens // least)
    if rows_max < 1:
        raise PlanError(
            f"{budget.frames} frames and {budget.video_tokens} tokens do not hold one row of "
            f"{grid.temporal} frames and {least} tokens",
            code="budget_too_small",
            next_step="Raise the budget, or lower row_tokens_min.",
        )
    return rows_max


def _supply(info: Measured, span: Span) -> Supply:
    held = info.frame_count
    if not info.vfr:
        held = min(held, max(1, math.ceil(span.length_s * info.fps)))
    return Supply(
        length_s=span.length_s,
        frames=held,
        frame_s=1 / info.fps,
        constant=not info.vfr,
    )


def _window(info: Measured, window: Span | None) -> Span:
    """The part of ``window`` that the video has."""
    whole = Span(0.0, info.duration_s)
    if window is None:
        return whole
    if window.length_s > 0 and window.overlaps(whole):
        return window.clamp(whole)
    raise PlanError(
        f"the window {window.start_s} s to {window.end_s} s has no part of a video of "
        f"{info.duration_s} s",
        code="window_outside",
        next_step=f"Choose --start and --end between 0 and {info.duration_s} s.",
    )


def _check(info: Measured) -> None:
    sound = math.isfinite(info.duration_s) and info.duration_s >= 0
    sound = sound and math.isfinite(info.fps) and info.fps > 0
    if not (sound and min(info.width, info.height, info.frame_count) >= 1):
        raise PlanError(
            f"a video of {info.duration_s} s, {info.frame_count} frames at {info.fps} per second "
            f"and {info.width}x{info.height} pixels cannot be sampled",
            code="video_unmeasured",
            next_step="Probe the file: it has no displayed frame or a broken header.",
        )
