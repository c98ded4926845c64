"""The built-in tiny checkpoint and the recipe that makes it.

A world of drawn people, doors, cars and balls that act at exact times (:mod:`vidqa_nano.world`), a
trainer (``python -m vidqa_nano.train``), a measure (``python -m vidqa_nano.evaluate``) and the
result in ``weights/``. Nano proves the software; it understands nothing outside its world.
"""

from __future__ import annotations

from pathlib import Path


def weights_folder() -> Path:
    """The folder of the shipped checkpoint, in the layout of any Qwen2.5-VL checkpoint."""
    return Path(__file__).resolve().parent / "weights"


__all__ = ["weights_folder"]
