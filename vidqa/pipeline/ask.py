"""What is shown: a video or an image and a question in, an answer and what it rests on out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vidqa.chat import Chat, Image, Turn, Video
from vidqa.effort import Effort
from vidqa.pipeline.ask_long import ask_long
from vidqa.pipeline.context import Context, Manner, StageClock
from vidqa.pipeline.course import is_too_long
from vidqa.pipeline.ground import segments_of
from vidqa.pipeline.ledger import Timer
from vidqa.pipeline.look import Look, look_at, open_source
from vidqa.pipeline.many import Said, one_by_one, prompts_of, together, told
from vidqa.pipeline.marks import marks_of
from vidqa.pipeline.planning import window_of
from vidqa.pipeline.report import provenance_of
from vidqa.profiles import Profile
from vidqa.prompts import ask_prompt
from vidqa.replies import parse_answer
from vidqa.reply import OnText, Reply
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
    """Answer ``question`` from ``[start_s, end_s)``; as :func:`ask_many`, which see."""
    how = {"start_s": start_s, "end_s": end_s}
    return ask_many(path, [question], ctx, manner=manner, effort=effort, **how)[0]


def ask_many(
    path: Path,
    questions: Sequence[str],
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    manner: Manner | None = None,
    effort: Effort | None = None,
) -> list[AskResult]:
    """Answer each of ``questions`` from ``[start_s, end_s)`` of the video, or from an image.

    What one pass can be trusted with gets one, which all questions share, and their replies are
    spoken together; those that are drawn, or ended by a stop string, after one another. In a longer
    video each question says where to look, within ``effort``; they share the skim and the close
    looks, and every span of evidence was verified. Boxes and points in a reply become marks; the
    words of the answer stay as they are. Words are told as they come where one question is asked.
    Raises as :func:`vidqa.pipeline.ground.ground_many`, and :class:`PlanError` on bounds that only
    a search for times has (``thorough``, ``precision_s``).
    """
    clock, profile, manner = StageClock(ctx.progress), ctx.engine.profile, manner or Manner()
    effort = effort or Effort()
    effort.check_unsought()
    timer, still, source = Timer(effort), is_still(path), None
    prompts = prompts_of(questions, lambda q: _asking(q, profile, manner, still=still))
    if not still:
        source = open_source(path, ctx, clock)
        window = window_of(source.reader.info, start_s, end_s) or source.reader.info.span
        if is_too_long(window, ctx.sampling, profile, effort):
            return ask_long(source, window, questions, ctx, clock, timer=timer, manner=manner)
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s, source=source)
    said = _said(prompts, look, ctx, clock, timer, manner)
    return told(
        questions, said, look, clock, lambda q, s, seen, c: answered(q, s, seen, ctx, c, manner)
    )


def answered(
    question: str, said: Said, look: Look, ctx: Context, clock: StageClock, manner: Manner
) -> AskResult:
    """What a reply says to ``question``, on the video's timeline and in the source's pixels."""
    reply, ended = said
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


def _asking(question: str, profile: Profile, manner: Manner, *, still: bool) -> Chat:
    """The conversation to send out about a video, or an image."""
    prompt = ask_prompt(question, profile, system=manner.system)
    return _about_an_image(prompt) if still else prompt


def _said(
    prompts: Sequence[Chat],
    look: Look,
    ctx: Context,
    clock: StageClock,
    timer: Timer,
    manner: Manner,
) -> list[Said]:
    most = manner.limit(ctx.engine.profile.ask_tokens)
    if len(prompts) > 1 and manner.plain:
        return together(prompts, look, ctx, clock, timer, most)

    def speak(prompt: Chat, hear: OnText) -> Reply:
        return ctx.engine.reply(
            prompt,
            look.watched,
            max_new_tokens=most,
            stop=manner.stop,
            on_text=hear,
            sampling=manner.sampling,
        )

    return one_by_one(prompts, clock, timer, most, speak, manner.on_text)


def _about_an_image(chat: Chat) -> Chat:
    """The same words with an image where the video would be."""
    return Chat(
        tuple(
            Turn(turn.role, tuple(Image() if isinstance(x, Video) else x for x in turn.content))
            for turn in chat.turns
        )
    )
