"""One look at a video or an image: probe, plan, read, encode. In: a path; out: what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.planning import plan_still, plan_video
from vidqa.pipeline.seen import SeenFrames, see, seen_pixels
from vidqa.provenance import Coverage, Pass, VideoFacts
from vidqa.reply import CacheState
from vidqa.results import Evidence
from vidqa.sampling import Budget, Plan, to_true_seconds
from vidqa.timeline import Span
from vidqa.video import KnownFile, StillInfo, file_sha256, is_still, media

if TYPE_CHECKING:  # the engine imports torch, a plan does not need it
    from vidqa.engine import Watched

_EVIDENCE_FRAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The frames of one pass, their plan, and the vision tokens made of them."""

    video: VideoFacts
    plan: Plan
    frames: SeenFrames
    watched: Watched
    unreadable_from_s: float | None
    """Where the file's pictures end too early: told by the probe, or found while reading."""
    pictures: int = 1
    """Pictures in an image file; only the first is looked at."""
    features: CacheState = "off"
    """Whether the vision tokens were on disk."""
    notes: tuple[str, ...] = ()
    """What went wrong with keeping them."""

    @property
    def seen(self) -> Span:
        """The part of the planned window whose frames could be read."""
        tail_s = self.unreadable_from_s
        end_s = self.plan.span.end_s if tail_s is None else min(tail_s, self.plan.span.end_s)
        return Span(self.plan.span.start_s, max(end_s, self.plan.span.start_s))

    @property
    def again(self) -> Look:
        """The same look for a further question, which finds its vision tokens in memory."""
        return self if self.features == "off" else replace(self, features="hit")

    @property
    def coverage(self) -> Coverage:
        """How much of the whole video was looked at."""
        return Coverage(
            span=self.seen,
            fraction=self.seen.length_s / self.video.duration_s if self.video.duration_s else 1.0,
            unreadable_from_s=self.unreadable_from_s,
        )

    def cost(self, stage: str) -> Pass:
        """This look as an entry of ``passes``: what was really read, not what was planned."""
        return Pass(
            stage=stage,
            span=self.seen,
            fps=self.plan.fps,
            frames=len(self.frames.pts_T),
            height=self.plan.height,
            width=self.plan.width,
            video_tokens=self.watched.token_count,
        )

    @property
    def model_window(self) -> Span:
        """What was seen, on the model's timeline: no answer may lie outside it."""
        return Span(0.0, self.seen.length_s)

    def to_file_span(self, model_span: Span) -> Span:
        """A span on the model's timeline (window start = 0) as one on the video's."""
        start_s = to_true_seconds(self.plan, model_span.start_s)
        end_s = to_true_seconds(self.plan, model_span.end_s)
        return Span(start_s, max(start_s, end_s)).clamp(self.plan.span)

    def evidence(self, span: Span) -> tuple[Evidence, ...]:
        """First, middle and last of the frames inside ``span``; the nearest one if none is."""
        pts_T = self.frames.pts_T
        distinct = np.diff(pts_T, prepend=-1.0) > 0  # a frame may be shown twice to fill a row
        inside = np.flatnonzero(distinct & (pts_T >= span.start_s) & (pts_T < span.end_s))
        if inside.size == 0:
            inside = np.array([np.abs(pts_T - span.middle_s).argmin()])
        picks = inside[np.linspace(0, inside.size - 1, _EVIDENCE_FRAMES).round().astype(int)]
        return tuple(self.frame(int(k)) for k in dict.fromkeys(picks.tolist()))

    def frame(self, k: int) -> Evidence:
        """Frame ``k`` of those that were seen, by time and by content."""
        frames = self.frames
        return Evidence(pts_s=float(frames.pts_T[k]), sha256=f"sha256:{frames.digest_of(k)}")


def open_source(path: Path, ctx: Context, clock: StageClock) -> KnownFile:
    """Measure a video, to be looked at often; raises :class:`VideoError` when none can be shown."""
    with clock.stage("probe"):
        how = ctx.sampling
        return ctx.files.open(path, reader=how.reader, threads=how.threads)


def look_at(
    path: Path,
    ctx: Context,
    clock: StageClock,
    *,
    start_s: float | None,
    end_s: float | None,
    source: KnownFile | None = None,
    budget: Budget | None = None,
    seconds: Sequence[float] | None = None,
) -> Look:
    """Read and encode ``[start_s, end_s)`` within the budget; ``None`` is the video's own end.

    An image is one frame at 0 s. ``source`` is the video when it was opened before; ``budget``
    stands in for the context's own; ``seconds`` are the times to read, two to a row, in place of a
    clock's. Raises :class:`VideoError` and :class:`PlanError`.
    """
    if source is None and is_still(path):
        return _look_at_still(path, ctx, clock, start_s=start_s, end_s=end_s)
    source = source or open_source(path, ctx, clock)
    how = ctx.sampling if budget is None else replace(ctx.sampling, budget=budget)
    plan = plan_video(source.reader, how, start_s=start_s, end_s=end_s, seconds=seconds)
    seen = see(source, plan, ctx, clock)
    known_s = source.reader.info.unreadable_from_s
    tails = [s for s in (known_s, seen.unreadable_from_s) if s is not None]
    return Look(
        video=facts_of(source),
        plan=plan,
        frames=seen.frames,
        watched=seen.watched,
        unreadable_from_s=min(tails, default=None),
        features=seen.features,
        notes=seen.notes,
    )


def _look_at_still(
    path: Path, ctx: Context, clock: StageClock, *, start_s: float | None, end_s: float | None
) -> Look:
    with clock.stage("decode"):
        still = media(ctx.sampling.reader).read_still(path)
        plan = plan_still(still.info, ctx.sampling, start_s=start_s, end_s=end_s)
        rgb_HWC = still.resized(plan.height, plan.width)
    with clock.stage("vision"):
        watched = ctx.engine.watch_image(rgb_HWC)
    return Look(
        video=_still_facts(still.info),
        plan=plan,
        frames=seen_pixels(rgb_HWC[None], np.zeros(1)),
        watched=watched,
        unreadable_from_s=None,
        pictures=still.info.pictures,
    )


def _still_facts(info: StillInfo) -> VideoFacts:
    return VideoFacts(
        id=f"sha256:{file_sha256(info.path)}",
        duration_s=0.0,
        start_time_s=0.0,
        vfr=False,
        width=info.width,
        height=info.height,
        kind="image",
    )


def facts_of(source: KnownFile) -> VideoFacts:
    """The video part of a result."""
    info = source.reader.info
    return VideoFacts(
        id=f"sha256:{source.sha256}",
        duration_s=info.duration_s,
        start_time_s=info.start_time_s,
        vfr=info.vfr,
        width=info.width,
        height=info.height,
    )
