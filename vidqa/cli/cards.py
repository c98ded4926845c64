"""``vidqa models`` as JSON values: a checkpoint's card, and the families whose words are known."""

from __future__ import annotations

import json
import math
import operator
import struct
from pathlib import Path
from typing import Any

from vidqa.checkpoints import BUILT_IN, FIGURES_FILE, Checkpoint, find_checkpoint
from vidqa.errors import ModelError
from vidqa.profiles import PROFILES, Profile

_OTHERWISE = (KeyError, TypeError, AttributeError, RecursionError)
"""What JSON of another make than ours raises while it is taken apart."""


def model_cards(name: str = BUILT_IN) -> list[dict[str, Any]]:
    """One card a model, as plain JSON values: the checkpoint ``name`` first, then every family."""
    card = _checkpoint_card(find_checkpoint(name))
    return [card, *(_family_card(each) for each in PROFILES.values() if each.name != BUILT_IN)]


def _checkpoint_card(checkpoint: Checkpoint) -> dict[str, Any]:
    parameters = sum(count_parameters(path) for path in checkpoint.weights)
    megabytes = sum(path.stat().st_size for path in checkpoint.weights) / 1e6
    return {
        "name": checkpoint.name,
        "kind": "built in" if checkpoint.name == BUILT_IN else "checkpoint",
        "about": checkpoint.profile.summary,
        "parameters": parameters,
        "megabytes": round(megabytes, 1),
        "digest": checkpoint.digest(),
        "figures": _figures(checkpoint.folder / FIGURES_FILE),
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

    Raises :class:`ModelError` on a file that cannot be read, or that has no readable header.
    """
    try:
        with path.open("rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(min(size, path.stat().st_size)))
        shapes = [each["shape"] for name, each in header.items() if name != "__metadata__"]
        return sum(math.prod(map(operator.index, shape)) for shape in shapes)
    except (OSError, struct.error, ValueError, *_OTHERWISE) as err:
        raise ModelError(
            f"{path} is not a safetensors file that can be read: {err}",
            code="model_damaged",
            next_step="Check its permissions, or download or reinstall the checkpoint.",
        ) from err


def _figures(path: Path) -> dict[str, Any]:
    """What its makers say and measured of the checkpoint; nothing when nothing was recorded.

    ``made_for`` (a digest), ``world`` and ``outside`` (sentences), ``rows``: ``name``, ``value``,
    ``low`` and ``high`` (95 %), ``count``, ``goal`` and ``beside`` (what looks at nothing scores).
    Raises :class:`ModelError` on anything else.
    """
    if not path.is_file():
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        rows = [_row(row) for row in given["rows"]]
        return {
            **{name: str(given[name]) for name in ("made_for", "world", "outside")},
            "rows": rows,
        }
    except (OSError, ValueError, *_OTHERWISE) as err:
        raise ModelError(
            f"{path} is not a card: {err!r}",
            code="model_card_unreadable",
            next_step="Remove the file, or measure the checkpoint again.",
        ) from err


def _row(row: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: float(row[name]) for name in ("value", "low", "high")}
    beside = {str(name): float(value) for name, value in row["beside"].items()}
    words = {"name": str(row["name"]), "goal": str(row["goal"])}
    return {**words, **numbers, "count": int(row["count"]), "beside": beside}
