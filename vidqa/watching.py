"""Frames in, one watched input out: patches and tower, a chunk of rows at a time.

Axes: T frames, H rows, W columns, C channels; N patches, P numbers of a patch; M vision tokens,
D decoder width.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qwen25vl import Grid, Qwen25VL, VisionConfig, VisionRun, grid_of, patchify
from vidqa.heap import give_back
from vidqa.inputs import Kind, Watched

CHUNK_PATCHES = 4_096
"""Patches at once: 19 MB as float32, of a whole video's 462."""


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
    config = model.config.vision
    grid = grid_of(torch.from_numpy(rgb_THWC), config)
    # Set aside once: joining parts at the end would hold every token twice.
    tokens_MD = torch.empty(
        grid.tokens(config), config.out_hidden_size, dtype=model.dtype, device=model.device
    )
    done = 0
    for part_MD in encode_frames(model, rgb_THWC, still=still):
        tokens_MD[done : done + len(part_MD)] = part_MD
        done += len(part_MD)
    give_back()
    return Watched(tokens_MD=tokens_MD, run=VisionRun(grid, row_seconds), kind=kind)


def encode_frames(model: Qwen25VL, rgb_THWC: NDArray[np.uint8], *, still: bool) -> Iterator[Tensor]:
    """Vision tokens (m, D) of frames, a chunk of rows after the other; as ``watch_frames``."""
    for chunk in _chunks(rgb_THWC, model.config.vision, still=still):
        patches_NP, grid = patchify(torch.from_numpy(chunk), model.config.vision)
        yield model.vision(patches_NP.to(model.device), [grid])


def row_bytes(model: Qwen25VL, height: int, width: int) -> int:
    """Bytes of the tokens of one row of frames of that size in pixels."""
    config = model.config.vision
    block = config.patch_size * config.spatial_merge_size
    return (height // block) * (width // block) * config.out_hidden_size * model.dtype.itemsize


def restore_rows(
    model: Qwen25VL,
    tokens_RB: NDArray[np.uint8],
    row_seconds: tuple[float, ...],
    size: tuple[int, int],
) -> Watched:
    """The video whose ``Watched.row_bytes`` are these; on a processor they are not copied."""
    config = model.config.vision
    height, width = (side // config.patch_size for side in size)
    flat = torch.from_numpy(tokens_RB).view(-1).view(model.dtype)
    tokens_MD = flat.view(-1, config.out_hidden_size).to(model.device)
    return Watched(
        tokens_MD=tokens_MD, run=VisionRun(Grid(len(row_seconds), height, width), row_seconds)
    )


def tower_digest(model: Qwen25VL) -> str:
    """Hexadecimal SHA-256 of the tower's weights, by name and as they are computed with."""
    names = sorted(model.vision.state_dict().items())
    with ThreadPoolExecutor() as pool:  # hashing lets go of the interpreter
        digests = list(pool.map(lambda item: _weight_digest(*item), names))
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _weight_digest(name: str, weight: Tensor) -> bytes:
    whole = weight.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{name} {whole.dtype} {tuple(whole.shape)}".encode())
    digest.update(whole.view(-1).view(torch.uint8).numpy().data)
    return digest.digest()


def _chunks(
    rgb_THWC: NDArray[np.uint8], config: VisionConfig, *, still: bool
) -> Iterator[NDArray[np.uint8]]:
    """Whole rows of frames, as many as the tower takes at once."""
    pair, shape = config.temporal_patch_size, rgb_THWC.shape
    patches = math.prod(shape[1:3]) // config.patch_size**2
    step = pair * max(1, CHUNK_PATCHES // max(1, patches))
    for k in range(0, shape[0], step):
        chunk = rgb_THWC[k : k + step]
        yield np.repeat(chunk[::pair], pair, axis=0) if still else chunk
