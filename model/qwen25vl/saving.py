"""Networks to checkpoint folders in the official layout, which transformers reads too.

``config.json`` is taken away first and written last, each file under another name until it is
whole: a folder whose saving was cut short has no configuration, and nothing loads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copyfile

from safetensors.torch import save_file
from torch import Tensor

from qwen25vl.errors import CheckpointError
from qwen25vl.linear import is_cut
from qwen25vl.model import Qwen25VL
from qwen25vl.names import stored_name, stored_shape
from qwen25vl.quantize import is_quantized
from qwen25vl.shards import INDEX, SINGLE

_SHARDS = "model-*-of-*.safetensors"
_PART = ".part"
Layout = dict[str, list[str]]
"""File name to the official names of the tensors in it."""


def save_model(
    model: Qwen25VL,
    folder: str | Path,
    *,
    stop_ids: Sequence[int],
    tokenizer: str | Path | None = None,
    shard_bytes: int | None = None,
) -> None:
    """Write config, generation config, weights and, where given, a copy of tokenizer.json.

    With ``shard_bytes`` the weights are split into files of at most that many bytes of tensors (a
    larger tensor gets a file of its own), named in an index. Weights that lay in ``folder`` before
    are replaced. Raises ValueError for a ``shard_bytes`` below 1, and CheckpointError for
    a network that no longer has its weights: quantised, or one rank's share.
    """
    _require_weights(model)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = dict(_stored(model))
    layout = shard_layout({n: t.nbytes for n, t in tensors.items()}, shard_bytes)
    (folder / "config.json").unlink(missing_ok=True)
    _remove_weights(folder)
    for name, held in layout.items():
        _write_shard(folder / name, {n: _on_host(tensors[n]) for n in held})
    if shard_bytes is not None:
        _write_json(folder / INDEX, _index(layout, tensors))
    if tokenizer is not None:
        copyfile(tokenizer, folder / "tokenizer.json")
    _write_configs(model, folder, list(stop_ids))


def shard_layout(sizes: Mapping[str, int], shard_bytes: int | None) -> Layout:
    """Which file gets which tensors, in order; ``sizes`` in bytes, None for a single file."""
    if shard_bytes is None:
        return {SINGLE: list(sizes)}
    if shard_bytes < 1:
        raise ValueError(f"shard_bytes is {shard_bytes}, not a positive number of bytes")
    groups: list[list[str]] = [[]]
    filled = 0
    for name, size in sizes.items():
        if groups[-1] and filled + size > shard_bytes:
            groups.append([])
            filled = 0
        groups[-1].append(name)
        filled += size
    count = len(groups)
    return {f"model-{k:05d}-of-{count:05d}.safetensors": g for k, g in enumerate(groups, start=1)}


def _require_weights(model: Qwen25VL) -> None:
    lost = "quantised" if is_quantized(model) else "one rank's share" if is_cut(model) else None
    if lost is not None:
        step = "save what load_model gives without quantized= and mesh="
        raise CheckpointError(f"cannot save a network that is {lost}", next_step=step)


def _stored(model: Qwen25VL) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in model.named_parameters():  # names a shared parameter once
        shape = stored_shape(name, parameter.shape, model.config)
        yield stored_name(name), parameter.detach().reshape(shape)


def _on_host(tensor: Tensor) -> Tensor:
    return tensor.contiguous().cpu()


def _index(layout: Layout, tensors: Mapping[str, Tensor]) -> dict[str, object]:
    total = sum(tensor.nbytes for tensor in tensors.values())
    weight_map = {tensor: name for name, held in layout.items() for tensor in held}
    return {"metadata": {"total_size": total}, "weight_map": weight_map}


def _write_configs(model: Qwen25VL, folder: Path, stop: list[int]) -> None:
    config = replace(model.config, dtype=str(model.dtype).removeprefix("torch."))
    ends = {"bos_token_id": None, "eos_token_id": stop[0]}
    _write_json(folder / "generation_config.json", {"do_sample": False, "eos_token_id": stop})
    _write_json(folder / "config.json", {**config.to_json(), **ends})


def _remove_weights(folder: Path) -> None:
    """An index or shards of an earlier save would be read in place of, or beside, the new ones."""
    for path in (folder / INDEX, folder / SINGLE, *folder.glob(_SHARDS)):
        path.unlink(missing_ok=True)


def _write_shard(path: Path, tensors: dict[str, Tensor]) -> None:
    part = path.with_name(path.name + _PART)
    save_file(tensors, part, metadata={"format": "pt"})
    part.replace(path)


def _write_json(path: Path, value: object) -> None:
    part = path.with_name(path.name + _PART)
    part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
