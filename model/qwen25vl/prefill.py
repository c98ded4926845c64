"""Prompts into the cache, a chunk at a time: activations are bounded by the chunk.

Axes: B batch, S prompt tokens, K tokens attended to, L tokens kept, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from qwen25vl.cache import KVCache
from qwen25vl.embedding import Embeds, part_of
from qwen25vl.errors import PromptError
from qwen25vl.model import Qwen25VL

CHUNK = {"cpu": 512, "cuda": 32_768}
"""Tokens at once, by device.

On a card a whole prompt goes at once: the kernel that never holds all scores of grouped heads takes
a causal flag but no mask, and a chunk behind another needs one.
"""

MaskOf = Callable[[int, int], Tensor]
"""Mask of the prompt's tokens [start, end) against all that is cached before end."""


@torch.no_grad()
def prefill(
    model: Qwen25VL,
    embeds: Embeds,
    positions_3BS: Tensor,
    cache: KVCache,
    *,
    chunk: int | None = None,
    mask_of: MaskOf | None = None,
    keep: Sequence[int] | None = None,
) -> Tensor:
    """Hidden states (B, L, D) of the tokens ``keep``, ascending, or of the last one (B, 1, D).

    ``embeds`` are (B, S, D). The prompt follows what the cache holds; attention is causal unless
    ``mask_of`` gives masks. Raises PromptError, before any work, for an empty prompt, a chunk below
    one or a full cache.
    """
    tokens = embeds.shape[1]
    chunk = CHUNK.get(embeds.device.type, CHUNK["cuda"]) if chunk is None else chunk
    if chunk < 1 or tokens < 1:
        message = f"{tokens} tokens in chunks of {chunk}"
        raise PromptError(message, next_step="pass at least one token and a chunk of at least one")
    cache.require(tokens)
    keep = [tokens - 1] if keep is None else keep
    kept = []
    for start in range(0, tokens, chunk):
        end = min(start + chunk, tokens)
        hidden_BSD = model.text(
            part_of(embeds, start, end),
            positions_3BS[:, :, start:end],
            cache=cache,
            mask=None if mask_of is None else mask_of(start, end),
        )
        kept += [hidden_BSD[:, at - start] for at in keep if start <= at < end]
    return torch.stack(kept, dim=1)
