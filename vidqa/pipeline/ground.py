"""When does it happen: a video and queries in, spans with evidence out, or a plain no."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidqa.calibration import Calibration
from vidqa.effort import Effort
from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.course import is_too_long
from vidqa.pipeline.ledger import Timer, speak_until
from vidqa.pipeline.look import Look, look_at, open_source
from vidqa.pipeline.planning import no_time, window_of
from vidqa.pipeline.report import provenance_of
from vidqa.pipeline.search import search_video
from vidqa.prompts import ground_prompt
from vidqa.replies import parse_spans
from vidqa.replies.grammar import reply_grammar
from vidqa.results import GroundResult, Segment
from vidqa.signs import Signs
from vidqa.timeline import Span
from vidqa.video import is_still

if TYPE_CHECKING:  # the engine imports torch
    from vidqa.engine import Reply


def ground(
    path: Path,
    query: str,
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    strict: bool = False,
    effort: Effort | None = None,
) -> GroundResult:
    """Find ``query`` in ``[start_s, end_s)``; as :func:`ground_each`, which see."""
    how = {"start_s": start_s, "end_s": end_s}
    return ground_each(path, [query], ctx, strict=strict, effort=effort, **how)[0]


def ground_each(
    path: Path,
    queries: Sequence[str],
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    strict: bool = False,
    effort: Effort | None = None,
) -> list[GroundResult]:
    """Find each of ``queries`` in ``[start_s, end_s)``; ``None`` is the video's own end.

    What one pass can be trusted with (``Profile.reach``) gets one, which the queries share; a
    longer video is searched from coarse to fine within ``effort``. ``strict`` lets the model say
    nothing but a reply in its profile's format. An image is refused with :class:`VideoError`: it
    has no time. Raises :class:`QueryError` on a blank query.
    """
    clock, effort = StageClock(ctx.progress), effort or Effort()
    timer = Timer(effort)
    for query in queries:
        ground_prompt(query, ctx.engine.profile)
    if is_still(path):
        raise no_time(path, "use ask")
    source = open_source(path, ctx, clock)
    info = source.reader.info
    window = window_of(info, start_s, end_s) or info.span
    if is_too_long(window, ctx.sampling, ctx.engine.profile, effort):
        return search_video(source, window, queries, ctx, clock, effort=effort, strict=strict)
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s, source=source)
    return [_in_one_pass(query, look, ctx, clock, timer, strict=strict) for query in queries]


def _in_one_pass(
    query: str, look: Look, ctx: Context, clock: StageClock, timer: Timer, *, strict: bool
) -> GroundResult:
    profile = ctx.engine.profile
    with clock.stage("text", profile.ground_tokens) as step:
        held = ctx.engine.constraint(reply_grammar(profile.reply_format)) if strict else None
        reply, ended = speak_until(
            timer,
            lambda _: step(),
            lambda hear: ctx.engine.reply(
                ground_prompt(query, profile),
                look.watched,
                max_new_tokens=profile.ground_tokens,
                constraint=held,
                on_text=hear,
            ),
        )
    parsed = parse_spans(reply.text, window=look.model_window)
    return GroundResult(
        outcome=parsed.outcome,
        query=query,
        segments=segments_of(parsed.spans, reply, look, ctx.engine.calibration),
        provenance=provenance_of(look, "ground", reply, parsed.parse_kind, ctx, clock, ended=ended),
    )


def segments_of(
    spans: Sequence[Span], reply: Reply, look: Look, calibration: Calibration | None
) -> tuple[Segment, ...]:
    """Spans of the model's timeline on the video's, each with its evidence frames."""
    real = [look.to_file_span(span) for span in spans]
    curve = calibration.routes.get("one_pass") if calibration else None
    factor = curve.precision_factor if curve else 1.0
    signs = Signs(digits=reply.score)
    return tuple(
        Segment(
            span=span,
            score=reply.score,
            precision_s=look.plan.precision_s * factor,
            evidence=look.evidence(span),
            confidence=curve.probability(signs) if curve else None,
            signs=signs,
        )
        for span in real
    )
