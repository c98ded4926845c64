"""What a model is called where clients name it."""

from __future__ import annotations

from pathlib import Path


def model_name(model: str) -> str:
    """The setting itself, where it is a name; of a folder its last part, for paths are nobody's
    business.

    >>> model_name("nano"), model_name("Qwen/Qwen2.5-VL-7B-Instruct"), model_name("/models/mine/")
    ('nano', 'Qwen/Qwen2.5-VL-7B-Instruct', 'mine')
    """
    path = Path(model)
    return path.name if path.is_absolute() or model.startswith((".", "~")) else model
