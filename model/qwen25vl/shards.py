"""The safetensors files of a checkpoint folder, read one tensor at a time under our names.

A file is mapped while it is read, and pages that were read count as this process's memory until the
mapping ends: it ends after every ``HELD_BYTES``, so that loading costs little more than the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from qwen25vl.config import read_json
from qwen25vl.errors import CheckpointError
from qwen25vl.names import adapter_name, own_name

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
HELD_BYTES = 32 << 20
_AGAIN = "download the checkpoint again"
_MERGE = "merge the adapter into its base model (peft: merge_and_unload) and save the result"
_OTHER_FORMATS = ("*.bin", "*.pt", "*.pth", "*.gguf")


@dataclass(frozen=True, slots=True)
class Shards:
    """Which file holds which tensor."""

    folder: Path
    names: dict[str, str]
    """Our name to the name on disk."""
    files: dict[str, Path]
    """Our name to the file that holds it."""

    @classmethod
    def open(cls, folder: Path) -> Shards:
        """List every tensor.

        Raises CheckpointError on absent, unreadable or doubled files, on an index that does not fit
        its files, and on an adapter that was never merged.
        """
        shards, weight_map = cls(folder, {}, {}), _weight_map(folder)
        paths = [_existing(folder / name) for name in sorted(set(weight_map.values()))]
        for path in paths or [_single(folder)]:
            held = _stored_names(path)
            if weight_map:
                _check_index(path, held, weight_map)
            for stored in held:
                shards._add(stored, path)
        return shards

    def _add(self, stored: str, path: Path) -> None:
        if adapter_name(stored):
            message = f"{path}: {stored} belongs to an adapter that was not merged"
            raise CheckpointError(message, next_step=_MERGE)
        own = own_name(stored)
        if own in self.names:
            message = f"{path}: {stored} is there twice, also as {self.names[own]}"
            raise CheckpointError(message, next_step="remove the extra safetensors files")
        self.names[own], self.files[own] = stored, path

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor under our name, in the order of the files.

        A tensor is a view of its file: copy it, and keep none.
        """
        for path in dict.fromkeys(self.files.values()):
            waiting = [name for name, file in self.files.items() if file == path]
            while waiting:
                yield from self._some(path, waiting)

    def _some(self, path: Path, waiting: list[str]) -> Iterator[tuple[str, Tensor]]:
        """Take tensors off the front of ``waiting`` until ``HELD_BYTES`` of the file are mapped."""
        read = 0
        with safe_open(path, framework="pt") as shard:
            while waiting and read < HELD_BYTES:
                own = waiting.pop(0)
                tensor = shard.get_tensor(self.names[own])
                read += tensor.nbytes
                yield own, tensor

    def tensor(self, own: str) -> Tensor:
        with safe_open(self.files[own], framework="pt") as shard:
            found: Tensor = shard.get_tensor(self.names[own])
            return found


def _weight_map(folder: Path) -> dict[str, str]:
    """Name on disk to file name; empty where there is no index."""
    path = folder / INDEX
    if not path.is_file():
        return {}
    weight_map = read_json(path).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{path}: no weight_map", next_step=_AGAIN)
    for name in (str(name) for name in weight_map.values()):
        if Path(name).name != name or not name.endswith(".safetensors"):
            message = f"{path}: {name} is not a safetensors file of this folder"
            raise CheckpointError(message, next_step=_AGAIN)
    return {str(tensor): str(name) for tensor, name in weight_map.items()}


def _check_index(path: Path, held: Sequence[str], weight_map: Mapping[str, str]) -> None:
    """What the index says of one file is what the file holds."""
    listed = {tensor for tensor, name in weight_map.items() if name == path.name}
    if absent := sorted(listed - set(held)):
        message = f"{path}: {first_few(absent)} in the index but not in the file"
        raise CheckpointError(message, next_step=_AGAIN)
    if unlisted := sorted(set(held) - listed):
        message = f"{path}: {first_few(unlisted)} in the file but not in the index"
        raise CheckpointError(message, next_step=_AGAIN)


def first_few(names: Sequence[str], few: int = 3) -> str:
    """How many tensors there are and the first of them, for a message."""
    more = ", ..." if len(names) > few else ""
    return f"{len(names)} tensors ({', '.join(names[:few])}{more})"


def _single(folder: Path) -> Path:
    if (folder / SINGLE).is_file():
        return folder / SINGLE
    other = sorted(path.name for kind in _OTHER_FORMATS for path in folder.glob(kind))
    if other:
        step = "use the checkpoint's *.safetensors files: other formats can carry code"
        message = f"{folder}: weights only as {other[0]}, and no {SINGLE}"
        raise CheckpointError(message, next_step=step)
    if (folder / "adapter_model.safetensors").is_file():
        message = f"{folder}: an adapter and no {SINGLE}"
        raise CheckpointError(message, next_step=_MERGE)
    return _existing(folder / SINGLE)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file", next_step=_AGAIN)
    return path


def _stored_names(path: Path) -> list[str]:
    try:
        with safe_open(path, framework="pt") as shard:
            return list(shard.offset_keys())
    except (SafetensorError, OSError) as err:
        raise CheckpointError(f"{path}: {err}", next_step=_AGAIN) from err
