"""Frames to vision tokens without ever holding all patches: 462 MB of them for 24,576 tokens.

Axes: T frames, H rows, W columns, C colours; M vision tokens, D decoder width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qwen25vl.patches import Grid, patchify
from qwen25vl.vision import VisionTower

PATCHES_HELD = 8_192
"""38 MB of float32."""


@torch.no_grad()
def encode_frames(
    tower: VisionTower, rgb_THWC: Tensor, *, patches_held: int = PATCHES_HELD
) -> tuple[Tensor, Grid]:
    """Vision tokens (M, D) of uint8 frames in host memory, and their grid.

    The same as the tower over all of ``patchify``, a few pairs of frames at a time: as many as have
    ``patches_held`` patches, at least one. Raises PromptError as they do.
    """
    pair, side = tower.config.temporal_patch_size, tower.config.patch_size
    pairs = -(-rgb_THWC.shape[0] // pair)
    frame_patches = max(1, rgb_THWC.shape[1:3].numel() // side**2)
    step = max(1, patches_held // frame_patches)
    tokens_MD, grid = _encode(tower, rgb_THWC[: step * pair])
    if pairs <= step:
        return tokens_MD, grid
    each = tokens_MD.shape[0] // grid.t
    all_MD = tokens_MD.new_empty(pairs * each, tokens_MD.shape[1])
    all_MD[: step * each] = tokens_MD
    for first in range(step, pairs, step):
        tokens_MD, _ = _encode(tower, rgb_THWC[first * pair : (first + step) * pair])
        all_MD[first * each : (first + step) * each] = tokens_MD
    return all_MD, grid._replace(t=pairs)


def _encode(tower: VisionTower, rgb_THWC: Tensor) -> tuple[Tensor, Grid]:
    patches_NP, grid = patchify(rgb_THWC, tower.config)
    tokens_MD: Tensor = tower(patches_NP.to(tower.patch_embed.proj.weight.device), [grid])
    return tokens_MD, grid
