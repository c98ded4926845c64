"""A prompt's embeddings, formed where they are read: a long video's are never all there.

Axes: S prompt tokens, D width, M vision tokens, m of a part of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from qwen25vl.errors import PromptError
from qwen25vl.model import Qwen25VL


class PromptEmbeds:
    """Embeddings (1, S, D) of a prompt, read once from its first token to its last.

    Its vision pads are replaced in order by the ``tokens``, parts (m, D) one after the other. A
    part is let go of once it is read: what nobody else holds, the prompt no longer costs. Raises
    PromptError when there are not as many pads as tokens.
    """

    def __init__(self, model: Qwen25VL, ids: Sequence[int], tokens: Sequence[Tensor] = ()) -> None:
        pads = {model.config.image_token_id, model.config.video_token_id}
        self._model, self._parts = model, deque(tokens)
        self._first = 0
        """Vision tokens before those of the parts that are left."""
        self._ids_1S = torch.tensor([ids], device=model.device)
        seen = accumulate((token in pads for token in ids), initial=0)
        self._seen_S = torch.tensor(list(seen), dtype=torch.int32)
        """Pads before each token, and in the end all of them; on the host."""
        model.require_pads(int(self._seen_S[-1]), sum(map(len, self._parts)))

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
        """Embeddings (1, end - start, D) of the tokens [start, end).

        Raises PromptError for tokens before those that were read already.
        """
        first, last = (int(self._seen_S[at]) for at in (start, end))
        ids_1S = self._ids_1S[:, start:end]
        return self._model.embed_prompt(ids_1S, self._read(first, last) if first < last else None)

    def _read(self, first: int, last: int) -> Tensor:
        """Vision tokens [first, last); parts that end there are let go of."""
        if first < self._first:
            message = (
                f"vision tokens from {first} are asked for, those before {self._first} are gone"
            )
            raise PromptError(message, next_step="make PromptEmbeds anew for every reading")
        found: list[Tensor] = []
        while first < last:
            here = self._parts[0][first - self._first : last - self._first]
            found.append(here)
            first += len(here)
            if first >= self._first + len(self._parts[0]):
                self._first += len(self._parts.popleft())
        return found[0] if len(found) == 1 else torch.cat(found)


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
