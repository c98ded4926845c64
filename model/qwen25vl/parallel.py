"""Tensor parallelism: every rank holds its share of the decoder's heads and inner widths.

Queries, keys, values, gate and up are cut by outputs, o and down by inputs, and what comes out of
attention and MLP is summed over the ranks (Megatron-LM, arXiv 1909.08053, section 3). Tower,
embeddings, output layer and norms are whole on every rank. Every rank runs the same calls and
takes the same tokens; sampling needs the same seed on all of them::

    # two_cards.py, run as: torchrun --nproc-per-node 2 two_cards.py
    rank = int(os.environ["LOCAL_RANK"])
    torch.cuda.set_device(rank)
    mesh = init_device_mesh("cuda", (2,))  # of torch.distributed.device_mesh
    model = load_model(folder, f"cuda:{rank}", mesh=mesh)  # the whole is never on one card
    embeds_1SD = model.embed_prompt(ids_1S.to(model.device))
    place_31S = positions_31S.to(model.device)
    said = generate(model, embeds_1SD, place_31S, max_new_tokens=64, stop_ids=stop_ids)
    torch.distributed.destroy_process_group()

The plan is applied by torch's ``parallelize_module``, and cut parameters are DTensors:
``full_tensor`` gives the whole to ranks that ask together. Activations stay plain tensors:
ColwiseParallel and RowwiseParallel make DTensors of them too, which takes a decoded token three
times as long (``benchmarks.ranks``) and leaves no way for a quantised layer. So the two styles are
our own, and for inference only: the sum has no gradient.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, Shard
from torch.distributed.tensor.parallel import ParallelStyle, parallelize_module

from qwen25vl.config import TextConfig
from qwen25vl.errors import CheckpointError, ConfigError
from qwen25vl.linear import is_cut
from qwen25vl.model import Qwen25VL
from qwen25vl.quantize import is_quantized

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh


class Cut(ParallelStyle):
    """A linear layer's parameters become DTensors cut along one axis; its input stays plain."""

    def __init__(self, axis: int) -> None:
        self.cut = Shard(axis)

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        for name, whole in list(module.named_parameters()):
            part = _part(whole.detach(), device_mesh, self.cut).clone()
            held = DTensor.from_local(part, device_mesh, (self.cut,))
            module.register_parameter(name, nn.Parameter(held))
        return module


class Summed(ParallelStyle):
    """A module's output becomes, in place, the sum of what all ranks' shares of it give.

    Its second input, which it adds to its output, is whole on every rank: only the first adds it.
    """

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        def without_term(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
            x, term, *more = inputs
            return (x, torch.zeros_like(term), *more)

        def total(_module: nn.Module, _inputs: object, out: Tensor) -> None:
            dist.all_reduce(out, group=device_mesh.get_group())

        if device_mesh.get_local_rank() > 0:
            module.register_forward_pre_hook(without_term)
        module.register_forward_hook(total)
        return module


PLAN: dict[str, ParallelStyle] = {
    **{f"self_attn.{name}_proj": Cut(0) for name in ("q", "k", "v")},
    **{f"mlp.{name}_proj": Cut(0) for name in ("gate", "up")},
    "self_attn.o_proj": Cut(1),
    "mlp.down_proj": Cut(1),
    "self_attn": Summed(),
    "mlp": Summed(),
}
"""How each decoder layer is cut; axis 0 of a weight (O, I) is outputs, 1 is inputs."""


def shard(model: Qwen25VL, mesh: DeviceMesh) -> None:
    """Keep this rank's share of a whole model, in place; call before ``quantize``.

    Afterwards ``model.config`` counts this rank's heads and inner width, so that caches hold them
    alone. Nothing is sent: every rank brings the same whole, or one on the meta device. Raises
    ConfigError when heads or width do not divide by the ranks, or the mesh has two axes, and
    CheckpointError for a model that is a share or bytes already.
    """
    _require_whole(model)
    _check_mesh(model.config.text, mesh)
    for layer in model.text.layers:
        parallelize_module(layer, mesh, PLAN)
    text = _share_of(model.config.text, mesh.size())
    model.config = replace(model.config, text=text)
    model.text.config = text


def filled(slot: DTensor, whole: Tensor, device: torch.device, dtype: torch.dtype) -> DTensor:
    """A copy of this rank's part of ``whole``, cut as ``slot`` is; no more reaches the device."""
    mesh, cut = slot.device_mesh, cast("Shard", slot.placements[0])  # Cut gives no other
    part = _part(whole, mesh, cut).to(device, dtype, copy=True)
    return DTensor.from_local(part, mesh, slot.placements)


def _part(whole: Tensor, mesh: DeviceMesh, cut: Shard) -> Tensor:
    return whole.chunk(mesh.size(), cut.dim)[mesh.get_local_rank()]


def _require_whole(model: Qwen25VL) -> None:
    done = "a share" if is_cut(model) else "bytes" if is_quantized(model) else None
    if done is not None:
        step = "load the model again, and shard it first"
        raise CheckpointError(f"the weights are {done} already", next_step=step)


def _check_mesh(config: TextConfig, mesh: DeviceMesh) -> None:
    """Raises ConfigError unless heads, key-value heads and inner width divide by the ranks."""
    if mesh.ndim != 1:
        step = "pass one axis of it, mesh['tp']"
        raise ConfigError(f"the mesh has {mesh.ndim} axes, not 1", next_step=step)
    for name in ("num_attention_heads", "num_key_value_heads", "intermediate_size"):
        size: int = getattr(config, name)
        if size % mesh.size():
            message = f"{name} {size} does not divide by {mesh.size()} ranks"
            raise ConfigError(message, next_step="use a number of ranks that divides it")


def _share_of(config: TextConfig, ranks: int) -> TextConfig:
    return replace(
        config,
        num_attention_heads=config.num_attention_heads // ranks,
        num_key_value_heads=config.num_key_value_heads // ranks,
        intermediate_size=config.intermediate_size // ranks,
    )
