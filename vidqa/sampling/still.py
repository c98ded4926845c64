"""The plan of one image: its size in whole tokens, and what that costs."""

from __future__ import annotations

from vidqa.budget import Budget, PatchGrid
from vidqa.sampling.plan import Plan
from vidqa.sampling.size import fit_size
from vidqa.timeline import Span

IMAGE_TOKENS_MIN, IMAGE_TOKENS_MAX = 4, 16_384
"""Merged tokens of one image: qwen-vl-utils 0.0.14 and the checkpoints' processors."""


def plan_image(
    height: int, width: int, budget: Budget | None = None, *, grid: PatchGrid | None = None
) -> Plan:
    """One frame at 0 s: as large as the rule for images and the budget's tokens allow.

    Raises :class:`vidqa.errors.PlanError` on a budget that contradicts itself.
    """
    budget, grid = budget or Budget(), grid or PatchGrid()
    tokens_max = min(IMAGE_TOKENS_MAX, budget.video_tokens)
    high, wide = budget.fixed_size or fit_size(
        height,
        width,
        block=grid.block,
        tokens_min=min(IMAGE_TOKENS_MIN, tokens_max),
        tokens_max=tokens_max,
    )
    return Plan(
        mode="clock",
        span=Span(0.0, 0.0),
        seconds=(0.0,),
        row_seconds=(0.0,),
        height=high,
        width=wide,
        fps=0.0,
        frames=1,
        video_tokens=(high // grid.block) * (wide // grid.block),
        precision_s=0.0,
    )
