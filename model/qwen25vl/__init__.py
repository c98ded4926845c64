"""Qwen2.5-VL in PyTorch: frames, times and text in; tokens and their probabilities out.

The data path: ``patchify``, ``model.vision``, ``model.embed_prompt``, ``model.text``, ``generate``.
Everything about the network comes from a checkpoint's config.json.
"""

from __future__ import annotations

from qwen25vl.batch import generate_batch, generate_behind
from qwen25vl.cache import KVCache
from qwen25vl.config import ModelConfig, TextConfig, VisionConfig, load_config
from qwen25vl.constraint import Constraint
from qwen25vl.decode import Generation, Prompt, Token
from qwen25vl.embedding import PromptEmbeds
from qwen25vl.errors import CheckpointError, ConfigError, PromptError, Qwen25VLError, TokenizerError
from qwen25vl.generate import Choices, choose, generate, stream
from qwen25vl.model import Qwen25VL, VideoInput
from qwen25vl.patches import Grid, grid_of, patchify
from qwen25vl.positions import VisionRun, next_position, position_ids, time_ids, uniform_rows
from qwen25vl.prefill import prefill
from qwen25vl.sampling import GREEDY, Sampling
from qwen25vl.saving import save_model
from qwen25vl.steady import compile_decoding
from qwen25vl.textstream import TextStream
from qwen25vl.tokenizer import Message, Tokenizer, Vision
from qwen25vl.weights import load_model, load_stop_ids

__all__ = [
    "GREEDY",
    "CheckpointError",
    "Choices",
    "ConfigError",
    "Constraint",
    "Generation",
    "Grid",
    "KVCache",
    "Message",
    "ModelConfig",
    "Prompt",
    "PromptEmbeds",
    "PromptError",
    "Qwen25VL",
    "Qwen25VLError",
    "Sampling",
    "TextConfig",
    "TextStream",
    "Token",
    "Tokenizer",
    "TokenizerError",
    "VideoInput",
    "Vision",
    "VisionConfig",
    "VisionRun",
    "choose",
    "compile_decoding",
    "generate",
    "generate_batch",
    "generate_behind",
    "grid_of",
    "load_config",
    "load_model",
    "load_stop_ids",
    "next_position",
    "patchify",
    "position_ids",
    "prefill",
    "save_model",
    "stream",
    "time_ids",
    "uniform_rows",
]
