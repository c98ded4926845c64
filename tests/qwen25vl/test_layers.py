"""The norm of many numbers is the norm of few."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from qwen25vl.layers import MANY_NUMBERS, RMSNorm


@pytest.mark.parametrize("rows", [1, MANY_NUMBERS // 96 + 1])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_many_numbers_are_normed_as_torch_does(rows, size):
    norm = RMSNorm(96, 1e-6)
    torch.nn.init.normal_(norm.weight)
    x = torch.randn(rows, 96) * size
    kept = x.clone()
    with torch.no_grad():
        ours = norm(x)
        torch.testing.assert_close(ours, F.rms_norm(x, (96,), norm.weight, 1e-6))
    assert torch.equal(x, kept)
    assert norm(x).requires_grad


@torch.no_grad()
def test_nothing_is_normed_to_nothing():
    assert not RMSNorm(96, 1e-6)(torch.zeros(MANY_NUMBERS // 96 + 1, 96)).any()
