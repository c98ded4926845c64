"""The shapes of the four official checkpoints, for counting and measuring without their files.

Numbers that parameter counts of the published files confirm; 72B's tower (intermediate size 3456)
rests on third-party configs alone. A checkpoint that is loaded brings its own config.json.
"""

from __future__ import annotations

from collections.abc import Mapping

from qwen25vl.config import ModelConfig, TextConfig, VisionConfig


def _vision(intermediate_size: int, out_hidden_size: int) -> VisionConfig:
    return VisionConfig(
        depth=32,
        hidden_size=1280,
        num_heads=16,
        intermediate_size=intermediate_size,
        out_hidden_size=out_hidden_size,
        patch_size=14,
        temporal_patch_size=2,
        spatial_merge_size=2,
        window_size=112,
        fullatt_block_indexes=(7, 15, 23, 31),
        tokens_per_second=2,
    )


def _text(
    hidden: int, intermediate: int, layers: int, heads: int, kv_heads: int, vocab: int = 152_064
) -> TextConfig:
    return TextConfig(
        vocab_size=vocab,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=128,
        rms_norm_eps=1e-6,
        rope_theta=1e6,
        mrope_section=(16, 24, 24),
        max_position_embeddings=128_000,
    )


def _model(vision: VisionConfig, text: TextConfig, *, tied: bool = False) -> ModelConfig:
    return ModelConfig(
        vision=vision,
        text=text,
        image_token_id=151_655,
        video_token_id=151_656,
        vision_start_token_id=151_652,
        vision_end_token_id=151_653,
        tie_word_embeddings=tied,
        dtype="bfloat16",
    )


SHAPES: Mapping[str, ModelConfig] = {
    "3b": _model(_vision(3420, 2048), _text(2048, 11_008, 36, 16, 2, vocab=151_936), tied=True),
    "7b": _model(_vision(3420, 3584), _text(3584, 18_944, 28, 28, 4)),
    "32b": _model(_vision(3456, 5120), _text(5120, 27_648, 64, 40, 8)),
    "72b": _model(_vision(3456, 8192), _text(8192, 29_568, 80, 64, 8)),
}
"""Qwen2.5-VL-Instruct by size."""
