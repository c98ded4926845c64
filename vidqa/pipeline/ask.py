"""What happens: a video and a question in, an answer with the spans it rests on out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vidqa.chat import Chat
from vidqa.pipeline.context import Context, Manner, StageClock
from vidqa.pipeline.ground import segments_of
from vidqa.pipeline.look import Look, look_at
from vidqa.pipeline.report import provenance_of
from vidqa.prompts import ask_prompt
from vidqa.replies import parse_answer
from vidqa.reply import Reply
from vidqa.results import AskResult


def ask(
    path: Path,
    question: str,
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    manner: Manner | None = None,
) -> AskResult:
    """Answer ``question`` from ``[start_s, end_s)`` of the video in one pass."""
    manner = manner or Manner()
    clock, profile = StageClock(ctx.progress), ctx.engine.profile
    prompt = ask_prompt(question, profile, system=manner.system)
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s)
    most = profile.ask_tokens if manner.max_tokens is None else manner.max_tokens
    with clock.stage("text", most) as step:
        reply = _spoken(prompt, look, ctx, manner, most, step)
    parsed = parse_answer(reply.text, window=look.model_window)
    return AskResult(
        outcome=parsed.outcome,
        question=question,
        answer=parsed.answer,
        evidence=segments_of(parsed.evidence, reply, look),
        provenance=provenance_of(look, "ask", reply, parsed.parse_kind, ctx, clock, manner.notes),
    )


def _spoken(
    prompt: Chat, look: Look, ctx: Context, manner: Manner, most: int, step: Callable[[], None]
) -> Reply:
    """The reply to ``prompt`` in that manner; ``step`` is called at every token."""

    def hear(piece: str) -> None:
        step()
        manner.on_text(piece)

    return ctx.engine.reply(
        prompt,
        look.watched,
        max_new_tokens=most,
        stop=manner.stop,
        on_text=hear,
        sampling=manner.sampling,
    )
