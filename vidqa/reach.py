"""How much video one look of a checkpoint can be trusted with, and how a longer video is searched.

Plain frozen values: a profile carries one, and every stage of the search reads nothing else of the
checkpoint. What is here follows from how a checkpoint was trained: the longest stretch of time it
saw in one prompt, the rates it saw frames at, whether frames may be picked from all over a video.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from vidqa.errors import PlanError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Bounds on one look, in seconds and frames per second; raises :class:`PlanError` if absurd."""

    one_pass_s: float = 360.0
    """Up to this length one pass over everything answers; a longer video is searched."""
    window_s: float = 64.0
    """Length of a window that is looked at closely."""
    glance_s: float | None = None
    """Length of a window of the skim that gets a vector and may be asked whether it happens there:
    shorter ones tell more of short events, and more of them fit one pass. ``None``: ``window_s``.
    """
    fps_min: float = 0.25
    """Slowest rate of a close look."""
    fps_max: float = 4.0
    """Fastest rate of a close look."""
    skim_fps: float | None = None
    """Rate of a skim made of as many looks as it needs; ``None`` skims in one look, at whatever
    rate its budget allows."""
    skim_gap_s: float = 10.0
    """Key frames serve as a skim where they follow each other at most so far apart."""
    whole: bool = True
    """Whether the skim can be asked as one prompt, however long the video; where it cannot, it is
    only asked window by window."""
    rows_min: int = 4
    """Rows in a window of the skim at least: windows are longer where rows lie far apart."""
    passes: int = 6
    """Passes over a long video for each question, beside the skim, unless a caller says more."""
    look_tokens: int = 8_192
    """Most vision tokens of one close look."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and not (math.isfinite(value) and (value > 0 or value is False)):
                raise PlanError(
                    f"impossible reach: {each.name} is {value}",
                    code="reach_impossible",
                    next_step="Give a number above 0.",
                )

    def fps_for(self, precision_s: float, per_row: int) -> float:
        """The slowest rate whose rows of ``per_row`` frames lie ``precision_s`` apart or closer."""
        return min(max(per_row / precision_s, self.fps_min), self.fps_max)
