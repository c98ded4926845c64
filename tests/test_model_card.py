"""The model card's figures are counted from the shapes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from qwen25vl import Qwen25VL
from qwen25vl.shapes import SHAPES

CARD = Path(__file__).parents[1] / "docs" / "MODEL_CARD.md"


@pytest.mark.parametrize("size", SHAPES)
def test_memory_is_that_of_the_shape(size: str) -> None:
    with torch.device("meta"):
        model = Qwen25VL(SHAPES[size])
    every = sum(each.numel() for each in model.parameters())
    taken = [
        each
        for name, each in model.named_modules()
        if isinstance(each, nn.Linear) and name.startswith(("text.layers.", "vision.blocks."))
    ]
    linear = sum(each.weight.numel() for each in taken)
    scales = sum(each.out_features for each in taken)
    one_byte = linear + 4 * scales + 2 * (every - linear)
    memory = " | ".join(f"{count / 1e9:.1f}" for count in (2 * every, 4 * every, one_byte))
    assert f"| {size.upper()} | {every:,} | {memory} |" in CARD.read_text(encoding="utf-8")
