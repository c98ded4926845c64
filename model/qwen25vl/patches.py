"""RGB frames in, normalised patches out, in the order the tower and the decoder count them.

Axes: T frames, H rows, W columns (pixels), N patches, P numbers per patch.
A row of P numbers is (channel, frame in pair, row, column); rows are ordered by pair of frames,
then by merge block (row-major), then within the block, so that each run of ``merge_unit`` rows is
one vision token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from qwen25vl.config import VisionConfig
from qwen25vl.errors import PromptError

# Per-channel mean and spread of the images CLIP was trained on: part of the architecture's input.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


class Grid(NamedTuple):
    """Patches of one video or image: pairs of frames, rows, columns (``video_grid_thw``)."""

    t: int
    h: int
    w: int

    @property
    def patches(self) -> int:
        return self.t * self.h * self.w

    def tokens(self, config: VisionConfig) -> int:
        """Vision tokens after merging."""
        return self.patches // config.merge_unit


def patchify(rgb_THWC: Tensor, config: VisionConfig) -> tuple[Tensor, Grid]:
    """uint8 frames (T, H, W, 3) to float32 patches (N, P) and their grid.

    H and W must be multiples of ``patch_size * spatial_merge_size``; a last frame without a partner
    is paired with itself. The arithmetic is the published one, (x - 255 mean) / (255 std) in
    float32, so the result is the same to the bit. Raises PromptError on another shape or type.
    """
    grid = _grid_of(rgb_THWC, config)
    patches_NP = _reorder(rgb_THWC, grid, config).float()
    mean_P, std_P = _scale(config, rgb_THWC.device)
    return patches_NP.sub_(mean_P).div_(std_P), grid


def _reorder(rgb_THWC: Tensor, grid: Grid, config: VisionConfig) -> Tensor:
    """Frames to raw patches (N, P), still uint8: a quarter of the bytes to move.

    In two steps, because both then copy runs of memory: lines of a patch with their colours
    interleaved (42 bytes), then the colours apart.
    """
    pair, p, m = config.temporal_patch_size, config.patch_size, config.spatial_merge_size
    frames = _pad_pairs(rgb_THWC, pair)
    lines = frames.view(grid.t, pair, grid.h // m, m, p, grid.w // m, m, p * config.in_channels)
    patches = lines.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(grid.patches, -1, config.in_channels)
    return patches.transpose(1, 2).reshape(grid.patches, config.patch_dim)


def _scale(config: VisionConfig, device: torch.device) -> tuple[Tensor, Tensor]:
    """255 mean and 255 std for each number of a patch."""
    repeat = config.patch_dim // config.in_channels
    mean_C, std_C = torch.tensor((MEAN, STD), device=device) * 255.0
    return mean_C.repeat_interleave(repeat), std_C.repeat_interleave(repeat)


def _pad_pairs(rgb_THWC: Tensor, size: int) -> Tensor:
    missing = -rgb_THWC.shape[0] % size
    if missing:
        rgb_THWC = torch.cat([rgb_THWC, rgb_THWC[-1:].expand(missing, -1, -1, -1)])
    return rgb_THWC.contiguous()


def _grid_of(rgb_THWC: Tensor, config: VisionConfig) -> Grid:
    shape: Sequence[int] = rgb_THWC.shape
    if rgb_THWC.dtype != torch.uint8 or len(shape) != 4 or shape[3] != config.in_channels:
        message = f"frames are {rgb_THWC.dtype} {tuple(shape)}, not uint8 (T, H, W, 3)"
        raise PromptError(message, next_step="pass RGB frames as uint8 with channels last")
    unit = config.patch_size * config.spatial_merge_size
    if min(shape) < 1 or shape[1] % unit or shape[2] % unit:
        message = f"frames are {shape[1]}x{shape[2]} (T={shape[0]}), not multiples of {unit}"
        raise PromptError(message, next_step=f"resize to multiples of {unit} pixels first")
    pairs = -(-shape[0] // config.temporal_patch_size)
    return Grid(pairs, shape[1] // config.patch_size, shape[2] // config.patch_size)
