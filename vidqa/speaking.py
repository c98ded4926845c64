"""Prompts in, replies out: one as its words come, or many behind what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from qwen25vl import (
    Constraint,
    Generation,
    Sampling,
    TextStream,
    Token,
    generate_behind,
    prefill,
    stream,
)
from vidqa.inputs import Rendered
from vidqa.prompting import Prompting
from vidqa.reply import CacheState, OnText, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """How replies are spoken and ended."""

    limit: int
    """Most new tokens of a reply."""
    stop_ids: tuple[int, ...]
    sampling: Sampling
    until: Callable[[], bool]
    """Asked after every token: whether to leave it at that."""


def speak(
    prompting: Prompting,
    prompt: Rendered,
    speech: Speech,
    *,
    stop: Sequence[str],
    constraint: Constraint | None,
    on_text: OnText,
) -> Reply:
    """One reply, told to ``on_text`` as it comes; a ``stop`` string ends it and is not in it."""
    words = TextStream(prompting.tokenizer, stop)
    with prompting.prefix(prompt, speech.limit) as (cache, prefix):
        tokens = stream(
            prompting.model,
            *prompting.embedded(prompt, start=prompt.shared),
            max_new_tokens=speech.limit,
            stop_ids=speech.stop_ids,
            cache=cache,
            sampling=speech.sampling,
            constraint=constraint,
            vocab=prompting.tokenizer.size,
        )
        said, text, broken = _hear(tokens, words, on_text, speech.until)
    stopped = words.stopped or (len(said) < speech.limit and not broken)
    return _reply_of(prompting, said, text, stopped=stopped, prefix=prefix)


def speak_behind(
    prompting: Prompting, prompts: Sequence[Rendered], shared: int, speech: Speech
) -> list[Reply]:
    """Replies, in one batch, behind the first ``shared`` tokens, which are all prompts' own."""
    first, tails = prompts[0], [prompting.embedded(each, start=shared) for each in prompts]
    room = sum(tail.embeds_1SD.shape[1] for tail in tails) + len(tails) * (speech.limit - 1)
    with prompting.prefix(first, shared - len(first.ids) + room) as (cache, prefix):
        if shared > first.shared:
            prefill(prompting.model, *prompting.embedded(first, first.shared, shared), cache)
        said = generate_behind(
            prompting.model,
            cache,
            tails,
            max_new_tokens=speech.limit,
            stop_ids=speech.stop_ids,
            sampling=speech.sampling,
            vocab=prompting.tokenizer.size,
            until=speech.until,
        )
    # The first pays for what all share.
    others: CacheState = "off" if prefix == "off" else "hit"
    return [_generated(prompting, each, others if k else prefix) for k, each in enumerate(said)]


def _hear(
    tokens: Generator[Token, None, None],
    words: TextStream,
    on_text: OnText,
    until: Callable[[], bool],
) -> tuple[list[Token], str, bool]:
    """The tokens up to a stop string, ``until`` or the end; their text, told to ``on_text`` on the
    way; and whether ``until`` ended it."""
    said, pieces, broken = [], [], False
    with closing(tokens):
        for token in tokens:
            said.append(token)
            pieces.append(words.feed(token.id))
            on_text(pieces[-1])
            if words.stopped or (broken := until()):
                break
    if rest := words.finish():
        pieces.append(rest)
        on_text(rest)
    return said, "".join(pieces), broken


def _generated(prompting: Prompting, said: Generation, prefix: CacheState) -> Reply:
    tokens = [Token(*pair) for pair in zip(said.ids, said.logprobs, strict=True)]
    text = prompting.tokenizer.decode(said.ids)
    return _reply_of(prompting, tokens, text, stopped=said.stopped, prefix=prefix)


def _reply_of(
    prompting: Prompting, said: Sequence[Token], text: str, *, stopped: bool, prefix: CacheState
) -> Reply:
    return Reply(
        text=text,
        pieces=tuple(prompting.tokenizer.decode([token.id]) for token in said),
        logprobs=tuple(token.logprob for token in said),
        cut_short=not stopped,
        prefix=prefix,
    )
