"""RGB frames in, normalised patches out, in the order the tower and the decoder count them.

Axes: T frames, H rows, W columns (pixels), N patches, P numbers per patch.
A row of P numbers is (channel, frame in pair, row, column); rows are ordered by pair of frames,
then by merge block (row-major), then within the block, so that each run of ``merge_unit`` rows is
one vision token.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qwen25vl.config import VisionConfig
from qwen25vl.errors import PromptError

# Per-channel mean and spread of the images CLIP was trained on: part of the architecture's input.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
CHUNK_BYTES = 2**20
"""Pixels a thread works on at once: bounds temporaries, and they stay in the processor's cache."""

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


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


def grid_of(rgb_THWC: Tensor, config: VisionConfig) -> Grid:
    """The grid that ``patchify`` makes of these frames; raises PromptError as it does."""
    shape: Sequence[int] = rgb_THWC.shape
    host = rgb_THWC.device.type == "cpu" and rgb_THWC.dtype == torch.uint8
    if not host or len(shape) != 4 or shape[3] != config.in_channels:
        kind = f"{rgb_THWC.dtype} {tuple(shape)} on {rgb_THWC.device}"
        message = f"frames are {kind}, not uint8 (T, H, W, 3) on cpu"
        raise PromptError(message, next_step="pass RGB frames as uint8 with channels last")
    unit = config.patch_size * config.spatial_merge_size
    if min(shape) < 1 or shape[1] % unit or shape[2] % unit:
        message = f"frames are {shape[1]}x{shape[2]} (T={shape[0]}), not multiples of {unit}"
        raise PromptError(message, next_step=f"resize to multiples of {unit} pixels first")
    pairs = -(-shape[0] // config.temporal_patch_size)
    return Grid(pairs, shape[1] // config.patch_size, shape[2] // config.patch_size)


def patchify(rgb_THWC: Tensor, config: VisionConfig) -> tuple[Tensor, Grid]:
    """uint8 frames (T, H, W, 3) in host memory to float32 patches (N, P) and their grid.

    H and W must be multiples of ``patch_size * spatial_merge_size``; a last frame without a partner
    is paired with itself. The arithmetic is the published one, (x - 255 mean) / (255 std) in
    float32, so the result is the same to the bit. Raises PromptError on another shape or type.
    """
    grid = grid_of(rgb_THWC, config)
    lines = _lines(rgb_THWC, grid, config)
    # numpy asks the system for huge pages, torch does not: half the time to touch new memory.
    patches_NP: Floats = np.empty((grid.patches, config.patch_dim), dtype=np.float32)
    blocks = patches_NP.reshape(*lines.shape[:2], -1, config.patch_dim)
    scale = _scale(config)

    def fill(piece: tuple[slice, slice]) -> None:
        _normalise(_reorder(lines[piece], config), scale, blocks[piece])

    # Threads of our own meet once, at the end; the library's would meet after every small step,
    # which on a busy machine costs more than the work.
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        list(threads.map(fill, _pieces(lines.shape[0], lines.shape[1], lines[0, 0].size)))
    return torch.from_numpy(patches_NP), grid


def _lines(rgb_THWC: Tensor, grid: Grid, config: VisionConfig) -> Bytes:
    """Frames seen as (pair, block row, frame, row in block, dot row, block column, column, line).

    A line is one row of dots of one patch, colours interleaved.
    """
    pair, p, m = config.temporal_patch_size, config.patch_size, config.spatial_merge_size
    split = (grid.t, pair, grid.h // m, m, p, grid.w // m, m, p * config.in_channels)
    frames: Bytes = _pad_pairs(rgb_THWC, pair).numpy()
    lines: Bytes = frames.reshape(split).swapaxes(1, 2)
    return lines


def _pieces(pairs: int, block_rows: int, row_bytes: int) -> list[tuple[slice, slice]]:
    """Several whole pairs, or several block rows of one, of about ``CHUNK_BYTES`` each."""
    rows = max(1, min(block_rows, CHUNK_BYTES // row_bytes))
    step = max(1, CHUNK_BYTES // (row_bytes * block_rows))
    return [
        (slice(t, t + step), slice(row, row + rows))
        for t in range(0, pairs, step)
        for row in range(0, block_rows, rows)
    ]


def _reorder(lines: Bytes, config: VisionConfig) -> Bytes:
    """Part of the lines as raw patches (pair, block row, n, P), uint8: a quarter of the bytes.

    In two steps, because both then copy runs of memory: whole lines of a patch (42 bytes), then
    the colours apart.
    """
    pairs, block_rows, *_ = lines.shape
    dots = config.patch_dim // config.in_channels
    patches = np.ascontiguousarray(lines.transpose(0, 1, 5, 3, 6, 2, 4, 7))
    colours = patches.reshape(-1, dots, config.in_channels).transpose(0, 2, 1)
    return np.ascontiguousarray(colours).reshape(pairs, block_rows, -1, config.patch_dim)


def _normalise(raw: Bytes, scale: tuple[Floats, Floats], out: Floats) -> None:
    """Write (raw - mean) / std to ``out``, in steps that stay in the processor's cache."""
    mean_P, std_P = scale
    np.copyto(out, raw)
    np.subtract(out, mean_P, out=out)
    np.divide(out, std_P, out=out)


def _scale(config: VisionConfig) -> tuple[Floats, Floats]:
    """255 mean and 255 std for each number of a patch."""
    repeat = config.patch_dim // config.in_channels
    mean_C, std_C = np.array((MEAN, STD), dtype=np.float32) * np.float32(255)
    return mean_C.repeat(repeat), std_C.repeat(repeat)


def _pad_pairs(rgb_THWC: Tensor, size: int) -> Tensor:
    missing = -rgb_THWC.shape[0] % size
    if missing:
        rgb_THWC = torch.cat([rgb_THWC, rgb_THWC[-1:].expand(missing, -1, -1, -1)])
    return rgb_THWC.contiguous()
