"""Keys and values of the tokens already seen, in memory set aside once.

Axes: B batch, K key-value heads, S sequence, D head dim.
"""

from __future__ import annotations

from copy import copy
from typing import Protocol

import torch
from torch import Tensor

from qwen25vl.config import TextConfig
from qwen25vl.errors import PromptError


class Memory(Protocol):
    """Where the layers of a decoder write keys and values, and read those of earlier tokens."""

    def extend(self, layer: int, k_BKSD: Tensor, v_BKSD: Tensor) -> tuple[Tensor, Tensor]:
        """Write one layer's new keys and values; returns all that its queries may attend to."""
        ...


class KVCache:
    """Room for ``capacity`` tokens in every layer; ``length`` of them are filled."""

    def __init__(
        self,
        config: TextConfig,
        capacity: int,
        *,
        batch: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        shape = (
            config.num_hidden_layers,
            batch,
            config.num_key_value_heads,
            capacity,
            config.head_dim,
        )
        self.keys = torch.empty(shape, dtype=dtype, device=device)
        self.values = torch.empty(shape, dtype=dtype, device=device)
        self.capacity, self.length = capacity, 0

    def extend(self, layer: int, k_BKSD: Tensor, v_BKSD: Tensor) -> tuple[Tensor, Tensor]:
        """Write one layer's new keys and values; returns all of that layer's, old and new.

        ``length`` moves only in ``advance``, once all layers have written.
        """
        end = self.length + k_BKSD.shape[2]
        self.keys[layer, :, :, self.length : end] = k_BKSD
        self.values[layer, :, :, self.length : end] = v_BKSD
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def require_like(self, embeds_BSD: Tensor) -> None:
        """Raises PromptError unless the cache has the type, device and batch of the embeddings."""
        given = (embeds_BSD.dtype, embeds_BSD.device, embeds_BSD.shape[0])
        own = (self.keys.dtype, self.keys.device, self.keys.shape[1])
        if given != own:
            message = f"embeddings of (type, device, batch) {given} for a cache of {own}"
            raise PromptError(message, next_step="make the cache with dtype=, device= and batch=")

    def require(self, tokens: int) -> None:
        """Raises PromptError when ``tokens`` more do not fit."""
        if self.length + tokens > self.capacity:
            message = f"{self.length} + {tokens} tokens exceed the cache's {self.capacity}"
            raise PromptError(message, next_step="make the cache larger or the prompt shorter")

    def blank(self) -> None:
        """Zero what is not filled: under a mask it weighs nothing, unless it is not a number."""
        self.keys[:, :, :, self.length :] = 0
        self.values[:, :, :, self.length :] = 0

    def advance(self, tokens: int) -> None:
        self.length += tokens

    @property
    def bytes_held(self) -> int:
        """Memory of keys and values, filled or not."""
        return 2 * self.keys.numel() * self.keys.element_size()

    def moved(self, *, capacity: int, device: torch.device | str) -> KVCache:
        """The same tokens in other memory, with room for ``capacity`` in all.

        Raises PromptError when that is less than it holds.
        """
        if capacity < self.length:
            message = f"{self.length} cached tokens do not fit a capacity of {capacity}"
            raise PromptError(message, next_step="ask for room for all of them")
        other = copy(self)
        other.capacity = capacity
        shape = (*self.keys.shape[:3], capacity, self.keys.shape[4])
        other.keys, other.values = (self.keys.new_empty(shape, device=device) for _ in range(2))
        other.keys[:, :, :, : self.length] = self.keys[:, :, :, : self.length]
        other.values[:, :, :, : self.length] = self.values[:, :, :, : self.length]
        return other

    def truncate(self, length: int) -> None:
        """Forget everything after the first ``length`` tokens (to reuse a common prefix)."""
        if not 0 <= length <= self.length:
            message = f"cannot keep {length} of {self.length} cached tokens"
            raise PromptError(message, next_step="truncate to a prefix that is in the cache")
        self.length = length
