"""Boxes and points of a reply onto the source: model pixels in, source pixels and a time out.

A model of this family speaks in pixels of the resized frame it saw. The source is the picture as
displayed, after any rotation, which is also what the frame was resized from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidqa.pipeline.look import Look
from vidqa.replies import SaidMark, parse_marks
from vidqa.results import Evidence, Mark, Segment
from vidqa.sampling import to_true_seconds

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one answer, and how many the model said that cover nothing of the picture."""

    placed: tuple[Mark, ...]
    left_out: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of those that are not shown."""
        if not self.left_out:
            return ()
        return (f"Boxes or points empty or outside the picture were left out: {self.left_out}.",)


def marks_of(reply: str, look: Look, evidence: Sequence[Segment]) -> Marks:
    """Marks said in ``reply``, in source pixels, each tied to a frame that was seen if it can be.

    That frame is the image; the one nearest to the mark's own time; the first frame of the answer's
    evidence; the only frame there is. Where none of these is known the mark has no time.
    """
    seen = (look.plan.width, look.plan.height)
    source = (look.video.width, look.video.height)
    said = parse_marks(reply)
    placed = []
    for mark in said:
        xy = to_source(mark.xy, seen, source)
        if xy is None:
            continue
        frame = _frame_of(mark, look, evidence)
        placed.append(
            Mark(
                kind=mark.kind,
                label=mark.label,
                xy=xy,
                pts_s=frame.pts_s if frame else None,
                sha256=frame.sha256 if frame else None,
            )
        )
    return Marks(tuple(placed), left_out=len(said) - len(placed))


def to_source(xy: Sequence[float], seen: Size, source: Size) -> tuple[float, ...] | None:
    """``(x, y)`` or ``(left, top, right, bottom)`` on a frame of size ``seen``, on ``source``.

    Sizes are (width, height). A box is cut to ``[0, width]`` and ``[0, height]``, both ends
    included, for these are edges; ``None`` for a box of which nothing is left, or a point outside.
    """
    if len(xy) == 2:
        x, y = (value * source[k] / seen[k] for k, value in enumerate(xy))
        return (x, y) if 0 <= x <= source[0] and 0 <= y <= source[1] else None
    left, top, right, bottom = (
        min(max(value * source[k % 2] / seen[k % 2], 0.0), float(source[k % 2]))
        for k, value in enumerate(xy)
    )
    return (left, top, right, bottom) if left < right and top < bottom else None


def _frame_of(mark: SaidMark, look: Look, evidence: Sequence[Segment]) -> Evidence | None:
    pts_T = look.frames.pts_T
    if np.unique(pts_T).size == 1:
        return look.frame(0)
    if mark.time_s is not None:
        window = look.model_window
        if not window.start_s <= mark.time_s <= window.end_s:
            return None
        t_s = to_true_seconds(look.plan, mark.time_s)
        return look.frame(int(np.abs(pts_T - t_s).argmin()))
    return next((frame for segment in evidence for frame in segment.evidence), None)
