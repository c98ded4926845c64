"""How the patches of one frame size are ordered for window attention; no frame, no loop.

Axes: U merge units (vision tokens) of a frame, L = U * merge_unit patches of a frame.
Frames never attend to each other in the tower, so the order is found once per frame size and used
for all frames of that size. Within a frame, windows are sorted by length (those at the edges are
shorter), which makes all windows of one length a contiguous slice: one batched attention each.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from qwen25vl.config import VisionConfig


class Segments(NamedTuple):
    """``runs`` equal runs of ``length`` patches, starting at patch ``start`` of each frame."""

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
