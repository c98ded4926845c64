"""How weights are changed: Muon for the network's matrices, AdamW for all else.

Muon (K. Jordan, 2024) changes a matrix in all its directions alike: the momentum is made nearly
orthogonal, then scaled so that its entries are as large as AdamW's (Liu et al., "Muon is Scalable
for LLM Training", 2025, section 2.2), so one rate serves both. Vectors, the table of tokens and the
helpers' heads, whose rows are classes, are AdamW's.

In: the network, its helpers, a weight decay. Out: :class:`Optimiser`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from qwen25vl import Qwen25VL

BETAS, MOMENTUM = (0.9, 0.95), 0.95
TABLE = "embed_tokens"


class Optimiser:
    """Both, as one; the tower has a rate of its own."""

    def __init__(self, model: Qwen25VL, helpers: nn.Module, decay: float) -> None:
        muon, adam = _Groups(decay), _Groups(decay)
        for name, parameter in model.named_parameters():
            matrix = parameter.dim() == 2 and TABLE not in name
            (muon if matrix else adam).add(parameter, tower=name.startswith("vision."))
        for parameter in helpers.parameters():
            adam.add(parameter, tower=False)
        self._parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(
                muon.found(), momentum=MOMENTUM, weight_decay=decay, adjust_lr_fn="match_rms_adamw"
            ),
            torch.optim.AdamW(adam.found(), betas=BETAS, eps=1e-8),
        )

    def parameters(self) -> Iterator[nn.Parameter]:
        """All that are trained, in a fixed order."""
        for group in self._groups():
            yield from group["params"]

    def step(self, rate: float, tower_rate: float) -> None:
        """Change the weights by their gradients."""
        for group in self._groups():
            group["lr"] = tower_rate if group["tower"] else rate
        for part in self._parts:
            part.step()

    def forget(self) -> None:
        """Drop the gradients."""
        for part in self._parts:
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        """All that a resumed run needs."""
        return [part.state_dict() for part in self._parts]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Take over a saved state."""
        for part, own in zip(self._parts, state, strict=True):
            part.load_state_dict(own)

    def _groups(self) -> Iterator[dict[str, Any]]:
        for part in self._parts:
            yield from part.param_groups


class _Groups:
    """Parameters by whether they are the tower's and whether they decay."""

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._kept: dict[tuple[bool, bool], list[nn.Parameter]] = {}

    def add(self, parameter: nn.Parameter, *, tower: bool) -> None:
        self._kept.setdefault((tower, parameter.dim() >= 2), []).append(parameter)

    def found(self) -> list[dict[str, Any]]:
        return [
            {"params": kept, "tower": tower, "weight_decay": self.decay if decays else 0.0}
            for (tower, decays), kept in self._kept.items()
        ]
