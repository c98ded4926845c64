"""The parts the tower and the decoder share: norm, gated MLP, rotation."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from qwen25vl.linear import Linear, plus, silu_of, times

MANY_NUMBERS = 2**16


class RMSNorm(nn.Module):
    """Root-mean-square norm: statistics in float32 or wider, the input's type, then the weight."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        if _is_wide_on_host(x):
            size = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
            factor = size.square_().div_(x.shape[-1]).add_(self.eps).rsqrt_()
            normed: Tensor = (x * factor).mul_(self.weight)
            return normed
        if x.dtype.itemsize >= 4:
            return F.rms_norm(x, self.weight.shape, self.weight, self.eps)
        narrow = F.rms_norm(x.float(), self.weight.shape, None, self.eps).to(x.dtype)
        return self.weight * narrow


def _is_wide_on_host(x: Tensor) -> bool:
    """Where torch's own norm, a chain of steps with their squares written out, takes 1.5 times as
    long as the norm in one pass over the input; for few numbers it is the calls that count."""
    plain = x.device.type == "cpu" and x.dtype == torch.float32 and x.numel() >= MANY_NUMBERS
    return plain and not torch.is_grad_enabled() and not torch.compiler.is_compiling()


class GatedMLP(nn.Module):
    """down(silu(gate(x)) * up(x)), with biases in the tower and without in the decoder."""

    def __init__(self, size: int, inner: int, *, bias: bool) -> None:
        super().__init__()
        self.gate_proj = Linear(size, inner, bias=bias)
        self.up_proj = Linear(size, inner, bias=bias)
        self.down_proj = Linear(inner, size, bias=bias)

    def forward(self, x: Tensor, term: Tensor | None = None) -> Tensor:
        """With ``term``, the output plus it: a residual joins in the last layer's kernel."""
        inner = times(self.up_proj, x, silu_of(self.gate_proj, x))
        gated: Tensor = self.down_proj(inner) if term is None else plus(self.down_proj, inner, term)
        return gated


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate each pair (d, d + D/2) of the last axis; cos and sin broadcast over heads.

    Both halves of cos and sin are the same angles. The products are added in place: a swapped
    copy of ``x`` would cost as much as the rotation.
    """
    half = x.shape[-1] // 2
    rotated = x * cos
    rotated[..., :half].addcmul_(x[..., half:], sin[..., :half], value=-1)
    rotated[..., half:].addcmul_(x[..., :half], sin[..., half:])
    return rotated
