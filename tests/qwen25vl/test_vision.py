"""What the tower promises beside parity: gradients, a narrow type, frames in any grouping."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qwen25vl import Grid
from qwen25vl.layers import rotate
from qwen25vl.rope import vision_rope
from qwen25vl.vision import _runs


def test_rotation_is_the_published_one_and_so_is_its_gradient(make_config):
    tables = vision_rope(torch.randint(0, 50, (30, 2)), make_config().vision)
    cos, sin = (table[:, None, None] for table in tables)
    x = torch.randn(30, 2, 2, cos.shape[-1], requires_grad=True)
    first, second = x.chunk(2, dim=-1)
    published = x * cos + torch.cat((-second, first), dim=-1) * sin
    ours = rotate(x, cos, sin)
    torch.testing.assert_close(ours, published, atol=1e-6, rtol=1e-6)
    wanted = torch.autograd.grad(published.pow(3).sum(), x)
    torch.testing.assert_close(torch.autograd.grad(ours.pow(3).sum(), x), wanted)


@pytest.mark.parametrize("grids", [[Grid(3, 10, 18)], [Grid(1, 8, 8), Grid(2, 6, 10)]])
def test_training_and_inference_give_the_same_tokens(grids, make_model, make_config):
    tower = make_model(make_config()).vision
    patches_NP = torch.randn(sum(grid.patches for grid in grids), 1176)
    trained = tower(patches_NP, grids)
    with torch.no_grad():
        inferred = tower(patches_NP, grids)
    assert trained.requires_grad
    assert (trained - inferred).abs().max() <= 1e-5
    trained.sum().backward()
    assert all(parameter.grad is not None for parameter in tower.parameters())


@torch.no_grad()
def test_bfloat16_stays_near_float32(make_model, make_config):
    tower, grid = make_model(make_config()).vision, Grid(2, 10, 18)
    patches_NP = torch.randn(grid.patches, 1176)
    wide = tower(patches_NP, [grid])
    narrow = tower.bfloat16()(patches_NP, [grid])
    assert narrow.dtype == torch.bfloat16
    assert (narrow - wide).norm() <= 0.05 * wide.norm()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 12))
def test_runs_of_frames_are_in_order_and_all_but_the_last_are_full(lengths, step):
    parts = torch.arange(sum(lengths))[:, None].split(lengths)
    runs = list(_runs(parts, step))
    assert torch.equal(torch.cat(runs), torch.cat(parts))
    assert all(len(run) == step for run in runs[:-1])
    assert 1 <= len(runs[-1]) <= step
