"""FLOPs and bytes of a config and an input: numbers in, numbers out, nothing is run.

A multiply-add is 2 FLOPs. The decoder's attention is counted causally; the output layer for one
position a pass. Norms, rotations and activations are left out: a fused kernel does them on the way.
Bytes are the least that must move: weights, what comes in and what goes out, each once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qwen25vl.config import ModelConfig, TextConfig, VisionConfig
from qwen25vl.patches import Grid

FLOAT32 = 4
"""Bytes of one number of a patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerFlops:
    """Where the tower's work goes."""

    patch_embed: int
    linear: int
    window_attention: int
    full_attention: int
    merger: int

    @property
    def total(self) -> int:
        attention = self.window_attention + self.full_attention
        return self.patch_embed + self.linear + attention + self.merger


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFlops:
    """Where the decoder's work goes."""

    linear: int
    attention: int
    lm_head: int

    @property
    def total(self) -> int:
        return self.linear + self.attention + self.lm_head


def tower_flops(config: VisionConfig, grids: Sequence[Grid]) -> TowerFlops:
    """The whole tower over these inputs."""
    patches = sum(grid.patches for grid in grids)
    width, full = config.hidden_size, len(set(config.fullatt_block_indexes))
    windows = sum(grid.t * _window_pairs(grid, config) for grid in grids)
    frames = sum(grid.t * (grid.h * grid.w) ** 2 for grid in grids)
    return TowerFlops(
        patch_embed=2 * patches * config.patch_dim * width,
        linear=2 * patches * config.depth * _block_numbers(config),
        window_attention=4 * width * windows * (config.depth - full),
        full_attention=4 * width * frames * full,
        merger=2 * (patches // config.merge_unit) * _merger_numbers(config),
    )


def prefill_flops(config: TextConfig, tokens: int) -> TextFlops:
    """A prompt of so many tokens through an empty cache."""
    pairs = tokens * (tokens + 1) // 2
    return _text_flops(config, tokens, pairs)


def decode_flops(config: TextConfig, context: int) -> TextFlops:
    """One new token behind ``context`` cached ones."""
    return _text_flops(config, 1, context + 1)


def kv_bytes_per_token(config: TextConfig, itemsize: int) -> int:
    """Keys and values of one token in all layers."""
    return 2 * config.num_hidden_layers * _kv_width(config) * itemsize


def weights_read(config: TextConfig, itemsize: int) -> int:
    """Bytes of all that every new token is multiplied with: layers and output layer."""
    numbers = config.num_hidden_layers * _layer_numbers(config) + _head_numbers(config)
    return numbers * itemsize


def decode_bytes(config: TextConfig, context: int, itemsize: int) -> int:
    """Read for one new token: the weights, and the keys and values of ``context`` tokens."""
    return weights_read(config, itemsize) + context * kv_bytes_per_token(config, itemsize)


def prefill_bytes(config: TextConfig, tokens: int, itemsize: int) -> int:
    """The weights and the embeddings read, keys and values written."""
    per_token = config.hidden_size * itemsize + kv_bytes_per_token(config, itemsize)
    return weights_read(config, itemsize) + tokens * per_token


def tower_bytes(config: VisionConfig, grids: Sequence[Grid], itemsize: int) -> int:
    """Float32 patches and the weights read, vision tokens written."""
    patches = sum(grid.patches for grid in grids)
    blocks = config.depth * _block_numbers(config)
    weights = config.patch_dim * config.hidden_size + blocks + _merger_numbers(config)
    tokens = patches // config.merge_unit * config.out_hidden_size
    return patches * config.patch_dim * FLOAT32 + (weights + tokens) * itemsize


def preprocess_bytes(config: VisionConfig, frames: int, height: int, width: int) -> int:
    """uint8 frames read, float32 patches written, a last frame without a partner twice."""
    pixels = height * width * config.in_channels
    padded = frames + -frames % config.temporal_patch_size
    return frames * pixels + padded * pixels * FLOAT32


def parameters(config: ModelConfig) -> int:
    """Weights, biases and norms of the network; a tied output layer once."""
    vision, text = config.vision, config.text
    block = _block_numbers(vision) + 7 * vision.hidden_size + 2 * vision.intermediate_size
    inner = vision.hidden_size * vision.merge_unit
    merger = _merger_numbers(vision) + inner + vision.out_hidden_size + vision.hidden_size
    tower = vision.patch_dim * vision.hidden_size + vision.depth * block + merger
    biases = text.num_attention_heads * text.head_dim + 2 * _kv_width(text)
    layer = _layer_numbers(text) + biases + 2 * text.hidden_size
    tables = _head_numbers(text) * (1 if config.tie_word_embeddings else 2)
    return tower + text.num_hidden_layers * layer + text.hidden_size + tables


def _text_flops(config: TextConfig, tokens: int, pairs: int) -> TextFlops:
    """``pairs``: how many tokens attend to how many, all together."""
    layers = config.num_hidden_layers
    heads_width = config.num_attention_heads * config.head_dim
    return TextFlops(
        linear=2 * tokens * layers * _layer_numbers(config),
        attention=4 * heads_width * pairs * layers,
        lm_head=2 * _head_numbers(config),
    )


def _layer_numbers(config: TextConfig) -> int:
    """Numbers in one decoder layer's matrices."""
    heads_width = config.num_attention_heads * config.head_dim
    attention = 2 * heads_width + 2 * _kv_width(config)
    return config.hidden_size * (attention + 3 * config.intermediate_size)


def _head_numbers(config: TextConfig) -> int:
    return config.hidden_size * config.vocab_size


def _kv_width(config: TextConfig) -> int:
    return config.num_key_value_heads * config.head_dim


def _block_numbers(config: VisionConfig) -> int:
    """Numbers in one tower block's matrices."""
    return config.hidden_size * (4 * config.hidden_size + 3 * config.intermediate_size)


def _merger_numbers(config: VisionConfig) -> int:
    inner = config.hidden_size * config.merge_unit
    return inner * (inner + config.out_hidden_size)


def _window_pairs(grid: Grid, config: VisionConfig) -> int:
    """Pairs of patches that share a window, in one frame; windows at the edges hold less."""
    merge, side = config.spatial_merge_size, config.window_units

    def squares(patches: int) -> int:
        whole, rest = divmod(patches // merge, side)
        return int(merge**2 * (whole * side**2 + rest**2))

    return squares(grid.h) * squares(grid.w)
