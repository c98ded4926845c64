"""What one pass over a video may cost, and the block of pixels that costs one token.

Both are plain frozen values: a profile carries a budget, a checkpoint's config gives the grid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from vidqa.errors import PlanError

FRAMES_MAX = 768
"""Frames in one pass at most: the limit of the Qwen2.5-VL report."""
VIDEO_TOKENS_MAX = 24_576
"""Merged vision tokens in one pass at most: the limit of the Qwen2.5-VL report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchGrid:
    """How pixels become tokens; the numbers stand in the checkpoint's ``config.json``."""

    patch: int = 14
    """Side of a square patch in pixels."""
    merge: int = 2
    """Patches along each side of the block that becomes one token."""
    temporal: int = 2
    """Frames in one row of tokens."""
    ids_per_s: int = 2
    """Time ids per second (``tokens_per_second``): rows closer than one id share their time."""

    def __post_init__(self) -> None:
        for name in ("patch", "merge", "temporal", "ids_per_s"):
            _at_least_one(name, getattr(self, name))

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> PatchGrid:
        """The grid a checkpoint's ``config.json`` states; what it leaves out is Qwen2.5-VL's."""
        vision = config.get("vision_config")
        facts = vision if isinstance(vision, Mapping) else {}
        official = cls()
        return cls(
            patch=_whole(facts, "patch_size", official.patch),
            merge=_whole(facts, "spatial_merge_size", official.merge),
            temporal=_whole(facts, "temporal_patch_size", official.temporal),
            ids_per_s=_whole(facts, "tokens_per_second", official.ids_per_s),
        )

    @property
    def block(self) -> int:
        """Side in pixels of the square that becomes one token: sizes are multiples of it."""
        return self.patch * self.merge


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Bounds on one pass, all of them hard; raises :class:`PlanError` when they contradict.

    A *row* is what one time step costs: ``PatchGrid.temporal`` frames (a pair) seen as one, so
    ``row_tokens_*`` counts the tokens of a pair of frames, which is also height x width / 28².
    """

    frames: int = FRAMES_MAX
    """Upper bound on frames in one prompt."""
    video_tokens: int = VIDEO_TOKENS_MAX
    """Upper bound on merged vision tokens in one prompt, all rows together."""
    fps: float = 2.0
    """Frames per second when everything fits; the rate is lowered from here, never raised, except
    that a clip too short for ``frames_min`` frames is sampled faster."""
    frames_min: int = 4
    """Frames a short clip gets at least, where it has that many."""
    row_tokens_min: int = 16
    """Smaller pictures are enlarged to this; the rate is lowered before rows get smaller."""
    row_tokens_max: int = 768
    """Larger pictures are shrunk to this even when the budget would allow more."""
    fixed_size: tuple[int, int] | None = None
    """(height, width) in pixels of every frame whatever the source, for checkpoints that know one
    size only; multiples of ``PatchGrid.block``. Overrides both ``row_tokens``."""

    def __post_init__(self) -> None:
        for name in ("frames", "video_tokens", "frames_min", "row_tokens_min"):
            _at_least_one(name, getattr(self, name))
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise _impossible(f"fps is {self.fps}", "Give a rate above 0, such as 2.")
        if self.row_tokens_max < self.row_tokens_min:
            raise _impossible(
                f"row_tokens_max ({self.row_tokens_max}) is below row_tokens_min "
                f"({self.row_tokens_min})",
                "Lower row_tokens_min or raise row_tokens_max.",
            )

    def limited(self, *, frames: int, video_tokens: int) -> Budget:
        """This budget with both totals lowered to the given ones, where those are lower."""
        return replace(
            self,
            frames=min(self.frames, frames),
            video_tokens=min(self.video_tokens, video_tokens),
        )


def _whole(facts: Mapping[str, object], name: str, default: int) -> int:
    value = facts.get(name, default)
    if isinstance(value, float) and value.is_integer():  # some writers save 2 as 2.0
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise PlanError(
            f"vision_config.{name} is {value!r}, not a whole number",
            code="config_impossible",
            next_step="Download the checkpoint's config.json again.",
        )
    return value


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise _impossible(f"{name} is {value}", "Give a whole number of at least 1.")


def _impossible(what: str, next_step: str) -> PlanError:
    return PlanError(f"impossible budget: {what}", code="budget_impossible", next_step=next_step)
