"""Tiny networks of the full architecture, and the reference implementation to hold them against."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.peers import allow_torchvision
from qwen25vl import ModelConfig, Qwen25VL, TextConfig, VisionConfig, save_model
from tests.qwen25vl.scenes import IMAGE_PAD, VIDEO_PAD, VISION_END, VISION_START

STOP = 3


def tiny_config(
    *,
    tied: bool = False,
    heads: int = 4,
    kv_heads: int = 2,
    head_dim: int = 16,
    vision_heads: int = 2,
    window: int = 112,
    full: tuple[int, ...] = (1, 3),
) -> ModelConfig:
    hidden, eighth = heads * head_dim, head_dim // 8
    return ModelConfig(
        vision=VisionConfig(
            depth=4,
            hidden_size=16 * vision_heads,
            num_heads=vision_heads,
            intermediate_size=50,
            out_hidden_size=hidden,
            patch_size=14,
            temporal_patch_size=2,
            spatial_merge_size=2,
            window_size=window,
            fullatt_block_indexes=full,
            tokens_per_second=2.0,
        ),
        text=TextConfig(
            vocab_size=200,
            hidden_size=hidden,
            intermediate_size=72,
            num_hidden_layers=3,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            head_dim=head_dim,
            rms_norm_eps=1e-6,
            rope_theta=1e6,
            mrope_section=(eighth * 2, eighth, eighth),
            max_position_embeddings=4096,
        ),
        image_token_id=IMAGE_PAD,
        video_token_id=VIDEO_PAD,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
        tie_word_embeddings=tied,
    )


def lively(config: ModelConfig, seed: int = 0) -> Qwen25VL:
    """A network whose every parameter, norms and biases too, is far from its start value."""
    torch.manual_seed(seed)
    model = Qwen25VL(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            norm = parameter.ndim == 1
            parameter.copy_(torch.randn_like(parameter) * 0.1 + (1.0 if norm else 0.0))
    return model


@pytest.fixture(scope="session")
def make_config() -> Callable[..., ModelConfig]:
    return tiny_config


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Qwen25VL]:
    return lively


@pytest.fixture(scope="session")
def reference() -> Callable[..., Any]:
    """Loads a folder with the installed transformers; skips where it cannot be imported."""
    allow_torchvision()
    with warnings.catch_warnings():
        # Third-party import time warnings (deprecated aliases inside its dependencies).
        warnings.simplefilter("ignore")
        transformers = pytest.importorskip("transformers", reason="parity needs transformers")
        network = transformers.Qwen2_5_VLForConditionalGeneration
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    def load(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
        return network.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()

    return load


@pytest.fixture(scope="session")
def twins(
    tmp_path_factory: pytest.TempPathFactory, reference: Callable[..., Any]
) -> Callable[..., tuple[Qwen25VL, Any]]:
    """Our network and transformers', with the same weights, handed over as a checkpoint of ours.

    Made once for each config and seed: leave them as they are.
    """
    made: dict[tuple[ModelConfig, int], tuple[Qwen25VL, Any]] = {}

    def make(config: ModelConfig, seed: int = 0) -> tuple[Qwen25VL, Any]:
        if (config, seed) not in made:
            folder, model = tmp_path_factory.mktemp("twins"), lively(config, seed)
            save_model(model, folder, stop_ids=[STOP])
            made[config, seed] = model, reference(folder)
        return made[config, seed]

    return make
