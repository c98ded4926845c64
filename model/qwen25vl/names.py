"""Tensor names: ours, the official files', and those of newer re-saves and merged fine-tunes."""

from __future__ import annotations

from collections.abc import Sequence

from qwen25vl.config import ModelConfig

HEAD = "lm_head.weight"
TABLE = "text.embed_tokens.weight"
PATCH = "vision.patch_embed.proj.weight"

_MERGED = "base_model.model."
# The first prefix that fits wins, so the longer come first.
_TO_OWN = (
    ("model.visual.", "vision."),
    ("visual.", "vision."),
    ("model.language_model.", "text."),
    ("model.", "text."),
)

# What peft leaves in the names of weights it has not been merged into.
_ADAPTER = ("lora_", "base_layer", "modules_to_save", "original_module")


def adapter_name(stored: str) -> bool:
    """Whether a tensor on disk is part of an adapter, or a layer that still waits for one."""
    return any(part.startswith(_ADAPTER) for part in stored.split("."))


def own_name(stored: str) -> str:
    """Our name of a tensor on disk; an unknown name comes back as it is, to be reported."""
    name = stored.removeprefix(_MERGED)
    for old, new in _TO_OWN:
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def stored_name(own: str) -> str:
    """The official name of one of our tensors."""
    for new, old in (("vision.", "visual."), ("text.", "model.")):
        if own.startswith(new):
            return old + own.removeprefix(new)
    return own


def stored_shape(own: str, shape: Sequence[int], config: ModelConfig) -> tuple[int, ...]:
    """The shape on disk: ours, but for the patch map, which is stored as a 3-D convolution."""
    if own != PATCH:
        return tuple(shape)
    vision = config.vision
    sides = (vision.temporal_patch_size, vision.patch_size, vision.patch_size)
    return (shape[0], vision.in_channels, *sides)
