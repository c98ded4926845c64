"""Many questions about one video: one look, then all replies behind it, in the order asked.

Results are what each question would get alone, one after another: the first is told the cost of
the look, the others find it in memory, and of a batch each has its share of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vidqa.chat import Chat
from vidqa.errors import QueryError
from vidqa.pipeline.ask import answered, asking, most_tokens
from vidqa.pipeline.context import Context, Manner, StageClock
from vidqa.pipeline.ground import grounded
from vidqa.pipeline.look import Look, look_at
from vidqa.pipeline.planning import no_time
from vidqa.prompts import ground_prompt
from vidqa.replies.grammar import reply_grammar
from vidqa.results import AskResult, GroundResult
from vidqa.video import is_still

if TYPE_CHECKING:  # the engine imports torch
    from vidqa.engine import Reply

BATCH = 32
"""Most replies at once: their tokens are attended to together, each masked from the others."""
LEAST_ROOM = 4096
"""Tokens of replies that a batch may always hold; more where the video itself has more."""
_Result = TypeVar("_Result", GroundResult, AskResult)


def ground_many(
    path: Path,
    queries: Sequence[str],
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    strict: bool = False,
) -> list[GroundResult]:
    """As :func:`vidqa.pipeline.ground.ground`, a result for each query; raises as it does."""
    profile, clock = ctx.engine.profile, StageClock(ctx.progress)
    prompts = _prompts(queries, lambda query: ground_prompt(query, profile))
    if is_still(path):
        raise no_time(path, "use ask")
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s)
    most = profile.ground_tokens
    if strict:
        replies = _each(
            prompts,
            clock,
            lambda chat: ctx.engine.reply(
                chat,
                look.watched,
                max_new_tokens=most,
                constraint=ctx.engine.constraint(reply_grammar(profile.reply_format)),
            ),
        )
    else:
        replies = _together(prompts, look, ctx, clock, most)
    return _told(queries, replies, look, clock, lambda q, r, s, c: grounded(q, r, s, ctx, c))


def ask_many(
    path: Path,
    questions: Sequence[str],
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    manner: Manner | None = None,
) -> list[AskResult]:
    """As :func:`vidqa.pipeline.ask.ask`, a result for each question; raises as it does.

    Answers that are drawn, or ended by a stop string, are spoken one after another.
    """
    manner, profile, clock = manner or Manner(), ctx.engine.profile, StageClock(ctx.progress)
    prompts = _prompts(questions, lambda question: asking(path, question, profile, manner))
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s)
    most = most_tokens(profile, manner)
    if manner.plain:
        replies = _together(prompts, look, ctx, clock, most)
    else:
        replies = _each(
            prompts,
            clock,
            lambda chat: ctx.engine.reply(
                chat,
                look.watched,
                max_new_tokens=most,
                stop=manner.stop,
                sampling=manner.sampling,
            ),
        )
    return _told(
        questions, replies, look, clock, lambda q, r, s, c: answered(q, r, s, ctx, c, manner)
    )


def _prompts(texts: Sequence[str], prompt_of: Callable[[str], Chat]) -> list[Chat]:
    if not texts:
        raise QueryError(
            "nothing was asked",
            code="query_empty",
            next_step="Give one question at least.",
        )
    return [prompt_of(text) for text in texts]


def _together(
    prompts: Sequence[Chat], look: Look, ctx: Context, clock: StageClock, most: int
) -> list[Reply]:
    """Replies in batches, each as large as its room allows."""
    room = max(LEAST_ROOM, look.watched.token_count)
    size = min(BATCH, max(1, room // most))
    replies: list[Reply] = []
    with clock.stage("text", len(prompts)) as step:
        for at in range(0, len(prompts), size):
            batch = prompts[at : at + size]
            replies += ctx.engine.replies(batch, look.watched, max_new_tokens=most)
            for _ in batch:
                step()
    return replies


def _each(
    prompts: Sequence[Chat], clock: StageClock, reply_to: Callable[[Chat], Reply]
) -> list[Reply]:
    replies = []
    with clock.stage("text", len(prompts)) as step:
        for prompt in prompts:
            replies.append(reply_to(prompt))
            step()
    return replies


def _told(
    texts: Sequence[str],
    replies: Sequence[Reply],
    look: Look,
    clock: StageClock,
    result_of: Callable[[str, Reply, Look, StageClock], _Result],
) -> list[_Result]:
    """Results in order, each with its own cost and with what it found in memory."""
    share = {"text_s": clock.seconds["text_s"] / len(replies)}
    first = StageClock(clock.progress, {**clock.seconds, **share})
    later = StageClock(clock.progress, share)
    again: Look = look if look.features == "off" else replace(look, features="hit")
    seen: list[tuple[Look, StageClock]] = [(look, first)]
    seen += [(again, later) for _ in replies[1:]]
    return [
        result_of(text, reply, *each)
        for text, reply, each in zip(texts, replies, seen, strict=True)
    ]
