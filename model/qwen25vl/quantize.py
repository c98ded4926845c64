"""Linear layers with one byte per weight: memory first, and no slower a decode for it.

Every output row is scaled to the range of the byte type (absolute maximum, no calibration data).
The layers of the decoder and the blocks of the tower are taken: nearly all weights. Norms, biases,
embeddings, the output layer (it may be the embedding table), the patch embedding and the merger
stay as they are.

No library does the product here. torchao 0.18's weight-only tensors widen the whole matrix at every
call: 34 ms for one row and 2048 x 8192 weights in float32 where the plain product takes 3.0 and the
kernel used here 1.6; under torch.compile its bfloat16 comes to the same kernel (1.5 ms, ours 1.5),
its float32 still takes 37. That kernel is torch's own, and needs nothing but the two tensors here.
Axes: N tokens, O outputs, I inputs.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from qwen25vl.errors import CheckpointError
from qwen25vl.linear import local
from qwen25vl.model import Qwen25VL

Kind = Literal["int8", "fp8"]
KERNEL_ROWS = 64
"""Most tokens for the packed kernel; beyond, widening the matrix once is cheaper."""
KERNEL_INPUTS = 32
"""Inputs must divide by this: the kernel reads past the end of rows of 50, 72 or 3420."""
_INT8_KERNEL = torch.ops.aten._weight_int8pack_mm  # noqa: SLF001 - what inductor calls, too
_TAKEN = ("text.layers.", "vision.blocks.")
_STORED = {"int8": (torch.int8, 127.0), "fp8": (torch.float8_e4m3fn, 448.0)}


class ByteLinear(nn.Module):
    """A linear layer of bytes and one float32 scale per output; for inference only.

    Do not cast the module: ``.to(dtype)`` would widen 8-bit floats too.
    """

    weight_OI: Tensor
    scale_O: Tensor
    bias_O: Tensor | None

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None, kind: Kind) -> None:
        super().__init__()
        dtype, largest = _STORED[kind]
        wide_OI = weight_OI.detach().float()
        # A row of zeros keeps any scale but zero.
        scale_O = (wide_OI.abs().amax(1) / largest).clamp_min(torch.finfo(torch.float32).tiny)
        scaled_OI = wide_OI / scale_O[:, None]
        bytes_OI = scaled_OI.round() if kind == "int8" else scaled_OI.clamp(-largest, largest)
        self.register_buffer("weight_OI", bytes_OI.to(dtype).contiguous())
        self.register_buffer("scale_O", scale_O)
        self.register_buffer("bias_O", None if bias_O is None else bias_O.detach())

    def forward(self, x: Tensor) -> Tensor:
        if self._fits_kernel(x):
            return self._packed(x)
        product = F.linear(x, self.weight_OI.to(x.dtype)) * self.scale_O
        return self._finished(product, x.dtype)

    def _fits_kernel(self, x: Tensor) -> bool:
        inputs = self.weight_OI.shape[1]
        few = 0 < x.numel() // inputs <= KERNEL_ROWS
        whole = inputs % KERNEL_INPUTS == 0
        return few and whole and x.device.type == "cpu" and self.weight_OI.dtype == torch.int8

    def _packed(self, x: Tensor) -> Tensor:
        """torch's kernel is fast with bfloat16 activations alone; scales stay in float32."""
        x_NI = x.reshape(-1, x.shape[-1]).to(torch.bfloat16)
        ones_O = torch.ones(len(self.scale_O), dtype=torch.bfloat16)
        product_NO = _INT8_KERNEL(x_NI, self.weight_OI, ones_O)
        return self._finished(product_NO * self.scale_O, x.dtype).reshape(*x.shape[:-1], -1)

    def _finished(self, product: Tensor, dtype: torch.dtype) -> Tensor:
        return (product if self.bias_O is None else product + self.bias_O).to(dtype)


def quantize(model: Qwen25VL, kind: Kind) -> None:
    """Replace the weights in place, one layer at a time.

    Raises CheckpointError where the device cannot, or when it was done before.
    """
    check_kind(kind, model.device)
    if is_quantized(model):
        raise CheckpointError("the weights are bytes already", next_step="load the model again")
    for name in [name for name, _ in model.named_modules()]:
        quantize_layer(model, name, kind)


def quantize_layer(model: Qwen25VL, name: str, kind: Kind) -> None:
    """Replace the one layer called ``name`` (of a cut one, this rank's part), if it is taken."""
    layer = model.get_submodule(name)
    if isinstance(layer, nn.Linear) and name.startswith(_TAKEN):
        owner, _, leaf = name.rpartition(".")
        bias = None if layer.bias is None else local(layer.bias)
        setattr(model.get_submodule(owner), leaf, ByteLinear(local(layer.weight), bias, kind))


def is_quantized(model: nn.Module) -> bool:
    return any(isinstance(module, ByteLinear) for module in model.modules())


def check_kind(kind: Kind, device: torch.device) -> None:
    """Raises CheckpointError for 8-bit floats on a CPU: int8 is as small there, and exacter."""
    if kind == "fp8" and device.type == "cpu":
        message = "fp8 weights are for CUDA, and the device is cpu"
        raise CheckpointError(message, next_step="use int8 on the CPU")


def weight_bytes(model: nn.Module) -> int:
    """Bytes of all parameters and quantised weights, shared ones once; of a cut one, the part."""
    tensors = {id(t): t for t in (*model.parameters(), *model.buffers())}
    return sum(local(tensor).nbytes for tensor in tensors.values())
