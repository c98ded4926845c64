"""Checkpoint folders to networks, tensor by tensor, nothing missing and nothing left over.

safetensors only: a checkpoint is data and never code. Peak host memory is what stays on the host
plus ``shards.HELD_BYTES`` and one tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from qwen25vl.config import ModelConfig, read_json
from qwen25vl.errors import CheckpointError
from qwen25vl.fields import stated_tying, text_fields
from qwen25vl.linear import is_part
from qwen25vl.model import Qwen25VL
from qwen25vl.names import HEAD, TABLE, stored_name, stored_shape
from qwen25vl.quantize import Kind, check_kind, quantize_layer
from qwen25vl.shards import Shards, first_few

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh

_AGAIN = "download the checkpoint again, or check that config.json belongs to it"


def load_model(
    folder: str | Path,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    *,
    quantized: Kind | None = None,
    mesh: DeviceMesh | None = None,
) -> Qwen25VL:
    """The network in ``folder``, ready to run (eval mode), in ``dtype`` or the stored type.

    ``quantized`` makes bytes of each layer as it arrives, ``mesh`` keeps this rank's share of it
    (``quantize``, ``parallel``): the whole is never on the device.
    Raises CheckpointError naming the tensor that is missing, left over, twice there or misshapen,
    and ConfigError for a config.json of another kind.
    """
    folder = Path(folder)
    raw = read_json(folder / "config.json")
    shards = Shards.open(folder)
    config = ModelConfig.from_json(raw)
    tied = _tying(raw, shards.names)
    config = replace(config, tie_word_embeddings=tied)
    with torch.device("meta"):
        model = Qwen25VL(config)
    place = torch.device(device)
    if quantized is not None:
        check_kind(quantized, place)
    if mesh is not None:
        _shard(model, mesh)
    _fill(model, shards, place, dtype or _stored_dtype(config), quantized)
    return model.eval()


def load_stop_ids(folder: str | Path) -> tuple[int, ...]:
    """Token ids that end a reply: generation_config.json's, or config.json's where that has none.

    Raises CheckpointError where neither names any.
    """
    path = Path(folder) / "generation_config.json"
    stop = read_json(path).get("eos_token_id") if path.is_file() else None
    if stop is None:
        path = Path(folder) / "config.json"
        raw = read_json(path)
        stop = {**text_fields(raw), **raw}.get("eos_token_id")
    listed: list[object] = stop if isinstance(stop, list) else [stop]
    ids = tuple(item for item in listed if isinstance(item, int))
    if not ids or len(ids) != len(listed):
        raise CheckpointError(f"{path}: eos_token_id is {stop!r}", next_step=_AGAIN)
    return ids


def _tying(raw: Mapping[str, object], names: Mapping[str, str]) -> bool:
    """Tied as stated; where config.json is silent or contradicts itself, the tensors decide."""
    stated = stated_tying(raw)
    return HEAD not in names if stated is None else stated


def _stored_dtype(config: ModelConfig) -> torch.dtype:
    kinds = {"bfloat16": torch.bfloat16, "float32": torch.float32}
    if config.dtype not in kinds:
        message = f"weights stored as {config.dtype} cannot run: the vision tower overflows"
        raise CheckpointError(message, next_step="load with dtype=torch.bfloat16 or torch.float32")
    return kinds[config.dtype]


def _fill(
    model: Qwen25VL,
    shards: Shards,
    device: torch.device,
    dtype: torch.dtype,
    quantized: Kind | None,
) -> None:
    """Give every parameter its tensor; parameters are on the meta device before, real after."""
    if dtype == torch.float16:
        step = "load with dtype=torch.bfloat16 or torch.float32"
        raise CheckpointError("the vision tower overflows in float16", next_step=step)
    wanted = dict(model.named_parameters())
    _check_names(set(wanted), shards, tied=model.config.tie_word_embeddings)
    for name, tensor in shards.tensors():
        if name == HEAD and model.config.tie_word_embeddings:
            continue
        owner, _, leaf = name.rpartition(".")
        whole = _checked(name, tensor, wanted[name], model.config)
        layer = model.get_submodule(owner)
        setattr(layer, leaf, nn.Parameter(_placed(wanted[name], whole, device, dtype)))
        if quantized is not None and not any(one.is_meta for one in layer.parameters()):
            quantize_layer(model, owner, quantized)
    model.tie()
    _check_tied_head(model, shards)


def _shard(model: Qwen25VL, mesh: DeviceMesh) -> None:
    from qwen25vl.parallel import shard  # DTensor's import takes 0.6 s: only for those who use it

    shard(model, mesh)


def _placed(slot: Tensor, whole: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A copy of what the slot holds of ``whole``: all of it, or this rank's part."""
    if not is_part(slot):
        return whole.to(device, dtype, copy=True)
    from qwen25vl.parallel import filled

    return filled(slot, whole, device, dtype)


def _check_names(wanted: set[str], shards: Shards, *, tied: bool) -> None:
    expected = wanted | ({HEAD} & shards.names.keys() if tied else set())
    missing = sorted(stored_name(name) for name in expected - shards.names.keys())
    surplus = sorted(shards.names[name] for name in shards.names.keys() - expected)
    for what, names in (("missing", missing), ("left over", surplus)):
        if names:
            message = f"{shards.folder}: {what}: {first_few(names)}"
            raise CheckpointError(message, next_step=_AGAIN)


def _checked(name: str, tensor: Tensor, wanted: Tensor, config: ModelConfig) -> Tensor:
    shape = stored_shape(name, wanted.shape, config)
    if tuple(tensor.shape) != shape:
        message = f"{stored_name(name)} is {tuple(tensor.shape)}, not {shape}"
        raise CheckpointError(message, next_step=_AGAIN)
    return tensor.reshape(wanted.shape)


def _check_tied_head(model: Qwen25VL, shards: Shards) -> None:
    """A tied checkpoint may still carry an output layer, if it is the embedding table."""
    if not (model.config.tie_word_embeddings and HEAD in shards.names):
        return
    table = model.text.embed_tokens.weight
    head = shards.tensor(HEAD).to(table.device, table.dtype)
    if head.shape != table.shape or not torch.equal(head, table):
        message = f"{stored_name(HEAD)} differs from {stored_name(TABLE)}, which config.json ties"
        raise CheckpointError(message, next_step="set tie_word_embeddings to false in config.json")
