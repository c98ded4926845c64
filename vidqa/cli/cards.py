"""``vidqa models``: the built-in checkpoint's card and the families whose words are known."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

from vidqa.checkpoints import BUILT_IN, Checkpoint, find_checkpoint
from vidqa.errors import ModelError
from vidqa.profiles import PROFILES, Profile


def model_cards() -> list[dict[str, Any]]:
    """One card a model: the built-in first, then every family, as plain JSON values."""
    built_in = _built_in_card(find_checkpoint(BUILT_IN))
    return [built_in, *(_family_card(each) for each in PROFILES.values() if each.name != BUILT_IN)]


def figure_rows(card: dict[str, Any]) -> list[tuple[str, str]]:
    """What was measured of a model, one row a group: ("through files", "mIoU 0.73, ...")."""
    figures = card.get("figures", {})
    groups = {name: group for name, group in figures.items() if isinstance(group, dict)}
    return [
        (name, ", ".join(f"{what} {figure['value']:.2f}" for what, figure in group.items()))
        for name, group in groups.items()
    ]


def _built_in_card(checkpoint: Checkpoint) -> dict[str, Any]:
    parameters = sum(count_parameters(path) for path in checkpoint.weights)
    megabytes = sum(path.stat().st_size for path in checkpoint.weights) / 1e6
    return {
        "name": checkpoint.name,
        "kind": "built in",
        "about": f"{checkpoint.profile.summary}; {parameters / 1e6:.1f} M parameters",
        "parameters": parameters,
        "megabytes": round(megabytes, 1),
        "digest": checkpoint.digest(),
        "figures": _figures(checkpoint.folder),
    }


def _family_card(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "kind": "family",
        "about": profile.summary,
        "budget_frames": profile.budget.frames,
        "budget_tokens": profile.budget.video_tokens,
        "reply_format": profile.reply_format,
        "time_encoding": profile.time_encoding,
    }


def count_parameters(path: Path) -> int:
    """Numbers stored in a safetensors file, from its header alone.

    Raises :class:`ModelError` on a file that has no readable header.
    """
    with path.open("rb") as file:
        head = file.read(8)
        try:
            header = json.loads(file.read(struct.unpack("<Q", head)[0]))
            shapes = [each["shape"] for name, each in header.items() if name != "__metadata__"]
        except (struct.error, ValueError, KeyError, MemoryError, OverflowError) as err:
            raise ModelError(
                f"{path} is not a safetensors file: {err}",
                code="model_damaged",
                next_step="Download or reinstall the checkpoint.",
            ) from err
    return sum(math.prod(shape) for shape in shapes)


def _figures(folder: Path) -> dict[str, Any]:
    """What was measured of the checkpoint when it was made; nothing when nothing was recorded."""
    path = folder / "figures.json"
    if not path.is_file():
        return {}
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures
