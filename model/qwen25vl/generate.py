"""Replies with the probability of every token, and forced choices between given answers.

Scores are formed for the positions that are read and no others: a whole video's scores would not
fit in memory. There is no repetition penalty: it would disturb the digits of times.
Axes: S prompt tokens not yet cached, C tokens of all choices, K tokens attended to, D width.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen25vl.cache import KVCache
from qwen25vl.constraint import Constraint
from qwen25vl.decode import (
    Generation,
    Prompt,
    Token,
    after_last,
    decode,
    log_scores,
    require_prompts,
    runs_ahead,
)
from qwen25vl.embedding import Embeds
from qwen25vl.errors import PromptError
from qwen25vl.model import Qwen25VL
from qwen25vl.positions import next_position
from qwen25vl.prefill import prefill
from qwen25vl.sampling import GREEDY, Picker, Sampling
from qwen25vl.steady import SteadyDecoding


@dataclass(frozen=True, slots=True)
class Choices:
    """How probable each given answer is after a prompt."""

    logprobs: list[float]
    """Sum over each answer's tokens."""
    probabilities: list[float]
    """Of each answer among the given ones; they sum to 1."""


def stream(
    model: Qwen25VL,
    embeds_1SD: Embeds,
    positions_31S: Tensor,
    *,
    max_new_tokens: int,
    stop_ids: Sequence[int],
    cache: KVCache | None = None,
    sampling: Sampling = GREEDY,
    constraint: Constraint | None = None,
    vocab: int | None = None,
) -> Generator[Token, None, None]:
    """The tokens of ``generate``, each as soon as it is read; errors come at the call.

    A stop token ends the stream and is not in it. ``cache`` holds the prompt and the reply when the
    stream is used up or closed, perhaps without its last token.
    """
    require_prompts([Prompt(embeds_1SD, positions_31S)], max_new_tokens)
    cache = _cache_for(model, embeds_1SD, max_new_tokens, cache)
    pick = Picker(sampling, 1, embeds_1SD.device, vocab)
    steps = _steps(model, embeds_1SD, positions_31S, cache, pick, max_new_tokens, constraint)
    return _until(steps, stop_ids, cache, cache.length + embeds_1SD.shape[1], constraint)


def generate(
    model: Qwen25VL,
    embeds_1SD: Embeds,
    positions_31S: Tensor,
    *,
    max_new_tokens: int,
    stop_ids: Sequence[int],
    cache: KVCache | None = None,
    sampling: Sampling = GREEDY,
    constraint: Constraint | None = None,
    vocab: int | None = None,
) -> Generation:
    """The most probable token, or one drawn by ``sampling``, until a stop id or the limit.

    With ``constraint``, of those it allows; log-probabilities stay the model's. ``vocab`` is the
    number of the tokenizer's tokens, where the embedding table has more rows.

    With ``cache``, embeddings and positions are those of the prompt's tokens that are not in it yet
    (at least one); it is left with the prompt and the reply: ``truncate`` it to ask again. Raises
    PromptError for an empty or batched prompt, no room in the cache, or a limit below one.
    """
    tokens = list(
        stream(
            model,
            embeds_1SD,
            positions_31S,
            max_new_tokens=max_new_tokens,
            stop_ids=stop_ids,
            cache=cache,
            sampling=sampling,
            constraint=constraint,
            vocab=vocab,
        )
    )
    stopped = len(tokens) < max_new_tokens
    return Generation([t.id for t in tokens], [t.logprob for t in tokens], stopped=stopped)


@torch.no_grad()
def _steps(
    model: Qwen25VL,
    embeds_1SD: Embeds,
    positions_31S: Tensor,
    cache: KVCache,
    pick: Picker,
    limit: int,
    constraint: Constraint | None,
) -> Iterator[Token]:
    """Tokens of one reply, whatever they are."""
    first_1V = log_scores(model.logits(prefill(model, embeds_1SD, positions_31S, cache)[:, 0]))
    place_311 = after_last(positions_31S)

    def grown(ids_1: Tensor) -> Tensor:
        nonlocal place_311
        hidden_11D = model.text(model.embed(ids_1[None]), place_311, cache=cache)
        place_311 = place_311 + 1
        return log_scores(model.logits(hidden_11D[0]))

    steady = model.compiled_step is not None
    step = SteadyDecoding(model, cache, place_311) if steady else grown

    def take(scores_1V: Tensor) -> Tensor:
        return pick(_held(scores_1V, constraint))

    ahead = runs_ahead(embeds_1SD.device.type, constrained=constraint is not None)
    for tokens in decode(first_1V, step, take, limit=limit, ahead=ahead):
        yield tokens[0]


