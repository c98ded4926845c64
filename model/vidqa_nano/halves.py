"""Matrix products in bfloat16 while all else stays float32: a third off a step on one core.

In: nothing. Out: a context in which every linear layer rounds what it multiplies, forwards and
backwards, and adds up in float32. Autocast would also run what is between the layers in bfloat16,
which a processor does no faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.overrides import TorchFunctionMode


def half_products(*, on: bool) -> AbstractContextManager[Any]:
    """The context; without ``on`` one that changes nothing."""
    return _HalfProducts() if on else nullcontext()


class _HalfProducts(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is F.linear and torch.is_grad_enabled() and not kwargs:
            return _HalfLinear.apply(*args)  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


class _HalfLinear(torch.autograd.Function):
    """x W^T + b, its three products in bfloat16."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        rows, half = x.flatten(0, -2).bfloat16(), weight.bfloat16()
        ctx.save_for_backward(rows, half)
        out = (rows @ half.T).float()
        if bias is not None:
            out += bias
        shaped: Tensor = out.unflatten(0, x.shape[:-1])
        return shaped

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        rows, half = ctx.saved_tensors
        back = grad.flatten(0, -2)
        low = back.bfloat16()
        needs_x, needs_weight, *rest = ctx.needs_input_grad
        x = (low @ half).float().unflatten(0, grad.shape[:-1]) if needs_x else None
        weight = (low.T @ rows).float() if needs_weight else None
        bias = back.sum(0) if rest and rest[0] else None
        return (x, weight, bias)[: len(ctx.needs_input_grad)]
