"""One training run: batches by number, two stages, checkpoints that resume to the bit.

Stage 1 trains the vision tower alone on what every row shows; stage 2 trains everything. Batch n is
drawn from (seed, n) and nothing else is random, so a run that was killed and resumed is the run
that was not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from qwen25vl import ModelConfig, Qwen25VL
from vidqa_nano.clips import Clips
from vidqa_nano.config import nano_config
from vidqa_nano.losses import Helpers, Weights, all_losses, seen_loss, vision_tokens
from vidqa_nano.make_tokenizer import make_tokenizer
from vidqa_nano.packing import Batch, Packer
from vidqa_nano.windows import Sample, cut_sample, draw_window

_POOL = 4
"""Batches drawn together and sorted by length, so that a batch holds clips of like length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every choice of a run."""

    clips: int = 6000
    """Drawn training clips."""
    vision_steps: int = 1600
    """Steps of stage 1, the vision tower alone."""
    steps: int = 3700
    """Steps in all."""
    batch: int = 16
    vision_batch: int = 32
    questions: int = 8
    """Questions per clip."""
    rate: float = 1.5e-3
    """Peak learning rate."""
    last_rate: float = 2e-5
    warmup: int = 100
    decay: float = 0.05
    clip_norm: float = 1.0
    seed: int = 1
    half: bool = False
    """Multiply in bfloat16 (weights stay float32)."""


class Run:
    """The state of a run: network, helpers, optimiser, number of the next step."""

    def __init__(self, recipe: Recipe, clips: Clips) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.clips, self.step = recipe, clips, 0
        self.tokenizer: Tokenizer = make_tokenizer()
        config = ModelConfig.from_json(nano_config(self.tokenizer))
        self.model = Qwen25VL(config)
        start_small(self.model)
        self.helpers = Helpers(config.text.hidden_size)
        self.packer = Packer(self.tokenizer, config)
        self.optimiser = _optimiser([self.model, self.helpers], recipe)
        self._pool: list[list[Sample]] = []
        self._pool_of: tuple[int, bool] | None = None

    def advance(self) -> dict[str, float]:
        """One step; returns its losses and learning rate."""
        rate = self.rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        losses = self._losses()
        total = weighted(losses, Weights())
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        norm = nn.utils.clip_grad_norm_(parameters, self.recipe.clip_norm)
        self.optimiser.step()
        self.step += 1
        return {name: loss.item() for name, loss in losses.items()} | {
            "total": total.item(),
            "norm": norm.item(),
            "rate": rate,
        }

    def _losses(self) -> dict[str, Tensor]:
        batch, gain = self.batch(self.step), _gain(self.recipe.seed, self.step)
        with self._precision():
            if self.step >= self.recipe.vision_steps:
                return all_losses(self.model, self.helpers, batch, gain)
            tokens = vision_tokens(self.model, batch, gain)
            return {"seen": seen_loss(self.helpers, tokens, batch.labels)}

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast("cpu", torch.bfloat16) if self.recipe.half else nullcontext()

    def rate(self) -> float:
        """Warm-up at the start of each stage; cosine down to the last rate within stage 2."""
        r = self.recipe
        into = self.step - (r.vision_steps if self.step >= r.vision_steps else 0)
        done = max(0, self.step - r.vision_steps) / max(1, r.steps - r.vision_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
        return min(1.0, (into + 1) / r.warmup) * (r.last_rate + (r.rate - r.last_rate) * cosine)

    def batch(self, step: int) -> Batch:
        """Batch number ``step``: the same clips, windows and questions every time."""
        vision = step < self.recipe.vision_steps
        pool, place = divmod(step, _POOL)
        if self._pool_of != (pool, vision):
            self._pool, self._pool_of = self._draw_pool(pool, vision), (pool, vision)
        return self.packer.pack(self._pool[place])

    def _draw_pool(self, pool: int, vision: bool) -> list[list[Sample]]:
        size = self.recipe.vision_batch if vision else self.recipe.batch
        rng = np.random.default_rng([self.recipe.seed, 7, pool])
        samples: list[Sample] = []
        for index in rng.integers(len(self.clips), size=size * _POOL):
            window = draw_window(self.clips.scenes[index], rng)
            count = 1 if vision else self.recipe.questions
            samples.append(cut_sample(self.clips, int(index), window, rng, count))
        samples.sort(key=lambda sample: len(sample.row_seconds))
        batches = [samples[i * size : (i + 1) * size] for i in range(_POOL)]
        return [batches[i] for i in rng.permutation(_POOL)]

    def save(self, path: Path) -> None:
        """Write the whole state beside ``path`` and move it there: never a half-written file."""
        state = {
            "recipe": asdict(self.recipe),
            "step": self.step,
            "model": self.model.state_dict(),
            "helpers": self.helpers.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        half = path.with_suffix(".half")
        torch.save(state, half)
        half.replace(path)

    @classmethod
    def resume(cls, path: Path, clips: Clips, **changes: Any) -> Run:
        """The run saved at ``path``; ``changes`` to its recipe hold from here on."""
        state = torch.load(path, weights_only=True)
        run = cls(replace(Recipe(**state["recipe"]), **changes), clips)
        run.model.load_state_dict(state["model"])
        run.helpers.load_state_dict(state["helpers"])
        run.optimiser.load_state_dict(state["optimiser"])
        run.step = state["step"]
        return run


def weighted(losses: dict[str, Tensor], weights: Weights) -> Tensor:
    """The sum that is minimised; in stage 1 there is only one loss."""
    if "reply" not in losses:
        return losses["seen"]
    shares = asdict(weights)
    return losses["reply"] + torch.stack([shares[n] * losses[n] for n in shares]).sum()


def start_small(model: Qwen25VL) -> None:
    """Start values for a narrow network: spread by the width of what a layer reads."""
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue
        spread = 0.08 if "embed_tokens" in name else 0.7 * parameter.shape[1] ** -0.5
        if name.endswith(("o_proj.weight", "down_proj.weight", "attn.proj.weight")):
            spread *= 0.4
        nn.init.normal_(parameter, std=spread)


def _optimiser(modules: list[nn.Module], recipe: Recipe) -> torch.optim.AdamW:
    parameters = [p for module in modules for p in module.parameters()]
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": recipe.decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.95), eps=1e-8)


def _gain(seed: int, step: int) -> tuple[float, float]:
    """A contrast and a brightness for the batch, so that a codec's small shifts mean nothing."""
    rng = np.random.default_rng([seed, 8, step])
    return float(rng.uniform(0.9, 1.1)), float(rng.uniform(-0.12, 0.12))


def steps_left(run: Run) -> Iterator[int]:
    """Numbers of the steps still to do."""
    while run.step < run.recipe.steps:
        yield run.step
