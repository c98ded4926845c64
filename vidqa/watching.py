"""Frames in, one watched input out: patches and tower, a chunk of rows at a time.

Axes: T frames, H rows, W columns, C channels; N patches, P numbers of a patch; M vision tokens,
D decoder width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qwen25vl import Grid, Qwen25VL, VisionConfig, VisionRun, patchify
from vidqa.inputs import Kind, Watched

CHUNK_PATCHES = 16_384
"""Patches at once: 77 MB as float32, of a whole video's 462."""


@torch.inference_mode()
def watch_frames(
    model: Qwen25VL,
    rgb_THWC: NDArray[np.uint8],
    row_seconds: tuple[float, ...],
    kind: Kind,
    *,
    still: bool,
) -> Watched:
    """Encode frames; ``still`` shows the first frame of every row twice.

    Float patches are made one chunk at a time: they take four times the bytes of the frames. The
    tower never mixes rows, so tokens are the same. Raises :class:`qwen25vl.PromptError`.
    """
    parts = [_encode(model, chunk) for chunk in _chunks(rgb_THWC, model.config.vision, still=still)]
    tokens_MD = torch.cat([tokens_MD for tokens_MD, _ in parts])
    grid = parts[0][1]._replace(t=sum(grid.t for _, grid in parts))
    return Watched(tokens_MD=tokens_MD, run=VisionRun(grid, row_seconds), kind=kind)


def _encode(model: Qwen25VL, rgb_THWC: NDArray[np.uint8]) -> tuple[Tensor, Grid]:
    patches_NP, grid = patchify(torch.from_numpy(rgb_THWC), model.config.vision)
    return model.vision(patches_NP.to(model.device), [grid]), grid


def _chunks(
    rgb_THWC: NDArray[np.uint8], config: VisionConfig, *, still: bool
) -> Iterator[NDArray[np.uint8]]:
    """Whole rows of frames, as many as the tower takes at once."""
    pair, shape = config.temporal_patch_size, rgb_THWC.shape
    patches = math.prod(shape[1:3]) // config.patch_size**2
    step = pair * max(1, CHUNK_PATCHES // max(1, patches))
    for k in range(0, max(1, shape[0]), step):  # no frames: let the patches say so
        chunk = rgb_THWC[k : k + step]
        yield np.repeat(chunk[::pair], pair, axis=0) if still else chunk
