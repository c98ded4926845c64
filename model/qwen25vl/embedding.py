"""A prompt's embeddings, formed where they are read: a long video's are never all there.

Axes: S prompt tokens, D width, M vision tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from qwen25vl.model import Qwen25VL


class PromptEmbeds:
    """Embeddings (1, S, D) of a prompt, of which only a part at a time is formed.

    Its vision pads are replaced in order by ``tokens_MD``, which stay the caller's. Raises
    PromptError when there are not as many pads as tokens.
    """

    def __init__(
        self, model: Qwen25VL, ids: Sequence[int], tokens_MD: Tensor | None = None
    ) -> None:
        pads = {model.config.image_token_id, model.config.video_token_id}
        self._model, self._tokens_MD = model, tokens_MD
        self._ids_1S = torch.tensor([ids], device=model.device)
        self._seen = list(accumulate((token in pads for token in ids), initial=0))
        """Pads before each token, and all of them."""
        model.require_pads(self._seen[-1], tokens_MD)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(1, S, D)."""
        return (1, self._ids_1S.shape[1], self._model.config.text.hidden_size)

    @property
    def dtype(self) -> torch.dtype:
        return self._model.dtype

    @property
    def device(self) -> torch.device:
        return self._model.device

    def part(self, start: int, end: int) -> Tensor:
        """Embeddings (1, end - start, D) of the tokens [start, end)."""
        ids_1S, first, last = self._ids_1S[:, start:end], self._seen[start], self._seen[end]
        if self._tokens_MD is None or first == last:
            return self._model.embed(ids_1S)
        return self._model.embed_prompt(ids_1S, self._tokens_MD[first:last])


Embeds = Tensor | PromptEmbeds
"""Embeddings of a prompt, all there or formed as they are read."""


def part_of(embeds: Embeds, start: int, end: int) -> Tensor:
    """Embeddings (B, end - start, D) of the tokens [start, end)."""
    if isinstance(embeds, PromptEmbeds):
        return embeds.part(start, end)
    return embeds[:, start:end]


def whole_of(embeds: Embeds) -> Tensor:
    """Embeddings (B, S, D) of all tokens at once."""
    return part_of(embeds, 0, embeds.shape[1])
