"""Many questions about one look: all replies behind it, in the order asked.

Results are what each question would get alone, one after another: the first is told the cost of
the look, the others find it in memory, and of a batch each has its share of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from vidqa.chat import Chat
from vidqa.errors import QueryError
from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.ledger import Timer, speak_until
from vidqa.pipeline.look import Look
from vidqa.provenance import EndedEarly
from vidqa.reply import UNSAID, OnText, Reply, unheard
from vidqa.results import AskResult, GroundResult

BATCH = 32
"""Most replies at once: their tokens are attended to together, each masked from the others."""
LEAST_ROOM = 4096
"""Tokens of replies that a batch may always hold; more where the video itself has more."""
Speak = Callable[[Chat, OnText], Reply]
"""One reply, its words told as they come."""
_Result = TypeVar("_Result", GroundResult, AskResult)


class Said(NamedTuple):
    """A reply, or the words that came before it was ended."""

    reply: Reply
    ended: EndedEarly | None


def prompts_of(texts: Sequence[str], prompt_of: Callable[[str], Chat]) -> list[Chat]:
    """What is sent out for each text; raises :class:`QueryError` where one, or all, are missing."""
    if not texts:
        raise QueryError(
            "nothing was asked",
            code="query_empty",
            next_step="Give one question at least.",
        )
    return [prompt_of(text) for text in texts]


def together(
    prompts: Sequence[Chat], look: Look, ctx: Context, clock: StageClock, timer: Timer, most: int
) -> list[Said]:
    """Replies in batches, each as large as its room allows; ``timer`` ends them between tokens."""
    room = max(LEAST_ROOM, look.watched.token_count)
    size = min(BATCH, max(1, room // most))
    said: list[Said] = []
    timer.effort.halt.heeded = True
    with clock.stage("text", len(prompts)) as step:
        for at in range(0, len(prompts), size):
            said += _batch(prompts[at : at + size], look, ctx, timer, most)
            for _ in prompts[at : at + size]:
                step()
    return said


def one_by_one(
    prompts: Sequence[Chat],
    clock: StageClock,
    timer: Timer,
    most: int,
    speak: Speak,
    hear: OnText = unheard,
) -> list[Said]:
    """Replies after one another; a single one is told to ``hear``, and steps at every token."""
    if len(prompts) == 1:
        with clock.stage("text", most) as step:

            def listen(piece: str) -> None:
                step()
                hear(piece)

            return [Said(*speak_until(timer, listen, partial(speak, prompts[0])))]
    said = []
    timer.effort.halt.heeded = True
    with clock.stage("text", len(prompts)) as step:
        for prompt in prompts:
            said.append(Said(*speak_until(timer, unheard, partial(speak, prompt))))
            step()
    return said


def told(
    texts: Sequence[str],
    said: Sequence[Said],
    look: Look,
    clock: StageClock,
    result_of: Callable[[str, Said, Look, StageClock], _Result],
) -> list[_Result]:
    """Results in order, each with its own cost and with what it found in memory."""
    share = {"text_s": clock.seconds["text_s"] / len(said)}
    first = StageClock(clock.progress, {**clock.seconds, **share})
    further = (look.again, StageClock(clock.progress, share))
    seen = [(look, first)] + [further] * (len(said) - 1)
    return [
        result_of(text, each, *where) for text, each, where in zip(texts, said, seen, strict=True)
    ]


def _batch(
    prompts: Sequence[Chat], look: Look, ctx: Context, timer: Timer, most: int
) -> list[Said]:
    if why := timer.ended:
        return [Said(UNSAID, why)] * len(prompts)
    replies = ctx.engine.replies(
        prompts, look.watched, max_new_tokens=most, until=lambda: timer.ended is not None
    )
    why = timer.ended
    return [Said(reply, why if _is_broken(reply, most) else None) for reply in replies]


def _is_broken(reply: Reply, most: int) -> bool:
    """Whether something else than the model or its limit ended a reply."""
    return reply.cut_short and len(reply.pieces) < most
