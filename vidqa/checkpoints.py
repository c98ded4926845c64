"""A model's name to the folder that holds it: built in, on disk, or on the model hub. No torch.

A checkpoint is a folder with ``config.json``, ``tokenizer.json`` and ``*.safetensors``, and where
they exist the weights' index, ``generation_config.json``, ``familiar.json`` (what footage it
knows), ``calibration.json`` (what its answers are worth) and ``figures.json`` (its card); nothing
else in it is read and nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vidqa.budget import PatchGrid
from vidqa.errors import ModelError
from vidqa.hub import HubName, fetch
from vidqa.profiles import Profile, profile_for

BUILT_IN = "nano"
FIGURES_FILE = "figures.json"
"""What was measured of a checkpoint, where its makers say so."""
_NEEDED = ("config.json", "tokenizer.json")
_REPLIES = "generation_config.json"
_WHOLE_BYTES = 64 << 20
_BLOCK_BYTES, _BLOCKS = 1 << 20, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder that can be loaded, and what is known of it without loading it."""

    name: str
    """``nano``, a folder's own name, or ``OWNER/NAME@COMMIT`` with the whole commit."""
    folder: Path
    config: Mapping[str, object]
    profile: Profile

    @property
    def weights(self) -> tuple[Path, ...]:
        """The safetensors files, by name."""
        return tuple(sorted(self.folder.glob("*.safetensors")))

    @property
    def grid(self) -> PatchGrid:
        """The patch sizes that the configuration states."""
        return PatchGrid.from_config(self.config)

    def digest(self) -> str:
        """``sha256:`` of configurations, tokenizer and weights; large files by 64 blocks of 1 MiB.

        Blocks are spread evenly from the first byte to the last and the file's size goes in too:
        reading 16 GB before every answer would cost more than the answer.
        """
        total = hashlib.sha256()
        small = [self.folder / name for name in (*_NEEDED, _REPLIES)]
        for path in (*(path for path in small if path.is_file()), *self.weights):
            total.update(path.name.encode())
            for block in _blocks(path):
                total.update(block)
        return f"sha256:{total.hexdigest()}"


def find_checkpoint(name: str) -> Checkpoint:
    """The checkpoint called ``name``; downloads it when it is a repository on the model hub.

    A repository may be pinned: ``OWNER/NAME@REVISION``, a branch, a tag or a commit.

    Raises :class:`ModelError` when nothing by that name exists, when the hub does not give it, or
    when the folder is incomplete.
    """
    if name == BUILT_IN:
        return _read(BUILT_IN, nano_folder())
    if name and Path(name).is_dir():
        return _read(Path(name).resolve().name, Path(name))
    if (on_hub := HubName.parse(name)) is not None:
        snapshot = fetch(on_hub)
        return _read(f"{on_hub.repository}@{snapshot.commit}", snapshot.folder)
    raise ModelError(
        f"no model is called {name!r}: "
        f"it is neither {BUILT_IN!r}, nor a folder, nor OWNER/NAME[@REVISION]",
        code="model_unknown",
        next_step="Give a folder with config.json and safetensors, or Qwen/Qwen2.5-VL-7B-Instruct.",
    )


def nano_folder() -> Path:
    """The folder of the built-in checkpoint, found without importing it, which imports torch."""
    spec = find_spec("vidqa_nano")
    if spec is None or spec.origin is None:
        raise ModelError(
            "the built-in model is not part of this installation",
            code="model_missing",
            next_step="Reinstall vidqa, or name another checkpoint with --model.",
        )
    return Path(spec.origin).parent / "weights"


def _read(name: str, folder: Path) -> Checkpoint:
    missing = [part for part in _NEEDED if not (folder / part).is_file()]
    if not any(folder.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        raise ModelError(
            f"{folder} is not a whole checkpoint: {', '.join(missing)} is missing",
            code="model_incomplete",
            next_step="Download the checkpoint again, with its tokenizer.json.",
        )
    config = _read_config(folder / "config.json")
    return Checkpoint(name=name, folder=folder, config=config, profile=profile_for(name, config))


def _read_config(path: Path) -> Mapping[str, object]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise ModelError(
            f"{path} cannot be read as JSON: {err}",
            code="model_config_unreadable",
            next_step="Download the checkpoint again.",
        ) from err
    if not isinstance(config, dict):
        raise ModelError(
            f"{path} holds a {type(config).__name__}, not an object",
            code="model_config_unreadable",
            next_step="Download the checkpoint again.",
        )
    return config


def _blocks(path: Path) -> Iterable[bytes]:
    size = path.stat().st_size
    yield str(size).encode()
    with path.open("rb") as file:
        if size <= _WHOLE_BYTES:
            yield file.read()
            return
        for k in range(_BLOCKS):
            file.seek((size - _BLOCK_BYTES) * k // (_BLOCKS - 1))
            yield file.read(_BLOCK_BYTES)
