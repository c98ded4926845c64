"""What is shown: a video or an image and a question in, an answer and what it rests on out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vidqa.chat import Chat, Image, Turn, Video
from vidqa.effort import Effort
from vidqa.pipeline.ask_long import ask_long
from vidqa.pipeline.context import Context, Manner, StageClock
from vidqa.pipeline.course import is_too_long
from vidqa.pipeline.ground import segments_of
from vidqa.pipeline.ledger import Timer, speak_until
from vidqa.pipeline.look import Look, look_at, open_source
from vidqa.pipeline.marks import marks_of
from vidqa.pipeline.planning import window_of
from vidqa.pipeline.report import provenance_of
from vidqa.prompts import ask_prompt
from vidqa.replies import parse_answer
from vidqa.reply import OnText, Reply, unheard
from vidqa.results import AskResult
from vidqa.video import is_still


def ask(
    path: Path,
    question: str,
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    manner: Manner | None = None,
    effort: Effort | None = None,
) -> AskResult:
    """Answer ``question`` from ``[start_s, end_s)`` of the video, or from an image.

    What one pass can be trusted with gets one; in a longer video the question says where to look,
    within ``effort``, and every span of evidence was verified. Boxes and points in the reply
    become marks; the words of the answer stay as they are.
    """
    manner = manner or Manner()
    timer = Timer(effort or Effort())
    clock, profile = StageClock(ctx.progress), ctx.engine.profile
    prompt = ask_prompt(question, profile, system=manner.system)
    source = None
    if is_still(path):
        prompt = _about_an_image(prompt)
    else:
        source, effort = open_source(path, ctx, clock), effort or Effort()
        window = window_of(source.reader.info, start_s, end_s) or source.reader.info.span
        if is_too_long(window, ctx.sampling, profile, effort):
            return ask_long(source, window, question, ctx, clock, effort=effort, manner=manner)
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s, source=source)
    most = profile.ask_tokens if manner.max_tokens is None else manner.max_tokens
    with clock.stage("text", most) as step:
        reply, ended = speak_until(
            timer, unheard, lambda hear: _spoken(prompt, look, ctx, manner, most, step, hear)
        )
    parsed = parse_answer(reply.text, window=look.model_window)
    evidence = segments_of(parsed.evidence, reply, look, ctx.engine.calibration)
    marks = marks_of(reply.text, look, evidence)
    return AskResult(
        outcome="uncertain" if ended else parsed.outcome,
        question=question,
        answer=parsed.answer,
        evidence=evidence,
        marks=marks.placed,
        provenance=provenance_of(
            look,
            "ask",
            reply,
            parsed.parse_kind,
            ctx,
            clock,
            (*manner.notes, *marks.notes),
            ended=ended,
        ),
    )


def _spoken(
    prompt: Chat,
    look: Look,
    ctx: Context,
    manner: Manner,
    most: int,
    step: Callable[[], None],
    also: OnText,
) -> Reply:
    """The reply to ``prompt`` in that manner; ``step`` is called at every token."""

    def hear(piece: str) -> None:
        step()
        manner.on_text(piece)
        also(piece)

    return ctx.engine.reply(
        prompt,
        look.watched,
        max_new_tokens=most,
        stop=manner.stop,
        on_text=hear,
        sampling=manner.sampling,
    )


def _about_an_image(chat: Chat) -> Chat:
    """The same words with an image where the video would be."""
    return Chat(
        tuple(
            Turn(turn.role, tuple(Image() if isinstance(x, Video) else x for x in turn.content))
            for turn in chat.turns
        )
    )
