"""The vision tower: patches in, one token per merge block out, frame by frame and in any number.

Axes: N patches of all inputs or of a chunk of frames, P numbers per patch, F frames (temporal
patches) of one size, L patches of a frame, U merge units of a frame, C merge units of a chunk,
H heads, D width or head dim, M vision tokens of all inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from qwen25vl.config import VisionConfig
from qwen25vl.errors import PromptError
from qwen25vl.layers import GatedMLP, RMSNorm
from qwen25vl.linear import Linear, plus
from qwen25vl.patches import Grid
from qwen25vl.rope import Rope, vision_rope
from qwen25vl.segments import Turned, attend_within, turned
from qwen25vl.windows import (
    ChunkOrder,
    FrameLayout,
    frame_after_frame,
    frame_layout,
    length_by_length,
)

NORM_EPS = 1e-6
CHUNK_PATCHES = {"cpu": 2048, "cuda": 32_768}
"""Patches worked on at once, by device: bounds activations whatever the length of the video.

On a processor what a step leaves must still be in its cache for the next; a card wants to be full.
"""


class Working(NamedTuple):
    """One order of a chunk's patches, with what its blocks need."""

    order: ChunkOrder
    turned: tuple[Turned, ...]
    """What attends to itself, one after the other."""


class VisionAttention(nn.Module):
    """Bidirectional attention inside equal segments."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.num_heads, config.head_dim
        self.qkv = Linear(config.hidden_size, 3 * config.hidden_size)
        self.proj = Linear(config.hidden_size, config.hidden_size)

    def forward(self, x_ND: Tensor, working: Working, term_ND: Tensor) -> Tensor:
        """What the patches gather from their segments, plus ``term_ND``."""
        qkv_N3HD = self.qkv(x_ND).unflatten(1, (3, self.heads, self.head_dim))
        parts = [attend_within(qkv_N3HD, runs) for runs in working.turned]
        return plus(self.proj, _join(parts), term_ND)


class VisionBlock(nn.Module):
    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm1 = RMSNorm(config.hidden_size, NORM_EPS)
        self.norm2 = RMSNorm(config.hidden_size, NORM_EPS)
        self.attn = VisionAttention(config)
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size, bias=True)

    def forward(self, x_ND: Tensor, working: Working) -> Tensor:
        x_ND = self.attn(self.norm1(x_ND), working, x_ND)
        out: Tensor = self.mlp(self.norm2(x_ND), x_ND)
        return out


class PatchEmbed(nn.Module):
    """The published 3-D convolution whose stride is its kernel: one linear map per patch."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.proj = Linear(config.patch_dim, config.hidden_size, bias=False)

    def forward(self, patches_NP: Tensor) -> Tensor:
        embedded: Tensor = self.proj(patches_NP.to(self.proj.weight.dtype))
        return embedded


