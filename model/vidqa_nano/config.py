"""Nano's architecture: Qwen2.5-VL's, with small numbers, as its config.json states them."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer


def nano_config(tokenizer: Tokenizer) -> dict[str, Any]:
    """The flat config.json; a frame of 56 x 56 pixels is 4 tokens, a question about 10.

    With this ``rope_theta`` the slowest of time's eight clocks turns once in 33 minutes.
    """
    token = tokenizer.token_to_id
    vocabulary = tokenizer.get_vocab_size()
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "vidqa_profile": "nano",
        "bos_token_id": token("<|endoftext|>"),
        "eos_token_id": token("<|im_end|>"),
        "image_token_id": token("<|image_pad|>"),
        "video_token_id": token("<|video_pad|>"),
        "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"),
        "vision_token_id": token("<|vision_pad|>"),
        "vocab_size": -(-vocabulary // 16) * 16,
        "hidden_size": 160,
        "intermediate_size": 480,
        "num_hidden_layers": 5,
        "num_attention_heads": 5,
        "num_key_value_heads": 5,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 2_500_000.0,
        "rope_scaling": {"type": "mrope", "mrope_section": [8, 4, 4]},
        "max_position_embeddings": 32768,
        "use_sliding_window": False,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "vision_config": {
            "model_type": "qwen2_5_vl",
            "depth": 3,
            "hidden_act": "silu",
            "hidden_size": 96,
            "intermediate_size": 256,
            "out_hidden_size": 160,
            "num_heads": 3,
            "in_channels": 3,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 112,
            "fullatt_block_indexes": [2],
            "tokens_per_second": 2,
        },
    }


def generation_config(tokenizer: Tokenizer) -> dict[str, Any]:
    """generation_config.json: greedy, no repetition penalty."""
    token = tokenizer.token_to_id
    return {
        "bos_token_id": token("<|endoftext|>"),
        "pad_token_id": token("<|endoftext|>"),
        "eos_token_id": [token("<|im_end|>"), token("<|endoftext|>")],
        "do_sample": False,
        "repetition_penalty": 1.0,
    }
