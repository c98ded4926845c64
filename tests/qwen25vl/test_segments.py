"""Runs of patches attend to themselves as the published rotation and attention say."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from qwen25vl.layers import rotate
from qwen25vl.rope import vision_rope
from qwen25vl.segments import attend_within, turned
from qwen25vl.windows import Segments

SHAPES = [Segments(0, 3, 16), Segments(8, 2, 64), Segments(4, 1, 80)]


def published(qkv, rope, runs):
    """Rotate everything, then attend run by run."""
    cos, sin = (table[:, None, None] for table in rope)
    q, k = rotate(qkv[:, :2].float(), cos, sin).to(qkv.dtype).unbind(1)
    ends = [(runs.start + i * runs.length, runs.length) for i in range(runs.runs)]
    heads = [
        F.scaled_dot_product_attention(
            *(each.narrow(0, *end).transpose(0, 1)[None] for each in (q, k, qkv[:, 2]))
        )
        for end in ends
    ]
    return torch.cat([each[0].transpose(0, 1).flatten(1) for each in heads])


@pytest.fixture
def case(make_config):
    def made(dtype=torch.float32):
        config = make_config().vision
        rope = vision_rope(torch.randint(0, 50, (140, 2)), config)
        return torch.randn(140, 3, config.num_heads, config.head_dim).to(dtype), rope

    return made


@pytest.mark.parametrize("runs", SHAPES)
def test_short_and_long_runs_gather_what_the_published_way_does(runs, case):
    qkv, rope = case()
    ours = attend_within(qkv, turned(runs, rope))
    torch.testing.assert_close(ours, published(qkv, rope, runs), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("runs", SHAPES)
def test_bfloat16_is_rounded_where_the_published_way_rounds(runs, case):
    qkv, rope = case(torch.bfloat16)
    ours = attend_within(qkv, turned(runs, rope))
    assert ours.dtype == torch.bfloat16
    torch.testing.assert_close(ours, published(qkv, rope, runs), atol=0.03, rtol=0.02)


@pytest.mark.parametrize("runs", SHAPES)
def test_gradients_are_those_of_the_published_way(runs, case):
    qkv, rope = case()
    qkv.requires_grad_()
    wanted = torch.autograd.grad(published(qkv, rope, runs).pow(3).sum(), qkv)
    ours = torch.autograd.grad(attend_within(qkv, turned(runs, rope)).pow(3).sum(), qkv)
    torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-4)