class PatchMerger(nn.Module):
    """Each merge block's patches, side by side, to one token of the decoder's width."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        inner = config.hidden_size * config.merge_unit
        self.ln_q = RMSNorm(config.hidden_size, NORM_EPS)
        self.mlp = nn.Sequential(
            Linear(inner, inner), nn.GELU(), Linear(inner, config.out_hidden_size)
        )
        self.merge_unit = config.merge_unit

    def forward(self, x_ND: Tensor) -> Tensor:
        merged: Tensor = self.mlp(self.ln_q(x_ND).view(-1, self.merge_unit * x_ND.shape[1]))
        return merged


class VisionTower(nn.Module):
    """Encodes every frame on its own; windows in most blocks, the whole frame in the others."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(VisionBlock(config) for _ in range(config.depth))
        self.merger = PatchMerger(config)

    def forward(
        self, patches_NP: Tensor, grids: Sequence[Grid], *, chunk_patches: int | None = None
    ) -> Tensor:
        """Vision tokens (M, D) of all inputs in the order of ``grids``, each by time, row, column.

        Frames are worked on ``chunk_patches`` at a time (CHUNK_PATCHES, by device), at least one.
        Raises PromptError when patches and grids disagree or the weights are float16, whose range
        the last blocks exceed.
        """
        self._check(patches_NP, grids)
        limit = chunk_patches or CHUNK_PATCHES[patches_NP.device.type]
        pieces = patches_NP.split([grid.patches for grid in grids])
        tokens: list[Tensor] = [patches_NP] * len(grids)
        for (h, w), members in _by_size(grids).items():
            frames = [pieces[i].view(-1, h * w, patches_NP.shape[1]) for i in members]
            tokens_FUD = self._encode(frames, h, w, max(1, limit // (h * w)))
            for i, part in zip(
                members, tokens_FUD.split([grids[i].t for i in members]), strict=True
            ):
                tokens[i] = part.flatten(0, 1)
            if len(members) == len(grids):
                return tokens_FUD.flatten(0, 1)
        return _join(tokens)

    def _encode(self, inputs: Sequence[Tensor], h: int, w: int, step: int) -> Tensor:
        """Tokens (F, U, D) of inputs (F, L, P) of one frame size, ``step`` frames at a time."""
        layout = frame_layout(h, w, self.config, inputs[0].device)
        encoded = []
        orders: dict[int, tuple[Working, Working]] = {}
        for frames_FLP in _runs(inputs, step):
            count = frames_FLP.shape[0]
            if count not in orders:
                orders[count] = self._orders(layout, count)
            encoded.append(self._encode_chunk(frames_FLP, *orders[count]).unflatten(0, (count, -1)))
        return _join(encoded)

    def _orders(self, layout: FrameLayout, frames: int) -> tuple[Working, Working]:
        """For windows and for whole frames; the same object where one memory order serves both."""
        unit = self.config.merge_unit
        tables = vision_rope(
            layout.coords_L2.unflatten(0, (-1, unit))[layout.restore_U], self.config
        )

        def working(order: ChunkOrder) -> Working:
            place_C = order.unit_C % layout.order_U.shape[0]
            rope = Rope(*(table_UMD[place_C].flatten(0, 1) for table_UMD in tables))
            return Working(order, tuple(turned(runs, rope) for runs in order.segments))

        return working(length_by_length(layout, frames)), working(frame_after_frame(layout, frames))

    def _encode_chunk(self, frames_FLP: Tensor, windows: Working, whole: Working) -> Tensor:
        x_ND = self.patch_embed(frames_FLP.flatten(0, 1))
        x_ND = self._reorder(x_ND, windows.order.unit_C)
        now = windows
        for i, block in enumerate(self.blocks):
            wanted = whole if i in self.config.fullatt_block_indexes else windows
            if wanted is not now and len(windows.order.segments) > 1:
                x_ND = self._reorder(x_ND, now.order.place_C[wanted.order.unit_C])
            now = wanted
            x_ND = block(x_ND, now)
        merged: Tensor = self.merger(x_ND).index_select(0, now.order.place_C)
        return merged

    def _reorder(self, x_ND: Tensor, units_C: Tensor) -> Tensor:
        """The merge units at ``units_C``, patches inside each staying together."""
        width = self.config.merge_unit * x_ND.shape[1]
        return x_ND.view(-1, width).index_select(0, units_C).view_as(x_ND)

    def _check(self, patches_NP: Tensor, grids: Sequence[Grid]) -> None:
        if self.patch_embed.proj.weight.dtype == torch.float16:
            step = "load the model as bfloat16 or float32"
            raise PromptError("the vision tower overflows in float16", next_step=step)
        merge = self.config.spatial_merge_size
        wanted = (sum(grid.patches for grid in grids), self.config.patch_dim)
        uneven = [grid for grid in grids if min(grid) < 1 or grid.h % merge or grid.w % merge]
        if tuple(patches_NP.shape) != wanted or uneven or not grids:
            message = f"patches {tuple(patches_NP.shape)} do not fit the grids {list(grids)}"
            raise PromptError(message, next_step="pass what patchify returned, in the same order")


def _by_size(grids: Sequence[Grid]) -> dict[tuple[int, int], list[int]]:
    """Inputs (by index) of each frame size, in order of appearance."""
    members: dict[tuple[int, int], list[int]] = {}
    for i, grid in enumerate(grids):
        members.setdefault((grid.h, grid.w), []).append(i)
    return members


def _runs(inputs: Sequence[Tensor], step: int) -> Iterator[Tensor]:
    """``step`` frames after ``step`` frames of all inputs; copied only where a run spans inputs."""
    run: list[Tensor] = []
    for frames_FLP in inputs:
        done = 0
        while done < frames_FLP.shape[0]:
            run.append(frames_FLP[done : done + step - sum(map(len, run))])
            done += len(run[-1])
            if sum(map(len, run)) == step:
                yield _join(run)
                run = []
    if run:
        yield _join(run)


def _join(parts: Sequence[Tensor]) -> Tensor:
    """Concatenate along the first axis without copying a lone part."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))
