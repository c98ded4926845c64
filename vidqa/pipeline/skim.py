"""The whole of a long video seen once, sparsely: vision tokens of all rows, overlapping windows of
them, and a vector for each window. All questions about the video share it.

``plan -> looks -> one run of rows -> windows (slices of it) -> vectors``
Axes: R rows, W windows, M vision tokens, D decoder width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.ledger import Ended, Timer
from vidqa.pipeline.look import look_at
from vidqa.pipeline.skimming import SkimPlan, plan_skim
from vidqa.pipeline.tail import Tail, Unreadable
from vidqa.pipeline.windows import around
from vidqa.prompts import embed_video_prompt
from vidqa.provenance import EndedEarly, Looked, Pass
from vidqa.reply import CacheState, combined
from vidqa.timeline import Span
from vidqa.video import KnownFile

if TYPE_CHECKING:  # the engine imports torch
    from vidqa.engine import Watched

EMBEDDED_TOGETHER = 64
_FAMILIAR_ROWS = 512
"""Rows that are asked whether they look like what the checkpoint knows, spread over the skim."""


@dataclass(frozen=True, slots=True)
class Window:
    """Rows [first, last) of a skim, and the stretch of the video that they show."""

    first: int
    last: int
    span: Span


class Glimpse(NamedTuple):
    """What stays of one look of a skim; the pixels of hours would not fit."""

    cost: Pass
    watched: Watched
    features: CacheState
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skim:
    """What was seen, in rows; windows in order of time, every moment in at least one."""

    watched: Watched
    row_seconds: tuple[float, ...]
    """Seconds of each row on the video's own timeline."""
    span: Span
    """What was seen: less than was asked where the file ends early, or the search did."""
    windows: tuple[Window, ...]
    places: tuple[Span, ...]
    """Where to look closely at each window: it in the middle of a close look's length."""
    vectors_WD: NDArray[np.float32]
    cost: Pass
    familiar: bool | None
    features: CacheState = "off"
    """Whether the vision tokens were on disk."""
    notes: tuple[str, ...] = ()
    """What went wrong with keeping them, each once."""
    ended: EndedEarly | None = None
    """Why it is not whole."""

    @property
    def again(self) -> Skim:
        """The same skim for a further question, which finds its vision tokens in memory."""
        return self if self.features == "off" else replace(self, features="hit")

    @property
    def looked(self) -> Looked:
        """The skim as an entry of the coverage."""
        return Looked(span=self.span, fps=self.cost.fps)

    def check(self) -> None:
        """Raise :class:`Ended` where the skim ended early: nothing can follow it."""
        if self.ended:
            raise Ended(self.ended)

    def tokens_of(self, window: Window) -> Watched:
        """The rows of a window as a video of their own."""
        return self.watched.rows(window.first, window.last)


def skim_video(
    source: KnownFile, window: Span, ctx: Context, clock: StageClock, timer: Timer, tail: Tail
) -> Skim:
    """See all of ``window`` up to ``tail``, which is found out here where it was not known; ends
    early, with what was seen by then, when ``timer`` says so.

    Raises :class:`vidqa.errors.VideoError` where nothing can be read, and :class:`Ended` where it
    had to end before anything was seen.
    """
    reach = ctx.engine.profile.reach
    plan = plan_skim(source.reader.info, source.reader.key_times_T, window, ctx.sampling, reach)
    looks, ended = _look(plan, source, ctx, clock, timer, tail)
    if not looks:
        raise Ended(ended or "deadline")
    watched = _joined(looks, window)
    seconds = tuple(window.start_s + s for s in watched.run.row_seconds)
    seen = tail.cut(Span(window.start_s, looks[-1].cost.span.end_s))
    windows = windows_of(seconds, seen, reach.glance_s or reach.window_s, reach.rows_min)
    vectors_WD, stopped = _vectors(watched, windows, ctx, clock, timer)
    windows = windows[: len(vectors_WD)]
    return Skim(
        watched=watched,
        row_seconds=seconds,
        span=seen,
        windows=windows,
        places=tuple(around(each.span, 0.0, reach.window_s, seen) for each in windows),
        vectors_WD=vectors_WD,
        cost=_cost(looks, seen),
        familiar=ctx.engine.is_familiar(_sample(watched)),
        features=combined(look.features for look in looks),
        notes=tuple(dict.fromkeys(note for look in looks for note in look.notes)),
        ended=ended or stopped,
    )


