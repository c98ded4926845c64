"""Linear layers, and what follows each of them in one pass over memory where that is possible.

For float32 on a processor torch calls MKL, which reaches 110 GFLOP/s on one core of an AMD EPYC
(Zen 5) where oneDNN, part of the same torch, reaches 240; and oneDNN applies an activation, a
product or a sum while the result is still in a register. Its operator has no gradient, so training
takes the plain way; so does every other type, device and kind of weight.

Of weights that are DTensors a rank multiplies by its own part: whoever cut them says what the parts
of a result are to each other (``parallel``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor

MIN_ROWS = 64
MIN_WEIGHTS = 2**18
"""With fewer rows and a smaller matrix, the plain call costs less than preparing the other: 4 us
against 16 us for one row and 192 x 192 weights, 119 us against 62 us for 768 x 768."""
_PLAIN = (nn.Parameter, Tensor)
HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class Linear(nn.Linear):
    """``nn.Linear``, with the same weights and names: (..., in) to (..., out)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the base class' name
        """x W^T + b."""
        weight, bias = _own(self)
        if _fits(weight, input):
            return _alone(weight, bias, input, "none")
        return F.linear(input, weight, bias)


def is_part(tensor: Tensor) -> TypeGuard[DTensor]:
    """Whether it is a DTensor; asked of what it can do, for importing the class takes 0.6 s."""
    return hasattr(type(tensor), "to_local")


def is_cut(model: nn.Module) -> bool:
    """Whether it is one rank's share of a network (``parallel.shard``)."""
    return any(is_part(parameter) for parameter in model.parameters())


def local(tensor: Tensor) -> Tensor:
    """This rank's part of a DTensor, a view; any other tensor as it is."""
    return tensor.to_local() if is_part(tensor) else tensor


def silu_of(layer: nn.Module, x: Tensor) -> Tensor:
    """SiLU of the layer's output."""
    return _alone(*_own(layer), x, "swish") if _fuses(layer, x) else F.silu(layer(x))


def times(layer: nn.Module, x: Tensor, factor: Tensor) -> Tensor:
    """The layer's output times ``factor``, of the output's shape."""
    if _fuses(layer, x):
        return _with(*_own(layer), x, factor, "mul")
    product: Tensor = layer(x) * factor
    return product


def plus(layer: nn.Module, x: Tensor, term: Tensor) -> Tensor:
    """The layer's output plus ``term``, of the output's shape."""
    return _with(*_own(layer), x, term, "add") if _fuses(layer, x) else term + layer(x)


def _own(layer: Linear) -> tuple[Tensor, Tensor | None]:
    return local(layer.weight), None if layer.bias is None else local(layer.bias)


def _alone(weight: Tensor, bias: Tensor | None, x: Tensor, after: str) -> Tensor:
    out: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
        x, weight, bias, after, [], ""
    )
    return out


def _with(weight: Tensor, bias: Tensor | None, x: Tensor, other: Tensor, kind: str) -> Tensor:
    out: Tensor = torch.ops.mkldnn._linear_pointwise.binary(  # noqa: SLF001
        x, other, weight, bias, kind
    )
    return out


def _fuses(layer: nn.Module, x: Tensor) -> TypeGuard[Linear]:
    """Whether what follows may join: never past a hook, which waits for the layer's own output."""
    hooked = layer._forward_hooks or layer._forward_pre_hooks  # noqa: SLF001
    return isinstance(layer, Linear) and not hooked and _fits(local(layer.weight), x)


def _fits(weight: Tensor, x: Tensor) -> bool:
    """Plain float32 in host memory, no gradient wanted, and work enough.

    Quantised weights are tensors of another class: they bring their own kernel.
    """
    return (
        HAS_ONEDNN
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == "cpu"
        and not torch.is_grad_enabled()
        and type(weight) in _PLAIN
        and type(x) is Tensor
        and (x.numel() >= MIN_ROWS * weight.shape[1] or weight.numel() >= MIN_WEIGHTS)
        and not torch.compiler.is_compiling()
    )