def _until(
    steps: Iterator[Token],
    stop_ids: Sequence[int],
    cache: KVCache,
    prompt: int,
    constraint: Constraint | None,
) -> Generator[Token, None, None]:
    """The tokens before the first stop id; then the cache forgets a step begun too many."""
    given = 0
    try:
        for token in steps:
            if token.id in stop_ids:
                return
            if constraint is not None:
                constraint.accept(token.id)
            given += 1
            yield token
    finally:
        cache.truncate(min(cache.length, prompt + given))


@torch.no_grad()
def choose(
    model: Qwen25VL,
    embeds_1SD: Embeds,
    positions_31S: Tensor,
    choices: Sequence[Sequence[int]],
    *,
    cache: KVCache | None = None,
) -> Choices:
    """Log-probability of every choice after the prompt, all in one pass behind it.

    Where one answer is the beginning of another, end both with a stop id. With ``cache`` as in
    ``generate``; it is left with the prompt only. Raises PromptError for an empty choice.
    """
    if not choices or not all(choices):
        raise PromptError(f"choices are {list(choices)}", next_step="give tokens for every choice")
    extra = sum(len(choice) - 1 for choice in choices)
    cache = _cache_for(model, embeds_1SD, extra, cache)
    first_V = _next_scores(model, embeds_1SD, positions_31S, cache)
    sums = first_V[[choice[0] for choice in choices]]
    if extra:
        sums = sums + _rest(model, choices, next_position(positions_31S), cache)
    return Choices(sums.tolist(), sums.softmax(0).tolist())


def _rest(model: Qwen25VL, choices: Sequence[Sequence[int]], place: int, cache: KVCache) -> Tensor:
    """Summed log-probabilities (one per choice) of all tokens but the first; cache as it was."""
    given = [token for choice in choices for token in choice[:-1]]
    wanted = torch.tensor([token for choice in choices for token in choice[1:]])
    owner_C = torch.tensor([i for i, choice in enumerate(choices) for _ in choice[1:]])
    offset_C = torch.tensor([i for choice in choices for i in range(len(choice) - 1)])
    prompt = cache.length
    mask_CK = torch.cat((torch.ones(len(given), prompt, dtype=torch.bool), _own(owner_C)), dim=1)
    positions_31C = (place + offset_C).expand(3, 1, -1).to(model.device)
    embeds_1CD = model.embed(torch.tensor([given], device=model.device))
    hidden_1CD = model.text(embeds_1CD, positions_31C, cache=cache, mask=mask_CK.to(model.device))
    cache.truncate(prompt)
    scores_CV = model.logits(hidden_1CD[0]).float().log_softmax(-1)
    found_C = scores_CV.gather(1, wanted.to(model.device)[:, None])[:, 0]
    sums = torch.zeros(len(choices), device=model.device)
    return sums.index_add(0, owner_C.to(model.device), found_C)


def _own(owner_C: Tensor) -> Tensor:
    """Each packed token sees itself and its own choice's earlier tokens, (C, C)."""
    return (owner_C[:, None] == owner_C).tril()


def _cache_for(model: Qwen25VL, embeds_1SD: Embeds, room: int, cache: KVCache | None) -> KVCache:
    if embeds_1SD.shape[0] != 1 or embeds_1SD.shape[1] < 1:
        message = f"prompt embeddings are {tuple(embeds_1SD.shape)}, not (1, S, D) with S >= 1"
        raise PromptError(message, next_step="pass one prompt at a time, at least its last token")
    tokens = embeds_1SD.shape[1] + room
    if cache is None:
        return KVCache(model.config.text, tokens, dtype=embeds_1SD.dtype, device=embeds_1SD.device)
    cache.require(tokens)
    return cache


def _held(scores_1V: Tensor, constraint: Constraint | None) -> Tensor:
    """Scores of what is not allowed become minus infinity."""
    if constraint is None:
        return scores_1V
    return scores_1V.masked_fill(~constraint.allowed().to(scores_1V.device), -torch.inf)


def _next_scores(
    model: Qwen25VL, embeds_1SD: Embeds, positions_31S: Tensor, cache: KVCache
) -> Tensor:
    """Log-probabilities (V,) of the token after the last one, in float32."""
    hidden_11D = prefill(model, embeds_1SD, positions_31S, cache)
    return log_scores(model.logits(hidden_11D[0, 0]))
