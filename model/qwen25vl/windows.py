"""How patches are ordered for attention inside windows and frames, so that nothing is copied.

Axes: U merge units (vision tokens) of a frame, L = U * merge_unit patches of a frame, F frames of a
chunk, C = F * U units of a chunk.
Frames never attend to each other in the tower, so the order is found once per frame size and used
for all frames of that size. Within a frame, windows are sorted by length (those at the edges are
shorter). A chunk has two orders: frame after frame, for blocks that attend over whole frames, and
all windows of one length together, whatever their frame. In both, everything of one length is one
contiguous slice: one batched attention each.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from qwen25vl.config import VisionConfig


class Segments(NamedTuple):
    """``runs`` equal runs of ``length`` patches, starting at patch ``start``."""

    start: int
    runs: int
    length: int


class FrameLayout(NamedTuple):
    """The order in which the tower works on the merge units of one frame size."""

    order_U: Tensor
    """Unit (row-major) at each working place."""
    restore_U: Tensor
    """Working place of each row-major unit."""
    coords_L2: Tensor
    """(row, column) of the patch at each working place."""
    windows: tuple[Segments, ...]
    """Equal windows, longest first."""


class ChunkOrder(NamedTuple):
    """How the units of a chunk of equal frames are laid out in memory while blocks work on them."""

    unit_C: Tensor
    """Unit (frame after frame, row-major in each) at each working place."""
    place_C: Tensor
    """Working place of each unit."""
    segments: tuple[Segments, ...]
    """What attends to itself, in patches of the chunk."""


def window_order(rows: int, columns: int, side: int) -> tuple[Tensor, Tensor]:
    """Units of a rows x columns frame in window order (U,), and units per window.

    Windows are row-major, units row-major inside each; windows at the right and bottom edge hold
    what is left.
    """
    row_U = torch.arange(rows).repeat_interleave(columns)
    column_U = torch.arange(columns).repeat(rows)
    window_U = (row_U // side) * -(-columns // side) + column_U // side
    return window_U.argsort(stable=True), window_U.bincount()


def frame_layout(h: int, w: int, config: VisionConfig, device: torch.device) -> FrameLayout:
    """Layout of frames of h x w patches."""
    merge = config.spatial_merge_size
    by_window_U, lengths = window_order(h // merge, w // merge, config.window_units)
    by_length = lengths.repeat_interleave(lengths).argsort(descending=True, stable=True)
    order_U = by_window_U[by_length]
    return FrameLayout(
        order_U=order_U.to(device),
        restore_U=order_U.argsort().to(device),
        coords_L2=_patch_coords(order_U, w // merge, merge).to(device),
        windows=_equal_windows(lengths, config.merge_unit),
    )


def frame_after_frame(layout: FrameLayout, frames: int) -> ChunkOrder:
    """Whole frames attend."""
    unit_C = _units(layout, frames).flatten()
    length = layout.coords_L2.shape[0]
    return ChunkOrder(unit_C, unit_C.argsort(), (Segments(0, frames, length),))


def length_by_length(layout: FrameLayout, frames: int) -> ChunkOrder:
    """Windows attend: those of one length together, frame after frame among them."""
    unit_FU, parts = _units(layout, frames), layout.windows
    merge_unit = layout.coords_L2.shape[0] // unit_FU.shape[1]
    slices = unit_FU.split([part.runs * part.length // merge_unit for part in parts], dim=1)
    unit_C = torch.cat([each.flatten() for each in slices])
    segments = tuple(Segments(p.start * frames, p.runs * frames, p.length) for p in parts)
    return ChunkOrder(unit_C, unit_C.argsort(), segments)


def _units(layout: FrameLayout, frames: int) -> Tensor:
    """Unit of the chunk at each working place of each frame, (F, U)."""
    first_F = torch.arange(frames, device=layout.order_U.device) * layout.order_U.shape[0]
    return first_F[:, None] + layout.order_U


def _equal_windows(lengths: Tensor, merge_unit: int) -> tuple[Segments, ...]:
    sizes, counts = lengths.unique(return_counts=True)
    groups, start = [], 0
    for size, count in sorted(zip(sizes.tolist(), counts.tolist(), strict=True), reverse=True):
        groups.append(Segments(start, count, size * merge_unit))
        start += count * size * merge_unit
    return tuple(groups)


def _patch_coords(order_U: Tensor, columns: int, merge: int) -> Tensor:
    inside = torch.arange(merge)
    row_UM = (order_U // columns)[:, None] * merge + inside.repeat_interleave(merge)
    column_UM = (order_U % columns)[:, None] * merge + inside.repeat(merge)
    return torch.stack((row_UM, column_UM), dim=-1).flatten(0, 1)
