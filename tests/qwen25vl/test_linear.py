"""The fused kernels give what the plain layers give, and stand back where they must."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from qwen25vl.layers import GatedMLP
from qwen25vl.linear import HAS_ONEDNN, MIN_ROWS, Linear, plus, silu_of, times

FOLLOWED = {
    "alone": (lambda layer, x, other: layer(x), lambda y, other: y),
    "silu": (lambda layer, x, other: silu_of(layer, x), lambda y, other: F.silu(y)),
    "times": (times, lambda y, other: y * other),
    "plus": (plus, lambda y, other: y + other),
}


@pytest.mark.parametrize("rows", [1, MIN_ROWS - 1, MIN_ROWS, 300])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("what", FOLLOWED)
@torch.no_grad()
def test_what_follows_a_layer_equals_the_plain_way(what, bias, rows):
    torch.manual_seed(0)
    layer, x, other = Linear(24, 40, bias=bias), torch.randn(rows, 24), torch.randn(rows, 40)
    ours, plain = FOLLOWED[what]
    wanted = plain(F.linear(x, layer.weight, layer.bias), other)
    torch.testing.assert_close(ours(layer, x, other), wanted, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_leading_axes_stay():
    x = torch.randn(2, 3, 50, 24)
    layer = Linear(24, 40)
    wanted = F.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(layer(x), wanted, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(times(layer, x, wanted), wanted**2, atol=1e-5, rtol=1e-5)


@pytest.mark.skipif(not HAS_ONEDNN, reason="this build of torch has no oneDNN")
@torch.no_grad()
def test_many_rows_of_float32_take_the_one_kernel():
    with torch.autograd.profiler.profile() as profile:
        GatedMLP(24, 40, bias=True)(torch.randn(MIN_ROWS, 24), torch.randn(MIN_ROWS, 24))
    names = [event.name for event in profile.function_events]
    assert names.count("mkldnn::_linear_pointwise") == 3
    assert not {"aten::linear", "aten::silu", "aten::mul", "aten::add"} & set(names)


@pytest.mark.skipif(not HAS_ONEDNN, reason="this build of torch has no oneDNN")
@pytest.mark.parametrize(("inputs", "taken"), [(512, True), (511, False)])
@torch.no_grad()
def test_one_row_takes_the_kernel_where_the_matrix_is_large(inputs, taken):
    layer, x = Linear(inputs, 512), torch.randn(1, inputs)
    with torch.autograd.profiler.profile() as profile:
        got = layer(x)
    names = {event.name for event in profile.function_events}
    assert ("mkldnn::_linear_pointwise" in names) == taken
    torch.testing.assert_close(got, F.linear(x, layer.weight, layer.bias), atol=1e-4, rtol=1e-4)


def test_gradients_are_those_of_plain_layers():
    torch.manual_seed(0)
    mlp, x = GatedMLP(24, 40, bias=True), torch.randn(MIN_ROWS, 24, requires_grad=True)
    gate, up, down = (
        (layer.weight, layer.bias) for layer in (mlp.gate_proj, mlp.up_proj, mlp.down_proj)
    )
    plain = x + F.linear(F.silu(F.linear(x, *gate)) * F.linear(x, *up), *down)
    wanted = torch.autograd.grad(plain.square().sum(), [x, *mlp.parameters()])
    got = torch.autograd.grad(mlp(x, x).square().sum(), [x, *mlp.parameters()])
    for ours, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(ours, theirs)


@torch.no_grad()
def test_a_hook_still_sees_the_layers_own_output():
    mlp, x, seen = GatedMLP(24, 40, bias=True), torch.randn(MIN_ROWS, 24), []
    mlp.gate_proj.register_forward_hook(lambda layer, inputs, output: seen.append(output))
    mlp(x)
    wanted = F.linear(x, mlp.gate_proj.weight, mlp.gate_proj.bias)
    torch.testing.assert_close(seen[0], wanted, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_a_layer_of_another_kind_is_called_as_it_is():
    class Doubling(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

    x = torch.ones(MIN_ROWS, 3)
    assert torch.equal(plus(Doubling(), x, x), 3 * x)
    assert torch.equal(times(Doubling(), x, 5 * x), 10 * x)
    assert torch.equal(silu_of(Doubling(), x), F.silu(2 * x))
