"""The safetensors files of a checkpoint folder, read one tensor at a time under our names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from qwen25vl.config import read_json
from qwen25vl.errors import CheckpointError
from qwen25vl.names import own_name

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
_AGAIN = "download the checkpoint again"


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
        """List every tensor; raises CheckpointError on absent, unreadable or doubled files."""
        shards = cls(folder, {}, {})
        for path in _files(folder):
            for stored in _stored_names(path):
                shards._add(stored, path)
        return shards

    def _add(self, stored: str, path: Path) -> None:
        own = own_name(stored)
        if own in self.names:
            message = f"{path}: {stored} is there twice, also as {self.names[own]}"
            raise CheckpointError(message, next_step="remove the extra safetensors files")
        self.names[own], self.files[own] = stored, path

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor under our name, file by file."""
        for path in dict.fromkeys(self.files.values()):
            with safe_open(path, framework="pt") as shard:
                for own in (name for name, file in self.files.items() if file == path):
                    yield own, shard.get_tensor(self.names[own])

    def tensor(self, own: str) -> Tensor:
        with safe_open(self.files[own], framework="pt") as shard:
            found: Tensor = shard.get_tensor(self.names[own])
            return found


def _files(folder: Path) -> Sequence[Path]:
    if not (folder / INDEX).is_file():
        return (_existing(folder / SINGLE),)
    weight_map = read_json(folder / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{folder / INDEX}: no weight_map", next_step=_AGAIN)
    names = sorted({str(name) for name in weight_map.values()})
    if outside := [name for name in names if Path(name).name != name]:
        message = f"{folder / INDEX}: {outside[0]} is not a file of this folder"
        raise CheckpointError(message, next_step=_AGAIN)
    return [_existing(folder / name) for name in names]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file", next_step=_AGAIN)
    return path


def _stored_names(path: Path) -> list[str]:
    try:
        with safe_open(path, framework="pt") as shard:
            return list(shard.keys())
    except (SafetensorError, OSError) as err:
        raise CheckpointError(f"{path}: {err}", next_step=_AGAIN) from err
