"""The four official sizes, built without memory: every count, name and shape is the published one.

Configurations follow the official flat layout, with the fields in it that nothing reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from qwen25vl import ModelConfig, Qwen25VL
from qwen25vl.counting import parameters
from qwen25vl.names import own_name, stored_name, stored_shape
from qwen25vl.shapes import SHAPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    inner: int
    vocab: int
    tied: bool
    vision_inner: int
    parameters: int
    vision: int
    tensors: int


SIZES = {
    "3B": Size(
        hidden=2048, layers=36, heads=16, kv_heads=2, inner=11008, vocab=151936, tied=True,
        vision_inner=3420, parameters=3_754_622_976, vision=668_684_288, tensors=824,
    ),
    "7B": Size(
        hidden=3584, layers=28, heads=28, kv_heads=4, inner=18944, vocab=152064, tied=False,
        vision_inner=3420, parameters=8_292_166_656, vision=676_550_144, tensors=729,
    ),
    "32B": Size(
        hidden=5120, layers=64, heads=40, kv_heads=8, inner=27648, vocab=152064, tied=False,
        vision_inner=3456, parameters=33_452_718_336, vision=688_841_984, tensors=1161,
    ),
    "72B": Size(
        hidden=8192, layers=80, heads=64, kv_heads=8, inner=29568, vocab=152064, tied=False,
        vision_inner=3456, parameters=73_410_777_344, vision=704_573_696, tensors=1353,
    ),
}  # fmt: skip


def official_json(size: Size) -> dict[str, Any]:
    """The flat config.json of one size."""
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "attention_dropout": 0.0,
        "bos_token_id": 151643,
        "eos_token_id": 151645,
        "vision_start_token_id": 151652,
        "vision_end_token_id": 151653,
        "vision_token_id": 151654,
        "image_token_id": 151655,
        "video_token_id": 151656,
        "hidden_act": "silu",
        "hidden_size": size.hidden,
        "initializer_range": 0.02,
        "intermediate_size": size.inner,
        "max_position_embeddings": 128000,
        "max_window_layers": 28,
        "model_type": "qwen2_5_vl",
        "num_attention_heads": size.heads,
        "num_hidden_layers": size.layers,
        "num_key_value_heads": size.kv_heads,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "sliding_window": 32768,
        "tie_word_embeddings": size.tied,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        "vision_config": {
            "depth": 32,
            "hidden_act": "silu",
            "hidden_size": 1280,
            "intermediate_size": size.vision_inner,
            "num_heads": 16,
            "in_chans": 3,
            "out_hidden_size": size.hidden,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "spatial_patch_size": 14,
            "window_size": 112,
            "fullatt_block_indexes": [7, 15, 23, 31],
            "tokens_per_second": 2,
            "temporal_patch_size": 2,
        },
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
        "vocab_size": size.vocab,
    }


def expected_tensors(size: Size) -> dict[str, tuple[int, ...]]:
    """Every tensor of the official shards, from the table of names."""
    inner, width, kv = size.vision_inner, size.hidden, size.kv_heads * 128
    tensors: dict[str, tuple[int, ...]] = {"visual.patch_embed.proj.weight": (1280, 3, 2, 14, 14)}

    def linear(name: str, out: int, into: int, *, bias: bool = True) -> None:
        tensors[f"{name}.weight"] = (out, into)
        if bias:
            tensors[f"{name}.bias"] = (out,)

    for i in range(32):
        block = f"visual.blocks.{i}"
        tensors |= {f"{block}.norm{n}.weight": (1280,) for n in (1, 2)}
        linear(f"{block}.attn.qkv", 3840, 1280)
        linear(f"{block}.attn.proj", 1280, 1280)
        linear(f"{block}.mlp.gate_proj", inner, 1280)
        linear(f"{block}.mlp.up_proj", inner, 1280)
        linear(f"{block}.mlp.down_proj", 1280, inner)
    tensors["visual.merger.ln_q.weight"] = (1280,)
    linear("visual.merger.mlp.0", 5120, 5120)
    linear("visual.merger.mlp.2", width, 5120)
    for i in range(size.layers):
        layer = f"model.layers.{i}"
        linear(f"{layer}.self_attn.q_proj", width, width)
        linear(f"{layer}.self_attn.k_proj", kv, width)
        linear(f"{layer}.self_attn.v_proj", kv, width)
        linear(f"{layer}.self_attn.o_proj", width, width, bias=False)
        linear(f"{layer}.mlp.gate_proj", size.inner, width, bias=False)
        linear(f"{layer}.mlp.up_proj", size.inner, width, bias=False)
        linear(f"{layer}.mlp.down_proj", width, size.inner, bias=False)
        tensors[f"{layer}.input_layernorm.weight"] = (width,)
        tensors[f"{layer}.post_attention_layernorm.weight"] = (width,)
    tensors |= {"model.embed_tokens.weight": (size.vocab, width), "model.norm.weight": (width,)}
    return tensors if size.tied else {**tensors, "lm_head.weight": (size.vocab, width)}


def newer(name: str) -> str:
    """The name that transformers 4.52 and later give a tensor."""
    if name.startswith("visual."):
        return f"model.{name}"
    return name.replace("model.", "model.language_model.", 1)


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> Size:
    return SIZES[request.param]


def test_counts_names_and_shapes_are_the_published_ones(size):
    with torch.device("meta"):
        model = Qwen25VL(ModelConfig.from_json(official_json(size)))
    parameters = dict(model.named_parameters())
    shapes = {stored_name(n): stored_shape(n, p.shape, model.config) for n, p in parameters.items()}
    assert shapes == expected_tensors(size)
    assert len(shapes) == size.tensors
    assert sum(p.numel() for p in parameters.values()) == size.parameters
    assert sum(p.numel() for p in model.vision.parameters()) == size.vision


def test_names_survive_the_way_through_every_layout(size):
    for name in expected_tensors(size):
        for written in (name, newer(name), f"base_model.model.{name}"):
            assert stored_name(own_name(written)) == name


def test_a_config_written_by_us_describes_the_same_network(size):
    config = ModelConfig.from_json(official_json(size))
    assert ModelConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize("name", SIZES)
def test_the_shapes_that_are_counted_are_those_of_the_files(name):
    shape = SHAPES[name.lower()]
    assert ModelConfig.from_json(official_json(SIZES[name])) == shape
    assert ModelConfig.from_json(shape.to_json()) == shape


def test_another_decoder_behind_the_tower_needs_no_code():
    """Widths as MiMo-VL-7B is reported to have them; its own file was not at hand."""
    raw = official_json(SIZES["7B"])
    raw.update(hidden_size=4096, num_hidden_layers=36, intermediate_size=11008)
    raw.update(num_attention_heads=32, num_key_value_heads=8, head_dim=128)
    raw.update(vocab_size=151680, rope_theta=640000.0)
    raw["vision_config"].update(out_hidden_size=4096)
    config = ModelConfig.from_json(raw)
    with torch.device("meta"):
        model = Qwen25VL(config)
    assert config.text.rope_theta == 640000.0
    assert model.lm_head.weight.shape == (151680, 4096)
    key = model.get_parameter("text.layers.35.self_attn.k_proj.weight")
    assert key.shape == (1024, 4096)
    assert sum(p.numel() for p in model.parameters()) == parameters(config)
