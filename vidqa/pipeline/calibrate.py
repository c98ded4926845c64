"""How right a checkpoint is when it says it is: labelled questions in, a calibration out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from vidqa.calibration import LEAST_ANSWERS, ROUTES, Calibration, Curve, Route, fit_curve
from vidqa.effort import Effort
from vidqa.pipeline.context import Context
from vidqa.pipeline.ground import ground_many
from vidqa.pipeline.labelled import Labelled
from vidqa.results import GroundResult, Segment
from vidqa.signs import Signs
from vidqa.timeline import Span

RIGHT_IOU = 0.5
"""An answer is right when it overlaps a true span by so much (IoU)."""


@dataclass(slots=True)
class Answers:
    """What was answered by one route, with what is known of each and whether it was right."""

    signs: list[Signs] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    off: list[float] = field(default_factory=list)
    """Of the right ones, how far the worse end lay off, in units of the plain precision."""

    @property
    def tell_enough(self) -> bool:
        """Whether a map can be fitted to them."""
        return len(self.right) >= LEAST_ANSWERS and 0 < sum(self.right) < len(self.right)


def calibrate(
    labelled: Sequence[Labelled], ctx: Context, *, effort: Effort | None = None
) -> Calibration:
    """Ask all labelled questions and fit a map for every route that they took.

    Questions about one part of one video are asked together. Raises :class:`ModelError` where
    neither route has answers enough to learn from.
    """
    known = ctx.engine.calibration
    ctx.engine.calibration = None  # what is fitted are the bare signs
    try:
        answers = ask_labelled(labelled, ctx, effort)
    finally:
        ctx.engine.calibration = known
    taken: list[Route] = [route for route in ROUTES if answers[route].tell_enough]
    if not taken:  # the fit itself says what is missing
        taken = [max(ROUTES, key=lambda route: len(answers[route].right))]
    fitted = ((route, answers[route]) for route in taken)
    curves: dict[str, Curve] = {
        str(route): fit_curve(found.signs, found.right, found.off) for route, found in fitted
    }
    digest = ctx.engine.identity.rpartition("@")[2].partition("+")[0]
    return Calibration(made_for=digest, labelled=len(labelled), routes=curves)


def ask_labelled(
    labelled: Sequence[Labelled], ctx: Context, effort: Effort | None
) -> dict[Route, Answers]:
    """Every answered span with its signs, by the route it came about on."""
    answers: dict[Route, Answers] = {route: Answers() for route in ROUTES}

    def part(one: Labelled) -> tuple[Path, float, float]:
        return one.video, one.start_s or 0.0, one.end_s or 0.0

    for _, some in groupby(sorted(labelled, key=part), key=part):
        asked = list(some)
        results = ground_many(
            asked[0].video,
            [each.query for each in asked],
            ctx,
            start_s=asked[0].start_s,
            end_s=asked[0].end_s,
            effort=effort,
        )
        for each, result in zip(asked, results, strict=True):
            _take(answers[route_of(result)], result.segments, each.spans)
    return answers


def route_of(result: GroundResult) -> Route:
    """Whether one pass answered, or a search."""
    stages = {each.stage for each in result.provenance.passes}
    return "one_pass" if stages == {"ground"} else "search"


def _take(answers: Answers, segments: Sequence[Segment], true: Sequence[Span]) -> None:
    for segment in segments:
        if segment.signs is None:
            continue
        nearest = max(true, key=segment.span.iou, default=None)
        right = nearest is not None and segment.span.iou(nearest) >= RIGHT_IOU
        answers.signs.append(segment.signs)
        answers.right.append(right)
        if nearest is not None and right:
            start_off_s = abs(segment.span.start_s - nearest.start_s)
            off_s = max(start_off_s, abs(segment.span.end_s - nearest.end_s))
            answers.off.append(off_s / max(segment.precision_s, 1e-6))