def windows_of(
    row_seconds: Sequence[float], seen: Span, window_s: float, rows_min: int
) -> tuple[Window, ...]:
    """Windows of ``window_s`` that overlap by half, longer where ``rows_min`` rows need it.

    The last one ends with what was seen, whatever it shares with the one before.
    """
    times = np.asarray(row_seconds)
    usual_s = float(np.median(np.diff(times))) if times.size > 1 else seen.length_s
    length_s = min(max(window_s, rows_min * usual_s), seen.length_s)
    steps = max(0, math.ceil((seen.length_s - length_s) / (length_s / 2) - 1e-9))
    starts = [seen.start_s + k * length_s / 2 for k in range(steps)]
    edges = [*times.tolist(), seen.end_s]
    found: dict[tuple[int, int], Window] = {}
    for start_s in [*starts, seen.end_s - length_s]:
        first, last = np.searchsorted(times, [start_s - 1e-6, start_s + length_s - 1e-6])
        if first < last:
            span = Span(edges[first], edges[last])
            found[int(first), int(last)] = Window(int(first), int(last), span)
    return tuple(found.values())


def _look(
    plan: SkimPlan,
    source: KnownFile,
    ctx: Context,
    clock: StageClock,
    timer: Timer,
    tail: Tail,
) -> tuple[list[Glimpse], EndedEarly | None]:
    looks: list[Glimpse] = []
    with clock.stage("skim", len(plan.stretches), timed=False) as step:
        for stretch in plan.stretches:
            if why := timer.ended:
                return looks, why
            span = stretch.plan.span
            take = partial(
                look_at,
                source.path,
                ctx,
                clock.quiet(),
                start_s=span.start_s,
                end_s=span.end_s,
                source=source,
                budget=stretch.budget,
                seconds=stretch.seconds,
            )
            try:
                look = tail.look(span.start_s, take)
            except Unreadable:
                break
            looks.append(Glimpse(look.cost("skim"), look.watched, look.features, look.notes))
            step()
    return looks, None


def _joined(looks: Sequence[Glimpse], window: Span) -> Watched:
    parts = [(look.cost.span.start_s - window.start_s, look.watched) for look in looks]
    return type(looks[0].watched).joined(parts)


def _vectors(
    watched: Watched, windows: Sequence[Window], ctx: Context, clock: StageClock, timer: Timer
) -> tuple[NDArray[np.float32], EndedEarly | None]:
    """A vector of length 1 for each window, (W, D); untrained ones about their own mean."""
    chat, found = embed_video_prompt(ctx.engine.profile), []
    ended: EndedEarly | None = None
    with clock.stage("vectors", len(windows)) as step:
        for at in range(0, len(windows), EMBEDDED_TOGETHER):
            some = windows[at : at + EMBEDDED_TOGETHER]
            found.append(ctx.engine.embed(chat, [watched.rows(w.first, w.last) for w in some]))
            for _ in some:
                step()
            if ended := timer.ended:
                break
    vectors_WD = np.concatenate(found)
    if ctx.engine.profile.embed_state == "normed" or len(vectors_WD) < 3:
        return vectors_WD, ended
    about_WD = vectors_WD - vectors_WD.mean(axis=0)
    norm_W1 = np.linalg.norm(about_WD, axis=1, keepdims=True)
    return about_WD / np.maximum(norm_W1, 1e-6), ended


def _sample(watched: Watched) -> Watched:
    """Some rows from all over the skim: enough to tell what footage it is."""
    rows = len(watched.run.row_seconds)
    if rows <= _FAMILIAR_ROWS:
        return watched
    picks = np.linspace(0, rows - 1, _FAMILIAR_ROWS).round().astype(int).tolist()
    return type(watched).joined([(0.0, watched.rows(k, k + 1)) for k in picks])


def _cost(looks: Sequence[Glimpse], seen: Span) -> Pass:
    frames = sum(look.cost.frames for look in looks)
    return Pass(
        stage="skim",
        span=seen,
        fps=frames / seen.length_s if seen.length_s else 0.0,
        frames=frames,
        height=looks[0].cost.height,
        width=looks[0].cost.width,
        video_tokens=sum(look.cost.video_tokens for look in looks),
        windows=len(looks),
        count=len(looks),
    )
