"""The decoder: embeddings and position ids in, hidden states out.

Axes: B batch, S new tokens, T tokens attended to (cached and new), H heads, D width or head dim.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from qwen25vl.attention import attend
from qwen25vl.cache import KVCache, Memory
from qwen25vl.config import TextConfig
from qwen25vl.errors import PromptError
from qwen25vl.layers import GatedMLP, RMSNorm, rotate
from qwen25vl.linear import Linear, plus
from qwen25vl.rope import Rope, text_rope


class TextAttention(nn.Module):
    """Grouped-query attention; causal unless a mask says otherwise."""

    def __init__(self, config: TextConfig, layer: int) -> None:
        super().__init__()
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.layer, self.head_dim = layer, config.head_dim
        self.q_proj = Linear(config.hidden_size, heads * config.head_dim)
        self.k_proj = Linear(config.hidden_size, kv_heads * config.head_dim)
        self.v_proj = Linear(config.hidden_size, kv_heads * config.head_dim)
        self.o_proj = Linear(heads * config.head_dim, config.hidden_size, bias=False)

    def forward(
        self,
        x_BSD: Tensor,
        term_BSD: Tensor,
        rope: Rope,
        cache: Memory | None,
        mask: Tensor | None,
        causal: bool,
    ) -> Tensor:
        """What the tokens gather, plus ``term_BSD``."""
        q_BHSD = rotate(self._heads(self.q_proj(x_BSD)), *rope)
        k_BHSD = rotate(self._heads(self.k_proj(x_BSD)), *rope)
        v_BHSD = self._heads(self.v_proj(x_BSD))
        if cache is not None:
            k_BHSD, v_BHSD = cache.extend(self.layer, k_BHSD, v_BHSD)
        attended_BHSD = attend(q_BHSD, k_BHSD, v_BHSD, mask, causal=causal)
        return plus(self.o_proj, attended_BHSD.transpose(1, 2).flatten(2), term_BSD)

    def _heads(self, x_BSD: Tensor) -> Tensor:
        x_BSHD: Tensor = x_BSD.unflatten(2, (-1, self.head_dim))
        return x_BSHD.transpose(1, 2)


class DecoderLayer(nn.Module):
    def __init__(self, config: TextConfig, layer: int) -> None:
        super().__init__()
        self.self_attn = TextAttention(config, layer)
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size, bias=False)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self, x_BSD: Tensor, rope: Rope, cache: Memory | None, mask: Tensor | None, causal: bool
    ) -> Tensor:
        x_BSD = self.attended(x_BSD, rope, cache, mask, causal)
        out: Tensor = self.mlp(self.post_attention_layernorm(x_BSD), x_BSD)
        return out

    def attended(
        self, x_BSD: Tensor, rope: Rope, cache: Memory | None, mask: Tensor | None, causal: bool
    ) -> Tensor:
        """The first half of the layer: what its attention leaves, before its MLP."""
        out: Tensor = self.self_attn(self.input_layernorm(x_BSD), x_BSD, rope, cache, mask, causal)
        return out


class TextDecoder(nn.Module):
    """The stack of layers between the embedding table and the output layer."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = _embedding(config)
        self.layers = nn.ModuleList(
            DecoderLayer(config, i) for i in range(config.num_hidden_layers)
        )
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self,
        embeds_BSD: Tensor,
        positions_3BS: Tensor,
        *,
        cache: KVCache | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (B, S, D) after the final norm.

        ``mask`` is boolean, (S, T) or (B, 1, S, T), True where a token may attend; without it
        attention is causal. With a cache the S tokens follow the cached ones and join them.
        """
        self._check(embeds_BSD, positions_3BS, cache)
        x_BSD = self._run(len(self.layers), embeds_BSD, positions_3BS, cache, mask)
        if cache is not None:
            cache.advance(embeds_BSD.shape[1])
        hidden_BSD: Tensor = self.norm(x_BSD)
        return hidden_BSD

    def steady(
        self, embeds_BSD: Tensor, positions_3BS: Tensor, memory: Memory, mask: Tensor
    ) -> Tensor:
        """Hidden states (B, S, D) as of ``forward``, of shapes that no cached token changes.

        ``mask`` (S, T) is over all the room of the cache; nothing is checked or counted.
        """
        x_BSD = self._run(len(self.layers), embeds_BSD, positions_3BS, memory, mask)
        hidden_BSD: Tensor = self.norm(x_BSD)
        return hidden_BSD

    def hidden(self, embeds_BSD: Tensor, positions_3BS: Tensor, *, layer: int) -> Tensor:
        """Hidden states (B, S, D) after the first ``layer`` layers, before any norm.

        Layers after it do not run: an embedding from the middle costs half. Raises PromptError
        for a layer that is not there.
        """
        if not 0 <= layer <= len(self.layers):
            message = f"no layer {layer} among {len(self.layers)}"
            raise PromptError(message, next_step="layer counts layers done, from 0")
        self._check(embeds_BSD, positions_3BS, None)
        return self._run(layer, embeds_BSD, positions_3BS, None, None)

    def last_state(self, embeds_BSD: Tensor, positions_3BS: Tensor, *, before_mlp: bool) -> Tensor:
        """The state (B, D) of the last token: after the final norm, or what the last layer's
        attention leaves, before its MLP and any norm.
        """
        if not before_mlp:
            normed_BD: Tensor = self(embeds_BSD, positions_3BS)[:, -1]
            return normed_BD
        self._check(embeds_BSD, positions_3BS, None)
        x_BSD = self._run(len(self.layers) - 1, embeds_BSD, positions_3BS, None, None)
        rope = text_rope(positions_3BS, self.config, x_BSD.dtype)
        last = cast("DecoderLayer", self.layers[-1])
        state_BD: Tensor = last.attended(x_BSD, rope, None, None, x_BSD.shape[1] > 1)[:, -1]
        return state_BD

    def _run(
        self,
        layers: int,
        x_BSD: Tensor,
        positions_3BS: Tensor,
        cache: Memory | None,
        mask: Tensor | None,
    ) -> Tensor:
        rope = text_rope(positions_3BS, self.config, x_BSD.dtype)
        causal = mask is None and x_BSD.shape[1] > 1  # the last token may attend to all
        for layer in self.layers[:layers]:
            x_BSD = layer(x_BSD, rope, cache, mask, causal)
        return x_BSD

    def _check(self, embeds_BSD: Tensor, positions_3BS: Tensor, cache: KVCache | None) -> None:
        if tuple(positions_3BS.shape) != (3, *embeds_BSD.shape[:2]):
            message = f"positions {tuple(positions_3BS.shape)} for embeds {tuple(embeds_BSD.shape)}"
            raise PromptError(message, next_step="pass ids (3, B, S) for embeddings (B, S, D)")
        if cache is not None:
            cache.require_like(embeds_BSD)
            cache.require(embeds_BSD.shape[1])


def _embedding(config: TextConfig) -> nn.Embedding:
    """A table without start values: :class:`Qwen25VL` gives them, or a checkpoint does.

    torch's own would be drawn on the meta device too, which makes it import its compiler (1.5 s).
    """
    weight = torch.empty(config.vocab_size, config.hidden_size)
    table: nn.Embedding = nn.Embedding.from_pretrained(weight, freeze=False)
    return table
