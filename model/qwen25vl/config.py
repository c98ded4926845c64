"""A checkpoint's config.json in, frozen numbers out; nothing about the network is assumed.

The class defaults in circulation do not equal any released checkpoint (other widths, another
norm epsilon, other tokens per second), so every number must be stated by the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwen25vl.errors import CheckpointError, ConfigError
from qwen25vl.fields import Fields, refuse_unknown_variants, rope_fields, stated_tying, text_fields

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionConfig:
    """Sizes of the vision tower; lengths in pixels unless said otherwise."""

    depth: int
    hidden_size: int
    num_heads: int
    intermediate_size: int
    out_hidden_size: int
    """Width of a merged vision token: the decoder's hidden size."""
    patch_size: int
    temporal_patch_size: int
    """Frames per row of patches."""
    spatial_merge_size: int
    """Patches per side of the square that becomes one vision token."""
    window_size: int
    """Side of an attention window."""
    fullatt_block_indexes: tuple[int, ...]
    """Blocks that attend over a whole frame instead of over windows."""
    tokens_per_second: float
    """Time position ids per second of video."""
    in_channels: int = 3

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def patch_dim(self) -> int:
        """Numbers in one patch: channels x frames x rows x columns."""
        return self.in_channels * self.temporal_patch_size * self.patch_size**2

    @property
    def merge_unit(self) -> int:
        """Patches per vision token."""
        return self.spatial_merge_size**2

    @property
    def window_units(self) -> int:
        """Vision tokens per side of a full window."""
        return self.window_size // self.patch_size // self.spatial_merge_size

    @classmethod
    def from_json(cls, raw: Json) -> VisionConfig:
        """The ``vision_config`` object of config.json; raises ConfigError on anything missing."""
        get = Fields(raw, "vision_config")
        get.expect("hidden_act", "silu")
        return cls(
            depth=get.size("depth"),
            hidden_size=get.size("hidden_size"),
            num_heads=get.size("num_heads"),
            intermediate_size=get.size("intermediate_size"),
            out_hidden_size=get.size("out_hidden_size"),
            patch_size=get.size("patch_size"),
            temporal_patch_size=get.size("temporal_patch_size"),
            spatial_merge_size=get.size("spatial_merge_size"),
            window_size=get.size("window_size"),
            fullatt_block_indexes=get.int_tuple("fullatt_block_indexes"),
            tokens_per_second=get.number("tokens_per_second"),
            in_channels=get.size_or("in_channels", get.size_or("in_chans", 3)),
        )

    def __post_init__(self) -> None:
        unit = self.patch_size * self.spatial_merge_size
        _require(self.hidden_size % self.num_heads == 0, "vision hidden_size / num_heads")
        _require(self.head_dim % 4 == 0, "vision head_dim / 4 (rows and columns share it)")
        _require(self.window_size % unit == 0, "window_size / (patch_size * spatial_merge_size)")
        _require(self.in_channels == 3, "vision in_channels must be 3: frames are RGB, so it")
        inside = all(0 <= i < self.depth for i in self.fullatt_block_indexes)
        _require(inside, f"fullatt_block_indexes {self.fullatt_block_indexes} within depth")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig:
    """Sizes of the decoder."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float
    mrope_section: tuple[int, int, int]
    """Rotary frequencies given to time, row and column ids, in this order."""
    max_position_embeddings: int

    @classmethod
    def from_json(cls, raw: Json) -> TextConfig:
        """The text fields of config.json, wherever the layout keeps them."""
        get = Fields(raw, "text config")
        get.expect("hidden_act", "silu")
        heads, hidden = get.size("num_attention_heads"), get.size("hidden_size")
        theta, section = rope_fields(raw)
        return cls(
            vocab_size=get.size("vocab_size"),
            hidden_size=hidden,
            intermediate_size=get.size("intermediate_size"),
            num_hidden_layers=get.size("num_hidden_layers"),
            num_attention_heads=heads,
            num_key_value_heads=get.size("num_key_value_heads"),
            head_dim=get.size_or("head_dim", hidden // heads),
            rms_norm_eps=get.number("rms_norm_eps"),
            rope_theta=theta,
            mrope_section=section,
            max_position_embeddings=get.size("max_position_embeddings"),
        )

    def __post_init__(self) -> None:
        heads, kv_heads = self.num_attention_heads, self.num_key_value_heads
        _require(heads % kv_heads == 0, "num_attention_heads / num_key_value_heads")
        halves = 2 * sum(self.mrope_section)
        _require(halves == self.head_dim, f"mrope_section {self.mrope_section} x 2 = head_dim")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Everything config.json says about one checkpoint."""

    vision: VisionConfig
    text: TextConfig
    image_token_id: int
    video_token_id: int
    vision_start_token_id: int
    vision_end_token_id: int
    tie_word_embeddings: bool
    """True when the output layer is the embedding table itself."""
    dtype: str = "float32"
    """Torch name of the type the weights were stored in."""

    @classmethod
    def from_json(cls, raw: Json) -> ModelConfig:
        """Flat (official) or nested (re-saved) config.json; raises ConfigError naming the field."""
        refuse_unknown_variants(raw)
        text = {**raw, **text_fields(raw)}
        ids = Fields({**text, **raw}, "config.json")
        return cls(
            vision=VisionConfig.from_json(Fields(raw, "config.json").mapping("vision_config")),
            text=TextConfig.from_json(text),
            image_token_id=ids.token("image_token_id"),
            video_token_id=ids.token("video_token_id"),
            vision_start_token_id=ids.token("vision_start_token_id"),
            vision_end_token_id=ids.token("vision_end_token_id"),
            tie_word_embeddings=bool(stated_tying(raw)),
            dtype=str(raw.get("torch_dtype") or raw.get("dtype") or text.get("dtype") or "float32"),
        )

    def __post_init__(self) -> None:
        same = self.vision.out_hidden_size == self.text.hidden_size
        _require(same, "vision out_hidden_size = text hidden_size")

    def to_json(self) -> dict[str, Any]:
        """The official flat layout, readable by transformers and by ``from_json``."""
        return {
            "architectures": ["Qwen2_5_VLForConditionalGeneration"],
            "model_type": "qwen2_5_vl",
            "image_token_id": self.image_token_id,
            "video_token_id": self.video_token_id,
            "vision_start_token_id": self.vision_start_token_id,
            "vision_end_token_id": self.vision_end_token_id,
            "tie_word_embeddings": self.tie_word_embeddings,
            "torch_dtype": self.dtype,
            **_text_json(self.text),
            "vision_config": _vision_json(self.vision),
        }


