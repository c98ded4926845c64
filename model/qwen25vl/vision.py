"""The vision tower: patches in, one token per merge block out, frame by frame and in any number.

Axes: N patches of all inputs, P numbers per patch, F frames (temporal patches) of one size,
L patches of a frame, U merge units of a frame, H heads, D width or head dim, M vision tokens of all
inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from qwen25vl.config import VisionConfig
from qwen25vl.errors import PromptError
from qwen25vl.layers import GatedMLP, RMSNorm, rotate
from qwen25vl.patches import Grid
from qwen25vl.rope import Rope, vision_rope
from qwen25vl.windows import FrameLayout, Segments, frame_layout

NORM_EPS = 1e-6
CHUNK_PATCHES = 16_384
"""Patches worked on at once: bounds activations whatever the length of the video."""


class VisionAttention(nn.Module):
    """Bidirectional attention inside equal segments of every frame."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.num_heads, config.head_dim
        self.qkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.proj = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x_FLD: Tensor, rope: Rope, segments: Sequence[Segments]) -> Tensor:
        qkv_FL3HD = self.qkv(x_FLD).unflatten(2, (3, self.heads, self.head_dim))
        qk_FL2HD = rotate(qkv_FL3HD[:, :, :2].float(), *rope).to(x_FLD.dtype)
        q_FLHD, k_FLHD = qk_FL2HD.unbind(2)
        v_FLHD = qkv_FL3HD[:, :, 2]
        parts = [_attend(q_FLHD, k_FLHD, v_FLHD, equal) for equal in segments]
        attended: Tensor = self.proj(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))
        return attended


def _attend(q_FLHD: Tensor, k_FLHD: Tensor, v_FLHD: Tensor, equal: Segments) -> Tensor:
    """All segments of one length as one batch; returns (F, runs * length, H * D)."""

    def batch(x_FLHD: Tensor) -> Tensor:
        part = x_FLHD.narrow(1, equal.start, equal.runs * equal.length)
        return part.reshape(-1, equal.length, *part.shape[2:]).transpose(1, 2)

    out = F.scaled_dot_product_attention(batch(q_FLHD), batch(k_FLHD), batch(v_FLHD))
    return out.transpose(1, 2).reshape(q_FLHD.shape[0], equal.runs * equal.length, -1)


class VisionBlock(nn.Module):
    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm1 = RMSNorm(config.hidden_size, NORM_EPS)
        self.norm2 = RMSNorm(config.hidden_size, NORM_EPS)
        self.attn = VisionAttention(config)
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size, bias=True)

    def forward(self, x_FLD: Tensor, rope: Rope, segments: Sequence[Segments]) -> Tensor:
        x_FLD = x_FLD + self.attn(self.norm1(x_FLD), rope, segments)
        out: Tensor = x_FLD + self.mlp(self.norm2(x_FLD))
        return out


class PatchEmbed(nn.Module):
    """The published 3-D convolution whose stride is its kernel: one linear map per patch."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.proj = nn.Linear(config.patch_dim, config.hidden_size, bias=False)

    def forward(self, patches_FLP: Tensor) -> Tensor:
        embedded: Tensor = self.proj(patches_FLP.to(self.proj.weight.dtype))
        return embedded


class PatchMerger(nn.Module):
    """Each merge block's patches, side by side, to one token of the decoder's width."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        inner = config.hidden_size * config.merge_unit
        self.ln_q = RMSNorm(config.hidden_size, NORM_EPS)
        self.mlp = nn.Sequential(
            nn.Linear(inner, inner), nn.GELU(), nn.Linear(inner, config.out_hidden_size)
        )
        self.merge_unit = config.merge_unit

    def forward(self, x_FLD: Tensor) -> Tensor:
        normed = self.ln_q(x_FLD)
        merged: Tensor = self.mlp(normed.reshape(x_FLD.shape[0], -1, self.mlp[0].in_features))
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
        self, patches_NP: Tensor, grids: Sequence[Grid], *, chunk_patches: int = CHUNK_PATCHES
    ) -> Tensor:
        """Vision tokens (M, D) of all inputs in the order of ``grids``, each by time, row, column.

        Raises PromptError when patches and grids disagree or the weights are float16, whose range
        the last blocks exceed.
        """
        self._check(patches_NP, grids)
        pieces = patches_NP.split([grid.patches for grid in grids])
        tokens: list[Tensor] = [patches_NP] * len(grids)
        for (h, w), members in _by_size(grids).items():
            frames_FLP = _join([pieces[i] for i in members]).view(-1, h * w, patches_NP.shape[1])
            tokens_FUD = self._encode(frames_FLP, h, w, chunk_patches)
            for i, part in zip(
                members, tokens_FUD.split([grids[i].t for i in members]), strict=True
            ):
                tokens[i] = part.flatten(0, 1)
        return _join(tokens)

    def _encode(self, frames_FLP: Tensor, h: int, w: int, chunk_patches: int) -> Tensor:
        layout = frame_layout(h, w, self.config, frames_FLP.device)
        rope = Rope(*(table[:, None, None] for table in vision_rope(layout.coords_L2, self.config)))
        chunks = frames_FLP.split(max(1, chunk_patches // (h * w)))
        return _join([self._encode_chunk(chunk, layout, rope) for chunk in chunks])

    def _encode_chunk(self, frames_FLP: Tensor, layout: FrameLayout, rope: Rope) -> Tensor:
        unit = self.config.merge_unit
        x_FUD = self.patch_embed(frames_FLP).unflatten(1, (-1, unit))
        x_FLD = x_FUD.index_select(1, layout.order_U).flatten(1, 2)
        whole = (Segments(0, 1, x_FLD.shape[1]),)
        for i, block in enumerate(self.blocks):
            full = i in self.config.fullatt_block_indexes
            x_FLD = block(x_FLD, rope, whole if full else layout.windows)
        merged: Tensor = self.merger(x_FLD).index_select(1, layout.restore_U)
        return merged

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


def _join(parts: Sequence[Tensor]) -> Tensor:
    """Concatenate along the first axis without copying a lone part."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))
