"""Which frames a skim of a long video reads: stretches of a clock, or of key frames, before any is
decoded. Pure: a measured video, key times, a window and bounds in; stretches out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidqa.pipeline.planning import Sampling
from vidqa.reach import Reach
from vidqa.sampling import Budget, Measured, Plan, plan_frames, plan_given
from vidqa.timeline import Span

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One look of a skim."""

    plan: Plan
    seconds: tuple[float, ...] | None
    """Times of key frames; ``None`` where the plan's own clock is read."""
    budget: Budget


@dataclass(frozen=True, slots=True)
class SkimPlan:
    """The looks of a skim, in order; together they cover the window."""

    how: Literal["clock", "keys"]
    stretches: tuple[Stretch, ...]

    @property
    def frames(self) -> int:
        """Frames of all looks."""
        return sum(each.plan.frames for each in self.stretches)

    @property
    def video_tokens(self) -> int:
        """Vision tokens of all looks."""
        return sum(each.plan.video_tokens for each in self.stretches)

    @property
    def precision_s(self) -> float:
        """The widest distance of rows in any look."""
        return max(each.plan.precision_s for each in self.stretches)


def plan_skim(
    info: Measured, key_times_T: Times, window: Span, sampling: Sampling, reach: Reach
) -> SkimPlan:
    """The skim of ``window``: one look, or as many as ``reach.skim_fps`` needs.

    Key frames are read in place of a clock's where they are dense enough: no two of those nearest
    to the clock's ticks lie further apart than two ticks or ``reach.skim_gap_s``. They need not be
    even, for the model is told their own times; and they cost a tenth or less to decode.
    Raises :class:`vidqa.errors.PlanError` as :func:`plan_frames`.
    """
    budget = sampling.budget
    if reach.skim_fps is not None:
        budget = replace(budget, fps=reach.skim_fps)
    spans = _spans(info, window, budget, sampling, reach)
    longest = max(spans, key=lambda span: span.length_s)
    shown = plan_frames(info, budget, window=longest, grid=sampling.grid)
    budget = replace(budget, fixed_size=(shown.height, shown.width))  # one size in all looks
    clock = [plan_frames(info, budget, window=span, grid=sampling.grid) for span in spans]
    keys = [_keys(plan, key_times_T) for plan in clock]
    if not all(_dense(each, plan, reach, sampling) for each, plan in zip(keys, clock, strict=True)):
        return SkimPlan("clock", tuple(Stretch(plan, None, budget) for plan in clock))
    stretches = [
        Stretch(plan_given(info, times, budget, window=span, grid=sampling.grid), times, budget)
        for span, times in zip(spans, keys, strict=True)
    ]
    return SkimPlan("keys", tuple(stretches))


def _spans(
    info: Measured, window: Span, budget: Budget, sampling: Sampling, reach: Reach
) -> list[Span]:
    """The window whole, or in stretches of as many frames as one look may have at the skim's rate.

    A last piece too short for two rows joins the stretch before it.
    """
    if reach.skim_fps is None:
        return [window]
    first = plan_frames(info, budget, window=window, grid=sampling.grid)
    rows_max = min(
        budget.frames // sampling.grid.temporal, budget.video_tokens // max(1, first.row_tokens)
    )
    row_s = sampling.grid.temporal / reach.skim_fps
    length_s = max(1, rows_max - 2) * row_s
    count = max(1, math.ceil((window.length_s - 2 * row_s) / length_s))
    edges = [window.start_s + k * length_s for k in range(count)]
    return [Span(a, b) for a, b in itertools.pairwise([*edges, window.end_s])]


def _keys(plan: Plan, key_times_T: Times) -> tuple[float, ...]:
    """The key frames inside the plan's window nearest to its ticks, each once."""
    inside = key_times_T[(key_times_T >= plan.span.start_s) & (key_times_T < plan.span.end_s)]
    if not inside.size:
        return ()
    ticks = np.asarray(plan.seconds)
    after = np.clip(np.searchsorted(inside, ticks), 0, inside.size - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(inside[before] - ticks) <= np.abs(inside[after] - ticks)
    return tuple(np.unique(inside[np.where(nearer, before, after)]).tolist())


def _dense(times: Sequence[float], plan: Plan, reach: Reach, sampling: Sampling) -> bool:
    """Whether no gap, ends of the window included, is wider than the checkpoint bears."""
    tick_s = plan.precision_s / sampling.grid.temporal
    widest = max(reach.skim_gap_s, 2 * tick_s)
    edges = (plan.span.start_s, *times, plan.span.end_s)
    gaps = [b - a for a, b in itertools.pairwise(edges)]
    return len(times) >= sampling.grid.temporal and max(gaps) <= widest
