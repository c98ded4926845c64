"""What happens: a video and a question in, an answer with the spans it rests on out."""

from __future__ import annotations

from pathlib import Path

from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.ground import segments_of
from vidqa.pipeline.look import look_at
from vidqa.pipeline.report import provenance_of
from vidqa.prompts import ask_prompt
from vidqa.replies import parse_answer
from vidqa.results import AskResult


def ask(
    path: Path,
    question: str,
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
) -> AskResult:
    """Answer ``question`` from ``[start_s, end_s)`` of the video in one pass."""
    clock, profile = StageClock(ctx.progress), ctx.engine.profile
    prompt = ask_prompt(question, profile)
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s)
    with clock.stage("text"):
        reply = ctx.engine.reply(prompt, look.watched, max_new_tokens=profile.ask_tokens)
    parsed = parse_answer(reply.text, window=look.model_window)
    return AskResult(
        outcome=parsed.outcome,
        question=question,
        answer=parsed.answer,
        evidence=segments_of(parsed.evidence, reply, look),
        provenance=provenance_of(look, "ask", reply, parsed.parse_kind, ctx, clock),
    )
