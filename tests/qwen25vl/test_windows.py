"""Window order and lengths of every published frame size."""

from __future__ import annotations

import pytest
import torch

from qwen25vl.windows import (
    Segments,
    frame_after_frame,
    frame_layout,
    length_by_length,
    window_order,
)

# Patches h, w; patches per window in window order; first units in window order.
FRAMES = [
    (8, 8, [64], list(range(16))),
    (16, 16, [64] * 4, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19]),
    (20, 36, ([64] * 4 + [32]) * 2 + [32] * 4 + [16], [0, 1, 2, 3, 18, 19, 20, 21, 36, 37, 38, 39]),
    (12, 20, [64, 64, 32, 32, 32, 16], [0, 1, 2, 3, 10, 11, 12, 13, 20]),
    (10, 18, [64, 64, 16, 16, 16, 4], [0, 1, 2, 3, 9, 10, 11, 12, 18]),
    (24, 46, ([64] * 5 + [48]) * 3, [0, 1, 2, 3, 23, 24, 25, 26, 46]),
    (30, 52, ([64] * 6 + [32]) * 3 + [48] * 6 + [24], [0, 1, 2, 3, 26, 27]),
    (4, 6, [24], [0, 1, 2, 3, 4, 5]),
]


@pytest.mark.parametrize(("h", "w", "lengths", "head"), FRAMES)
def test_window_order_is_the_published_one(h, w, lengths, head):
    order, units = window_order(h // 2, w // 2, 4)
    assert (units * 4).tolist() == lengths
    assert order[: len(head)].tolist() == head


@pytest.mark.parametrize(("h", "w", "lengths", "head"), FRAMES)
def test_layout_groups_windows_by_length_and_can_be_undone(h, w, lengths, head, make_config):
    layout = frame_layout(h, w, make_config().vision, torch.device("cpu"))
    groups = {group.length: group.runs for group in layout.windows}
    assert groups == {length: lengths.count(length) for length in lengths}
    assert torch.equal(layout.order_U[layout.restore_U], torch.arange(h * w // 4))
    assert sum(group.runs * group.length for group in layout.windows) == h * w


def test_every_window_holds_the_patches_of_one_square(make_config):
    layout = frame_layout(10, 18, make_config().vision, torch.device("cpu"))
    assert layout.windows == (Segments(0, 2, 64), Segments(128, 3, 16), Segments(176, 1, 4))
    squares = layout.coords_L2 // 8
    for group in layout.windows:
        part = squares[group.start : group.start + group.runs * group.length]
        assert (part.view(group.runs, group.length, 2) == part.view(group.runs, -1, 2)[:, :1]).all()


def test_patches_of_a_merge_block_stay_together_row_by_row(make_config):
    layout = frame_layout(4, 6, make_config().vision, torch.device("cpu"))
    assert layout.coords_L2[:8].tolist() == [
        [0, 0], [0, 1], [1, 0], [1, 1], [0, 2], [0, 3], [1, 2], [1, 3],
    ]  # fmt: skip


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize(("h", "w", "lengths", "head"), FRAMES)
def test_a_chunk_holds_every_unit_once_in_both_orders(frames, h, w, lengths, head, make_config):
    layout = frame_layout(h, w, make_config().vision, torch.device("cpu"))
    for order in (frame_after_frame(layout, frames), length_by_length(layout, frames)):
        units = frames * h * w // 4
        assert torch.equal(order.unit_C[order.place_C], torch.arange(units))
        assert torch.equal(order.unit_C.sort().values, torch.arange(units))
        ends = [part.start + part.runs * part.length for part in order.segments]
        assert [part.start for part in order.segments] == [0, *ends[:-1]]
        assert ends[-1] == frames * h * w


def test_segments_of_a_chunk_never_mix_frames_or_windows(make_config):
    layout = frame_layout(10, 18, make_config().vision, torch.device("cpu"))
    order = length_by_length(layout, 2)
    assert order.segments == (Segments(0, 4, 64), Segments(256, 6, 16), Segments(352, 2, 4))
    frame_C, unit_C = order.unit_C // 45, order.unit_C % 45
    window_C = frame_C * 6 + (unit_C // 9 // 4) * 3 + unit_C % 9 // 4
    for part in order.segments:
        units = window_C[part.start // 4 : (part.start + part.runs * part.length) // 4]
        assert (units.view(part.runs, -1) == units.view(part.runs, -1)[:, :1]).all()
