"""Duration, size, budget and window in; a plan out: which seconds, which size, what cost."""

from __future__ import annotations

from vidqa.budget import FRAMES_MAX, VIDEO_TOKENS_MAX, Budget, PatchGrid
from vidqa.sampling.plan import (
    Measured,
    Plan,
    SamplingMode,
    plan_frames,
    plan_given,
    to_true_seconds,
)
from vidqa.sampling.still import plan_image

__all__ = [
    "FRAMES_MAX",
    "VIDEO_TOKENS_MAX",
    "Budget",
    "Measured",
    "PatchGrid",
    "Plan",
    "SamplingMode",
    "plan_frames",
    "plan_given",
    "plan_image",
    "to_true_seconds",
]
