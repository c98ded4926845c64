"""When does it happen: a video and a query in, spans with evidence out, or a plain no."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.look import Look, look_at
from vidqa.pipeline.planning import no_time
from vidqa.pipeline.report import provenance_of
from vidqa.prompts import ground_prompt
from vidqa.replies import parse_spans
from vidqa.replies.grammar import reply_grammar
from vidqa.results import GroundResult, Segment
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
) -> GroundResult:
    """Find ``query`` in ``[start_s, end_s)`` in one pass; ``None`` is the video's own end.

    ``strict`` lets the model say nothing but a reply in its profile's format. An image is refused
    with :class:`VideoError`: it has no time.
    """
    clock, profile = StageClock(ctx.progress), ctx.engine.profile
    prompt = ground_prompt(query, profile)
    if is_still(path):
        raise no_time(path, "use ask")
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s)
    with clock.stage("text", profile.ground_tokens) as step:
        held = ctx.engine.constraint(reply_grammar(profile.reply_format)) if strict else None
        reply = ctx.engine.reply(
            prompt,
            look.watched,
            max_new_tokens=profile.ground_tokens,
            constraint=held,
            on_text=lambda _: step(),
        )
    return grounded(query, reply, look, ctx, clock)


def grounded(query: str, reply: Reply, look: Look, ctx: Context, clock: StageClock) -> GroundResult:
    """What ``reply`` says about ``query``, on the video's timeline."""
    parsed = parse_spans(reply.text, window=look.model_window)
    return GroundResult(
        outcome=parsed.outcome,
        query=query,
        segments=segments_of(parsed.spans, reply, look),
        provenance=provenance_of(look, "ground", reply, parsed.parse_kind, ctx, clock),
    )


def segments_of(spans: Sequence[Span], reply: Reply, look: Look) -> tuple[Segment, ...]:
    """Spans of the model's timeline on the video's, each with its evidence frames."""
    real = [look.to_file_span(span) for span in spans]
    return tuple(
        Segment(
            span=span,
            score=reply.score,
            precision_s=look.plan.precision_s,
            evidence=look.evidence(span),
        )
        for span in real
    )
