"""Linear layers, and what follows each of them in one pass over memory where that is possible.

For float32 on a processor torch calls MKL, which reaches 110 GFLOP/s on one core of an AMD EPYC
(Zen 5) where oneDNN, part of the same torch, reaches 240; and oneDNN applies an activation, a
product or a sum while the result is still in a register. Its operator has no gradient, so training
takes the plain way; so does every other type, device and kind of weight.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

MIN_ROWS = 64
MIN_WEIGHTS = 2**18
"""With fewer rows and a smaller matrix, the plain call costs less than preparing the other: 4 us
against 16 us for one row and 192 x 192 weights, 119 us against 62 us for 768 x 768."""
HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class Linear(nn.Linear):
    """``nn.Linear``, with the same weights and names: (..., in) to (..., out)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the base class' name
        """x W^T + b."""
        return _alone(self, input, "none") if _fits(self, input) else super().forward(input)


def silu_of(layer: nn.Module, x: Tensor) -> Tensor:
    """SiLU of the layer's output."""
    return _alone(layer, x, "swish") if _fuses(layer, x) else F.silu(layer(x))


def times(layer: nn.Module, x: Tensor, factor: Tensor) -> Tensor:
    """The layer's output times ``factor``, of the output's shape."""
    product: Tensor = _with(layer, x, factor, "mul") if _fuses(layer, x) else layer(x) * factor
    return product


def plus(layer: nn.Module, x: Tensor, term: Tensor) -> Tensor:
    """The layer's output plus ``term``, of the output's shape."""
    total: Tensor = _with(layer, x, term, "add") if _fuses(layer, x) else term + layer(x)
    return total


def _alone(layer: nn.Module, x: Tensor, after: str) -> Tensor:
    out: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
        x, layer.weight, layer.bias, after, [], ""
    )
    return out


def _with(layer: nn.Module, x: Tensor, other: Tensor, kind: str) -> Tensor:
    out: Tensor = torch.ops.mkldnn._linear_pointwise.binary(  # noqa: SLF001
        x, other, layer.weight, layer.bias, kind
    )
    return out


def _fuses(layer: nn.Module, x: Tensor) -> bool:
    """Whether what follows may join: never past a hook, which waits for the layer's own output."""
    hooked = layer._forward_hooks or layer._forward_pre_hooks  # noqa: SLF001
    return isinstance(layer, Linear) and _fits(layer, x) and not hooked


def _fits(layer: Linear, x: Tensor) -> bool:
    """Plain float32 in host memory, no gradient wanted, and work enough.

    Quantised and distributed weights are tensors of another class: they bring their own kernel.
    """
    return (
        HAS_ONEDNN
        and x.dtype == layer.weight.dtype == torch.float32
        and x.device.type == "cpu"
        and not torch.is_grad_enabled()
        and type(layer.weight) is nn.Parameter
        and type(x) is Tensor
        and (x.numel() >= MIN_ROWS * layer.in_features or layer.weight.numel() >= MIN_WEIGHTS)
        and not torch.compiler.is_compiling()
    )
