"""Many replies at once: a left-padded batch, or questions packed behind one cached prefix.

Axes: R rows or questions, S prompt tokens, P packed tokens, K tokens attended to, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from qwen25vl.cache import KVCache
from qwen25vl.decode import (
    Generation,
    Prompt,
    after_last,
    collect,
    decode,
    log_scores,
    never,
    require_prompts,
    runs_ahead,
)
from qwen25vl.embedding import whole_of
from qwen25vl.model import Qwen25VL
from qwen25vl.prefill import prefill
from qwen25vl.sampling import GREEDY, Picker, Sampling


@torch.no_grad()
def generate_batch(
    model: Qwen25VL,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int,
    stop_ids: Sequence[int],
    sampling: Sampling = GREEDY,
    vocab: int | None = None,
) -> list[Generation]:
    """Replies to prompts of any lengths, padded on the left; each is what it would be alone."""
    require_prompts(prompts, max_new_tokens)
    rows, tokens = len(prompts), max(prompt.embeds_1SD.shape[1] for prompt in prompts)
    pads = [tokens - prompt.embeds_1SD.shape[1] for prompt in prompts]
    rows_1SD = [whole_of(prompt.embeds_1SD) for prompt in prompts]
    embeds_RSD = torch.cat(
        [F.pad(row_1SD, (0, 0, pad, 0)) for row_1SD, pad in zip(rows_1SD, pads, strict=True)]
    )
    positions_3RS = torch.cat(
        [F.pad(p.positions_31S, (pad, 0)) for p, pad in zip(prompts, pads, strict=True)], dim=1
    )
    device = embeds_RSD.device
    capacity = tokens + max_new_tokens - 1
    cache = KVCache(model.config.text, capacity, batch=rows, dtype=model.dtype, device=device)
    places_K = torch.arange(capacity, device=device)
    real_RK = places_K >= torch.tensor(pads, device=device)[:, None]

    def mask_of(start: int, end: int) -> Tensor:
        query_S1 = places_K[start:end, None]
        seen_RSK = real_RK[:, None, :end] & (places_K[:end] <= query_S1)
        # A pad sees itself: attention to nothing at all is not a number.
        return (seen_RSK | (places_K[:end] == query_S1))[:, None]

    ragged = any(pads)
    hidden_R1D = prefill(
        model, embeds_RSD, positions_3RS, cache, mask_of=mask_of if ragged else None
    )
    place_3R1 = after_last(positions_3RS)

    def step(ids_R: Tensor) -> Tensor:
        nonlocal place_3R1
        mask = mask_of(cache.length, cache.length + 1) if ragged else None
        hidden_R1D = model.text(model.embed(ids_R[:, None]), place_3R1, cache=cache, mask=mask)
        place_3R1 = place_3R1 + 1
        return log_scores(model.logits(hidden_R1D[:, 0]))

    first_RV = log_scores(model.logits(hidden_R1D[:, 0]))
    pick = Picker(sampling, rows, device, vocab)
    ahead = runs_ahead(device.type, constrained=False)
    steps = decode(first_RV, step, pick, limit=max_new_tokens, ahead=ahead)
    return collect(steps, rows, stop_ids)


@torch.no_grad()
def generate_behind(
    model: Qwen25VL,
    cache: KVCache,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int,
    stop_ids: Sequence[int],
    sampling: Sampling = GREEDY,
    vocab: int | None = None,
    until: Callable[[], bool] = never,
) -> list[Generation]:
    """Replies to questions about one cached prefix, all in one row; each is what it is alone.

    Questions and replies use the cache's free room behind the prefix: as many tokens as the
    questions have, and ``max_new_tokens - 1`` for each. The prefix is neither copied nor changed,
    and alone in the cache afterwards. ``until`` ends all replies after a step. Raises PromptError,
    before any work, without that room.
    """
    require_prompts(prompts, max_new_tokens)
    rows, prefix = len(prompts), cache.length
    lengths = [prompt.embeds_1SD.shape[1] for prompt in prompts]
    cache.require(sum(lengths) + rows * (max_new_tokens - 1))
    device = model.device
    row_R = torch.arange(rows, device=device)
    owner_P = torch.cat(
        [torch.repeat_interleave(row_R, torch.tensor(lengths, device=device)),
         row_R.repeat(max_new_tokens - 1)]
    )  # fmt: skip

    place_31R = torch.cat([after_last(prompt.positions_31S) for prompt in prompts], dim=2)

    def mask_of(start: int, end: int) -> Tensor:
        """Each packed token sees the prefix and its own question's tokens up to itself."""
        own = owner_P[start:end, None] == owner_P[:end]
        return F.pad(own.tril(diagonal=start), (prefix, 0), value=True)

    def step(ids_R: Tensor) -> Tensor:
        nonlocal place_31R
        start = cache.length - prefix
        mask = mask_of(start, start + rows)
        hidden_1RD = model.text(model.embed(ids_R[None]), place_31R, cache=cache, mask=mask)
        place_31R = place_31R + 1
        return log_scores(model.logits(hidden_1RD[0]))

    embeds_1PD = torch.cat([whole_of(prompt.embeds_1SD) for prompt in prompts], dim=1)
    positions_31P = torch.cat([prompt.positions_31S for prompt in prompts], dim=2)
    last = [sum(lengths[: row + 1]) - 1 for row in range(rows)]
    try:
        hidden_1RD = prefill(model, embeds_1PD, positions_31P, cache, mask_of=mask_of, keep=last)
        first_RV = log_scores(model.logits(hidden_1RD[0]))
        pick = Picker(sampling, rows, device, vocab)
        ahead = runs_ahead(device.type, constrained=False)
        steps = decode(first_RV, step, pick, limit=max_new_tokens, ahead=ahead)
        return collect(steps, rows, stop_ids, until)
    finally:
        cache.truncate(prefix)
