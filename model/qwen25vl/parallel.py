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
    said = generate(model, embeds_1SD, positions_31S, max_new_tokens=64, stop_ids=stop_ids)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch.distributed as dist
from torch import Tensor, nn

from qwen25vl.config import TextConfig
from qwen25vl.errors import ConfigError
from qwen25vl.model import Qwen25VL

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup
    from torch.distributed.device_mesh import DeviceMesh

_BY_OUTPUTS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
_BY_INPUTS = ("o_proj", "down_proj")


class Summed(nn.Module):
    """A module whose output is the sum of what all ranks' shares of it give."""

    def __init__(self, share: nn.Module, group: ProcessGroup) -> None:
        super().__init__()
        self.share, self.group = share, group

    def forward(self, *args: Any) -> Tensor:
        out: Tensor = self.share(*args)
        dist.all_reduce(out, group=self.group)
        return out


def shard(model: Qwen25VL, mesh: DeviceMesh) -> None:
    """Keep this rank's share of a whole model, in place; call before ``quantize``.

    Afterwards ``model.config`` counts this rank's heads and inner width, so that caches hold them
    alone. Raises ConfigError when those do not divide by the ranks, or the mesh has two axes.
    """
    check_mesh(model.config.text, mesh)
    for name, parameter in list(model.named_parameters()):
        if _axis(name) is not None:
            owner, _, leaf = name.rpartition(".")
            part = nn.Parameter(part_of(name, parameter.detach(), mesh).clone())
            setattr(model.get_submodule(owner), leaf, part)
    join(model, mesh)


def part_of(name: str, tensor: Tensor, mesh: DeviceMesh) -> Tensor:
    """This rank's part (a view) of the parameter called ``name``; the whole of what is not cut."""
    axis = _axis(name)
    return tensor if axis is None else tensor.chunk(mesh.size(), axis)[mesh.get_local_rank()]


def join(model: Qwen25VL, mesh: DeviceMesh) -> None:
    """Sum the outputs of shares that are in place already, and count this rank's heads."""
    for layer in model.text.layers:
        for name in ("self_attn", "mlp"):
            setattr(layer, name, Summed(layer.get_submodule(name), mesh.get_group()))
    text = _share_of(model.config.text, mesh.size())
    model.config = replace(model.config, text=text)
    model.text.config = text


def is_shard(model: nn.Module) -> bool:
    return any(isinstance(module, Summed) for module in model.modules())


def check_mesh(config: TextConfig, mesh: DeviceMesh) -> None:
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


def _axis(name: str) -> int | None:
    """The axis along which a parameter is cut; ``None`` for one that every rank holds whole."""
    if not name.startswith("text.layers."):
        return None
    layer = name.split(".")[-2]
    return 0 if layer in _BY_OUTPUTS else 1 if layer in _BY_INPUTS else None
