"""config.json of every released size, flat and nested; what cannot be built is refused by name."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import torch

from qwen25vl import CheckpointError, ConfigError, ModelConfig, Qwen25VL, load_config

VISION = {
    "depth": 32,
    "hidden_act": "silu",
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "in_chans": 3,
    "out_hidden_size": 3584,
    "patch_size": 14,
    "spatial_merge_size": 2,
    "spatial_patch_size": 14,
    "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
    "tokens_per_second": 2,
    "temporal_patch_size": 2,
}


def official(size: str) -> dict[str, Any]:
    """The official flat config.json of a released size."""
    hidden, layers, heads, kv, inner, vision_inner, vocab = {
        "3B": (2048, 36, 16, 2, 11008, 3420, 151936),
        "7B": (3584, 28, 28, 4, 18944, 3420, 152064),
        "32B": (5120, 64, 40, 8, 27648, 3456, 152064),
        "72B": (8192, 80, 64, 8, 29568, 3456, 152064),
    }[size]
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
        "hidden_size": hidden,
        "initializer_range": 0.02,
        "intermediate_size": inner,
        "max_position_embeddings": 128000,
        "max_window_layers": layers,
        "model_type": "qwen2_5_vl",
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": kv,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        "sliding_window": 32768,
        "tie_word_embeddings": size == "3B",
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        "vision_config": {**VISION, "out_hidden_size": hidden, "intermediate_size": vision_inner},
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
        "vocab_size": vocab,
    }


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """The same config as newer libraries write it again."""
    root = ("architectures", "model_type", "image_token_id", "video_token_id", "vision_config")
    root += ("vision_start_token_id", "vision_end_token_id", "tie_word_embeddings")
    text = {k: v for k, v in flat.items() if k not in root}
    text["dtype"] = text.pop("torch_dtype")
    theta = text.pop("rope_theta")
    section = text.pop("rope_scaling")["mrope_section"]
    rope = {"rope_type": "default", "rope_theta": theta, "mrope_section": section}
    text |= {"rope_parameters": rope, "model_type": "qwen2_5_vl_text"}
    return {**{k: flat[k] for k in root}, "text_config": text, "dtype": "bfloat16"}


SIZES = [
    ("3B", 3_754_622_976, 668_684_288, 824),
    ("7B", 8_292_166_656, 676_550_144, 729),
    ("32B", 33_452_718_336, 688_841_984, 1161),
    ("72B", 73_410_777_344, 704_573_696, 1353),
]


@pytest.mark.parametrize(("size", "parameters", "vision", "tensors"), SIZES)
def test_released_sizes_have_the_published_parameters(size, parameters, vision, tensors):
    with torch.device("meta"):
        model = Qwen25VL(ModelConfig.from_json(official(size)))
    named = dict(model.named_parameters())
    assert sum(p.numel() for p in named.values()) == parameters
    assert sum(p.numel() for p in model.vision.parameters()) == vision
    assert len(named) == tensors


@pytest.mark.parametrize("size", ["3B", "7B"])
def test_nested_and_flat_layouts_say_the_same(size):
    flat = official(size)
    assert ModelConfig.from_json(nested(flat)) == ModelConfig.from_json(flat)


@pytest.mark.parametrize("size", ["3B", "72B"])
def test_a_config_written_and_read_again_is_the_same(size):
    config = ModelConfig.from_json(official(size))
    assert ModelConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_an_empty_text_config_leaves_the_flat_layout():
    raw = official("7B")
    assert ModelConfig.from_json({**raw, "text_config": None}) == ModelConfig.from_json(raw)


def test_head_dim_is_read_when_stated():
    config = ModelConfig.from_json({**official("7B"), "head_dim": 128, "hidden_size": 3584})
    assert config.text.head_dim == 128


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model_type", "qwen2_vl"),
        ("architectures", ["Qwen3VLForConditionalGeneration"]),
        ("hidden_act", "gelu"),
        ("use_sliding_window", True),
        ("quantization_config", {"bits": 4}),
        ("num_hidden_layers", 0),
        ("num_hidden_layers", True),
        ("num_attention_heads", "28"),
        ("num_key_value_heads", 5),
        ("rms_norm_eps", None),
        ("video_token_id", -1),
        ("rope_scaling", {"type": "yarn", "factor": 4, "mrope_section": [16, 24, 24]}),
        ("rope_scaling", {"type": "mrope", "mrope_section": [16, 24]}),
        ("rope_scaling", {"type": "mrope", "mrope_section": [16, 16, 16]}),
        ("vision_config.hidden_act", "quick_gelu"),
        ("vision_config.tokens_per_second", None),
        ("vision_config.out_hidden_size", 2048),
        ("vision_config.fullatt_block_indexes", [7, 32]),
        ("vision_config.in_chans", 1),
        ("vision_config.window_size", 100),
        ("vision_config", None),
        ("text_config", [1]),
    ],
    ids=str,
)
def test_what_cannot_be_built_is_refused(path, value):
    raw = copy.deepcopy(official("7B"))
    *parents, leaf = path.split(".")
    place = raw
    for parent in parents:
        place = place[parent]
    place[leaf] = value
    with pytest.raises(ConfigError) as caught:
        ModelConfig.from_json(raw)
    assert caught.value.next_step


def test_a_missing_field_is_named():
    raw = official("7B")
    del raw["rms_norm_eps"]
    with pytest.raises(ConfigError, match="rms_norm_eps is missing"):
        ModelConfig.from_json(raw)


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_an_unreadable_config_is_a_checkpoint_error(text, tmp_path):
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(CheckpointError):
        load_config(tmp_path)


def test_a_folder_without_config_is_a_checkpoint_error(tmp_path):
    with pytest.raises(CheckpointError, match="no such file"):
        load_config(tmp_path)