def load_config(folder: str | Path) -> ModelConfig:
    """Read ``folder/config.json``; raises CheckpointError or ConfigError."""
    return ModelConfig.from_json(read_json(Path(folder) / "config.json"))


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object from a checkpoint folder; raises CheckpointError."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        step = "give the folder of a Qwen2.5-VL checkpoint, with config.json and *.safetensors"
        raise CheckpointError(f"{path}: no such file", next_step=step) from err
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as err:
        raise CheckpointError(f"{path}: {err}", next_step="download the file again") from err
    if not isinstance(raw, dict):
        step = "download the file again"
        raise CheckpointError(f"{path}: {type(raw).__name__} in place of an object", next_step=step)
    return raw


def _text_json(text: TextConfig) -> dict[str, Any]:
    derived = text.hidden_size // text.num_attention_heads == text.head_dim
    return {
        "vocab_size": text.vocab_size,
        "hidden_size": text.hidden_size,
        "intermediate_size": text.intermediate_size,
        "num_hidden_layers": text.num_hidden_layers,
        "num_attention_heads": text.num_attention_heads,
        "num_key_value_heads": text.num_key_value_heads,
        **({} if derived else {"head_dim": text.head_dim}),
        "hidden_act": "silu",
        "rms_norm_eps": text.rms_norm_eps,
        "rope_theta": text.rope_theta,
        "rope_scaling": {"type": "mrope", "mrope_section": list(text.mrope_section)},
        "max_position_embeddings": text.max_position_embeddings,
        "use_sliding_window": False,
    }


def _vision_json(vision: VisionConfig) -> dict[str, Any]:
    whole = float(vision.tokens_per_second).is_integer()  # 2 is a float to a type checker
    return {
        "model_type": "qwen2_5_vl",
        "depth": vision.depth,
        "hidden_act": "silu",
        "hidden_size": vision.hidden_size,
        "intermediate_size": vision.intermediate_size,
        "num_heads": vision.num_heads,
        "in_channels": vision.in_channels,
        "out_hidden_size": vision.out_hidden_size,
        "patch_size": vision.patch_size,
        "spatial_merge_size": vision.spatial_merge_size,
        "temporal_patch_size": vision.temporal_patch_size,
        "window_size": vision.window_size,
        "fullatt_block_indexes": list(vision.fullatt_block_indexes),
        "tokens_per_second": int(vision.tokens_per_second) if whole else vision.tokens_per_second,
    }


def _require(holds: bool, rule: str) -> None:
    if not holds:
        message = f"config.json: {rule} does not hold"
        raise ConfigError(message, next_step="check that config.json belongs to this checkpoint")
