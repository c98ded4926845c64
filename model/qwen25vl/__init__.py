"""Qwen2.5-VL in PyTorch: frames, times and text in; tokens and their probabilities out.

The data path: ``patchify``, ``model.vision``, ``model.embed_prompt``, ``model.text``, ``generate``.
Everything about the network comes from a checkpoint's config.json.
"""

from __future__ import annotations

from qwen25vl.cache import KVCache
from qwen25vl.config import ModelConfig, TextConfig, VisionConfig, load_config
from qwen25vl.constraint import Constraint
from qwen25vl.errors import CheckpointError, ConfigError, PromptError, Qwen25VLError, TokenizerError
from qwen25vl.generate import Choices, Generation, choose, generate
from qwen25vl.model import Qwen25VL, VideoInput
from qwen25vl.patches import Grid, patchify
from qwen25vl.positions import VisionRun, next_position, position_ids, time_ids, uniform_rows
from qwen25vl.tokenizer import Message, Tokenizer, Vision
from qwen25vl.weights import load_model, load_stop_ids, save_model

__all__ = [
    "CheckpointError",
    "Choices",
    "ConfigError",
    "Constraint",
    "Generation",
    "Grid",
    "KVCache",
    "Message",
    "ModelConfig",
    "PromptError",
    "Qwen25VL",
    "Qwen25VLError",
    "TextConfig",
    "Tokenizer",
    "TokenizerError",
    "VideoInput",
    "Vision",
    "VisionConfig",
    "VisionRun",
    "choose",
    "generate",
    "load_config",
    "load_model",
    "load_stop_ids",
    "next_position",
    "patchify",
    "position_ids",
    "save_model",
    "time_ids",
    "uniform_rows",
]
