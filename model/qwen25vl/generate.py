"""Greedy replies with the probability of every token, and forced choices between given answers.

Scores are formed for the positions that are read and no others: a whole video's scores would not
fit in memory. There is no repetition penalty: it would disturb the digits of times.
Axes: S prompt tokens not yet cached, C tokens of all choices, K tokens attended to, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen25vl.cache import KVCache
from qwen25vl.constraint import Constraint
from qwen25vl.errors import PromptError
from qwen25vl.model import Qwen25VL
from qwen25vl.positions import next_position


@dataclass(frozen=True, slots=True)
class Generation:
    """A reply, token by token."""

    ids: list[int]
    """Without the token that ended it."""
    logprobs: list[float]
    """Natural log of each token's probability over the whole vocabulary, one per id."""
    stopped: bool
    """Ended by a stop token; False when it was cut off by the limit."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How probable each given answer is after a prompt."""

    logprobs: list[float]
    """Sum over each answer's tokens."""
    probabilities: list[float]
    """Of each answer among the given ones; they sum to 1."""


@torch.no_grad()
def generate(
    model: Qwen25VL,
    embeds_1SD: Tensor,
    positions_31S: Tensor,
    *,
    max_new_tokens: int,
    stop_ids: Sequence[int],
    cache: KVCache | None = None,
    constraint: Constraint | None = None,
) -> Generation:
    """The most probable token, again and again, until a stop id or the limit.

    With ``constraint``, the most probable of those it allows; log-probabilities stay the model's.

    With ``cache``, embeddings and positions are those of the prompt's tokens that are not in it yet
    (at least one); it is left with the prompt and the reply: ``truncate`` it to ask again. Raises
    PromptError for an empty or batched prompt, no room in the cache, or a limit below one.
    """
    if max_new_tokens < 1:
        raise PromptError(f"max_new_tokens is {max_new_tokens}", next_step="ask for at least one")
    cache = _cache_for(model, embeds_1SD, max_new_tokens, cache)
    scores_V = _next_scores(model, embeds_1SD, positions_31S, cache)
    place = next_position(positions_31S)
    ids: list[int] = []
    logprobs: list[float] = []
    while True:
        token = int(_held(scores_V, constraint).argmax())  # one device sync per token
        if token in stop_ids:
            return Generation(ids, logprobs, stopped=True)
        if constraint is not None:
            constraint.accept(token)
        ids.append(token)
        logprobs.append(float(scores_V[token]))
        if len(ids) == max_new_tokens:
            return Generation(ids, logprobs, stopped=False)
        embeds_11D = model.embed(torch.tensor([[token]], device=model.device))
        positions_311 = torch.full((3, 1, 1), place + len(ids) - 1, device=model.device)
        scores_V = _next_scores(model, embeds_11D, positions_311, cache)


@torch.no_grad()
def choose(
    model: Qwen25VL,
    embeds_1SD: Tensor,
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


def _cache_for(model: Qwen25VL, embeds_1SD: Tensor, room: int, cache: KVCache | None) -> KVCache:
    if embeds_1SD.shape[0] != 1 or embeds_1SD.shape[1] < 1:
        message = f"prompt embeddings are {tuple(embeds_1SD.shape)}, not (1, S, D) with S >= 1"
        raise PromptError(message, next_step="pass one prompt at a time, at least its last token")
    tokens = embeds_1SD.shape[1] + room
    if cache is None:
        return KVCache(model.config.text, tokens, dtype=embeds_1SD.dtype, device=embeds_1SD.device)
    cache.require(tokens)
    return cache


def _held(scores_V: Tensor, constraint: Constraint | None) -> Tensor:
    """Scores of what is not allowed become minus infinity."""
    if constraint is None:
        return scores_V
    return scores_V.masked_fill(~constraint.allowed().to(scores_V.device), -torch.inf)


def _next_scores(
    model: Qwen25VL, embeds_1SD: Tensor, positions_31S: Tensor, cache: KVCache
) -> Tensor:
    """Log-probabilities (V,) of the token after the last one, in float32."""
    hidden_1SD = model.text(embeds_1SD, positions_31S, cache=cache)
    return model.logits(hidden_1SD[0, -1]).float().log_softmax(-1)
