"""When does it happen: a video and queries in, spans with evidence out, or a plain no."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vidqa.calibration import Calibration, curve_of
from vidqa.chat import Chat
from vidqa.effort import Effort
from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.course import is_too_long
from vidqa.pipeline.ledger import Timer
from vidqa.pipeline.look import Look, look_at, open_source
from vidqa.pipeline.many import Said, one_by_one, prompts_of, together, told
from vidqa.pipeline.planning import no_time, window_of
from vidqa.pipeline.report import provenance_of
from vidqa.pipeline.search import search_video
from vidqa.prompts import ground_prompt
from vidqa.replies import parse_spans
from vidqa.replies.grammar import reply_grammar
from vidqa.reply import OnText, Reply
from vidqa.results import GroundResult, Segment
from vidqa.signs import Signs
from vidqa.timeline import Span
from vidqa.video import is_still


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
    """Find ``query`` in ``[start_s, end_s)``; as :func:`ground_many`, which see."""
    how = {"start_s": start_s, "end_s": end_s}
    return ground_many(path, [query], ctx, strict=strict, effort=effort, **how)[0]


def ground_many(
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

    What one pass can be trusted with (``Profile.reach``) gets one, which all queries share, and
    their replies are spoken together; a longer video is searched from coarse to fine within
    ``effort``, and queries share the skim and the close looks. ``strict`` lets the model say
    nothing but a reply in its profile's format, one by one. An image is refused with
    :class:`VideoError`: it has no time. Raises :class:`QueryError` on a blank query, or none.
    """
    clock, effort, profile = StageClock(ctx.progress), effort or Effort(), ctx.engine.profile
    timer = Timer(effort)
    prompts = prompts_of(queries, lambda query: ground_prompt(query, profile))
    if is_still(path):
        raise no_time(path, "use ask")
    source = open_source(path, ctx, clock)
    info = source.reader.info
    window = window_of(info, start_s, end_s) or info.span
    if is_too_long(window, ctx.sampling, profile, effort):
        return search_video(source, window, queries, ctx, clock, timer=timer, strict=strict)
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s, source=source)
    said = _said(prompts, look, ctx, clock, timer, strict=strict)
    return told(queries, said, look, clock, lambda q, s, seen, c: grounded(q, s, seen, ctx, c))


def grounded(query: str, said: Said, look: Look, ctx: Context, clock: StageClock) -> GroundResult:
    """What a reply says about ``query``, on the video's timeline."""
    reply, ended = said
    parsed = parse_spans(reply.text, window=look.model_window)
    return GroundResult(
        outcome=parsed.outcome,
        query=query,
        segments=segments_of(parsed.spans, reply, look, ctx.engine.calibration),
        provenance=provenance_of(look, "ground", reply, parsed.parse_kind, ctx, clock, ended=ended),
    )


def _said(
    prompts: Sequence[Chat],
    look: Look,
    ctx: Context,
    clock: StageClock,
    timer: Timer,
    *,
    strict: bool,
) -> list[Said]:
    engine, most = ctx.engine, ctx.engine.profile.ground_tokens
    if len(prompts) > 1 and not strict:
        return together(prompts, look, ctx, clock, timer, most)
    grammar = reply_grammar(engine.profile.reply_format) if strict else None

    def speak(prompt: Chat, hear: OnText) -> Reply:
        held = engine.constraint(grammar) if grammar else None  # a fresh one for every reply
        return engine.reply(
            prompt, look.watched, max_new_tokens=most, constraint=held, on_text=hear
        )

    return one_by_one(prompts, clock, timer, most, speak)


def segments_of(
    spans: Sequence[Span], reply: Reply, look: Look, calibration: Calibration | None
) -> tuple[Segment, ...]:
    """Spans of the model's timeline on the video's, each with its evidence frames."""
    real = [look.to_file_span(span) for span in spans]
    curve = curve_of(calibration, "one_pass")
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
